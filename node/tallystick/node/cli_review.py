"""`tally node review`: what reviewers get of a candidate at this desk, and what they sign."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tallystick.core.agreement.model import moment
from tallystick.core.documents import decode_document, read_document, write_document
from tallystick.core.errors import Invalid
from tallystick.core.job.reviewing import Review, digest_reviewed, open_copy, read_review
from tallystick.core.terminal import Format, format_option, print_json, print_table, run_cli
from tallystick.node.config import read_config
from tallystick.node.local.client import steward
from tallystick.node.options import check_job_name, config_option
from tallystick.node.views import ReviewState

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("job")
@click.option("--out", type=FILE, help="Write the reviewers' copy; the first one begins the days.")
@click.option(
    "--add", "words", type=FILE, multiple=True, help="What a reviewer signed (tally review accept, object); once for each."
)
@config_option
@format_option
@run_cli
def review(job: str, out: Path | None, words: Sequence[Path], config_path: Path, format_: Format) -> None:
    """Show who reviews the result of JOB that waits at this desk, and what each said; write their copy, or add what they signed.

    The agreement names reviewers and days. The copy holds the numbers as the analyst would get them: give it to reviewers alone. When
    all accepted, or the days are over: tally node approve JOB.
    """
    config = read_config(config_path)
    if out is not None and out.exists():
        raise Invalid("file-exists", f"{out} exists", hint="choose another --out")
    signed = [read_document(path, kind="review") for path in words]
    with steward(config.socket) as service:
        state = service.review(service.find(check_job_name(job)), begin=out is not None, words=signed)
    if not state.copy:
        if format_ == "json":
            print_json({"begun": None})
        else:
            click.echo("the review has not begun; now: tally node review JOB --out FILE, and give the file to the reviewers")
        return
    document = decode_document(state.copy, kind="review-copy")
    if out is not None:
        write_document(out, document)
    found, begun = _read_state(state)
    said = [
        {"reviewer": name, "says": None if word is None else word.says, "comment": None if word is None else word.comment}
        for name, word in found.words.items()
    ]
    until = found.until.strftime("%Y-%m-%dT%H:%M:%SZ")
    if format_ == "json":
        print_json({"begun": begun, "until": until, "reviewers": said, **({} if out is None else {"file": str(out)})})
        return
    print_table(
        ("reviewer", "says", "comment"), [(one["reviewer"], one["says"] or "nothing yet", one["comment"] or "") for one in said]
    )
    click.echo(f"begun {begun}; who says nothing is waited for until {until}")
    if out is not None:
        click.echo(f"wrote {out}; each reviewer: tally review show {out}, then tally review accept or object")


def _read_state(state: ReviewState) -> tuple[Review, str]:
    copy, agreement = open_copy(decode_document(state.copy, kind="review-copy"))
    words = [decode_document(word, kind="review") for word in state.words]
    digest = digest_reviewed(copy.candidate)
    return read_review(words, agreement, job=copy.job, candidate=digest, begun=moment(copy.begun)), copy.begun
