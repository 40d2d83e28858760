"""Formulas of populations: they count whom plain logic counts, and what cannot be counted is refused with what to write instead."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.errors import Invalid
from tallystick.core.job.keep import MAX_DEPTH, parse_keep

NAMES = ("care", "prek", "tanf", "wages")


def formulas(depth: int = 4) -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(NAMES),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            inner.map(lambda one: f"not {one}"),
        ),
        max_leaves=8,
    )


@given(formulas())
def test_a_formula_counts_whom_python_counts(text: str) -> None:
    named = tuple(name for name in NAMES if name in text)
    worlds = [dict(zip(named, bits, strict=True)) for bits in product([False, True], repeat=len(named))]
    truth = {tuple(sorted(name for name in named if world[name])): bool(eval(text, {}, dict(world))) for world in worlds}
    if truth[()] or not any(truth.values()):
        with pytest.raises(Invalid):
            parse_keep(text, named)
        return
    keep = parse_keep(text, named)
    assert {have: keep.holds(have) for have in truth} == truth
    assert keep.always == tuple(n for n in sorted(keep.groups) if all(n in have for have, counted in truth.items() if counted))
    assert keep.never == tuple(
        n for n in sorted(keep.groups) if not any(n in have for have, counted in truth.items() if counted)
    )
    assert sorted(keep.named) == sorted(named)


def test_the_same_population_has_the_same_terms() -> None:
    groups = ("care", "tanf")
    first = parse_keep("care and not tanf", groups).terms
    assert first == {("care",): 1, ("care", "tanf"): -1}
    for text in ("not tanf and care", "care and not (tanf and care)", "(care or tanf) and not tanf"):
        assert parse_keep(text, groups).terms == first, text


def test_and_binds_before_or_and_not_before_both() -> None:
    assert (
        parse_keep("care or tanf and wages", ("care", "tanf", "wages")).terms
        == parse_keep("care or (tanf and wages)", ("care", "tanf", "wages")).terms
    )
    assert parse_keep("not care and tanf", ("care", "tanf")).terms == parse_keep("(not care) and tanf", ("care", "tanf")).terms


@pytest.mark.parametrize(
    ("text", "groups", "says"),
    [
        ("not care", ("care",), "none of the groups"),
        ("care or not tanf", ("care", "tanf"), "none of the groups"),
        ("care and not care", ("care",), "nobody"),
        ("care and wages", ("care",), "wages, which is not in people"),
        ("", ("care",), "missing at the end"),
        ("care and", ("care",), "missing at the end"),
        ("and care", ("care",), "missing before `and`"),
        ("(care", ("care",), "not closed"),
        ("care)", ("care",), "not expected"),
        ("care tanf", ("care", "tanf"), "not expected"),
        ("care & tanf", ("care", "tanf"), "`&` is not understood"),
        ("(" * (MAX_DEPTH + 1) + "care" + ")" * (MAX_DEPTH + 1), ("care",), "deep"),
        ("care or " * 60 + "care", ("care",), "longer"),
    ],
)  # fmt: skip
def test_what_is_no_population_is_refused(text: str, groups: tuple[str, ...], says: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_keep(text, groups)
    assert caught.value.code == "job-invalid"
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "groups", "hint"),
    [
        ("not care", ("care", "tanf"), "keep: tanf and not care"),
        ("care or not tanf", ("care", "tanf"), "keep: care and (care or not tanf)"),
        ("not care and not tanf", ("care", "tanf", "wages"), "keep: wages and not care and not tanf"),
        ("not care", ("care",), "put it into people"),
        ("care AND tanf", ("care", "tanf"), "write and"),
        ("NOT care and tanf", ("care", "tanf"), "write not"),
        ("care && tanf", ("care", "tanf"), "write and"),
        ("care - tanf", ("care", "tanf"), "write and not"),
        ("care not tanf", ("care", "tanf"), "write and not"),
        ("care tanf", ("care", "tanf"), "write `and` or `or` before it"),
        ("care and tanf.present", ("care", "tanf"), "write tanf"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_smallest_change_that_would_pass(text: str, groups: tuple[str, ...], hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_keep(text, groups)
    assert hint in (caught.value.hint or "")
    _, mark, formula = (caught.value.hint or "").partition("keep: ")
    if mark and "GROUP" not in formula:
        assert parse_keep(formula, groups).terms
