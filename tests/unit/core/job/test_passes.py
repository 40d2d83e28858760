"""Which passes a question uses: the words for a similarity pass, what cannot be made, and the digest that binds it all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.link import check_link, find_link
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.linkage.passes.ladders import similarity_of
from tests.governance import agreement, agreement_value, question_value

FULL = ("ssn", "first_name", "last_name", "birth_date", "street", "city", "zip")


def terms(link: list[str], *, identifiers: tuple[str, ...] = FULL, people: int = 5_000, **changes: Any) -> Agreement:
    datasets = agreement_value()["datasets"]
    for entry in datasets.values():
        entry |= {"identifiers": list(identifiers), "people": people}
    return agreement(link=link, datasets=datasets, **changes)


def question(link: str | None = None) -> Question:
    value = question_value()
    del value["link"]
    return Question.read(value if link is None else value | {"link": link}, what="job")


@pytest.mark.parametrize(
    ("link", "asked", "word"),
    [
        (["default"], None, None),
        (["default", "similarity"], None, "similarity"),
        (["default", "similarity"], "default", "similarity"),
        (["strict", "default", "similarity"], "strict", None),
        (["strict", "similarity"], None, "similarity"),
        (["strict", "default", "loose"], None, None),
        (["strict", "default", "loose"], "loose", None),
        (["strict", "default", "loose"], "default", None),
        (["default", "loose", "similarity-no-twins"], "loose", "similarity-no-twins"),
        (["loose"], None, None),
        (["similarity-no-twins", "ssn+birth_date"], None, "similarity-no-twins"),
        (["ssn+birth_date"], "default", None),
        (["default", "loose", "no-twins"], "default", None),
        (["default", "loose", "no-twins"], "loose", None),
        (["strict", "loose", "no-households"], "strict", None),
    ],
)
def test_a_similarity_pass_is_part_of_what_the_agreement_names_it_for(
    link: list[str], asked: str | None, word: str | None
) -> None:
    pact = terms(link)
    assert similarity_of(find_link(question(asked), pact)) == word
    passes = passes_of(question(asked), pact)
    assert (passes.similarity is not None) == (word is not None)
    assert passes.told[-1:] == (("similarity",) if word else passes.names[-1:])


def test_recipes_that_would_link_twins_need_the_agreements_word() -> None:
    recipe = "last_name+birth_date+street"
    for link in (["default", "no-twins"], ["default", "similarity-no-households"], [recipe, "no-twins"]):
        assert any(name.startswith(recipe) for name in passes_of(question(), terms(link)).told)
    for link, asked in ((["strict", "default", "no-twins"], "strict"), (["default"], None)):
        assert not any(name.startswith(recipe) for name in passes_of(question(asked), terms(link)).told)
    with pytest.raises(TallyError, match="link-weak"):
        passes_of(question(), terms([recipe]))


def test_bands_come_after_all_exact_passes_and_count_as_one() -> None:
    passes = passes_of(question(), terms(["ssn+birth_date", "similarity"]))
    assert passes.similarity is not None
    assert passes.told == ("ssn+birth_date", "similarity")
    assert passes.names == ("ssn+birth_date", *passes.similarity.passes)
    assert passes.names[1] == "similar-00"
    assert len(passes.names) == 1 + passes.bands
    assert 2 <= passes.least == passes.similarity.least <= passes.similarity.need <= passes.bands
    alone = passes_of(question(), terms(["ssn+birth_date"]))
    assert (alone.bands, alone.least, alone.names) == (0, 0, ("ssn+birth_date",))


def test_what_cannot_be_made_is_told_with_its_reason() -> None:
    passes = passes_of(question(), terms(["ssn+birth_date", "similarity"], identifiers=("ssn", "birth_date")))
    assert passes.similarity is None
    assert passes.told == passes.names == ("ssn+birth_date",)
    ((name, reason),) = passes.unusable
    assert name == "similarity"
    assert "last name or street" in reason


@pytest.mark.parametrize(
    ("link", "hint"),
    [
        (["similarity"], "[default, similarity]"),
        (["no-twins"], "[default, no-twins]"),
        (["default", "similarity", "similarity-no-twins"], "keep the one"),
        (["default", "no-twins", "no-households"], "keep the one"),
        (["default", "similarity", "no-households"], "write similarity-no-households"),
    ],
)
def test_a_word_alone_and_two_words_are_refused(link: list[str], hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_link(link)
    assert caught.value.code == "link-invalid"
    assert hint in caught.value.hint
    with pytest.raises(TallyError):
        passes_of(question(), terms(link))


def test_the_digest_binds_everything_that_decides_the_tokens() -> None:
    """Recipes, bands, fields, thresholds and declared sizes; not what is only told to people."""
    base = passes_of(question(), terms(["default", "similarity"]))
    others = [
        passes_of(question(), terms(["default"])),
        passes_of(question("strict"), terms(["strict", "default", "similarity"])),
        passes_of(question(), terms(["default", "similarity-no-twins"])),
        passes_of(question(), terms(["default", "similarity"], identifiers=FULL[:-1])),
        passes_of(question(), terms(["default", "similarity"], people=90_000)),
    ]
    assert base.similarity is not None
    others += [
        replace(base, similarity=replace(base.similarity, need=base.similarity.need + 1)),
        replace(base, exact=base.exact[1:]),
    ]
    assert len({one.digest for one in (base, *others)}) == 1 + len(others)
    again = passes_of(question(), terms(["default", "similarity"], decoys=7))
    assert base.digest == again.digest == replace(base, unusable=()).digest
    assert base.digest == replace(base, similarity=replace(base.similarity, accidental=0.5)).digest
    assert len(bytes.fromhex(base.digest)) == 32


def with_aliases(**most: int) -> Agreement:
    datasets = agreement_value()["datasets"]
    for name, number in most.items():
        datasets[name]["aliases"] = number
    return agreement(datasets=datasets)


def test_a_recipe_is_a_pass_for_each_pair_of_spellings_and_the_digest_binds_them() -> None:
    plain = passes_of(question(), with_aliases())
    (name,) = plain.names
    left = passes_of(question(), with_aliases(tanf=2))
    assert left.names == left.told == (name, f"{name}@1.0", f"{name}@2.0")
    right = passes_of(question(), with_aliases(wages=1))
    assert right.names == (name, f"{name}@0.1")
    both = passes_of(question(), with_aliases(tanf=1, wages=1))
    assert both.names == (name, f"{name}@0.1", f"{name}@1.0", f"{name}@1.1")
    assert len({plain.digest, left.digest, right.digest, both.digest}) == 4
    assert passes_of(question(), with_aliases(shelter=3)).digest == plain.digest, "a dataset of another job"
