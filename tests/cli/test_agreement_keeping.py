"""`tally agreement renew`, `destroyed` and `diff`: the end of a term, as counsel types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.documents import read_document, sign_document, write_document
from tallystick.core.keyfile import write_identity
from tests.cli.test_agreement import tally
from tests.governance import agreement, identity, signed_agreement

WHAT = (
    "--what",
    "the table of wages",
    "--what",
    "its copies on the share",
    "--on",
    "2026-11-30",
    "--how",
    "deleted, backups expired",
)


@pytest.fixture(name="folder", autouse=True)
def folder_with_an_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_document(tmp_path / "a.json", signed_agreement(agreement()))
    for name in ("ana", "human-services", "eve"):
        write_identity(tmp_path / f"{name}.key", identity(name))
    return tmp_path


def test_renewal_says_what_it_newly_allows(capsys: pytest.CaptureFixture[str]) -> None:
    assert tally("agreement", "renew", "a.json", "--until", "2028-12-31", "--out", "b.json") == 0
    told = capsys.readouterr().out
    assert "newly allowed by: valid_until" in told
    assert "now all sign it" in told
    assert read_document(Path("b.json"), kind="agreement").signatures == ()
    assert tally("agreement", "renew", "a.json", "--until", "2028-12-31", "--out", "b.json") == 1
    assert "[file-exists]" in capsys.readouterr().err
    assert tally("agreement", "diff", "a.json", "b.json", "--format", "json") == 0
    found: Any = json.loads(capsys.readouterr().out)["differences"]
    assert {(one["place"], one["allows"]) for one in found} == {("version", "other"), ("valid_until", "more")}


def test_a_certificate_is_written_signed_and_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tally("agreement", "destroyed", "a.json") == 0
    told = capsys.readouterr().out
    assert "to be destroyed by 2028-01-01" in told
    assert "no certificate of: human-services, ana, otto" in told
    by_ana = ("agreement", "destroyed", "a.json", "--as", "ana", "--key", "ana.key", *WHAT)
    assert tally(*by_ana, "--person", "Ana Ruiz", "--out", "ana.json") == 0
    capsys.readouterr()
    assert tally("agreement", "destroyed", "a.json", "--check", "ana.json", "--format", "json") == 0
    state: Any = json.loads(capsys.readouterr().out)
    assert state["missing"] == ["human-services", "otto"]
    assert state["certificates"][0]["what"] == ["the table of wages", "its copies on the share"]
    assert state["certificates"][0]["person"] == "Ana Ruiz"


def test_a_certificate_that_does_not_count_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ("agreement", "destroyed", "a.json", "--out", "c.json")
    assert tally(*start, "--as", "ana", "--key", "eve.key", *WHAT) == 1
    assert "[not-allowed]" in capsys.readouterr().err
    late = ("--what", "all", "--on", "2999-01-01", "--how", "later")
    assert tally(*start, "--as", "ana", "--key", "ana.key", *late) == 1
    assert "[destruction-invalid]" in capsys.readouterr().err
    assert tally(*start, "--as", "ana", "--key", "ana.key", *WHAT) == 0
    write_document(folder / "other.json", signed_agreement(agreement(version=3)))
    assert tally("agreement", "destroyed", "other.json", "--check", "c.json") == 1
    body = json.loads(read_document(folder / "c.json", kind="destruction").encode())["body"]
    forged = [
        sign_document("destruction", body, "ana", identity("eve")),
        sign_document("destruction", body, "otto", identity("otto")),
    ]
    for place, document in enumerate(forged):
        write_document(folder / f"forged{place}.json", document)
        assert tally("agreement", "destroyed", "a.json", "--check", f"forged{place}.json") == 1
    assert tally("agreement", "destroyed", "a.json", "--what", "all") == 2
