"""What the made-up records of linkage.json become: tokens, plans, bands, links. Two parties of one `VERSION` must make the same.

    python -m tests.vectors.linkage

writes it anew. Where something that stood there became another, `VERSION` of core/job/passes.py must have changed first: it is what
keeps two parties of different rules from a job together. What is new (a recipe that no ladder had) is added under the same version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.job.passes import VERSION
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.budget import BOUNDS
from tallystick.core.linkage.passes.choice import ListSide, choose_passes
from tallystick.core.linkage.passes.kind import parse_entry
from tallystick.core.linkage.passes.kinds.opentoken import NAMED
from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.spellings import Spellings, build_spelled_columns, expand_ladder
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.core.linkage.quality.facts import count_facts
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.tags import TokenColumn

FILE: Final = Path(__file__).with_name("linkage.json")
PARTS: Final = ("tokens", "guarded", "facts", "chosen", "spelled", "plans", "bands", "matching")
NAMES: Final = ("first_name", "last_name", "birth_date", "street", "city", "zip")
PLANS: Final = (
    ("similarity", (*NAMES, "ssn"), 38),
    ("similarity", NAMES, 38),
    ("similarity-no-twins", NAMES, 100_000),
    ("similarity-no-households", (*NAMES, "middle_name", "phone"), 1_000_000),
)
"""Word, fields, people: what plans are kept of."""

Strings = npt.NDArray[np.object_]


def of_records(file: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give what the file's records become, by part; each entry stands for itself, so that it can be seen what changed."""
    lists = {name: _columns(records) for name, records in file["records"].items()}
    sizes = {name: len(records) for name, records in file["records"].items()}
    recipes = [
        parse_entry(name) for name in sorted({*NAMED, *file["ladder"], *(one for ladder in LADDERS.values() for one in ladder)})
    ]
    exact = {name: token_columns(recipes, one, sizes[name]) for name, one in lists.items()}
    plans = {_title(*asked): plan_of(asked[1], asked[1], asked[2], asked[0]) for asked in PLANS}
    secret = bytes.fromhex(file["secret"])
    bands = {
        title: {name: band_columns(plan, one, sizes[name], secret) for name, one in lists.items()}
        for title, plan in plans.items()
    }
    first = next(iter(plans))
    ladder = file["ladder"]
    tags = {name: np.concatenate([_tags(exact[name], ladder, name), _tags(bands[first][name], None, name)]) for name in lists}
    without = {name: tags[name][: len(ladder)] for name in lists}
    plan = plans[first]
    return {
        "tokens": {recipe.name: {name: _sum(exact[name][recipe.name]) for name in lists} for recipe in recipes},
        "guarded": _guarded(lists, sizes),
        "facts": {name: _facts(one, sizes[name]) for name, one in lists.items()},
        "chosen": _chosen(lists, sizes),
        "spelled": _spelled(lists["left"], sizes["left"], file["spellings"]["left"]),
        "plans": {title: {k: v for k, v in asdict(one).items() if not isinstance(v, float)} for title, one in plans.items()},
        "bands": {title: {name: _digest(*map(_sum, one.values())) for name, one in of.items()} for title, of in bands.items()},
        "matching": {
            "two lists, loose": _found([without["left"], without["right"]]),
            "three lists, loose": _found([without[name] for name in lists]),
            "two lists, loose and similarity": _found([tags["left"], tags["right"]], plan),
            "three lists, loose and similarity": _found([tags[name] for name in lists], plan),
            "two lists, similarity": _found([tags[name][len(ladder) :] for name in ("left", "right")], plan),
        },
    }  # fmt: skip


