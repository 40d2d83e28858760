from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.documents import sign_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.check import MAX_TERM, SKEW, link_of, participants, release_of, verify_job
from tallystick.core.job.model import Question
from tallystick.core.job.population import population_of
from tallystick.core.statistics.rulebook import plan_allowed_job, problems
from tests.governance import NOW, agreement, agreement_value, identity, job, question, question_value, stamp

TERMS = agreement()


def found(value: dict[str, Any], terms: Agreement = TERMS, analyst: str = "ana") -> list[TallyError]:
    return problems(Question.read(value, what="job"), terms, analyst)


def test_the_example_is_allowed_to_both_analysts() -> None:
    assert found(question_value()) == []
    assert found(question_value(), analyst="otto") == []
    plan_allowed_job(job(TERMS), TERMS, digest=TERMS.digest(), now=NOW)


def people(**changes: Any) -> dict[str, Any]:
    value = question_value()["people"]
    for path, item in changes.items():
        group, key = path.split("__")
        value[group][key] = item
    return {"people": value}


@pytest.mark.parametrize(
    ("changes", "code", "message", "hint"),
    [
        ({"agreement": "state"}, "agreement-unknown", "agreement state, not county", "agreement: county"),
        ({"purpose": "marketing"}, "job-not-allowed", "purposes: it has no purpose marketing", "it has: evaluation, planning"),
        (people(tanf__dataset="snap"), "job-not-allowed", "datasets: it has no dataset snap", "it has: shelter, tanf, wages"),
        (
            people(tanf__agency="housing"),
            "job-not-allowed",
            "people.tanf: tanf belongs to human-services",
            "agency: human-services",
        ),
        (people(tanf__where="ssn = '1'"), "where-invalid", "people.tanf.where: ", "columns: age"),
        (people(wages__derive={"earnings": "avg(wage)"}), "job-invalid", "people.wages.derive: ", "sum(c)"),
        (people(wages__derive={"earnings": "sum(pay)"}), "job-invalid", "no column pay", "industry, quarter, wage"),
        (people(wages__derive={"wage": "sum(wage)"}), "job-invalid", "a column of that name", "another name"),
        ({"join": "tanf left wages", "keep": None}, "job-invalid", "join is now keep", "instead of join: keep: tanf"),
        ({"join": "tanf inner wages"}, "job-invalid", "join is now keep", "instead of join: keep: tanf and wages"),
        ({"join": "tanf anti wages"}, "job-invalid", "join is now keep", "instead of join: keep: tanf and wages"),
        ({"keep": None}, "job-invalid", "keep is missing", "keep: tanf and wages"),
        ({"keep": "tanf and housing"}, "job-invalid", "keep names housing, which is not in people", "tanf, wages"),
        ({"keep": "not tanf"}, "job-invalid", "whom none of the groups has", "keep: wages and not tanf"),
        ({"keep": "tanf and not tanf"}, "job-invalid", "counts nobody", "take out the part"),
        ({"keep": "tanf and"}, "job-invalid", "a group is missing at the end", "name a group"),
        (
            {"keep": "wages", "by": [], "measures": ["count"]},
            "job-invalid",
            "people has tanf, which neither",
            "by: [tanf.present]",
        ),
        ({"measures": [{"mean": "tanf.present"}]}, "job-invalid", "is in every group, for by", "by: [tanf.present]"),
        (people(wages__derive={"present": "sum(wage)"}), "job-invalid", "a column cannot be called present", "another name"),
        ({"link": "loose"}, "job-not-allowed", "link: it does not allow link: loose", "it has: default"),
        ({"measures": ["count", "count"]}, "job-invalid", "count is asked for twice", "keep one"),
        ({"measures": [{"mean": "housing.nights"}]}, "job-invalid", "no group housing", "tanf, wages"),
        ({"measures": [{"mean": "tanf.pay"}]}, "job-invalid", "tanf has no column pay", "age, benefit"),
        (
            {"measures": [{"sum": "tanf.region"}]},
            "job-invalid",
            "sum(tanf.region): tanf.region is a category",
            "integer, decimal or boolean",
        ),
        (
            {"measures": [{"sum": "tanf.notes"}]},
            "job-invalid",
            "sum needs declared min and max: tanf.notes",
            "agreement's dataset",
        ),
        ({"by": ["tanf.region", "tanf.region"]}, "job-invalid", "by names a column twice", "keep one"),
        ({"by": ["tanf.exit_quarter"]}, "job-invalid", "tanf.exit_quarter has no known list of levels", "declare its values"),
        ({"by": ["tanf.notes"]}, "job-invalid", "no known list", "at most 255 apart"),
        ({"by": ["tanf.benefit"]}, "job-invalid", "no known list", "use a category"),
        ({"by": ["tanf.nothing"]}, "job-invalid", "by: tanf has no column nothing", "age, benefit"),
        (
            {"by": ["tanf.age", "tanf.region", "wages.jobs"]},
            "table-too-large",
            "by: the table would have 42090 cells",
            "leave out a column such as tanf.region",
        ),
        ({"release": "direct"}, "release-direct", "encrypted small-cell test", "release: desk"),
    ],
)
def test_one_fault_gives_one_reason_with_its_place_and_the_smallest_change(
    changes: dict[str, Any], code: str, message: str, hint: str
) -> None:
    value = {key: item for key, item in (question_value() | changes).items() if item is not None}
    errors = found(value)
    assert [error.code for error in errors] == [code]
    assert message in errors[0].message
    assert hint in errors[0].hint
    with pytest.raises((Refused, Invalid)) as caught:
        plan_allowed_job(job(TERMS, Question.read(value, what="job")), TERMS, digest=TERMS.digest(), now=NOW)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"operations": ["count"]}, "operations: it does not allow mean"),
        ({"operations": ["mean"]}, "operations: it does not allow count"),
        ({"joins": ["inner"]}, "joins: it does not allow `keep: tanf` (left)"),
        ({"purposes": ["planning"]}, "purposes: it has no purpose evaluation"),
        ({"analysts": {"otto": {"key": identity("otto").key}}}, "analysts: it names no ana"),
        ({"link": []}, "link: it allows no linkage"),
        ({"release": {"mode": "direct", "desk": "human-services"}}, "release: direct needs"),
    ],
)
def test_what_the_agreement_leaves_out_is_not_allowed(changes: dict[str, Any], said: str) -> None:
    errors = found(question_value(), agreement(**changes))
    assert len(errors) == 1
    assert said in errors[0].message


