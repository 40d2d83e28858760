"""Laws as tags: what an agreement must have before a job may use tagged data, what is not possible at all, notices, and review boards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.client.paper import render_agreement
from tallystick.core.agreement.clauses import CLAUSE_NAMES
from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.agreement.guide import GENERAL, choose_guides, find_missing, load_guides
from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.regime import find_all_shortfalls, load_regimes
from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.check import question_problems
from tallystick.core.job.model import Question
from tallystick.core.job.regimes import check_review_boards, notices_of, tags_of
from tests.governance import NOW, agreement_value, question_value, signed_agreement

TEXTS: dict[str, Any] = {
    name: "as the parties agreed"
    for name in CLAUSE_NAMES
    if name not in {"purpose_class", "contacts", "review_boards", "prohibitions"}
} | {
    "purpose_class": "statistical",
    "prohibitions": ["finding out who somebody is"],
    "contacts": {"labor": "the data office"},
    "review_boards": [{"board": "State IRB", "reference": "2026-17", "until": "2026-12-31"}],
}
STRICT: dict[str, Any] = {
    "disclosure": {"profile": "cms"},
    "clauses": TEXTS,
    "stewards": agreement_value()["stewards"] | {"human-services": {"need": 1, "keys": {"hal": "aa" * 32}}},
}
TAGS = sorted(load_regimes())


def tagged(tag: str, *, column: str | None = None, **changes: Any) -> Agreement:
    """Give an agreement that keeps every floor, its TANF dataset or one column of it tagged."""
    value = agreement_value(**STRICT | changes)
    dataset = value["datasets"]["tanf"]
    dataset["authority"] = "the state's law"
    dataset["columns"]["employer"] = {"type": "category"}
    if tag in load_regimes() and load_regimes()[tag].employers:
        dataset["employers"] = "employer"
        if "disclosure" not in changes:
            value["disclosure"] = {"profile": "adrf"}
    if column is None:
        dataset["regimes"] = [tag]
    else:
        dataset["columns"][column]["regimes"] = [tag]
    return Agreement.read(value, what="agreement")


def question(**changes: Any) -> Question:
    return Question.read(question_value(**changes), what="job")


def problems(agreement: Agreement, asked: Question | None = None) -> list[TallyError]:
    found = question_problems(asked or question(), agreement, "ana")
    return [problem for problem in found if problem.code == "agreement-regime"]


@pytest.mark.parametrize("tag", TAGS)
def test_an_agreement_that_keeps_a_regimes_floors_allows_a_job_and_vawa_allows_none(tag: str) -> None:
    found = problems(tagged(tag))
    if load_regimes()[tag].matching:
        assert not found
    else:
        assert [str(problem) for problem in found]
        assert all("no other list" in problem.message for problem in found)


@pytest.mark.parametrize("tag", [tag for tag in TAGS if load_regimes()[tag].matching])
def test_every_floor_of_a_regime_is_missed_by_name_when_it_is_taken_away(tag: str) -> None:
    regime, lacks = load_regimes()[tag], {}
    for clause in regime.clauses:
        rest = {name: text for name, text in TEXTS.items() if name != clause}
        lacks[f"clauses.{clause}"] = tagged(tag, clauses=rest)
    if regime.min_cell is not None:
        lacks["disclosure.min_cell"] = tagged(tag, disclosure={"min_cell": regime.min_cell - 1})
    if regime.employers:
        lacks.pop("disclosure.min_cell")  # the profile that hides rows of few employers keeps this floor as well
        lacks["disclosure.profile"] = tagged(tag, disclosure={"profile": "cms", "min_cell": 11})
        value = tagged(tag).json_value()
        del value["datasets"]["tanf"]["employers"]
        lacks["datasets.tanf.employers"] = Agreement.read(value, what="agreement")
    if regime.approver:
        lacks["approvers"] = tagged(tag, approvers={})
    if regime.stewards:
        lacks["stewards.human-services"] = tagged(tag, stewards=agreement_value()["stewards"])
    if regime.authority:
        value = tagged(tag).json_value()
        del value["datasets"]["tanf"]["authority"]
        lacks["datasets.tanf.authority"] = Agreement.read(value, what="agreement")
    if regime.statistical:
        lacks["clauses.purpose_class"] = tagged(tag, clauses=TEXTS | {"purpose_class": "operational"})
    assert lacks
    for place, agreement in lacks.items():
        found = problems(agreement)
        assert len(found) == 1, place
        assert found[0].hint.startswith(place)
        assert tag in found[0].message
        assert regime.citation in found[0].message


@pytest.mark.parametrize("tag", TAGS)
def test_profiles_that_are_said_to_keep_a_floor_hide_counts_up_to_it(tag: str) -> None:
    regime = load_regimes()[tag]
    for name in regime.profiles:
        assert regime.min_cell is not None
        assert PROFILES[name].min_cell >= regime.min_cell


def test_a_columns_tag_counts_for_jobs_that_name_the_column_anywhere_and_for_no_others() -> None:
    agreement = tagged("vawa", column="notes")
    assert tags_of(question(), agreement)["tanf"] == ()
    assert not problems(agreement)
    value = question_value()
    value["people"]["tanf"]["where"] += " and notes > 3"
    assert problems(agreement, Question.read(value, what="job"))
    value = question_value(measures=["count", {"mean": "tanf.notes"}])
    assert problems(agreement, Question.read(value, what="job"))


def test_an_unknown_tag_stops_every_job_over_its_data() -> None:
    found = problems(tagged("gdpr"))
    assert [type(problem) for problem in found] == [Invalid]
    assert "gdpr" in found[0].message
    assert "hipaa" in found[0].hint


def test_data_without_tags_are_held_to_nothing_more() -> None:
    assert not problems(Agreement.read(agreement_value(), what="agreement"))
    assert notices_of(question(), Agreement.read(agreement_value(), what="agreement")) == ()


def test_a_result_carries_the_notice_of_each_law_once() -> None:
    value = tagged("tanf").json_value()
    value["datasets"]["wages"] |= {"regimes": ["ui", "tanf"], "authority": "the state's law"}
    notices = notices_of(question(), Agreement.read(value, what="agreement"))
    assert len(notices) == 2
    assert "45 CFR 205.50" in notices[0]
    assert "20 CFR Part 603" in notices[1]


def test_no_job_after_the_last_day_of_a_review_boards_approval() -> None:
    agreement = tagged("part2")
    last = NOW.replace(month=12, day=31, hour=23)
    check_review_boards(agreement, last)
    with pytest.raises(Refused, match="2026-17 of State IRB ended on 2026-12-31"):
        check_review_boards(agreement, last + timedelta(hours=1))
    never = tagged("part2", clauses=TEXTS | {"review_boards": [{"board": "IRB", "reference": "1", "until": "2026-02-30"}]})
    with pytest.raises(Invalid, match="no day of the calendar"):
        check_review_boards(never, NOW)


def test_guides_that_an_agreement_is_held_against_are_those_of_its_laws() -> None:
    bare = Agreement.read(agreement_value(), what="agreement")
    assert choose_guides(bare) == (GENERAL,)
    assert {one.clause for one in find_missing(bare, (GENERAL,))} == {ask.clause for ask in load_guides()[GENERAL].asks}
    full = tagged("ferpa", authority=["the state's law"])
    assert choose_guides(full) == (GENERAL, "ferpa")
    assert not find_missing(full, choose_guides(full))
    with pytest.raises(Invalid, match="no guide folklore"):
        find_missing(full, ("folklore",))


def test_markdown_of_an_agreement_names_parties_columns_laws_and_what_is_missing_and_no_text_in_it_is_markup() -> None:
    value = tagged("ui", clauses={"uses": "# <b>any</b> use | [x](http://example.org)"}).json_value()
    text = render_agreement(signed_agreement(Agreement.read(value, what="agreement"), by=("labor",)))
    assert "| labor | signed in the file |" in text
    assert "| housing | not yet signed in the file |" in text
    assert "| benefit | decimal | 0 to 5000 |" in text
    assert "20 CFR 603.5 to 603.10" in text
    assert "clauses.security" in text
    assert "<b>" not in text
    assert "](http" not in text
    assert "\n# &#60;" not in text
    assert text.count("```") == 2
    assert find_all_shortfalls(Agreement.read(value, what="agreement"))


def test_an_agency_that_tags_its_own_data_does_not_agree_with_an_agreement_without_the_tag() -> None:
    value = agreement_value()["datasets"]["tanf"]
    columns = value["columns"] | {"employer": {"type": "category"}}
    declared = DeclaredDataset.read(
        {
            "source": {"csv": "x.csv"},
            "person": "id",
            "identifiers": {"ssn": "ssn", "birth_date": "born"},
            "columns": columns,
            "regimes": ["tanf"],
        },
        what="dataset",
    )
    agreed = tagged("tanf").datasets["tanf"]
    assert declared.differences(agreed) == []
    assert "regimes differs" in declared.differences(Agreement.read(agreement_value(), what="agreement").datasets["tanf"])


def test_the_page_says_who_opens_small_cells_and_what_a_similarity_pass_shows() -> None:
    plain = render_agreement(signed_agreement(Agreement.read(agreement_value(), what="agreement"), by=()))
    assert "opens the table, hides small cells" in plain
    assert "how much alike rows are" not in plain
    changes = {"disclosure": {"profile": "cms", "gate": True}, "link": ["default", "similarity"]}
    gated = render_agreement(signed_agreement(Agreement.read(agreement_value(**changes), what="agreement"), by=()))
    assert "small cells stay closed for it, too" in gated
    assert "hides small cells" not in gated
    assert "how much alike rows are" in gated
