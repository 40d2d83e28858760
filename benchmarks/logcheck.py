"""How long an auditor waits for a log of 10^6 entries that is held against 1,000 signed heads, by the command that people type.

usage: python -m benchmarks.logcheck
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.report import table, write_section
from tallystick.core.documents import write_document
from tallystick.core.job.hello import LogWord, new_hello
from tallystick.core.job.logfile import leaf_of, write_log
from tallystick.crypto.logtree import Heads
from tallystick.crypto.randomness import SystemRandomness
from tests.governance import agreement, identity, sealing_key, signed_agreement

ENTRIES: Final = 1_000_000
HEADS: Final = 1_000
TALLY: Final = (sys.executable, "-m", "tallystick.client.cli")


def main() -> None:
    """Write both files, check them, and write the section."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        heads = write_files(folder, ENTRIES, HEADS)
        terms = folder / "agreement.json"
        write_document(terms, signed_agreement(agreement()))
        words = ("node", "log", "verify", str(folder / "log"), "--heads", str(folder / "heads"), "--agreement", str(terms))
        start = time.perf_counter()
        ran = subprocess.run([*TALLY, *words], check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = used.ru_utime + used.ru_stime
        size = (folder / "log").stat().st_size
        rows = [[f"{ENTRIES:,}", f"{heads:,}", f"{size / 2**20:,.0f} MiB", f"{busy:.1f} s", f"{seconds:.1f} s"]]
    assert f"{heads} signed heads hold" in ran.stdout, ran.stdout
    write_section(
        "logcheck",
        "A node's log, checked",
        "`tally node log verify` in one process, from its start to its end. The machine was busy with other work meanwhile.\n\n"
        + table(("entries", "signed heads", "file", "processor time", "wall time"), rows),
    )


def write_files(folder: Path, entries: int, heads: int) -> int:
    """Write a log, and heads that were told while it grew; give how many heads."""
    tree, told = Heads(), list[bytes]()
    key, signer = sealing_key("labor").public, identity("labor")
    for entry in _entries(entries):
        tree.append(leaf_of(entry))
        if tree.size % (entries // heads) == 0:
            log = LogWord(size=tree.size, head=tree.head().hex())
            told.append(new_hello("ab" * 32, 1, "labor", key, signer, log=log).encode() + b"\n")
    (folder / "heads").write_bytes(b"".join(told))
    with (folder / "log").open("wb") as file:
        file.writelines(write_log("labor", _entries(entries), tree.size, tree.head()))
    return len(told)


def _entries(count: int) -> Iterator[dict[str, Any]]:
    """Give entries like those of approvals; the salts are of one seed, so that both files are of one log."""
    for number in range(1, count + 1):
        details = {"analyst": "ana", "purpose": "evaluation", "agreement": "county", "terms": "cd" * 32, "by": "policy", "reason": "",
                   "datasets": ["human-services: tanf", "labor: wages"]}  # fmt: skip
        yield {"number": number, "time": "2026-01-02T03:04:05Z", "event": "approved", "job": f"{number:064x}",
               "details": details, "salt": f"{_SEED + number:032x}"}  # fmt: skip


_SEED: Final = int.from_bytes(SystemRandomness().take(15), "big")

if __name__ == "__main__":
    main()
