"""What a county's files say when they lie in one room: identifiers, people and links, with nothing of the product's code.

Written from docs/configuration.md and the rules of linkage in words; pandas and plain Python alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pandas as pd

Tokens = list[tuple[str, ...] | None]

DENIED: Final = {"123456789", "987654321", "078051120", "219099999", "457555462"}
TITLES: Final = {"DR", "MR", "MRS", "MS"}
SUFFIXES: Final = {"JR", "SR", "II", "III", "IV"}


def ssn(text: str) -> str | None:
    """Nine digits that could have been issued; seven or eight are such whose leading zeros were lost."""
    bare = re.sub(r"[ ./-]", "", text.strip())
    if not re.fullmatch(r"\d{7,9}", bare, re.ASCII) or len(set(bare)) == 1:
        return None
    nine = bare.zfill(9)
    never = nine.startswith(("000", "666", "9")) or nine[3:5] == "00" or nine[5:] == "0000"
    return None if nine in DENIED or (len(bare) == 9 and never) else nine


def birth_date(text: str) -> str | None:
    """An ISO date after 1900-01-01."""
    text = text.strip()
    return text.replace("-", "") if re.fullmatch(r"\d{4}-\d\d-\d\d", text) and text > "1900-01-01" else None


def name(text: str) -> str | None:
    """Letters A to Z in one run: no accents, marks, titles or suffixes."""
    flat = "".join(
        c for c in unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D")) if not unicodedata.combining(c)
    )
    words = [
        re.sub(r"[^A-Z]", "", word)
        for word in re.split(r"[\s,-]+", re.sub("['\N{RIGHT SINGLE QUOTATION MARK}`.]", "", flat).upper())
    ]
    words = [word for word in words if word]
    while len(words) > 1 and words[0] in TITLES:
        words = words[1:]
    while len(words) > 1 and words[-1] in SUFFIXES:
        words = words[:-1]
    return "".join(words) or None


RULES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "ssn": ssn,
    "birth_date": birth_date,
    "last_name": name,
    "first_name": name,
}


def read(folder: Path, dataset: str) -> pd.DataFrame:
    """Read a file as text, empty where nothing stands."""
    return pd.read_csv(folder / f"{dataset}.csv", dtype=str, keep_default_na=False)


def people(rows: pd.DataFrame, key: str, summary: Mapping[str, tuple[str, Callable[[pd.Series], Any]]]) -> pd.DataFrame:
    """Give one row per person, in the order of their keys; `summary` names each column's source and what is made of it."""
    grouped = rows.groupby(key, sort=True)
    return pd.DataFrame({column: grouped[source].agg(how) for column, (source, how) in summary.items()}).reset_index(drop=True)


def the_one(values: pd.Series) -> Any:
    """Give what a person's rows all say."""
    distinct = set(values)
    assert len(distinct) == 1, "a column varies within a person"
    return distinct.pop() or None


def commonest(values: pd.Series) -> str:
    """Give the most frequent text that is not empty, the smallest of several."""
    counts = Counter(value for value in values if value)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else ""


def identifiers(rows: pd.DataFrame, key: str, chosen: Sequence[str], columns: Mapping[str, str]) -> dict[str, list[str | None]]:
    """Give the chosen people's canonical identifiers, from all their rows, in the order of their keys."""
    found = rows[rows[key].isin(set(chosen))].groupby(key, sort=True)
    return {field: [RULES[field](text) for text in found[column].agg(commonest)] for field, column in columns.items()}


def tokens(fields: Mapping[str, list[str | None]], recipe: str) -> Tokens | None:
    """Give each person's token of a recipe, None where a field is missing; None altogether where one cannot be made.

    Names and a birth date are too little where the day stands for an unknown one.
    """
    columns = []
    fields = dict(fields)
    if recipe == "first_name+last_name+birth_date" and "birth_date" in fields:
        fields["birth_date"] = without_default_days(fields["birth_date"])
    for part in recipe.split("+"):
        field, _, length = part.partition(":")
        if field not in fields:
            return None
        columns.append([None if text is None else text[: int(length)] if length else text for text in fields[field]])
    return [None if None in values else values for values in zip(*columns, strict=True)]


def without_default_days(dates: list[str | None]) -> list[str | None]:
    """Give birth dates without those on 1 January where more than 2 % are, and on the first of a month where more than 10 % are."""
    known = [date.replace("-", "") for date in dates if date is not None]
    ends = [
        end
        for end, share in (("0101", 0.02), ("01", 0.1))
        if sum(date.endswith(end) for date in known) > max(share * len(known), 4)
    ]
    return [None if date is None or date.endswith(tuple(ends)) else date for date in dates]


def links(left: Sequence[Tokens | None], right: Sequence[Tokens | None]) -> list[tuple[int, int]]:
    """Give who is whom: passes from strict to loose, one to one; a token that two people of one side share is nobody's."""
    made: dict[int, int] = {}
    for mine, theirs in zip(left, right, strict=True):
        if mine is None or theirs is None:
            continue
        once = [
            {token: at for at, token in enumerate(side) if token and often[token] == 1}
            for side, often in ((mine, Counter(mine)), (theirs, Counter(theirs)))
        ]
        taken = set(made.values())
        for token in once[0].keys() & once[1].keys():
            at, other = once[0][token], once[1][token]
            if at not in made and other not in taken:
                made[at] = other
    return sorted(made.items())


def clusters(lists: Mapping[str, Sequence[Tokens | None]]) -> list[dict[str, int]]:
    """Give who is whom in several lists, and who is alone: by name of the list, the person's place in it.

    Passes go from strict to loose. All links of a pass are found before any is made; those that together would put two people of one
    list into one cluster are not made.
    """
    whole: dict[tuple[str, int], frozenset[tuple[str, int]]] = {}
    for called, columns in lists.items():
        size = max(len(column) for column in columns if column is not None)
        whole |= {(called, at): frozenset({(called, at)}) for at in range(size)}
    for step in range(len(next(iter(lists.values())))):
        linked: list[frozenset[tuple[str, int]]] = []
        for one, other in combinations(lists, 2):
            mine, theirs = (_find_unique(lists[name][step]) for name in (one, other))
            for token in mine.keys() & theirs.keys():
                first, second = whole[one, mine[token]], whole[other, theirs[token]]
                if not any(name == other for name, _ in first) and not any(name == one for name, _ in second):
                    linked.append(first | second)
        joined: list[frozenset[tuple[str, int]]] = []
        for link in linked:
            touching = [some for some in joined if some & link]
            joined = [some for some in joined if not some & link]
            joined.append(link.union(*touching))
        for some in joined:
            if len({name for name, _ in some}) == len(some):
                whole |= dict.fromkeys(some, some)
    return [dict(some) for some in dict.fromkeys(whole.values())]


def _find_unique(column: Tokens | None) -> dict[tuple[str, ...], int]:
    """Give the tokens of a pass that are one person's of a list, with the person's place."""
    often = Counter(token for token in column or () if token is not None)
    return {token: at for at, token in enumerate(column or ()) if token is not None and often[token] == 1}
