"""`tally agreement render`: an agreement as a page that people read, print and sign."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.terminal import Format, format_option, print_done, run_cli

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="The file to write, Markdown or, with .html, a page of HTML; default: the terminal.")
@format_option
@run_cli
def render(file: Path, out: Path | None, format_: Format) -> None:
    """Write FILE as a page that people read and sign, Markdown or HTML, with a picture of who sends what to whom.

    The page of HTML is one file without script; a browser prints it, also as PDF.
    """
    from tallystick.client.paper import render_agreement
    from tallystick.client.tiering import is_tier, open_tier, read_governing
    from tallystick.client.tierpaper import render_tier
    from tallystick.core.agreement.model import Agreement
    from tallystick.core.errors import Invalid
    from tallystick.core.files import write_public

    document = read_governing(file)
    text = render_tier(document) if is_tier(document) else render_agreement(document)
    if out is None:
        print_done(format_, text.removesuffix("\n"), {"markdown": text})
        return
    if out.exists():
        raise Invalid("file-exists", f"{out} exists", hint="choose another --out")
    if out.suffix == ".html":
        from tallystick.client.flowpicture import draw_flow
        from tallystick.client.paperpage import render_page

        agreed = None if is_tier(document) else document.read(Agreement)
        named = open_tier(document)[0] if agreed is None else agreed
        name = named.agreement if isinstance(named, Agreement) else named.name
        text = render_page(text, named.title or name, "" if agreed is None else draw_flow(agreed))
    write_public(out, text.encode())
    print_done(format_, f"wrote {out}", {"file": str(out)})
