"""`tally node key` and `tally node card`: what an agency tells the others of itself."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.agreement.card import Card, sign_card
from tallystick.core.documents import SignedDocument, write_document
from tallystick.core.keyfile import new_identity, read_identity, write_identity
from tallystick.core.terminal import Format, format_option, print_done, print_json, run_cli
from tallystick.node.config import NodeConfig, read_config
from tallystick.node.options import config_option


def agency_card(config: NodeConfig) -> SignedDocument:
    """Give the card of a node's agency: its key, and its datasets as others may know them.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`: of the key.
    """
    identity = read_identity(config.path(config.file.identity))
    datasets = {name: declared.to_dataset(config.agency) for name, declared in config.file.datasets.items()}
    return sign_card(Card(role="agency", name=config.agency, key=identity.key, datasets=datasets), identity)


@click.command()
@click.option("--new", type=click.Path(path_type=Path), help="Make a new key in this file instead: a steward's.")
@config_option
@format_option
@run_cli
def key(new: Path | None, config_path: Path, format_: Format) -> None:
    """Show the public half of the node's identity key; or make a steward's key."""
    if new is not None:
        identity = new_identity()
        write_identity(new, identity)
    else:
        config = read_config(config_path)
        identity = read_identity(config.path(config.file.identity))
    if format_ == "json":
        print_json({"key": identity.key})
    else:
        click.echo(identity.key)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The card to write.")
@config_option
@format_option
@run_cli
def card(out: Path, config_path: Path, format_: Format) -> None:
    """Write the agency's card: its key and its datasets, for `tally agreement new --from`. It holds no secret and no place."""
    config = read_config(config_path)
    document = agency_card(config)
    write_document(out, document)
    datasets = ", ".join(config.file.datasets) or "none"
    identity_key = document.signatures[0].key
    print_done(
        format_,
        f"{out}: agency {config.agency}, key {identity_key}, datasets: {datasets}",
        {
            "file": str(out),
            "role": "agency",
            "name": config.agency,
            "key": identity_key,
            "datasets": list(config.file.datasets),
        },
    )
