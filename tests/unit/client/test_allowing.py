"""What a later version newly allows: each kind of place, its way, and that renewal changes the term alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.client.allowing import compare_texts
from tallystick.client.renewing import renew
from tallystick.core.agreement.chain import bind_tiers
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import build_unsigned, read_document, read_one_of, write_document
from tallystick.core.errors import Invalid, Refused
from tests.chains import example
from tests.governance import agreement, identity

REVIEW = {"days": 10, "by": ["board", "labor"], "objection": "stops"}
CLAUSES = {
    "uses": "Statistics.",
    "purpose_class": "statistical",
    "review_boards": [{"board": "IRB", "reference": "7", "until": "2026-12-31"}],
}


def way(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    return {one.place: one.allows for one in compare_texts(agreement(**before), agreement(**after))}


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ({"purposes": ["planning"]}, {"purposes": ["planning", "evaluation"]}, "purposes"),
        ({"valid_until": "2027-01-01T00:00:00Z"}, {"valid_until": "2028-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_from": "2026-02-01T00:00:00Z"}, {"valid_from": "2026-01-01T00:00:00Z"}, "valid_from"),
        ({"retention_days": 30}, {"retention_days": 60}, "retention_days"),
        ({"min_people": 20}, {"min_people": 10}, "min_people"),
        ({"decoys": 1024}, {"decoys": 16}, "decoys"),
        ({"disclosure": {"min_cell": 11}}, {"disclosure": {"min_cell": 5}}, "disclosure.min_cell"),
        ({"disclosure": {"min_cell": 11, "gate": True}}, {"disclosure": {"min_cell": 11}}, "disclosure.gate"),
        ({"disclosure": {"min_cell": 11, "budget": 100}}, {"disclosure": {"min_cell": 11}}, "disclosure.budget"),
        ({"approvers": {"board": {"key": identity("board").key}}}, {"approvers": {}}, "approvers.board.key"),
        ({"analysts": {"ana": {"key": identity("ana").key}}}, {}, "analysts.otto.key"),
        ({"review": REVIEW}, {"review": REVIEW | {"days": 3}}, "review.days"),
        ({"review": REVIEW}, {"review": REVIEW | {"by": ["board"]}}, "review.by"),
        ({"review": REVIEW}, {"review": REVIEW | {"objection": "carried"}}, "review.objection"),
        ({"clauses": CLAUSES}, {"clauses": CLAUSES | {"purpose_class": "operational"}}, "clauses.purpose_class"),
        ({"clauses": CLAUSES}, {"clauses": {"uses": "Statistics."}}, "clauses.review_boards.1.until"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_place_that_allows_more_allows_less_the_other_way_round(
    before: dict[str, Any], after: dict[str, Any], place: str
) -> None:
    assert way(before, after)[place] == "more"
    back = way(after, before)[place]
    assert back == "less" or place.startswith("clauses.")


def test_a_text_that_changes_and_a_key_are_for_people_to_judge() -> None:
    changed = way({"clauses": CLAUSES}, {"clauses": CLAUSES | {"uses": "Anything at all."}})
    assert changed == {"clauses.uses": "other"}
    assert way({}, {"title": "another"}) == {"title": "other"}


def test_renewal_is_the_next_version_with_another_term_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_document(path, build_unsigned("agreement", agreement(clauses=CLAUSES)))
    before, document = renew(path, until="2029-06-30", boards={"7": "2029-06-30"})
    after = document.read(Agreement)
    assert document.signatures == ()
    found = {one.place: (one.after, one.allows) for one in compare_texts(before, after)}
    assert found == {
        "version": ("3", "other"),
        "valid_until": ("2029-06-30T23:59:59Z", "more"),
        "clauses.review_boards.1.until": ("2029-06-30", "more"),
    }
    for wrong in ({"until": "30.6.2029"}, {"until": "2025-01-01"}, {"until": "2029-01-01", "boards": {"8": "2029-01-01"}}):
        with pytest.raises(Invalid):
            renew(path, **wrong)


def test_tiers_are_renewed_each_under_the_present_one_and_bind(tmp_path: Path) -> None:
    case = example("tribal")
    tiers = case.tiers()
    for name, document in tiers.items():
        write_document(tmp_path / f"{name}.json", document)
    made: list[Path] = []
    for name in tiers:
        under = [path for path in made if name == "license" or (name != "memorandum" and path.stem == "memorandum-2")]
        _, document = renew(tmp_path / f"{name}.json", until="2040-12-31", under=under)
        for signer in case.signers_of(name):
            document = document.with_signature(signer, identity(signer))
        made.append(tmp_path / f"{name}-2.json")
        write_document(made[-1], document)
    bound = bind_tiers([read_one_of(path, ("memorandum", "sharing", "license")) for path in made])
    assert bound.read(Agreement).valid_until == "2040-12-31T23:59:59Z"
    assert bound.read(Agreement).version == 2
    write_document(tmp_path / "bound.json", bound)
    with pytest.raises(Refused):
        renew(tmp_path / "bound.json", until="2041-12-31")
    with pytest.raises(Refused):
        renew(tmp_path / "memorandum.json", until="2041-12-31", under=[tmp_path / "license.json"])
    assert read_document(tmp_path / "bound.json", kind="agreement") == bound