def _guarded(lists: Mapping[str, Mapping[str, Strings]], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Give every pass that the catalogue can make of these fields, as each list makes it on either side."""
    sides = [ListSide(name, tuple(lists[name]), sizes[name]) for name in ("left", "right")]
    recipes = [one.recipe for one in choose_passes("widest", "no-households", (sides[0], sides[1]))[0]]
    made = {
        name: [build_spelled_columns(recipes, side, one, sizes[name], None, SeededRandomness(b"any")) for side in (0, 1)]
        for name, one in lists.items()
    }
    return {
        recipe.name: {name: [_sum(side[recipe.name]) for side in both] for name, both in made.items()} for recipe in recipes
    }


def _facts(identifiers: Mapping[str, Strings], n: int) -> dict[str, Any]:
    found = count_facts(identifiers, n)
    return {"people": found.people, "known": dict(found.known), "alike": dict(found.alike), "variety": dict(found.variety)}


def _chosen(lists: Mapping[str, Mapping[str, Strings]], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Give what each ladder uses of two lists that have told of themselves, and what it makes by accident, to four digits."""
    one, other = (
        ListSide(name, tuple(lists[name]), sizes[name], count_facts(lists[name], sizes[name])) for name in ("left", "right")
    )
    return {
        ladder: [
            f"{choice.recipe.name} {choice.odds.chance:.3e} {choice.odds.held:.3f} {choice.odds.guards:.3f} {choice.odds.tells}"
            for choice in choose_passes(ladder, "", (one, other))[0]
        ]
        for ladder in BOUNDS
    }


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Give the entries of an older file that are other ones now, or gone."""
    return [f"{part}: {name}" for part in PARTS for name in old.get(part, {}) if new.get(part, {}).get(name) != old[part][name]]


def read() -> dict[str, Any]:
    """Give the file."""
    value: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return value


def plain(value: Any) -> Any:
    """Give a value as JSON has it."""
    return json.loads(json.dumps(value))


def main() -> None:
    """Write the file anew, unless something changed under the same version."""
    old = read()
    made = plain(of_records(old))
    other = changes(old, made)
    if other and old.get("version") == VERSION:
        lines = "\n  ".join(other)
        raise SystemExit(f"error: these changed, and VERSION of core/job/passes.py is still {VERSION!r}:\n  {lines}")
    kept = {name: old[name] for name in ("source", "licence", "records", "spellings", "ladder", "secret")}
    FILE.write_text(_written(kept | {"version": VERSION} | made), "utf-8")
    print(f"{FILE.name}: {VERSION}; {len(other)} entries changed")


def _columns(records: Sequence[Mapping[str, str | None]]) -> dict[str, Strings]:
    return {name: np.array([record[name] for record in records], dtype=object) for name in records[0]}


def _spelled(identifiers: Mapping[str, Strings], n: int, others: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give a few passes of a list that has other spellings."""
    who = np.array([one["who"] for one in others], dtype=np.int64)
    raw = {
        name: np.array([one.get(name, column[one["who"]]) for one in others], dtype=object)
        for name, column in identifiers.items()
    }
    spellings = Spellings(who, np.array([one["number"] for one in others], dtype=np.int64), raw)
    recipes = expand_ladder([parse_recipe(name) for name in ("ssn+birth_date", "first_name+last_name+birth_date")], 2, 1)
    columns = build_spelled_columns(
        recipes, 0, identifiers, n, spellings, SeededRandomness(b"any: the tokens do not depend on it")
    )
    return {name: _sum(column) for name, column in columns.items()}


def _texts(column: TokenColumn) -> list[bytes | None]:
    """Give each person's token."""
    ends = column.offsets.tolist()
    return [column.data[a:b] if has else None for a, b, has in zip(ends, ends[1:], column.usable.tolist(), strict=False)]


def _sum(column: TokenColumn) -> str:
    """Give how many people have a token, and a digest of everybody's."""
    tokens = _texts(column)
    return (
        f"{sum(token is not None for token in tokens)} {_digest(*('-' if token is None else token.hex() for token in tokens))}"
    )


def _digest(*texts: str) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()[:32]


def _tags(columns: Mapping[str, TokenColumn], names: Sequence[str] | None, owner: str) -> npt.NDArray[np.uint8]:
    """Give (passes, people, 16): a hash of the token; of who has none, or shares it, of the person's own."""
    rows = []
    for name in columns if names is None else names:
        tokens = _texts(columns[name])
        alone = [token is not None and tokens.count(token) == 1 for token in tokens]
        said = [
            repr((name, token)) if own else repr((name, owner, at))
            for at, (token, own) in enumerate(zip(tokens, alone, strict=True))
        ]
        rows.append([list(sha256(text.encode()).digest()[:16]) for text in said])
    return np.array(rows, dtype=np.uint8)


def _found(tags: Sequence[npt.NDArray[np.uint8]], plan: SimilarityPlan | None = None) -> dict[str, Any]:
    """Give links and ties by pass, and each cluster's row in every list, -1 for none, in the order of the rows."""
    matches = match_tags(tags, None if plan is None else plan.rounds(0))
    rows = [[-1] * len(matches.cluster) for _ in range(matches.clusters)]
    for at, cluster in enumerate(matches.cluster):
        for row, number in enumerate(cluster.tolist()):
            if number >= 0:
                rows[number][at] = row
    return {"links": list(matches.links), "ties": list(matches.ties), "clusters": sorted(rows)}


def _title(word: str, fields: Sequence[str], people: int) -> str:
    return f"{word} of {people} by {'+'.join(fields)}"


def _written(value: Mapping[str, Any]) -> str:
    """Give the file's text: an entry a line."""

    def lines(inner: Any) -> str:
        if isinstance(inner, str):
            return json.dumps(inner)
        if isinstance(inner, list):
            return "[\n" + ",\n".join("   " + json.dumps(one, ensure_ascii=False) for one in inner) + "\n  ]"
        return (
            "{\n"
            + ",\n".join(
                f"  {json.dumps(name)}: " + (lines(one) if isinstance(one, list) else json.dumps(one))
                for name, one in inner.items()
            )
            + "\n }"
        )

    return "{\n" + ",\n".join(f" {json.dumps(name)}: {lines(one)}" for name, one in value.items()) + "\n}\n"


if __name__ == "__main__":
    main()
