"""Kinds of exact passes: which entry of `link` is read by which, and what a kind's own tokens mean for ladders, spellings and estimates."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.normalise import Normalised
from tallystick.core.linkage.matching.duplicates import token_evidence
from tallystick.core.linkage.passes import kind as kinds
from tallystick.core.linkage.passes.kind import CanonicalFields, PassKind, parse_entry, part_values, pass_kinds
from tallystick.core.linkage.passes.kinds.opentoken import NAMED
from tallystick.core.linkage.passes.ladders import LADDERS, WORDS, passes_for, recipes_of
from tallystick.core.linkage.passes.recipes import Recipe, parse_recipe
from tallystick.core.linkage.passes.spellings import build_spelled_columns, expand_ladder
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.core.linkage.quality.agreement import coinciding, identifiers_of, pass_implies
from tallystick.crypto.codec import frame
from tallystick.crypto.randomness import SeededRandomness

SSN = "ssn+birth_date"
IDS: dict[str, list[object]] = {"ssn": ["212456701", "212456702", None], "birth_date": ["1980-02-29"] * 3}


class Marked(PassKind):
    """`marked-RECIPE`: its tokens end in a mark."""

    def parse(self, rest: str) -> Recipe:
        return replace(parse_recipe(rest), kind="marked")

    def values(self, recipe: Recipe, fields: CanonicalFields) -> tuple[Normalised, ...]:
        values = part_values(recipe, fields)
        return (*values, Normalised(np.zeros_like(values[0].codes), ("mark",)))


@pytest.fixture
def _marked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = MappingProxyType({**pass_kinds(), "marked": Marked()})
    monkeypatch.setattr(kinds, "pass_kinds", lambda: found)


def test_no_kind_is_called_as_a_word_of_link_or_a_ladder_begins() -> None:
    assert set(pass_kinds()) == {"opentoken"}
    assert not set(pass_kinds()) & {word.partition("-")[0] for word in (*WORDS, *LADDERS)}


def test_an_entry_that_begins_with_no_kind_is_a_recipe() -> None:
    assert parse_entry(SSN) == parse_recipe(SSN)
    for entry in ("marked-ssn", "-ssn", "recipe-ssn"):
        with pytest.raises(Invalid, match="fields joined by"):
            parse_entry(entry)


def test_a_rule_that_opentoken_does_not_have_is_refused() -> None:
    with pytest.raises(Invalid, match="no such rule") as refusal:
        parse_entry("opentoken-t6")
    assert refusal.value.code == "link-invalid"


def test_an_opentoken_rule_has_its_recipes_tokens_under_its_own_name() -> None:
    recipe = parse_entry("opentoken-t4")
    raw: dict[str, list[object]] = {**IDS, "sex": ["F", "M", "F"]}
    made = token_columns([recipe, parse_recipe(NAMED["opentoken-t4"])], raw, 3)
    assert list(made) == ["opentoken-t4", NAMED["opentoken-t4"]]
    one, other = made.values()
    assert one.data == other.data != b""


@pytest.mark.usefixtures("_marked")
def test_a_kind_makes_its_own_tokens_also_for_spellings_and_duplicates() -> None:
    recipe, plain = parse_entry(f"marked-{SSN}"), parse_recipe(SSN)
    made = token_columns([recipe, plain], IDS, 3)
    assert recipe.name == recipe.text == f"marked-{SSN}"
    marked = made[recipe.name]
    assert bytes(marked.usable_only()[0][: marked.offsets[1]]) == frame(b"212456701", b"19800229", b"mark")
    assert made[recipe.name].usable.tolist() == made[SSN].usable.tolist() == [True, True, False]
    passes = expand_ladder([recipe, plain], 0, 1)
    assert [one.name for one in passes] == [recipe.name, f"{recipe.name}@0.1", SSN, f"{SSN}@0.1"]
    again = build_spelled_columns(passes, 0, IDS, 3, None, SeededRandomness(b"test"))
    assert again[f"{recipe.name}@0.1"].data == again[recipe.name].data == made[recipe.name].data != again[SSN].data
    assert [one.keys.tolist() for one in token_evidence(IDS, [recipe, plain])] == [[0, 1], [0, 1]]


@pytest.mark.usefixtures("_marked")
def test_a_kinds_passes_are_checked_as_recipes_are() -> None:
    usable, unusable = passes_for((f"marked-{SSN}", "marked-phone+first_name+birth_date"), None, IDS, IDS)
    assert [one.name for one in usable] == [f"marked-{SSN}"]
    assert [(one.name, reason.count("has no phone, no first_name")) for one, reason in unusable] == [
        ("marked-phone+first_name+birth_date", 2)
    ]
    with pytest.raises(Refused, match="says about"):
        recipes_of(("marked-sex+zip",), None)
    with pytest.raises(Invalid, match="unknown field"):
        recipes_of(("marked-shoe",), None)


@pytest.mark.usefixtures("_marked")
def test_what_a_kind_takes_beside_its_fields_is_implied_by_nothing() -> None:
    marked, plain = parse_entry(f"marked-{SSN}"), parse_recipe(SSN)
    assert pass_implies(marked, plain)
    assert not pass_implies(plain, marked)
    assert pass_implies(marked, marked)
    identifiers = identifiers_of([marked, plain])
    [one, other] = coinciding([marked, plain], identifiers)
    [apart] = [at for at, (mine, theirs) in enumerate(zip(one, other, strict=True)) if mine.tolist() != theirs.tolist()]
    assert identifiers[apart].name == f"marked-{SSN}"
    assert one[apart].tolist() == [False, True]
    assert other[apart].all()