def test_all_faults_are_collected_in_the_order_of_the_file() -> None:
    value = question_value(purpose="marketing", keep="tanf anti wages", release="direct", by=["tanf.benefit"])
    value["people"]["tanf"] |= {"agency": "labor", "where": "1 = 1"}
    codes = [error.code for error in found(value, analyst="eve")]
    assert codes == [
        "job-not-allowed",
        "job-not-allowed",
        "job-not-allowed",
        "where-invalid",
        "job-invalid",
        "job-invalid",
        "release-direct",
    ]


def test_groups_of_one_agency_need_the_same_person_keys_and_other_people() -> None:
    value = question_value(measures=["count"], by=[], keep="tanf and again")
    value["people"] = {"tanf": value["people"]["tanf"], "again": dict(value["people"]["tanf"])}
    terms = agreement(joins=["any"])
    assert ["are the same people" in error.message for error in found(value, terms)] == [True]
    value["people"]["again"]["where"] = "(exit_quarter  = '2025Q1') AND age>=18"
    assert ["are the same people" in error.message for error in found(value, terms)] == [True]
    value["people"]["again"]["where"] = "age < 30"
    assert found(value, terms) == []
    changed = agreement_value(joins=["any"])
    changed["datasets"]["snap"] = changed["datasets"]["tanf"]
    value["people"]["again"]["dataset"] = "snap"
    (error,) = found(value, Agreement.read(changed, what="agreement"))
    assert (error.code, "tanf have the same person keys" in error.message, "keys: NAME" in error.hint) == (
        "job-not-allowed",
        True,
        True,
    )
    changed["datasets"] |= {name: changed["datasets"][name] | {"keys": "client"} for name in ("tanf", "snap")}
    assert found(value, Agreement.read(changed, what="agreement")) == []


