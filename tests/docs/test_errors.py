"""docs/errors.md is the catalogue, and the catalogue is what the code raises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick.core.errors import CATALOGUE, Invalid, TallyError
from tests.docs.generate import DOCS, errors

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("client", "coordinator", "core", "lab", "node", "records")
RAISED = re.compile(r"\b(?:Refused|Invalid|NotReady|Broken)\(\s*\"([a-z0-9-]+)\"")


def test_errors_page_is_made_from_the_catalogue() -> None:
    assert (DOCS / "errors.md").read_text() == errors(), "run: python -m tests.docs.generate"


def test_every_code_that_is_raised_stands_in_the_catalogue() -> None:
    raised = {
        (code, path.name)
        for room in ROOMS
        for path in (ROOT / room / "tallystick").rglob("*.py")
        for code in RAISED.findall(path.read_text())
    }
    assert raised
    assert {(code, name) for code, name in raised if code not in CATALOGUE} == set()


def test_an_unknown_code_is_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="no-such-code"):
        Invalid("no-such-code", "…")


def test_an_error_shows_its_code_and_hint_but_not_its_detail() -> None:
    error: TallyError = Invalid("job-invalid", "wrong", hint="do this", detail="for the log")
    assert str(error) == "wrong [job-invalid] (do this)"
