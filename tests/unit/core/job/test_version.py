"""`VERSION` of the linkage passes guards what records become: tests/vectors/linkage.py."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.job.passes import VERSION
from tallystick.core.linkage.fields import names
from tallystick.core.linkage.passes.ladders import LADDERS
from tests.vectors import linkage as golden

FILE = golden.read()
ADVICE = (
    "If that is meant, the same records would link differently at two parties that both call their rules {version!r}: give VERSION in "
    "core/tallystick/core/job/passes.py another name, run `python -m tests.vectors.linkage`, and commit both with the change. If it "
    "is not meant, the change has a fault."
)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return dict(golden.plain(golden.of_records(FILE)))


def test_records_become_what_they_became_under_this_version(made: dict[str, Any]) -> None:
    other = golden.changes(FILE, made)
    assert not other, f"{other} changed. " + ADVICE.format(version=FILE["version"])
    assert FILE["version"] == VERSION, (
        "VERSION changed: run `python -m tests.vectors.linkage` and commit tests/vectors/linkage.json"
    )


def test_every_recipe_of_a_ladder_is_in_the_file() -> None:
    missing = {one for ladder in LADDERS.values() for one in ladder} - FILE["tokens"].keys()
    assert not missing, f"{sorted(missing)} is not in tests/vectors/linkage.json: run `python -m tests.vectors.linkage`"


def test_the_records_link_by_many_passes_and_refuse_some() -> None:
    """The file would guard little if nothing in it could come out otherwise."""
    found = FILE["matching"]
    assert sum(made > 0 for made in found["two lists, loose"]["links"]) >= 8
    assert sum(found["three lists, loose"]["ties"]) > 0
    assert found["two lists, similarity"]["links"] == [len(found["two lists, similarity"]["clusters"])]
    assert found["two lists, similarity"]["links"][0] >= 15
    assert len({str(entry) for entry in FILE["tokens"].values()}) == len(FILE["tokens"])


def test_a_change_of_a_rule_is_seen_in_the_entries_it_concerns(monkeypatch: pytest.MonkeyPatch, made: dict[str, Any]) -> None:
    monkeypatch.setattr(names, "SUFFIXES", frozenset())  # the end of Brown Jr.
    other = golden.changes(made, golden.plain(golden.of_records(FILE)))
    assert "tokens: first_name+last_name+birth_date" in other
    assert "tokens: ssn+birth_date" not in other
    assert any(one.startswith("bands: ") for one in other)


def test_the_file_is_not_written_over_under_the_same_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, made: dict[str, Any]
) -> None:
    monkeypatch.setattr(golden, "of_records", lambda _: made)
    copy = tmp_path / "linkage.json"
    copy.write_text(
        golden.FILE.read_text("utf-8").replace('"tokens": {', '"tokens": {"ssn+nothing": {"left": "1 x"},', 1), "utf-8"
    )
    monkeypatch.setattr(golden, "FILE", copy)
    before = copy.read_bytes()
    with pytest.raises(SystemExit, match=r"tokens: ssn\+nothing"):
        golden.main()
    assert copy.read_bytes() == before
    monkeypatch.setattr(golden, "VERSION", "linkage v0")
    golden.main()
    assert golden.read()["version"] == "linkage v0"
    assert "ssn+nothing" not in golden.read()["tokens"]