def test_an_agreement_that_names_joins_alone_allows_no_other_population() -> None:
    value = question_value(keep="tanf and not wages", measures=["count"], by=[])
    (error,) = found(value)
    assert (error.code, "`keep: tanf and not wages` (any)" in error.message) == ("job-not-allowed", True)
    assert found(value, agreement(joins=["inner", "any"])) == []


def test_columns_of_a_group_that_has_nobody_who_is_counted_say_nothing() -> None:
    value = question_value(keep="tanf and not wages", measures=["count"], by=["wages.industry"])
    (error,) = found(value, agreement(joins=["any"]))
    assert "nobody whom keep counts is in wages" in error.message


def test_s19_a_group_that_decides_nothing_makes_no_other_question() -> None:
    """Another group would make another family of a question whose tables are the same, and so nothing would be held against it."""
    value = question_value(keep="tanf or (tanf and wages)", measures=["count"], by=["tanf.region"])
    (error,) = found(value)
    assert (error.code, "keep names wages, but counts the same people without it" in error.message) == ("job-invalid", True)
    assert "by: [wages.present]" in (error.hint or "")
    value["by"] = ["tanf.region", "wages.present"]
    assert found(value) == []


def test_a_job_of_more_than_five_agencies_is_refused() -> None:
    names = [f"g{at}" for at in range(6)]
    people = {name: {"agency": f"agency-{name}", "dataset": "tanf"} for name in names}
    asked = Question.read(question_value(people=people, keep=" or ".join(names), by=[], measures=["count"]), what="job")
    with pytest.raises(Invalid, match="5 agencies at most, not 6"):
        population_of(asked)


def test_cells_are_counted_with_the_missing_level_and_what_a_mean_rests_on() -> None:
    """(120 + 2) × (4 + 1) rows of 1 + 2 numbers are 1,830 cells; 20 + 2 levels of jobs, and nobody there, make them 42,090."""
    terms = agreement()
    assert found(question_value(by=["tanf.age", "tanf.region"]), terms) == []
    only_counts = question_value(by=["tanf.age", "tanf.region", "wages.jobs"], measures=["count"])
    (problem,) = found(only_counts, terms)
    assert (problem.code, problem.message) == ("table-too-large", "by: the table would have 14030 rows; 10000 are allowed")
    assert found(question_value(by=["tanf.age", "wages.jobs"], measures=["count"]), terms) == []


@pytest.mark.parametrize(
    ("link", "asked", "expected"),
    [
        (["ssn+birth_date"], None, ("ssn+birth_date",)),
        (["ssn+birth_date", "ssn4+last_name"], "default", ("ssn+birth_date", "ssn4+last_name")),
        (["strict", "default"], None, ("default",)),
        (["strict", "default"], "strict", ("strict",)),
        (["strict", "loose"], None, ("strict",)),
        (["strict", "loose"], "loose", ("loose",)),
        (["strict", "loose"], "default", None),
        (["default"], "loose", None),
        (["ssn+birth_date"], "strict", None),
        ([], None, None),
        (["ssn+birth_date", "similarity"], None, ("ssn+birth_date",)),
        (["default", "similarity"], None, ("default",)),
        (["default", "similarity-no-twins"], "loose", None),
    ],
)
def test_linkage_is_what_the_agreement_names(link: list[str], asked: str | None, expected: tuple[str, ...] | None) -> None:
    terms = agreement(link=link)
    value = {key: item for key, item in question_value(link=asked).items() if item is not None}
    if expected is None:
        with pytest.raises(Refused) as caught:
            link_of(Question.read(value, what="job"), terms)
        assert caught.value.code == "job-not-allowed"
    else:
        assert link_of(Question.read(value, what="job"), terms) == expected


def test_who_takes_part_and_how_it_is_released() -> None:
    assert participants(job(TERMS), TERMS) == participants(question(), TERMS) == ("human-services", "labor")
    desk = agreement(release={"mode": "desk", "desk": "housing"})
    assert participants(question(), desk) == ("human-services", "labor", "housing")
    assert release_of(question(), desk) == "desk"
    assert release_of(question(release="direct"), desk) == "direct"


