"""S-22: of three tiers none can be swapped, left out, mixed with another's, widened or rolled back, and nothing is added to what they allow.

The attacker has every private key but one agency's, and whatever was signed before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tallystick.core.agreement.chain import bind_tiers, list_tiers
from tallystick.core.agreement.check import check_not_older, valid_agreement
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument, build_unsigned
from tallystick.core.errors import TallyError
from tallystick.core.job.model import Question
from tallystick.core.statistics.rulebook import problems
from tests.chains import Draft, example
from tests.governance import identity

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CASE = example("tanf-ui")
TIERS = CASE.tiers()
BOUND = CASE.bind()
VALUE = BOUND.read(Agreement).json_value()


def refused(document: SignedDocument, *codes: str) -> TallyError:
    with pytest.raises(TallyError) as caught:
        valid_agreement(document, NOW, own=("labor", identity("labor").key))
    assert caught.value.code in codes, caught.value
    return caught.value


def bind_refused(*documents: SignedDocument) -> TallyError:
    with pytest.raises(TallyError) as caught:
        bind_tiers(documents)
    return caught.value


def test_s22_what_tiers_allow_is_an_agreement_that_counts() -> None:
    agreement = valid_agreement(BOUND, NOW, own=("labor", identity("labor").key))
    assert set(agreement.parties) == {"human-services", "labor"}
    assert agreement.operations == ("count", "mean")
    assert BOUND.signatures == ()


@pytest.mark.parametrize(
    "more",
    [
        {"operations": ["count", "mean", "sum"]},
        {"purposes": ["program-evaluation", "planning"]},
        {"disclosure": {"min_cell": 0}},
        {"decoys": 0},
        {"valid_until": "2046-01-01T00:00:00Z"},
        {"analysts": {"eve": {"key": identity("eve").key}}},
        {"parties": VALUE["parties"] | {"labor": {"key": identity("eve").key}}},
        {"retention_days": 3650},
        {"link": ["widest"]},
        {"clauses": {}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_s22_a_text_that_says_otherwise_than_its_tiers_is_refused(more: dict[str, Any]) -> None:
    text = Agreement.read(VALUE | more, what="agreement")
    error = refused(build_unsigned("agreement", text), "tier-chain")
    assert next(iter(more)) in error.message
    # nor do signatures of the agencies that would lie make one of it
    refused(build_unsigned("agreement", text).with_signature("human-services", identity("human-services")), "tier-chain")
    # nor is it an agreement without its tiers, that labor did not sign
    alone = Agreement.read({key: item for key, item in (VALUE | more).items() if key != "tiers"}, what="agreement")
    refused(
        build_unsigned("agreement", alone).with_signature("human-services", identity("human-services")), "agreement-unsigned"
    )


@pytest.mark.parametrize("name", TIERS)
def test_s22_a_changed_tier_needs_everybodys_signature_again(name: str) -> None:
    changed = CASE.tiers(lambda draft_name, draft: draft.update(title="another") if draft_name == name else None)
    old = next(one for one in TIERS[name].signatures if one.signer == "labor")
    others = tuple(one for one in changed[name].signatures if one.signer != "labor")
    forged = changed | {name: replace(changed[name], signatures=(*others, old))}
    assert bind_refused(*forged.values()).code == "agreement-signature"
    eve = replace(changed[name], signatures=others).with_signature("labor", identity("eve"))
    assert bind_refused(*(changed | {name: eve}).values()).code == "agreement-signature"


@pytest.mark.parametrize("name", TIERS)
def test_s22_a_tier_that_is_left_out_repeated_or_anothers_is_refused(name: str) -> None:
    others = [document for key, document in TIERS.items() if key != name]
    assert bind_refused(*others).code == "tier-chain"
    assert bind_refused(*TIERS.values(), TIERS[name]).code == "tier-chain"
    # the same tier of another version, signed by all
    if name != "license":
        newer = CASE.tiers(lambda draft_name, draft: draft.update(version=2) if draft_name == name else None)[name]
        error = bind_refused(*others, newer)
        assert error.code == "tier-chain"
        assert "version 2" in error.message


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("license", {"purposes": ["program-evaluation", "planning"]}, "purposes: planning"),
        ("license", {"operations": ["count", "mean", "sum"]}, "operations: sum"),
        ("license", {"joins": ["left", "any"]}, "joins: any"),
        ("license", {"link": ["ssn+birth_date", "default"]}, "link: default"),
        ("license", {"valid_until": "2042-01-01T00:00:00Z"}, "valid_until: 2042"),
        ("license", {"valid_from": "2025-01-01T00:00:00Z"}, "valid_from: 2025"),
        ("license", {"retention_days": 366}, "retention_days: 366"),
        ("license", {"disclosure": {"profile": "cms"}}, "disclosure.profile: cms"),
        ("license", {"disclosure": {}}, "disclosure.profile: nothing"),
        ("sharing-exits", {"valid_until": "2047-01-01T00:00:00Z"}, "valid_until: 2047"),
        ("sharing-exits", {"retention_days": 731}, "retention_days: 731"),
        ("sharing-wages", {"min_people": 20}, "min_people: 0"),
        ("memorandum", {"disclosure": {"min_cell": 20}}, "disclosure.min_cell: nothing"),
        ("memorandum", {"disclosure": {"profile": "adrf", "gate": True}}, "disclosure.gate: nothing"),
        ("memorandum", {"disclosure": {"noise": {"epsilon": 1, "budget": 10}}}, "disclosure.noise: nothing"),
    ],
)
def test_s22_a_lower_tier_that_widens_is_refused_by_name(name: str, change: dict[str, Any], told: str) -> None:
    def widen(draft_name: str, draft: Draft) -> None:
        if draft_name == name:
            draft.update(change)

    error = bind_refused(*CASE.tiers(widen).values())
    assert error.code == "tier-widens"
    assert told in error.message


def test_s22_a_license_cannot_name_columns_or_agencies_that_no_sharing_agreement_has() -> None:
    def more_columns(name: str, draft: Draft) -> None:
        if name == "license":
            draft["datasets"]["wages"].append("hours")

    def not_shared(name: str, draft: Draft) -> None:
        if name == "sharing-wages":
            draft["shared_with"] = []

    assert "columns of wages: hours" in bind_refused(*CASE.tiers(more_columns).values()).message
    tiers = CASE.tiers(not_shared)
    tiers["sharing-wages"] = replace(tiers["sharing-wages"], signatures=tiers["sharing-wages"].signatures[1:])
    assert "agencies that take part: human-services" in bind_refused(*tiers.values()).message


def test_s22_columns_that_a_license_leaves_out_are_in_no_job() -> None:
    def narrow(name: str, draft: Draft) -> None:
        if name == "license":
            draft["datasets"]["exits"] = ["exit_quarter"]

    agreement = CASE.bind(narrow).read(Agreement)
    assert set(agreement.datasets["exits"].columns) == {"exit_quarter"}
    for config in CASE.nodes.values():
        config.check_declared(agreement)


def test_s22_an_older_tier_is_refused_once_a_newer_one_was_seen() -> None:
    newer = CASE.bind(lambda name, draft: draft.update(version=2) if name == "memorandum" else None)
    seen = {name: (version, digest) for name, version, digest in list_tiers(newer.read(Agreement))}
    for name, version, digest in list_tiers(BOUND.read(Agreement)):
        if name.startswith("memorandum"):
            with pytest.raises(TallyError, match="older than version 2"):
                check_not_older(name, version, digest, seen[name])


def test_s22_a_job_under_a_license_that_derives_a_column_for_nothing_is_refused_by_name() -> None:
    value = CASE.question.json_value()
    value["people"]["wages"]["derive"]["jobs"] = "count(*)"
    found = problems(Question.read(value, what="job"), CASE.agreement(), "ana")
    assert [(one.code, one.message.split()[1]) for one in found] == [("column-unused", "jobs")]
    assert problems(CASE.question, CASE.agreement(), "ana") == []
