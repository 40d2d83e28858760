"""Runs `tally` as it is, with a clock that is so many seconds off (S-36).

    python skewed.py SECONDS ARGUMENTS…

What this project's code asks for the time is off; what TLS itself asks is not.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tallystick.core.net import environment  # before gRPC

COMMAND: Final = (sys.executable, str(Path(__file__)))


def main(off: timedelta) -> None:
    """Put the clock wrong, then run the command."""
    assert environment.in_time()
    from tallystick.core.clock import SystemClock

    SystemClock.now = lambda self: datetime.now(UTC) + off  # type: ignore[method-assign]  # from outside, for this process alone

    from tallystick.client.cli import main as tally

    tally(sys.argv[1:])


if __name__ == "__main__":
    main(timedelta(seconds=float(sys.argv.pop(1))))
