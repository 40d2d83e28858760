"""The project's imports, as grimp reads them from the sources, those for type checkers too."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

import grimp

ROOT: Final = Path(__file__).parents[1]
LINTER: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
NAMESPACE: Final = "tallystick"

Imports = Mapping[str, frozenset[str]]
"""By module, what it imports of ours."""


@cache
def imports() -> Imports:
    """Give what each module of every room imports; folders stand there, too, and import nothing themselves."""
    graph = grimp.build_graph(*LINTER["root_packages"], cache_dir=None)
    return {module: frozenset(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def circle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Give a circle of imports, its first member again at the end; empty if there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def between(folder: str, edges: Imports) -> dict[str, set[str]]:
    """Give what the files and folders that stand side by side in a folder import of each other, all they hold included."""
    found: dict[str, set[str]] = {}
    for module, imported in edges.items():
        if (mine := _child(folder, module)) is not None:
            others = {theirs for other in imported if (theirs := _child(folder, other)) is not None}
            found.setdefault(mine, set()).update(others - {mine})
    return found


def _child(folder: str, module: str) -> str | None:
    if not module.startswith(f"{folder}."):
        return None
    return f"{folder}.{module[len(folder) + 1 :].partition('.')[0]}"


def layers_of(*containers: str) -> tuple[tuple[str, ...], ...]:
    """Give the layers that import-linter holds in these containers, or between rooms if none is named: from the top, each with its members."""
    [layers] = [
        contract["layers"]
        for contract in LINTER["contracts"]
        if contract["type"] == "layers" and contract.get("containers", []) == list(containers)
    ]
    return tuple(tuple(layer.replace("|", " ").replace(":", " ").split()) for layer in layers)
