"""docs/errors.md is the catalogue, and the catalogue is what the code raises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick.client.cli import main
from tallystick.core.errors import CATALOGUE, Invalid, TallyError
from tallystick.core.remedies import REMEDIES
from tests.docs.cli_reference import commands
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


def test_every_code_has_a_cause_and_a_fix() -> None:
    assert REMEDIES.keys() == CATALOGUE.keys(), "every code of CATALOGUE has a line in REMEDIES"
    texts = [text for both in REMEDIES.values() for text in both]
    assert all(text and text[0].islower() and not text.endswith(".") and "|" not in text for text in texts)


def test_commands_that_a_fix_names_exist() -> None:
    known = {path for path, _ in commands()}
    named = {found for both in REMEDIES.values() for found in re.findall(r"\btally(?: [a-z-]+)+", both[1])}
    assert named
    for one in named:
        words = one.split()
        assert any(" ".join(words[:size]) in known for size in range(len(words), 1, -1)), one
    for page in {found for both in REMEDIES.values() for found in re.findall(r"docs/[a-z-]+\.md", both[1])}:
        assert (ROOT / page).exists(), page


def test_help_explains_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["help", "job-expired"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        "meaning: a job is past its deadline",
        "often because: approvals or the work took longer than the deadline",
        "what to do: submit it again, with a later deadline",
    ]


def test_an_unknown_code_is_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="no-such-code"):
        Invalid("no-such-code", "…")


def test_an_error_shows_its_code_and_hint_but_not_its_detail() -> None:
    error: TallyError = Invalid("job-invalid", "wrong", hint="do this", detail="for the log")
    assert str(error) == "wrong [job-invalid] (do this)"
