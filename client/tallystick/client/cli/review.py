"""`tally review`: a result before it goes out, as its reviewers see it, and what they sign of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallystick.core.terminal import Format, format_option, print_done, print_json, run_cli

if TYPE_CHECKING:
    from typing import Literal

FILE = click.Path(path_type=Path, dir_okay=False)

name_option = click.option("--as", "name", required=True, metavar="REVIEWER", help="The reviewer, as the agreement names it.")
key_option = click.option("--key", type=FILE, help="The reviewer's identity key; default: the profile's.")
out_option = click.option(
    "--out", type=FILE, required=True, help="The file to write, for the desk to add: tally node review --add."
)
agreement_option = click.option(
    "--agreement", type=FILE, help="The signed agreement that you hold; without it, compare the digest that is shown."
)


@click.group()
def review() -> None:
    """See a result before it goes out, and sign what you say of it.

    An agreement may name who sees results before they are released, and for how many days. Their desk gives them a copy, FILE below.
    """


@review.command()
@click.argument("file", type=FILE)
@agreement_option
@format_option
@run_cli
def show(file: Path, agreement: Path | None, format_: Format) -> None:
    """Show the numbers in FILE as the analyst would get them, who reviews them, and until when."""
    from tallystick.client.answer import build_answer
    from tallystick.client.cli._tables import print_answer
    from tallystick.client.results import build_display
    from tallystick.client.reviewing import build_preview, read_copy

    copy, agreed, digest = read_copy(file, agreement)
    preview = build_preview(copy)
    value, terms = build_display(preview), agreed.review
    assert terms is not None
    if format_ == "json":
        told = {"reviewers": list(terms.reviewers), "objection": terms.objection, "begun": copy.begun, "until": copy.until}
        print_json({**told, "agreement": digest, "result": value})
        return
    print_answer(build_answer(preview, value))
    click.echo()
    stops = "an objection stops it" if terms.objection == "stops" else "an objection goes along with it"
    click.echo(f"it has not gone out: {', '.join(terms.reviewers)} may say something until {copy.until}; {stops}")
    click.echo(f"agreement {digest}")
    click.echo(f"now: tally review accept {file} --as REVIEWER --out word.json, or object --comment TEXT")


@review.command()
@click.argument("file", type=FILE)
@name_option
@key_option
@click.option("--comment", help="What should be read beside the numbers; it goes along with the result.")
@agreement_option
@out_option
@format_option
@run_cli
def accept(
    file: Path, name: str, key: Path | None, comment: str | None, agreement: Path | None, out: Path, format_: Format
) -> None:
    """Sign that the result in FILE may go out."""
    _sign(file, name, key, "accept", comment, agreement, out, format_)


@review.command(name="object")
@click.argument("file", type=FILE)
@name_option
@key_option
@click.option("--comment", required=True, help="Why; it goes along with the result, where that goes out all the same.")
@agreement_option
@out_option
@format_option
@run_cli
def object_(file: Path, name: str, key: Path | None, comment: str, agreement: Path | None, out: Path, format_: Format) -> None:
    """Sign that the result in FILE should not go out as it is."""
    _sign(file, name, key, "object", comment, agreement, out, format_)


def _sign(
    file: Path,
    name: str,
    key: Path | None,
    says: Literal["accept", "object"],
    comment: str | None,
    agreement: Path | None,
    out: Path,
    format_: Format,
) -> None:
    from datetime import UTC, datetime

    from tallystick.client.profile import open_profile
    from tallystick.client.reviewing import sign_word
    from tallystick.core.documents import write_document
    from tallystick.core.errors import Invalid
    from tallystick.core.keyfile import read_identity

    if out.exists():
        raise Invalid("file-exists", f"{out} exists", hint="choose another --out")
    identity = open_profile().identity if key is None else read_identity(key)
    document = sign_word(file, agreement, name, identity, says, comment, datetime.now(UTC))
    write_document(out, document)
    print_done(format_, f"{out}: {name} {says}s; give it to the desk", {"file": str(out), "reviewer": name, "says": says})
