"""The walks that docs/architecture.md gives to who reads the code for the first time follow the imports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pytest

from tests.imports import NAMESPACE, ROOT, imports, layers_of

PAGE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SECTION: Final = PAGE.split("## Two walks to read by\n")[1].split("\n## ")[0]
WALKS: Final = dict(part.split("\n", 1) for part in SECTION.split("\n### ")[1:])
_MODULE: Final = re.compile(r"`([a-z_/0-9]+)\.py`")


def steps(walk: str) -> list[list[str]]:
    """Give a walk's modules, step by step."""
    found = [_MODULE.findall(line) for line in WALKS[walk].splitlines() if re.match(r"\d+\. ", line)]
    return [[f"{NAMESPACE}.{name.replace('/', '.')}" for name in step] for step in found]


def layer(module: str) -> tuple[int, ...]:
    """Give how far below the top a module stands: its room, and in core the layer there."""
    room = _place(f"{NAMESPACE}.", module, [[name.removeprefix(f"{NAMESPACE}.") for name in one] for one in layers_of()])
    inner = [_place(f"{folder}.", module, layers_of(folder)) for folder in ("tallystick.core", "tallystick.core.linkage")]
    return (room, *inner)


def _place(prefix: str, module: str, layers: Sequence[Sequence[str]]) -> int:
    if not module.startswith(prefix):
        return 0
    name = module.removeprefix(prefix).partition(".")[0]
    return next(at for at, layer in enumerate(layers) if name in layer)


def joined(one: str, other: str) -> bool:
    """Tell whether one of two modules imports the other."""
    return other in imports()[one] or one in imports()[other]


def faults(walk: Sequence[Sequence[str]]) -> list[str]:
    """Give what is wrong with a walk."""
    found = [f"{name}: no such module" for step in walk for name in step if name not in imports()]
    if found:
        return found
    before: list[str] = []
    for step in walk:
        if not step or (before and step[0] not in before and not any(joined(step[0], other) for other in before)):
            found.append(f"{step}: joined to no step before")
        for at, name in enumerate(step[1:], start=1):
            if not any(joined(name, other) for other in step[:at]):
                found.append(f"{name}: joined to nothing before it in its step")
            if layer(name) < layer(step[at - 1]):
                found.append(f"{name}: in a higher layer than {step[at - 1]}")
        before += step
    return found


def test_there_are_two_walks() -> None:
    assert [walk.split(" from ")[0] for walk in WALKS] == ["Follow a wage", "Follow a job"]
    wage, job = map(steps, WALKS)
    assert {name.split(".")[1] for step in wage for name in step} == {
        "node",
        "records",
        "core",
        "crypto",
        "coordinator",
        "client",
    }
    assert wage[0][-1].startswith("tallystick.records.sources.")
    assert wage[-1][0].startswith("tallystick.client.cli.")
    assert job[0][0] == "tallystick.client.cli.job"
    assert any("tallystick.core.job.approval" in step for step in job)


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_follows_the_imports(walk: str) -> None:
    assert faults(steps(walk)) == []


@pytest.mark.parametrize(
    ("walk", "fault"),
    [
        ([["tallystick.node.nowhere"]], "no such module"),
        ([["tallystick.node.desk", "tallystick.crypto.bfv"]], "joined to nothing"),
        ([["tallystick.core.results", "tallystick.node.desk"]], "higher layer"),
        ([["tallystick.core.linkage.passes.recipes", "tallystick.core.linkage.quality.estimates"]], "higher layer"),
        ([["tallystick.node.desk"], ["tallystick.crypto.bfv"]], "joined to no step"),
    ],
)
def test_a_walk_that_does_not_is_found(walk: list[list[str]], fault: str) -> None:
    [found] = faults(walk)
    assert fault in found
