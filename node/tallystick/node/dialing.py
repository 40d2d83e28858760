"""A coordinator that has moved: its new address in node.yaml, by one command, and taken by a node that runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import click

from tallystick.core.clock import SystemClock
from tallystick.core.errors import Invalid
from tallystick.core.files import read_at_most, write_private
from tallystick.core.terminal import Format, format_option, print_done, run_cli
from tallystick.core.yaml import read_yaml
from tallystick.node.config import CoordinatorConfig, NodeConfig, read_config
from tallystick.node.joining import membership_of
from tallystick.node.options import config_option
from tallystick.node.reaching import find_problem

MAX_BYTES: Final = 1 << 20
_HAND: Final = "change coordinator: address by hand, and start the node again"


@click.command()
@click.argument("address", metavar="HOST:PORT")
@click.option("--unchecked", is_flag=True, help="Take the address though the coordinator does not answer there yet.")
@config_option
@format_option
@run_cli
def dial(address: str, unchecked: bool, config_path: Path, format_: Format) -> None:
    """Dial the coordinator at another address from now on, once it answers there; a node that runs takes it within 15 seconds.

    The coordinator is the same one: it shows a certificate of the network that this node joined.
    """
    config = read_config(config_path)
    named = CoordinatorConfig.read({"address": address}, what="HOST:PORT").address
    problem = None if unchecked else find_problem(membership_of(config), named, config.agency, SystemClock())
    if problem is not None:
        raise problem
    write_address(config, named)
    before = config.file.coordinator.address
    print_done(
        format_,
        f"{config.agency} dials {named} from now on; was {before}",
        {"agency": config.agency, "address": named, "before": before},
    )


def write_address(config: NodeConfig, address: str) -> None:
    """Put another address into node.yaml; all else stays as it is written, comments among it.

    Raises:
        Invalid: `document-invalid`: it is written in a way that this does not understand; nothing was changed. Broken: `disk`.
    """
    path, old = config.written, config.file.coordinator.address
    assert path is not None
    text = read_at_most(path, MAX_BYTES, hint="name node.yaml with --config").decode()
    pattern = re.compile(rf"""(\baddress["']?\s*:\s*)(["']?){re.escape(old)}\2(?=[\s,}}#]|$)""")
    changed, places = pattern.subn(lambda found: f"{found[1]}{found[2]}{address}{found[2]}", text)
    draft = path.with_name(f"{path.name}.new")
    write_private(draft, changed.encode())
    try:
        expected: Any = read_yaml(path, what="node.yaml")
        expected["coordinator"]["address"] = address
        if places != 1 or read_yaml(draft, what="node.yaml") != expected:
            raise Invalid("document-invalid", f"{path} writes the coordinator's address in another way", hint=_HAND)
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_address(config: NodeConfig) -> str:
    """Read the coordinator's address that node.yaml names now; the one it named at first, where it cannot be read.

    Raises:
        Invalid: the file is not what it should be; someone may be writing it.
    """
    if config.written is None:
        return config.file.coordinator.address
    return read_config(config.written).file.coordinator.address
