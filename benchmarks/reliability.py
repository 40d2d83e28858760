"""Break a network for hours and write down what became of its jobs: docs/reliability.md.

usage: reliability.py kills [--kills 500] [--minutes 600]         kill -9 of any party, both coordinators among them: in storms of
                                                                   forty, between which the jobs that are left end
       reliability.py soak [--minutes 30] [--gap SECONDS]         every fault: kills, stops, cut, silent, slow links, full disks
       reliability.py certificates [--minutes 10]                 every certificate changes about once a minute, and nothing else

Two coordinators on one PostgreSQL, two agencies' nodes, an analyst; each a process of its own, over mutual TLS on loopback, through a proxy
that makes links bad (tests/e2e/soak.py). `--keep FOLDER` leaves their logs; `--seed` repeats what was drawn, not when it happened.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks import report
from tallystick.lab.network.processes import COMMAND
from tests.e2e import brief
from tests.e2e.breaker import EVERY, KILL, Told
from tests.e2e.replicas import ReplicaNetwork
from tests.e2e.soak import LIMITS, Soak
from tests.postgres import postgres

PAGE: Final = Path(__file__).parents[1] / "docs" / "reliability.md"
QUIET: Final = "timezone = 'UTC'\n"
CHANGE_S: Final = 55
"""A certificate that is so old is changed; nodes look every fifteen seconds."""
HOW: Final = {"kills": "Kills at random", "soak": "Every fault", "certificates": "Certificates that change each minute"}


def main() -> None:
    """Break, count, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=list(HOW))
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--gap", type=float, help="seconds between two faults, on average")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--keep", type=Path, help="leave the network's folders here, logs among them")
    parser.add_argument("--no-page", action="store_true", help="print the figures only")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the network's processes end with this one
    minutes = options.minutes or {"certificates": 10.0, "soak": 30.0, "kills": 600.0}[options.how]
    told = break_network(options.how, options.keep, options.seed, options.kills, minutes, options.gap)
    text = describe(options.how, told)
    print(text)
    if not options.no_page:
        write_section(f"{options.how}-{minutes:g}" if options.how == "soak" else options.how, HOW[options.how], text)
    if not told.faultless():
        raise SystemExit(str(told))


def break_network(how: str, keep: Path | None, seed: int, kills: int, minutes: float, gap: float | None) -> Told:
    """Run a network, break it, and say what was seen."""
    command = [*brief.COMMAND, str(CHANGE_S)] if how == "certificates" else COMMAND
    faults = {"kills": KILL, "soak": EVERY, "certificates": ()}[how]
    with contextlib.ExitStack() as stack:
        folder = keep.resolve() if keep else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        server = stack.enter_context(postgres(QUIET))
        network = stack.enter_context(ReplicaNetwork(folder, server, command=command, limits=LIMITS))
        fresh = CHANGE_S if how == "certificates" else 0.0
        storm, pause = (40, 0.7) if how == "kills" else (0, 15.0)
        soak = Soak(network, faults, gap=gap or pause, seed=seed, fresh=fresh, storm=storm)

        def over(told: Told) -> bool:
            return (how == "kills" and told.kills.total() >= kills) or told.seconds >= 60 * minutes

        told = soak.run(over, lambda line: print(line, file=sys.stderr, flush=True))
        if how == "certificates":
            told.faults = count_certificates(network)
        return told


def count_certificates(network: ReplicaNetwork) -> Counter[str]:
    """Count the certificates that each node took after its first."""
    return Counter({f"renewed by {node.name}": len(re.findall(r"\brenewed\b", node.log())) for node in network.nodes})


def describe(how: str, told: Told) -> str:
    """Put what was seen into words."""

    def counted(counts: Counter[str]) -> str:
        return ", ".join(f"{count} × {name}" for name, count in counts.most_common()) or "none"

    bad = ", ".join(
        f"{len(those)} {name}"
        for name, those in (
            ("wrong", told.wrong),
            ("released twice or changed afterwards", told.double),
            ("lost", told.lost),
            ("stuck", told.stuck),
            ("ended without a proper reason", told.unclean),
        )
    )
    lines = [
        f"`python -m benchmarks.reliability {how}`, seed {told.seed}: {told.seconds / 60:.0f} minutes, {told.jobs} jobs.",
        "",
        f"- ends: {counted(told.ends)}; ended without a result: {counted(told.codes)}",
        f"- attempts of a job: {', '.join(f'{count} jobs with {number}' for number, count in sorted(told.attempts.items()))}",
        f"- {'changed' if how == 'certificates' else 'faults'}: {counted(told.faults)}"
        + (f"; killed: {counted(told.kills)}" if told.kills else ""),
        f"- **{bad}**",
    ]
    return "\n".join(lines + [f"  - {one}" for one in told.unclean])


def write_section(name: str, title: str, text: str) -> None:
    """Put a section into the page in place of its earlier self, or at the end."""
    page = PAGE.read_text(encoding="utf-8")
    section = f"<!-- {name} -->\n## {title}\n\n{report.machine()}; {time.strftime('%Y-%m-%d')}.\n\n{text}\n<!-- /{name} -->"
    pattern = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- /{re.escape(name)} -->", re.DOTALL)
    page = pattern.sub(lambda _: section, page) if pattern.search(page) else page.rstrip() + "\n\n" + section + "\n"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
