"""A rendered agreement as a page of HTML that a browser shows and prints: the text of its Markdown, with its data flow drawn.

It reads no Markdown but that of `paper.py` and `tierpaper.py`, in which no text of an agreement can be a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from tallystick.client.annex.style import STYLE

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MORE: Final = """
th, td { text-align: left; overflow-wrap: break-word; } code { font-size: .85em; overflow-wrap: anywhere; }
"""
_REFERENCE: Final = re.compile(r"&amp;(#\d{1,6};)")
_CODE: Final = re.compile(r"`([^`]*)`")
_BARS: Final = re.compile(r"(?<!\\)\|")
_NUMBERED: Final = re.compile(r"^\d+\. ")


def render_page(markdown: str, title: str, picture: str = "") -> str:
    """Write the page.

    Args:
        markdown: as `render_agreement` or `render_tier` gave it.
        title: of the page.
        picture: SVG that stands in place of a block of Mermaid.
    """
    body = "\n".join(_blocks(markdown.splitlines(), picture))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<style>{STYLE}{_MORE}</style>\n</head>\n<body>\n<main>\n'
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def _blocks(lines: list[str], picture: str) -> Iterator[str]:
    place = 0
    while place < len(lines):
        line, end = lines[place], place + 1
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            yield f"<h{level}>{_inline(line[level:].strip())}</h{level}>"
        elif line.startswith("```"):
            while end < len(lines) and lines[end] != "```":
                end += 1
            yield picture
            end += 1
        elif line.strip():
            while end < len(lines) and lines[end].strip() and not lines[end].startswith(("#", "```")):
                end += 1
            yield _block(lines[place:end])
        place = end


def _block(lines: list[str]) -> str:
    if lines[0].startswith("|"):
        head, _, *rows = ([cell.strip() for cell in _BARS.split(line)[1:-1]] for line in lines)
        top = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in head)
        body = "\n".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        return (
            f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
        )
    for tag, is_item in (("ul", lambda line: line.startswith("- ")), ("ol", lambda line: _NUMBERED.match(line) is not None)):
        if is_item(lines[0]):
            items: list[str] = []
            for line in lines:
                if is_item(line):
                    items.append(line.split(" ", 1)[1])
                else:
                    items[-1] += f" {line.strip()}"
            return f"<{tag}>\n" + "\n".join(f"<li>{_inline(item)}</li>" for item in items) + f"\n</{tag}>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _inline(text: str) -> str:
    """Give a text as HTML: its character references stay, as do names in code; nothing else means anything."""
    safe = _REFERENCE.sub(r"&\1", escape(text.replace("\\|", "|")))
    return _CODE.sub(r"<code>\1</code>", safe)
