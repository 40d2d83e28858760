"""Tables and paragraphs of a page: every value is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def build_section(name: str, title: str, parts: Iterable[str]) -> str:
    """Give a section with its heading; nothing where nothing is in it."""
    inside = "\n".join(part for part in parts if part)
    return f'<section id="{escape(name)}"><h2>{escape(title)}</h2>\n{inside}</section>' if inside else ""


def build_table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, words: bool = False, levels: int = 1
) -> str:
    """Give a table in a region that scrolls by itself where the page is narrower. A head without any text is left out.

    Args:
        caption: what it shows.
        columns: headings.
        rows: as many values each.
        words: whether cells are words, which begin at the left and break anywhere.
        levels: how many of the first columns name the row.
    """
    head = "".join(f'<th scope="col"{_side(at, levels)}>{_break_name(column)}</th>' for at, column in enumerate(columns))
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row" class="level">{escape(str(cell))}</th>' if at < levels else f"<td>{escape(str(cell))}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        + ('<table class="words">' if words else "<table>")
        + f"<caption>{escape(caption)}</caption>"
        + (f"<thead><tr>{head}</tr></thead>" if any(columns) else "")
        + f"<tbody>\n{body}</tbody></table></div>"
    )


def build_notes(lines: Iterable[str]) -> str:
    """Give sentences as a list of notes; nothing for none."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _side(at: int, levels: int) -> str:
    return ' class="level"' if at < levels else ""


def _break_name(name: str) -> str:
    """Write a column's name, which may go on in the next line after its points and brackets."""
    return escape(name).replace(".", ".<wbr>").replace("(", "(<wbr>")
