"""One question under several ladders, side by side: nothing hidden is worked out."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.client.results import build_display, describe_linkage
from tallystick.client.triple import triple_of
from tallystick.core.agreement.model import Agreement
from tallystick.core.decimals import exact
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.released import Released, document_json
from tests.governance import agreement, identity, job, question_value, signed_agreement
from tests.unit.core.test_results import released

TERMS = agreement(link=["strict", "default", "loose"])


def result(
    ladder: str | None, counts: dict[str, int | None], matched: int | None, *, terms: Agreement = TERMS, **question: Any
) -> SignedDocument:
    """Give a result of one ladder, with these counts by region."""
    asked = Question.read(question_value(link=ladder, title=f"by {ladder}", **question), what="job")
    contract = job(terms, asked)
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
        "document": document_json(sign_document("job", contract, "ana", identity("ana"))),
        "agreement": document_json(signed_agreement(terms)),
        "rows": exact(rows),
        "linkage": {"matched": matched},
    }
    return sign_document("result", Released.read(body, what="result"), "human-services", identity("human-services"))


STRICT = result("strict", {"north": 100, "south": 50, "east": None}, 170)
DEFAULT = result("default", {"north": 120, "south": None, "east": 30}, None)
LOOSE = result("loose", {"north": 110, "south": 61}, 200)


def both(*documents: SignedDocument) -> list[tuple[SignedDocument, dict[str, Any]]]:
    return [(one, build_display(one)) for one in documents]


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


def test_a_row_that_the_strictest_leaves_out_is_there() -> None:
    made = triple_of(both(result("strict", {"north": 100}, 100), result("loose", {"north": 100, "south": 12}, 112)))
    assert [list(one.values.values()) for one in made.rows if one.label == "count"] == [[100, 100], [0, 12]]


def test_a_variance_of_too_few_values_is_not_said_to_be_hidden() -> None:
    terms = agreement(link=["strict", "default", "loose"], operations=["count", "mean", "variance"])
    label, asked = "variance(wages.earnings)", ["count", {"variance": "wages.earnings"}]

    def one(ladder: str, row: dict[str, Any]) -> tuple[SignedDocument, dict[str, Any]]:
        document = result(ladder, {}, 170, terms=terms, measures=asked)
        value = build_display(document) | {
            "columns": ["tanf.region", "count", label, "count(wages.earnings)", "suppressed"],
            "rows": [{"tanf.region": "north", "count": 90, "suppressed": None} | row],
        }
        return document, value

    made = triple_of(
        [
            one("strict", {label: None, "count(wages.earnings)": 1, "undefined": {label: "fewer than two values"}}),
            one("default", {label: None, "count(wages.earnings)": None, "hidden": [label, "count(wages.earnings)"]}),
            one("loose", {label: 1234.5, "count(wages.earnings)": 40}),
        ]
    )
    (spread,) = [one for one in made.rows if one.label == label]
    assert spread.values == {"strict": None, "default": None, "loose": 1234.5}
    assert spread.undefined == {"strict": "fewer than two values"}
    assert spread.written == {"strict": "fewer than two values", "loose": "1,234.50"}
    assert spread.share is None
    left_out = one("loose", {})
    left_out[1]["rows"] = []
    (empty,) = [
        some
        for some in triple_of([one("strict", {label: 2.5, "count(wages.earnings)": 20}), left_out]).rows
        if some.label == label
    ]
    assert (empty.values, empty.undefined) == ({"strict": 2.5, "loose": None}, {"loose": ""})


def test_a_question_without_a_link_is_of_the_ladder_that_its_agreement_has() -> None:
    terms = agreement(link=["strict", "loose", "no-twins"])
    unsaid, said, loose = (result(link, {"north": 100}, 100, terms=terms) for link in (None, "strict", "loose"))
    assert triple_of(both(loose, unsaid)).ladders == ("strict", "loose")
    with pytest.raises(Invalid, match="two of the results are linked by strict"):
        triple_of(both(unsaid, said))
    assert describe_linkage(unsaid) == ("strict", "no-twins")


def test_results_by_an_agreements_own_recipes_are_of_one_kind() -> None:
    one = result(None, {"north": 100}, 100, terms=agreement(link=["ssn+birth_date"]))
    assert describe_linkage(one) == ("ssn+birth_date",)
    with pytest.raises(Invalid, match="two of the results are linked by recipes"):
        triple_of(both(one, one))


@pytest.mark.parametrize(
    "others", [(STRICT, STRICT), (STRICT, result("loose", {}, 1, keep="tanf and wages")), (DEFAULT, result(None, {}, 1))]
)
def test_results_of_several_questions_or_of_one_ladder_are_refused(others: tuple[SignedDocument, ...]) -> None:
    with pytest.raises(Invalid) as refusal:
        triple_of(both(*others))
    assert refusal.value.code == "triple-differs"
