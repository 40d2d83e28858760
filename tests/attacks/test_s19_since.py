"""S-19: what two tables by the time since an event would say together of a few people, and what refuses the second.

Which people are followed depends on the periods: the farther one is, the fewer have it held. So the difference of two such tables counts people
whose event lies in the quarters that one of them has and the other has not: people of one agency, and how they did at the other.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.families import Names, cohort_of, family_of
from tallystick.core.disclosure.overlap import check_overlap
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.check import question_problems
from tallystick.core.job.model import Question
from tallystick.core.statistics.planner import plan
from tests.follow import Case, expected_periods
from tests.followed import TERMS, asked
from tests.unit.core.disclosure.test_since_disclosure import GATED, crowd

NEAR = {"event": "exits.exit_quarter", "of": "wages.quarter", "periods": [1]}
FAR = NEAR | {"periods": [1, 2]}


def kept(question: Question, agreement: Agreement) -> Mapping[str, Any]:
    """Give what a desk keeps of a table that it opened, as far as an overlap is found by it."""
    value: Mapping[str, Any] = json.loads(json.dumps({"names": Names.of(question, agreement).json_value()}))
    return value


def shared(one: Question, other: Question, agreement: Agreement, *, gated: bool) -> bool:
    """Tell whether a desk holds the second table against the first at all."""
    families = [{cohort_of(each, agreement), family_of(each, agreement)} for each in (one, other)]
    if gated:
        return cohort_of(one, agreement) in families[1]
    return family_of(one, agreement) == family_of(other, agreement)


def people_counted(question: Question, seed: int) -> int:
    """Count who is followed in the first period."""
    case = Case(question, TERMS, crowd(random.Random(seed), 60))
    return sum(row["count"] for row in expected_periods(case) if row["period"] == 1)


def test_two_tables_of_other_periods_differ_by_few_people() -> None:
    """What there is to hide: with the second quarter asked for, too, a few of those who were followed are not."""
    gone = [people_counted(asked(NEAR), seed) - people_counted(asked(FAR), seed) for seed in range(20)]
    assert any(0 < one < 11 for one in gone), gone


OTHERS = {
    "a period more": asked(FAR),
    "another period": asked(NEAR | {"periods": [2]}),
    "before in place of after": asked(NEAR | {"periods": [-1]}),
    "another event": asked({**NEAR, "event": "exits.exit_month"}),
    "another column": asked({**NEAR, "of": "wages.paid_month", "unit": "quarter"}),
    "other columns of by": asked(NEAR, by=("exits.county", "wages.present")),
}


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("other", OTHERS)
def test_s19_a_second_table_of_the_same_people_since_something_else_is_refused(other: str, *, gated: bool) -> None:
    agreement = GATED if gated else TERMS
    first, second = asked(NEAR), OTHERS[other]
    for earlier, later in ((first, second), (second, first)):
        assert shared(earlier, later, agreement, gated=gated)
        with pytest.raises(Refused) as refusal:
            check_overlap(later, agreement, [kept(earlier, agreement)])
        assert refusal.value.code == "table-overlaps"


@pytest.mark.parametrize("gated", [False, True])
def test_s19_other_names_of_groups_do_not_make_it_another_question(*, gated: bool) -> None:
    agreement = GATED if gated else TERMS
    value = json.loads(json.dumps(asked(FAR).json_value()).replace("exits.", "left.").replace("wages.", "pay."))
    value["people"] = {"left": value["people"]["exits"], "pay": value["people"]["wages"]}
    renamed = Question.read(value | {"keep": "left"}, what="job")
    assert list(question_problems(renamed, agreement, "ann")) == []
    assert shared(asked(NEAR), renamed, agreement, gated=gated)
    with pytest.raises(Refused):
        check_overlap(renamed, agreement, [kept(asked(NEAR), agreement)])
    check_overlap(renamed, agreement, [kept(asked(FAR), agreement)])  # the same question, asked again


def test_s19_under_a_gate_a_plain_table_of_the_same_people_is_refused_beside_one_since_an_event() -> None:
    """All of the county's people who left, less those who are followed, are those whose event is missing or too late: few."""
    plain, followed = (
        asked(None, by=("exits.county",)),
        asked(NEAR, by=("exits.county",), measures=("count", {"mean": "wages.wage"})),
    )
    for earlier, later in ((plain, followed), (followed, plain)):
        assert shared(earlier, later, GATED, gated=True)
        with pytest.raises(Refused, match="by other columns"):
            check_overlap(later, GATED, [kept(earlier, GATED)])


@pytest.mark.parametrize("periods", [[1, [1, 2]], [[0, 3], [1, 4]], [2, 2]])
def test_s19_periods_of_one_table_do_not_overlap(periods: list[Any]) -> None:
    """Who had a first visit in days 0 to 30, less who had it in days 0 to 29, is who had it on day 30: no count of its own is tested."""
    (problem,) = question_problems(asked(NEAR | {"periods": periods}), TERMS, "ann")
    assert "overlap" in problem.message
    with pytest.raises(Invalid, match="overlap"):
        plan(asked(NEAR | {"periods": periods}), TERMS)
