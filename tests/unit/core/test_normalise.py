"""Canonical identifiers: the golden file, known-bad data, and that missing never becomes a value."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields.alternates import ALTERNATES
from tallystick.core.linkage.fields.normalise import MAX_TEXT, RULES, VERSION, normalise

GOLDEN = json.loads((Path(__file__).parents[2] / "vectors" / "normalise_v2.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['field']}={case['raw']!r}")
def test_golden(case: dict[str, Any]) -> None:
    assert normalise(case["field"], [case["raw"]]).texts() == [case["normal"]]


def test_the_golden_file_is_of_this_version_and_covers_every_identifier() -> None:
    assert GOLDEN["version"] == VERSION
    assert {case["field"] for case in GOLDEN["cases"]} == {*RULES, *ALTERNATES}


@pytest.mark.parametrize("field", [*RULES, *ALTERNATES])
def test_a_column_is_normalised_as_its_values_are_one_by_one(field: str) -> None:
    raws = [case["raw"] for case in GOLDEN["cases"]] * 2
    alone = [normalise(field, [raw]).texts()[0] for raw in raws]
    together = normalise(field, np.array(raws, dtype=object))
    assert together.texts() == alone
    assert len(set(together.values)) == len(together.values)
    assert all(together.values)
    assert together.codes.max() < len(together.values)


@pytest.mark.parametrize("field", [*RULES, *ALTERNATES])
def test_s10_missing_is_never_a_value(field: str) -> None:
    nothing = [
        None,
        "",
        " ",
        "\t",
        "\x00",
        "\u202e",
        "\ufeff",
        math.nan,
        math.inf,
        True,
        b"",
        np.nan,
        "-",
        ".",
        "N/A",
        "x" * (MAX_TEXT + 1),
    ]
    found = normalise(field, nothing)
    assert found.codes.tolist() == [-1] * len(nothing)
    assert found.values == ()


@pytest.mark.parametrize("field", [*RULES, *ALTERNATES])
def test_an_identifier_of_a_megabyte_is_denied(field: str) -> None:
    assert normalise(field, ["A" * 1_000_000, "1" * 1_000_000]).texts() == [None, None]


@given(
    st.sampled_from(sorted({*RULES, *ALTERNATES})),
    st.lists(st.none() | st.text(max_size=30) | st.integers() | st.floats() | st.dates() | st.binary(max_size=9)),
)
def test_anything_at_all_is_normalised_or_missing(field: str, raws: list[Any]) -> None:
    found = normalise(field, raws)
    assert len(found.codes) == len(raws)
    for text in found.texts():
        assert text is None or (text and len(text) <= 4 * MAX_TEXT)


@given(st.sampled_from(["first_name", "last_name", "city", "street"]), st.text(max_size=30))
def test_names_are_normal_already_once_they_are(field: str, raw: str) -> None:
    (once,) = normalise(field, [raw]).texts()
    if once is not None and once not in {"JR", "SR"}:
        assert normalise(field, [once]).texts() in ([once], [None])


def test_dates_numbers_and_arrays_of_every_kind_are_read() -> None:
    moments = [
        date(1990, 3, 4),
        datetime(1990, 3, 4, 5, 6, tzinfo=UTC),
        np.datetime64("1990-03-04").astype(object),
        "1990-03-04",
        19900304.0,
    ]
    assert normalise("birth_date", moments).texts() == ["19900304"] * 5
    days = np.array(["1990-03-04", "NaT"], dtype="datetime64[ns]")
    assert normalise("birth_date", days).texts() == ["19900304", None]
    assert normalise("ssn", np.array([219456789, 5300218])).texts() == ["219456789", "005300218"]
    assert normalise("ssn", np.array([219456789.0, math.nan])).texts() == ["219456789", None]
    assert normalise("last_name", np.array(["Smith", ""])).texts() == ["SMITH", None]
    assert normalise("last_name", np.array([b"Smith", b""])).texts() == ["SMITH", None]
    assert normalise("last_name", []).texts() == []


def test_one_value_falls_back_to_another() -> None:
    first = normalise("ssn4", ["6789", None, None, "1111"])
    second = normalise("ssn4", ["219-45-1234", "219-45-6789", None, None])
    assert first.or_else(second).texts() == ["6789", "6789", None, "1111"]


def test_an_unknown_identifier_is_refused() -> None:
    with pytest.raises(Invalid):
        normalise("shoe_size", ["43"])
