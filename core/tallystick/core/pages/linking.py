"""The command's part of logging in: it prints a one-time link, as whoever may read the state folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tallystick.core.clock import SystemClock
from tallystick.core.errors import Invalid, NotReady
from tallystick.core.pages.accounts import LINK_MINUTES, Accounts, is_account_name
from tallystick.core.terminal import Format, print_json
from tallystick.crypto.randomness import SystemRandomness

ADDRESS_FILE: Final = "pages-address"
"""The file in a state folder that says where its process serves pages."""


def print_login_link(state: Path, folder: Path, name: str, format_: Format, *, analyst: bool = False) -> None:
    """Print a link by which a person logs in once.

    Args:
        state: the state folder of the process that serves the pages.
        folder: where its accounts are.
        name: whose link it is.
        format_: of what is printed.
        analyst: whether it lets an analyst in, to their own jobs alone.

    Raises:
        Invalid: `document-invalid`: not a name, or one of the other kind. NotReady: `unavailable`: no pages are served. Broken: `disk`.
    """
    if not is_account_name(name):
        raise Invalid(
            "document-invalid", f"{name} cannot be a name", hint="lower-case letters, digits, - and _; a letter first"
        )
    try:
        address = (state / ADDRESS_FILE).read_text(encoding="ascii")
    except OSError as error:
        raise NotReady(
            "unavailable", "no pages are served from here", hint="set pages in the configuration, and start the process"
        ) from error
    link = f"{address}/link?token={Accounts(folder, SystemClock(), SystemRandomness()).make_link(name, analyst=analyst)}"
    if format_ == "json":
        print_json({"link": link, "minutes": LINK_MINUTES})
    else:
        click.echo(link)
        click.echo(f"it works once, for {LINK_MINUTES} minutes", err=True)
