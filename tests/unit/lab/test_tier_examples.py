"""examples/tiers: each tier has what its guide asks, together they have what their laws ask, and whatever is taken out is missed by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tallystick.client.paper import render_agreement
from tallystick.client.tiering import open_tier
from tallystick.client.tierpaper import render_tier
from tallystick.core.agreement.chain import bind_tiers
from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.guide import choose_guides, find_missing, find_tier_missing
from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.regime import find_all_shortfalls
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import TallyError
from tallystick.core.statistics.rulebook import problems
from tests.chains import CASES, Draft, example

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DATES = ("valid_from", "valid_until")


def told(error: TallyError) -> str:
    return f"{error.code} {error.message} {error.hint} {error.detail}"


def drafts() -> list[tuple[str, str]]:
    return [(case, name) for case in CASES for name in example(case).drafts]


@pytest.mark.parametrize("case", CASES)
def test_an_example_lacks_nothing_and_its_question_is_allowed(case: str) -> None:
    one = example(case)
    for document in one.tiers().values():
        text, kind = open_tier(document)
        assert list(find_tier_missing(text, kind)) == []
        assert "## Signatures" in render_tier(document)
    bound = one.bind()
    agreement = valid_agreement(bound, NOW)
    assert find_all_shortfalls(agreement) == []
    assert find_missing(agreement, choose_guides(agreement)) == []
    assert problems(one.question, agreement, "ana") == []
    assert f"| license | {agreement.agreement} |" in render_agreement(bound)
    for config in one.nodes.values():
        config.check_declared(agreement)


def list_clauses() -> Iterator[Any]:
    for case, name in drafts():
        for clause in example(case).drafts[name]["clauses"]:
            yield pytest.param(case, name, clause, id=f"{case}-{name}-{clause}")


@pytest.mark.parametrize(("case", "name", "clause"), [*list_clauses()])
def test_a_clause_that_is_taken_out_is_named_unless_another_tier_has_it(case: str, name: str, clause: str) -> None:
    one = example(case)

    def remove(draft_name: str, draft: Draft) -> None:
        if draft_name == name:
            del draft["clauses"][clause]

    tiers = one.tiers(remove)
    text, kind = open_tier(tiers[name])
    named = [missing.clause for missing in find_tier_missing(text, kind)]
    agreement = bind_tiers([*tiers.values()]).read(Agreement)
    named += [missing.clause for missing in find_missing(agreement, choose_guides(agreement))]
    refused = " ".join(map(told, problems(one.question, agreement, "ana")))
    elsewhere = [draft for other, draft in one.drafts.items() if other != name and clause in draft["clauses"]]
    assert clause in named or clause in refused or elsewhere
    if clause in [missing.clause for missing in find_tier_missing(text, kind)]:
        assert f"lacks the clause {clause}" in refused, "every node misses it"


@pytest.mark.parametrize(("case", "name"), drafts())
def test_a_signature_that_is_taken_out_is_named(case: str, name: str) -> None:
    one = example(case)
    tiers = one.tiers()
    for signer in one.signers_of(name):
        left = tuple(each for each in tiers[name].signatures if each.signer != signer)
        less = tiers | {name: SignedDocument(tiers[name].kind, tiers[name].body, left)}
        with pytest.raises(TallyError) as caught:
            bind_tiers([*less.values()])
        assert caught.value.code == "agreement-unsigned"
        assert caught.value.message.startswith(f"{signer} has not signed ")


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize(("case", "name"), drafts())
def test_a_date_that_is_taken_out_is_named(case: str, name: str, date: str) -> None:
    def remove(draft_name: str, draft: Draft) -> None:
        if draft_name == name:
            del draft[date]

    with pytest.raises(TallyError) as caught:
        example(case).tiers(remove)
    assert caught.value.code == "document-invalid"
    assert date in caught.value.message


def list_tags() -> Iterator[Any]:
    for case in CASES:
        for agency, config in example(case).nodes.items():
            for dataset, declared in config.file.datasets.items():
                for tag in declared.regimes or ():
                    yield pytest.param(case, agency, dataset, None, tag, id=f"{case}-{dataset}-{tag}")
                for column, entry in declared.columns.items():
                    for tag in entry.regimes or ():
                        yield pytest.param(case, agency, dataset, column, tag, id=f"{case}-{dataset}.{column}-{tag}")


@pytest.mark.parametrize(("case", "agency", "dataset", "column", "tag"), [*list_tags()])
def test_a_tag_that_is_taken_out_is_named_at_the_node_whose_data_it_is(
    case: str, agency: str, dataset: str, column: str | None, tag: str
) -> None:
    one = example(case)

    def remove(_name: str, draft: Draft) -> None:
        if draft.get("dataset") == dataset:
            terms = one.nodes[agency].file.datasets[dataset].to_dataset(agency).json_value()
            place = terms if column is None else terms["columns"][column]
            place["regimes"] = [other for other in place["regimes"] if other != tag] or None
            draft["terms"] = terms | draft["terms"]

    agreement = one.bind(remove).read(Agreement)
    with pytest.raises(TallyError) as caught:
        one.nodes[agency].check_declared(agreement)
    assert caught.value.code == "source-columns"
    assert "regimes differs" in (caught.value.detail or "")
    assert column is None or column in (caught.value.detail or "")
