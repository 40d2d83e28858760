"""Characters of a text that a reader cannot see, or that turn the direction of reading, are written by their number."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_KEPT: Final = frozenset("\n\t")


def show_unseen(text: str) -> str:
    """Write the characters of a text that nobody sees by their number: `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"[U+{ord(one):04X}]" if unicodedata.category(one) in _UNSEEN and one not in _KEPT else one for one in text)
