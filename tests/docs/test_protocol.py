"""The table of rounds in docs/protocol.md is made from the code's."""

from __future__ import annotations

from tests.docs.generate import DOCS, ROUNDS_BEGIN, ROUNDS_END, protocol


def test_the_protocols_rounds_are_made_from_the_table() -> None:
    text = (DOCS / "protocol.md").read_text(encoding="utf-8")
    assert (text.count(ROUNDS_BEGIN), text.count(ROUNDS_END)) == (1, 1)
    assert text == protocol(), "run: python -m tests.docs.generate"
