"""Write the made-up county beside this file: `python examples/county/generate.py [--people N] [--seed S] [--out DIR]`.

The generator itself is `tallystick.lab.county`, which `tally demo` uses as well.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tallystick.core.errors import TallyError
from tallystick.lab.county.write import PEOPLE, SEED, generate, generate_children


def main() -> int:
    """Read the options, write the county, say what was written."""
    parser = argparse.ArgumentParser(
        description="Write a made-up county: three agencies' files, a lab file, three jobs, the truth."
    )
    parser.add_argument("--people", type=int, default=PEOPLE, help="people per agency (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed and size give the same bytes (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="the folder to write to (default: this file's)")
    parser.add_argument("--children", action="store_true", help="write schools.csv and child_welfare.csv too, with their truth")
    options = parser.parse_args()
    try:
        county = generate(options.out, options.people, options.seed)
    except TallyError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
    more = generate_children(options.out, options.people, options.seed) if options.children else {}
    for name, rows in (county.rows | more).items():
        print(f"{options.out / name}.csv: {rows:,} rows")
    print(f"now: tally lab run {county.lab} {county.jobs[0]} --out result.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
