"""How many round trips a job takes: the same job over links without delay and with one, every member's the same.

What the delay adds to a job's time, divided by the time of one round trip, is how many of them follow each other: calls that run side by
side count once. Connections are open before anything is asked.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.report import table, write_section
from tests.e2e.linked import LinkedNetwork
from tests.e2e.links import Weather
from tests.e2e.records import question

DELAYS: Final = (0.0, 0.25, 1.0)
"""Seconds from one end of a link to the other."""
JOBS: Final = 3


def main() -> None:
    """Measure and write the section."""
    with tempfile.TemporaryDirectory() as folder, LinkedNetwork(Path(folder)) as network:
        network.wait(network.submit(question("the first one starts what stays")))
        medians = {delay: statistics.median(seconds_of(network, delay, number) for number in range(JOBS)) for delay in DELAYS}
    rows = [
        (
            f"{2 * delay:.1f} s",
            f"{seconds:.1f} s",
            f"{(seconds - medians[0.0]) / (2 * delay):.1f}" if delay else "",
        )
        for delay, seconds in medians.items()
    ]
    head = ("a round trip takes", "a job, from asking to its result", "round trips that follow each other")
    write_section("roundtrips", "Round trips of a job", f"The median of {JOBS} jobs each.\n\n{table(head, rows)}")
    print(table(head, rows))


def seconds_of(network: LinkedNetwork, delay: float, number: int) -> float:
    """Ask over slow links; give the seconds until the result is here."""
    network.set_weather(Weather(delay=delay))
    start = time.monotonic()
    job = network.client.submit(question(f"job {number} at {delay}"), network.document)
    network.client.wait(job)
    network.client.result(job)
    return time.monotonic() - start


if __name__ == "__main__":
    main()
