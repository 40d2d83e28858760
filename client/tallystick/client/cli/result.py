"""`tally result`: show a result, and check what proves it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from tallystick.core.terminal import FAILED, Format, format_option, print_done, print_json, print_table, run_cli

FILE = click.Path(path_type=Path, dir_okay=False)

number_option = click.option("--number", type=click.IntRange(min=1), help="Which result, of a file that holds several.")


@click.group()
def result() -> None:
    """Show a result, and check what proves it; offline."""


@result.command()
@click.argument("file", type=FILE)
@number_option
@click.option("--leakage", is_flag=True, help="Also what each party learned.")
@click.option("--linkage", is_flag=True, help="Also the whole linkage report: passes, tokens, estimated quality.")
@format_option
@run_cli
def show(file: Path, number: int | None, leakage: bool, linkage: bool, format_: Format) -> None:
    """Show what was asked and the numbers in FILE."""
    from tallystick.client.answer import build_answer
    from tallystick.client.cli._linkage import print_linkage
    from tallystick.client.cli._report import print_leakage
    from tallystick.client.cli._tables import print_answer
    from tallystick.client.results import read_result

    document, value = read_result(file, number)
    if format_ == "json":
        print_json(value)
        return
    print_answer(build_answer(document, value))
    if linkage:
        click.echo()
        print_linkage(value["linkage"])
    if leakage:
        click.echo()
        print_leakage(value["leakage"])


@result.command()
@click.argument("file", type=FILE)
@number_option
@click.option(
    "--agreement", type=FILE, help="The signed agreement that you hold; without it, compare the digest that is shown."
)
@format_option
@run_cli
def verify(file: Path, number: int | None, agreement: Path | None, format_: Format) -> None:
    """Check every signature behind FILE: agreement, job, approvals, sealed shares, result."""
    from tallystick.client.results import all_checks, read_result
    from tallystick.core.documents import read_document

    document, _ = read_result(file, number)
    digest = None if agreement is None else read_document(agreement, kind="agreement").digest
    made = all_checks(document, agreement=digest)
    holds = all(check.passed for check in made)
    if format_ == "json":
        print_json({"verified": holds, "checks": [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in made]})
    else:
        print_table(["check", "", ""], [(c.name, "holds" if c.passed else "FAILS", c.detail) for c in made])
    if not holds:
        failed = "; ".join(f"{c.name}: {c.detail}" for c in made if not c.passed)
        click.echo(f"error: the result does not hold: {failed}", err=True)
        click.echo("hint: fetch the result again; if it fails again, ask its desk", err=True)
        sys.exit(FAILED)
    if digest is None and format_ == "table":
        click.echo("whose it is rests on the agreement's digest: compare it, or give --agreement FILE")


@result.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@format_option
@run_cli
def triple(files: tuple[Path, ...], format_: Format) -> None:
    """Show results of one question under several ladders side by side: how far each number depends on matching.

    `tally job submit --ladders` asks them, or a lab with a job file for each; a file may hold several. Each stands as it was
    released: a number that one of them hides has no spread.
    """
    from tallystick.client.cli._triple import print_triple
    from tallystick.client.results import read_results
    from tallystick.client.triple import triple_of

    results = [one for file in files for one in read_results(file)]
    if len(results) < 2:
        raise click.UsageError("give the results of two ladders or more")
    made = triple_of(results)
    if format_ == "json":
        print_json(made.json_value())
    else:
        print_triple(made)


@result.command()
@click.argument("file", type=FILE)
@number_option
@click.option("--out", type=FILE, required=True, help="The page to write.")
@click.option("--agreement", type=FILE, help="The signed agreement that you hold, as in `tally result verify`.")
@format_option
@run_cli
def annex(file: Path, number: int | None, out: Path, agreement: Path | None, format_: Format) -> None:
    """Write FILE as one page of HTML: the answer and its chart, the method, linkage, what is hidden, what each party learned, the proof.

    The page stands alone, on a screen, a phone or paper: no script, nothing to load. A result that does not verify has no page.
    """
    from tallystick.client.annex.page import annex as page
    from tallystick.client.results import load_result
    from tallystick.core.files import write_public

    loaded = load_result(file, number, agreement=agreement)
    write_public(out, page(loaded.answer, loaded.checks).encode())
    print_done(format_, f"wrote {out}", {"file": str(out)})


@result.command()
@click.argument("file", type=FILE)
@number_option
@click.option("--agreement", type=FILE, help="The signed agreement that you hold, as in `tally result verify`.")
@click.option("--port", type=click.IntRange(min=0, max=65535), default=0, help="Of this machine; default: the system chooses.")
@click.option("--open", "opens", is_flag=True, help="Also open it in this machine's browser.")
@format_option
@run_cli
def page(file: Path, number: int | None, agreement: Path | None, port: int, opens: bool, format_: Format) -> None:
    """Serve FILE as a page with its plots on this machine alone, until Ctrl-C.

    The address that is printed has a secret in it: who does not know it gets nothing. A result that does not verify has no page.
    """
    import threading
    import webbrowser

    from tallystick.client.results import load_result
    from tallystick.client.viewing import ResultSite, serve_result
    from tallystick.crypto.randomness import SystemRandomness

    loaded = load_result(file, number, agreement=agreement)
    with serve_result(ResultSite(loaded.answer, loaded.checks), port, SystemRandomness()) as address:
        if format_ == "json":
            print_json({"address": address})
        else:
            click.echo(address)
        click.echo("it is served to this machine alone, until Ctrl-C", err=True)
        if opens:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@result.command()
@click.argument("file", type=FILE)
@number_option
@click.option("--out", type=FILE, required=True, help="The file to write: .csv, .jsonl, .md, .parquet or .xlsx.")
@format_option
@run_cli
def export(file: Path, number: int | None, out: Path, format_: Format) -> None:
    """Write the rows of FILE for other programs; a hidden number is missing there, and its row says why."""
    from tallystick.client.answer import build_answer
    from tallystick.client.export import export as write
    from tallystick.client.results import read_result

    write(build_answer(*read_result(file, number)), out)
    print_done(format_, f"wrote {out}", {"file": str(out)})


@result.command()
@click.argument("file", type=FILE)
@number_option
@click.option("--out", type=FILE, required=True, help="The picture to write: .png or .svg.")
@click.option("--measure", metavar="NAME", help="Which numbers, as `tally result show` has them, or share; default: count.")
@format_option
@run_cli
def plot(file: Path, number: int | None, out: Path, measure: str | None, format_: Format) -> None:
    """Draw FILE; what is hidden is drawn as hidden, never as zero.

    Bars with intervals; a heat map where two columns part the people; lines over three or more quarters, months or years; an UpSet plot
    where the columns are the presence of groups; survival as a curve, regression as its coefficients, a histogram as its bands.

    --measure share draws what share of each group was found, with 95% intervals: of the linkage report, or where a column says who is
    in a group (GROUP.present).
    """
    from tallystick.client.answer import build_answer
    from tallystick.client.plots import plot as draw
    from tallystick.client.results import read_result

    draw(build_answer(*read_result(file, number)), out, measure=measure)
    print_done(format_, f"wrote {out}", {"file": str(out)})


@result.command()
@click.argument("file", type=FILE)
@number_option
@format_option
@run_cli
def methods(file: Path, number: int | None, format_: Format) -> None:
    """Print a paragraph on method for a report: data, dates, linkage, rules, who allowed it, how to cite it."""
    from tallystick.client.answer import build_answer
    from tallystick.client.cli._tables import say
    from tallystick.client.results import read_result
    from tallystick.client.sentences import methods_paragraph

    text = methods_paragraph(build_answer(*read_result(file, number)))
    if format_ == "json":
        print_json({"methods": text})
    else:
        say(text)
