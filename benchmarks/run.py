"""Run every benchmark and write docs/benchmarks.md.

usage: run.py [NAME …]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OTHERS = {"run", "report", "process", "febrl", "smallnetwork", "reliability"}


def main() -> None:
    """Run the named benchmarks, or all."""
    known = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in OTHERS)
    wanted = sys.argv[1:] or known
    for name in wanted:
        if name not in known:
            raise SystemExit(f"error: no benchmark {name}\nhint: one of {', '.join(known)}")
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=True)


if __name__ == "__main__":
    main()
