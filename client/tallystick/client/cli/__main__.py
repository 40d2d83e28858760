"""`python -m tallystick.client.cli`: the `tally` command without its script."""

from __future__ import annotations

from tallystick.client.cli import main

main()
