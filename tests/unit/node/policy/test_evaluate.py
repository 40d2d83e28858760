from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.node.policy.evaluate import demands_of, evaluate
from tallystick.node.policy.model import FACETS, Policy, PolicyRule, read_policy
from tests.governance import agreement, job, question, question_value

TERMS = agreement()
JOB = job(TERMS)
OPEN = Policy(rules=(PolicyRule(decision="auto"),))
STRICTNESS = {"auto": 0, "ask": 1, "never": 2}


def policy(*rules: dict[str, Any]) -> Policy:
    return Policy.read({"rules": list(rules)}, what="policy")


def test_s23_an_empty_policy_allows_nothing() -> None:
    for asked in (question(), question(measures=["count"], by=[]), question(keep="tanf and wages")):
        verdict = evaluate(Policy(), job(TERMS, asked), TERMS, "labor")
        assert verdict.decision == "never"
        assert verdict.reasons


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "rules: []\n", "{}\n"])
def test_s23_an_empty_policy_file_is_an_empty_policy(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    assert read_policy(tmp_path / "policy.yaml") == Policy()
    assert evaluate(read_policy(tmp_path / "policy.yaml"), JOB, TERMS, "labor").decision == "never"


@pytest.mark.parametrize(
    "text",
    [
        "rules: null",
        "[]",
        "rules: {decision: auto}",
        "rules: [{}]",
        "rules: [{decision: yes}]",
        "rules: [{decision: auto, colum: wage}]",
        "rules: [{decision: auto, operation: mode}]",
        "allow: all",
    ],
)
def test_a_malformed_policy_is_refused_not_guessed(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(Invalid) as caught:
        read_policy(tmp_path / "policy.yaml")
    assert caught.value.code == "document-invalid"


def test_what_a_job_demands_of_each_agency() -> None:
    labor = {(demand.dataset, demand.column, demand.operation) for demand in demands_of(JOB, TERMS, "labor")}
    assert labor == {
        ("wages", "quarter", "count"),
        ("wages", "quarter", "mean"),
        ("wages", "industry", "count"),
        ("wages", "industry", "mean"),
        ("wages", "wage", "mean"),
    }
    assert {demand.column for demand in demands_of(JOB, TERMS, "human-services")} == {"exit_quarter", "age", "region"}
    assert list(demands_of(JOB, TERMS, "housing")) == []


def test_a_bare_count_and_a_desk_without_data_demand_too() -> None:
    bare = question_value(measures=["count"], by=[])
    for group in bare["people"].values():
        group.pop("where")
        group.pop("derive", None)
    asked = job(TERMS, Question.read(bare, what="job"))
    assert [(demand.dataset, demand.column, demand.operation) for demand in demands_of(asked, TERMS, "labor")] == [
        ("wages", None, "count")
    ]
    desk = agreement(release={"mode": "desk", "desk": "housing"})
    assert [(demand.dataset, demand.operation) for demand in demands_of(job(desk), desk, "housing")] == [
        (None, "count"),
        (None, "mean"),
    ]
    assert evaluate(policy({"decision": "auto", "dataset": "shelter"}), job(desk), desk, "housing").decision == "never"
    assert evaluate(policy({"decision": "ask", "analyst": "ana"}), job(desk), desk, "housing").decision == "ask"


@pytest.mark.parametrize(
    ("rules", "decision"),
    [
        ([{"decision": "auto"}], "auto"),
        ([{"decision": "ask"}], "ask"),
        ([{"decision": "never"}], "never"),
        ([{"decision": "auto", "dataset": "wages"}], "auto"),
        ([{"decision": "auto", "dataset": "tanf"}], "never"),
        ([{"decision": "auto", "analyst": "ana", "purpose": "evaluation", "agreement": "county"}], "auto"),
        ([{"decision": "auto", "analyst": "otto"}], "never"),
        ([{"decision": "auto", "purpose": "planning"}], "never"),
        ([{"decision": "auto", "agreement": "state"}], "never"),
        ([{"decision": "auto", "operation": "count"}], "never"),
        ([{"decision": "auto", "operation": "count"}, {"decision": "ask", "operation": "mean"}], "ask"),
        ([{"decision": "auto", "column": "wage"}, {"decision": "auto", "column": "industry"}], "never"),
        ([{"decision": "auto", "column": c} for c in ("wage", "industry", "quarter")], "auto"),
        ([{"decision": "auto"}, {"decision": "ask", "column": "wage"}], "ask"),
        ([{"decision": "auto"}, {"decision": "never", "column": "wage", "operation": "mean"}], "never"),
        ([{"decision": "auto"}, {"decision": "never", "column": "wage", "operation": "count"}], "auto"),
        ([{"decision": "never", "column": "wage"}, {"decision": "auto"}], "never"),
        ([{"decision": "auto"}, {"decision": "never", "purpose": "planning"}], "auto"),
        ([{"decision": "ask", "dataset": "wages"}, {"decision": "auto", "analyst": "ana"}], "ask"),
    ],
)
def test_the_strictest_rule_holds_and_every_demand_is_covered(rules: list[dict[str, Any]], decision: str) -> None:
    assert evaluate(policy(*rules), JOB, TERMS, "labor").decision == decision


def test_a_source_column_is_protected_through_what_is_derived_from_it() -> None:
    verdict = evaluate(policy({"decision": "auto"}, {"decision": "never", "column": "wage"}), JOB, TERMS, "labor")
    assert verdict.decision == "never"
    assert [(reason.rule, reason.facets) for reason in verdict.reasons] == [(2, "column=wage")]
    assert verdict.reasons[0].message == "rule 2 (column=wage) forbids column wage of wages, mean for ana, evaluation"


def test_reasons_name_the_rule_or_what_no_rule_covers_and_the_change() -> None:
    verdict = evaluate(
        policy({"decision": "auto", "column": "wage"}, {"decision": "ask", "column": "quarter"}), JOB, TERMS, "labor"
    )
    assert verdict.decision == "never"
    assert {reason.rule for reason in verdict.reasons} == {None}
    assert {reason.hint for reason in verdict.reasons} == {
        "add a rule: {decision: ask, dataset: wages, column: industry, operation: count}",
        "add a rule: {decision: ask, dataset: wages, column: industry, operation: mean}",
    }
    asked = evaluate(policy({"decision": "ask"}), JOB, TERMS, "labor")
    assert [(reason.rule, reason.facets) for reason in asked.reasons] == [(1, "everything")]
    assert evaluate(OPEN, JOB, TERMS, "labor").reasons == ()


def test_an_agency_that_takes_no_part_never_approves() -> None:
    assert evaluate(OPEN, JOB, TERMS, "housing").decision == "never"


VALUES: dict[str, list[str | None]] = {
    "agreement": [None, "county", "state"],
    "analyst": [None, "ana", "otto"],
    "purpose": [None, "evaluation", "planning"],
    "dataset": [None, "wages", "tanf"],
    "column": [None, "wage", "quarter", "industry", "age"],
    "operation": [None, "count", "sum", "mean"],
}
RULES = st.fixed_dictionaries(
    {"decision": st.sampled_from(["auto", "ask", "never"])} | {facet: st.sampled_from(VALUES[facet]) for facet in FACETS}
).map(lambda value: PolicyRule.read({key: item for key, item in value.items() if item is not None}, what="rule"))
JOBS = [
    JOB,
    job(TERMS, question(measures=["count"], by=[])),
    job(TERMS, question(measures=[{"sum": "wages.earnings"}], purpose="planning"), analyst="otto"),
]


@settings(max_examples=200, deadline=None)
@given(
    rules=st.lists(RULES, max_size=6),
    added=RULES,
    place=st.integers(0, 6),
    agency=st.sampled_from(["labor", "human-services"]),
    asked=st.sampled_from(JOBS),
)
def test_s23_a_never_rule_never_loosens_and_no_rule_loosens_what_is_covered(
    rules: list[PolicyRule], added: PolicyRule, place: int, agency: str, asked: Any
) -> None:
    before = evaluate(Policy(rules=tuple(rules)), asked, TERMS, agency)
    after = evaluate(Policy(rules=(*rules[:place], added, *rules[place:])), asked, TERMS, agency)
    covered = all(reason.rule is not None for reason in before.reasons)
    if added.decision == "never" or covered:
        assert STRICTNESS[after.decision] >= STRICTNESS[before.decision]


@settings(max_examples=100, deadline=None)
@given(rules=st.lists(RULES, max_size=6), seed=st.randoms())
def test_the_order_of_rules_does_not_matter(rules: list[PolicyRule], seed: Any) -> None:
    shuffled = list(rules)
    seed.shuffle(shuffled)
    assert (
        evaluate(Policy(rules=tuple(rules)), JOB, TERMS, "labor").decision
        == evaluate(Policy(rules=tuple(shuffled)), JOB, TERMS, "labor").decision
    )
