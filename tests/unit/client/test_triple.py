"""One question under several ladders, side by side: nothing hidden is worked out."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.client.results import shown
from tallystick.client.triple import triple_of
from tallystick.core.documents import SignedDocument, signed
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.results import Released, document_json, exact
from tests.governance import agreement, identity, job, question_value
from tests.unit.core.test_results import released

TERMS = agreement(link=["strict", "default", "loose"])


def result(ladder: str | None, counts: dict[str, int | None], matched: int | None, **question: Any) -> SignedDocument:
    """Give a result of one ladder, with these counts by region."""
    asked = Question.read(question_value(link=ladder, title=f"by {ladder}", **question), what="job")
    contract = job(TERMS, asked)
    rows = [
        {
            "tanf.region": region,
            "count": count,
            "mean(wages.earnings)": None if count is None else count * 1.5,
            "suppressed": None,
        }
        for region, count in counts.items()
    ]
    body = released().json_value() | {
        "job": contract.digest(),
        "document": document_json(signed("job", contract, "ana", identity("ana"))),
        "rows": exact(rows),
        "linkage": {"matched": matched},
    }
    return signed("result", Released.read(body, what="result"), "human-services", identity("human-services"))


STRICT = result("strict", {"north": 100, "south": 50, "east": None}, 170)
DEFAULT = result("default", {"north": 120, "south": None, "east": 30}, None)
LOOSE = result("loose", {"north": 110, "south": 61}, 200)


def both(*documents: SignedDocument) -> list[tuple[SignedDocument, dict[str, Any]]]:
    return [(one, shown(one)) for one in documents]


def test_ladders_stand_strict_to_loose_whatever_their_order() -> None:
    made = triple_of(both(LOOSE, STRICT, DEFAULT))
    assert made.ladders == ("strict", "default", "loose")
    assert list(made.rows[0].values.values()) == [100, 120, 110]
    assert (made.rows[0].least, made.rows[0].most, made.rows[0].share) == (100, 120, 0.2)
    assert made.json_value()["rows"][1]["values"] == {"strict": 150.0, "default": 180.0, "loose": 165.0}


def test_what_one_of_them_hides_has_no_spread() -> None:
    made = triple_of(both(STRICT, DEFAULT, LOOSE))
    south = next(one for one in made.rows if one.levels == {"tanf.region": "south"} and one.label == "count")
    assert (south.values, south.least, south.most, south.share) == (
        {"strict": 50, "default": None, "loose": 61},
        None,
        None,
        None,
    )
    assert made.totals[0].share is None


def test_a_row_that_is_left_out_is_empty() -> None:
    made = triple_of(both(DEFAULT, LOOSE))
    east = next(one for one in made.rows if one.levels == {"tanf.region": "east"} and one.label == "count")
    assert (east.least, east.most, east.share) == (0, 30, 1.0)


@pytest.mark.parametrize(
    "others", [(STRICT, STRICT), (STRICT, result("loose", {}, 1, join="tanf inner wages")), (DEFAULT, result(None, {}, 1))]
)
def test_results_of_several_questions_or_of_one_ladder_are_refused(others: tuple[SignedDocument, ...]) -> None:
    with pytest.raises(Invalid) as refusal:
        triple_of(both(*others))
    assert refusal.value.code == "triple-differs"
