"""Templates of the pages, and how values are written in them.

Everything that a template writes is text: Jinja escapes it, and characters that a reader cannot see or that turn the direction of
reading (right-to-left marks, zero-width characters, control characters) are written by their number, so that a name or reason in a
page reads as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tallystick.core.ids import short
from tallystick.core.pages.unseen import show_unseen

_KIB: Final = 1024


def build_environment(package: str) -> Environment:
    """Give the environment of a role's templates, over those that all pages share.

    Args:
        package: the role's package, with a folder `templates`.
    """
    folders = [str(_folder(package)), str(_folder("tallystick.core.pages"))]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show_unseen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "moment": write_moment,
        "number": write_number,
        "size": write_size,
        "short": short,
        "join_words": join_words,
        "capitalize_first": capitalize_first,
    }
    return environment


def _folder(package: str) -> Path:
    return Path(str(files(package) / "templates"))


def _show_unseen(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return show_unseen(value)


def write_moment(moment: datetime | str | None, *, exact: bool = False) -> Markup | str:
    """Write a moment in UTC, as an element that the script rewrites in the reader's zone.

    Args:
        moment: or RFC 3339; nothing is written for none.
        exact: write seconds too.
    """
    if not moment:
        return ""
    try:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return show_unseen(str(moment))
    at = at.astimezone(UTC)
    element = Markup('<time datetime="{}" data-exact>{}</time>') if exact else Markup('<time datetime="{}">{}</time>')
    shown = "%Y-%m-%d %H:%M:%S UTC" if exact else "%Y-%m-%d %H:%M UTC"
    return element.format(at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime(shown))


def write_number(number: float | None) -> str:
    """Write a number with separators; nothing for None."""
    if number is None:
        return ""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.4g}"


def write_size(count: int) -> str:
    """Write a number of bytes."""
    if count < _KIB:
        return f"{count} B"
    amount = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        amount /= _KIB
        if amount < _KIB or unit == "TiB":
            return f"{amount:,.1f} {unit}"
    raise AssertionError


def join_words(words: Sequence[str]) -> str:
    """Write words as a sentence does: a, b and c."""
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else ""


def capitalize_first(text: str) -> str:
    """Write a message as a sentence begins."""
    return text[:1].upper() + text[1:]
