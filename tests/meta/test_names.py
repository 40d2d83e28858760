"""A name means one thing in the whole house: CONTRIBUTING.md."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.meta.test_house import ROOMS, ROOT, tracked

MAY_STAND_TWICE: dict[str, str] = {}
"""Public class names that may stand in several modules, and why."""


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
