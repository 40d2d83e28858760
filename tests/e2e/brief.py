"""Runs `tally` as it is, but certificates are changed every so many seconds: members', and the coordinator's own (S-33).

    python brief.py SECONDS ARGUMENTS…

No configuration of the product can ask for less than a day. They live five times as long: a machine that is busy is no failure.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tallystick.core.net import environment  # before gRPC

LIVES: Final = 5
COMMAND: Final = (sys.executable, str(Path(__file__)))


def main(every: timedelta) -> None:
    """Shorten, then run the command."""
    assert environment.in_time()
    from tallystick.coordinator import authority
    from tallystick.coordinator.config import Settings
    from tallystick.core.net.membership import Membership
    from tallystick.core.net.tls import CLOCK_SKEW, load_certificate

    def due(self: Membership, now: datetime) -> bool:
        return now - load_certificate(self.credentials().chain).not_valid_before_utc - CLOCK_SKEW >= every

    # from outside, for this process alone
    authority.SERVER_LIFETIME = 2 * every  # type: ignore[misc]  # issued again after half of it
    Settings.certificate_lifetime = property(lambda _: LIVES * every)  # type: ignore[method-assign, assignment]
    Membership.due = due  # type: ignore[method-assign]

    from tallystick.client.cli import main as tally

    tally(sys.argv[1:])


if __name__ == "__main__":
    main(timedelta(seconds=float(sys.argv.pop(1))))