@pytest.mark.parametrize("change", [{"version": 1}, {"version": 3}, {"digest": "00" * 32}, {"agreement": "state"}])
def test_a_job_is_for_exactly_this_text_of_the_agreement(change: dict[str, Any]) -> None:
    reference = {"agreement": "county", "version": 2, "digest": TERMS.digest()} | change
    with pytest.raises(Refused) as caught:
        plan_allowed_job(job(TERMS, agreement=reference), TERMS, digest=TERMS.digest(), now=NOW)
    assert caught.value.code == "agreement-unknown"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"deadline": stamp(NOW)}, "job-expired"),
        ({"submitted": stamp(NOW), "deadline": stamp(NOW + MAX_TERM + timedelta(seconds=1))}, "job-invalid"),
        ({"submitted": stamp(NOW + SKEW + timedelta(seconds=1))}, "job-invalid"),
        ({"submitted": "2026-06-09T00:00:00Z"}, "job-invalid"),
        ({"submitted": "2026-02-30T00:00:00Z"}, "job-invalid"),
        ({"deadline": "2026-06-31T00:00:00Z"}, "job-invalid"),
        ({"result_key": "ff" * 1216}, "job-invalid"),
        ({"linkage": "00" * 32}, "linkage-differs"),
    ],
)
def test_dates_and_keys_of_the_contract(changes: dict[str, Any], code: str) -> None:
    with pytest.raises((Refused, Invalid)) as caught:
        plan_allowed_job(job(TERMS, **changes), TERMS, digest=TERMS.digest(), now=NOW)
    assert caught.value.code == code


def test_the_latest_allowed_dates_pass() -> None:
    contract = job(TERMS, submitted=stamp(NOW + SKEW), deadline=stamp(NOW + SKEW + MAX_TERM))
    plan_allowed_job(contract, TERMS, digest=TERMS.digest(), now=NOW)
    plan_allowed_job(contract, TERMS, digest=TERMS.digest(), now=moment(contract.deadline) - timedelta(seconds=1))


def test_a_job_is_signed_by_its_analyst_alone() -> None:
    contract = job(TERMS)
    document = sign_document("job", contract, "ana", identity("ana"))
    assert verify_job(document, TERMS) == contract
    wrong: dict[str, Callable[[], Any]] = {
        "by another analyst": lambda: sign_document("job", contract, "otto", identity("otto")),
        "by another key": lambda: sign_document("job", contract, "ana", identity("otto")),
        "by two": lambda: document.with_signature("otto", identity("otto")),
        "by nobody": lambda: replace(document, signatures=()),
        "over other bytes": lambda: replace(document, body=job(TERMS, nonce="11" * 16).canonical()),
    }
    for make in wrong.values():
        with pytest.raises(Refused) as caught:
            verify_job(make(), TERMS)
        assert caught.value.code == "job-signature"
    with pytest.raises(Invalid):
        verify_job(replace(document, kind="approval"), TERMS)
    with pytest.raises(Refused) as caught:
        verify_job(sign_document("job", job(TERMS, analyst="eve"), "eve", identity("eve")), TERMS)
    assert caught.value.code == "job-not-allowed"


@pytest.mark.parametrize(
    "empty",
    [{"analysts": {}}, {"purposes": []}, {"datasets": {}}, {"operations": []}, {"joins": []}, {"link": []}],
    ids=lambda e: next(iter(e)),
)
def test_s23_an_agreement_that_leaves_a_section_empty_allows_no_job(empty: dict[str, Any]) -> None:
    terms = Agreement.read(agreement_value(**empty), what="agreement")
    asked = [
        question_value(),
        question_value(measures=["count"], by=[]),
        question_value(keep="tanf and wages"),
        question_value(purpose="planning"),
    ]
    for value in asked:
        assert found(value, terms)
        with pytest.raises((Refused, Invalid)):
            plan_allowed_job(job(terms, Question.read(value, what="job")), terms, digest=terms.digest(), now=NOW)


def test_a_boolean_can_be_summed_and_averaged_without_bounds() -> None:
    assert found(question_value(measures=["count", {"sum": "tanf.employed"}, {"mean": "tanf.employed"}])) == []
