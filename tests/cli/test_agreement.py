"""`tally agreement`: from a draft to a document that all parties signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.client.cli import main
from tallystick.core.agreement.check import valid_agreement
from tallystick.core.documents import read_document
from tallystick.core.keyfile import write_identity
from tests.governance import PARTIES, agreement_value, identity, stamp


def tally(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(name="folder")
def folder_with_draft_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    draft = agreement_value(valid_from=stamp(now - timedelta(days=1)), valid_until=stamp(now + timedelta(days=10)))
    (tmp_path / "draft.yaml").write_text(json.dumps(draft), encoding="utf-8")
    for name in (*PARTIES, "mallory"):
        write_identity(tmp_path / f"{name}.key", identity(name))
    return tmp_path


def test_s22_from_a_draft_to_an_agreement_that_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tally("agreement", "new", "draft.yaml", "--out", "a.json") == 0
    assert "still to sign: " in capsys.readouterr().out
    assert tally("agreement", "check", "a.json") == 1
    assert "[agreement-unsigned]" in capsys.readouterr().err
    for name in PARTIES:
        assert tally("agreement", "sign", "a.json", "--as", name, "--key", f"{name}.key") == 0
    assert "signed by all parties" in capsys.readouterr().out
    assert tally("agreement", "check", "a.json", "--format", "json") == 0
    told: Any = json.loads(capsys.readouterr().out)
    assert told["valid"] is True
    assert told["days_left"] == 9
    document = read_document(folder / "a.json", kind="agreement")
    assert told["digest"] == document.digest
    assert valid_agreement(document, datetime.now(UTC)).agreement == "county"
    assert tally("agreement", "show", "a.json") == 0
    shown = capsys.readouterr().out
    assert "cms" in shown
    assert "human-services" in shown


def test_what_laws_ask_is_named_before_anybody_signs_and_a_page_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = json.loads((folder / "draft.yaml").read_text(encoding="utf-8"))
    draft["datasets"]["tanf"]["regimes"] = ["tanf"]
    (folder / "draft.yaml").write_text(json.dumps(draft), encoding="utf-8")
    assert tally("agreement", "lint", "draft.yaml") == 1
    told = capsys.readouterr().out
    assert "tanf is tagged tanf (45 CFR 205.50), which asks for the clause uses" in told
    assert "would pass: clauses.uses" in told
    assert tally("agreement", "new", "draft.yaml", "--out", "short.json") == 0
    assert tally("agreement", "sign", "short.json", "--as", "labor", "--key", "labor.key") == 1
    assert "[agreement-regime]" in capsys.readouterr().err
    draft["datasets"]["tanf"]["authority"] = "45 CFR 205.50(a)(1)(i)"
    draft["clauses"] = {"uses": "evaluation", "users": "two analysts", "security": "as the policy says"}
    (folder / "draft.yaml").write_text(json.dumps(draft), encoding="utf-8")
    assert tally("agreement", "new", "draft.yaml", "--out", "a.json") == 0
    for name in PARTIES:
        assert tally("agreement", "sign", "a.json", "--as", name, "--key", f"{name}.key") == 0
    capsys.readouterr()
    assert tally("agreement", "lint", "a.json", "--format", "json") == 0
    found: Any = json.loads(capsys.readouterr().out)
    assert found["laws"] == []
    assert {"guide": "general", "clause": "breach", "section": "notice of a breach"} in found["missing"]
    assert tally("agreement", "render", "a.json", "--out", "a.md") == 0
    page = (folder / "a.md").read_text(encoding="utf-8")
    assert "## Who sends what to whom" in page
    assert "| labor | signed in the file |" in page
    assert tally("agreement", "render", "a.json", "--out", "a.md") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--as", "mallory", "--key", "mallory.key"], "not-allowed"),
        (["--as", "labor", "--key", "mallory.key"], "agreement-signature"),
        (["--as", "labor", "--key", "none.key"], "file-missing"),
        (["--as", "labor", "--key", "open.key"], "file-permissions"),
    ],
)
def test_s22_who_may_not_sign(folder: Path, arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "open.key").write_bytes((folder / "labor.key").read_bytes())
    (folder / "open.key").chmod(0o644)
    assert tally("agreement", "new", "draft.yaml", "--out", "a.json") == 0
    before = (folder / "a.json").read_bytes()
    assert tally("agreement", "sign", "a.json", *arguments) == 1
    assert f"[{code}]" in capsys.readouterr().err
    assert (folder / "a.json").read_bytes() == before


def test_nobody_signs_twice_and_no_file_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tally("agreement", "new", "draft.yaml", "--out", "a.json") == 0
    assert tally("agreement", "sign", "a.json", "--as", "labor", "--key", "labor.key") == 0
    assert tally("agreement", "sign", "a.json", "--as", "labor", "--key", "labor.key") == 1
    assert "has signed this agreement already" in capsys.readouterr().err
    assert tally("agreement", "new", "draft.yaml", "--out", "a.json") == 1
    assert "[file-exists]" in capsys.readouterr().err
    assert folder.joinpath("a.json").exists()
