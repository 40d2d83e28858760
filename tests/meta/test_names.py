"""A name means one thing in the whole house, and a function that computes is a verb: CONTRIBUTING.md."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.meta.test_house import ROOMS, ROOT, tracked

MAY_STAND_TWICE: dict[str, str] = {}
"""Public class names that may stand in several modules, and why."""
PARTICIPLES = frozenset(
    [
        "begun",
        "broken",
        "built",
        "chosen",
        "done",
        "drawn",
        "found",
        "given",
        "gone",
        "held",
        "hidden",
        "kept",
        "known",
        "left",
        "lost",
        "made",
        "meant",
        "misspelt",
        "said",
        "saw",
        "seen",
        "sent",
        "shown",
        "spelt",
        "taken",
        "told",
        "understood",
        "woven",
        "written",
    ]
)
"""Irregular participles; the regular ones end in -ed."""
NO_PARTICIPLES = frozenset({"exceed", "feed", "need", "proceed", "seed", "speed", "succeed"})
"""Verbs that end as participles do."""


def classes(text: str) -> set[str]:
    """Give the names of the public classes of a module, also those inside of functions and classes."""
    found = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)}
    return {name for name in found if not name.startswith("_")}


def standing_twice(modules: dict[str, str]) -> dict[str, list[str]]:
    """Give the class names that several modules define, and these modules."""
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for module, text in sorted(modules.items()):
        for name in classes(text):
            homes[name].append(module)
    return {name: at for name, at in homes.items() if len(at) > 1}


def is_participle(name: str) -> bool:
    """Tell whether a name begins with a participle, whatever underscores stand before it."""
    word = name.strip("_").split("_")[0]
    return word not in NO_PARTICIPLES and (word in PARTICIPLES or word.endswith("ed"))


def named_by_participles(text: str) -> set[str]:
    """Find the functions and methods, also nested ones, that are called by a participle; properties are values, and may be."""
    return {
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(ast.unparse(one).endswith("property") for one in node.decorator_list)
        and is_participle(node.name)
    }


def sources() -> dict[str, str]:
    """Give the text of every module of the rooms that a person writes: not what protoc generates."""
    paths: list[Path] = [
        path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in ROOMS and "_pb2" not in path.name
    ]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def test_class_names_are_unique_across_the_rooms() -> None:
    modules = sources()
    assert len(modules) > 250
    assert standing_twice(modules).keys() - MAY_STAND_TWICE.keys() == set()


def test_exceptions_are_still_needed() -> None:
    assert MAY_STAND_TWICE.keys() - standing_twice(sources()).keys() == set()


@pytest.mark.parametrize(
    ("text", "twice"), [("class Thing: ...", True), ("class _Thing: ...", False), ("if 1:\n    class Thing: ...", True)]
)
def test_a_second_class_of_a_name_is_found(text: str, twice: bool) -> None:
    assert bool(standing_twice({"a.py": text, "b.py": text})) is twice


def test_functions_that_compute_are_verbs() -> None:
    found = {path: named_by_participles(text) for path, text in sources().items()}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def normalised(): ...", True),
        ("async def _kept(): ...", True),
        ("def outer():\n    def told(): ...", True),
        ("class A:\n    def seen(self): ...", True),
        ("class A:\n    @property\n    def seen(self): ...", False),
        ("class A:\n    @functools.cached_property\n    def seen(self): ...", False),
        ("def known_people(): ...", True),
        ("def find_known(): ...", False),
        ("def feed(): ...", False),
        ("made = 1", False),
    ],
)
def test_a_participle_is_found(text: str, found: bool) -> None:
    assert bool(named_by_participles(text)) is found
