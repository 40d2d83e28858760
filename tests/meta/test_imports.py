"""Imports go one way: docs/architecture.md, and the contracts of import-linter in pyproject.toml."""

from __future__ import annotations

import pytest

from tests.imports import LINTER, NAMESPACE, between, circle, imports, layers_of

FOLDERS = sorted({module.rpartition(".")[0] for module in imports()} - {NAMESPACE})


def test_no_files_import_each_other_in_a_circle() -> None:
    assert len(imports()) > 300
    assert circle(imports()) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_stands_in_a_folder_imports_itself_in_no_circle(folder: str) -> None:
    assert circle(between(folder, imports())) == []


def test_a_circle_would_be_found() -> None:
    edges = {
        "t.core.a.x": frozenset({"t.core.b.y"}),
        "t.core.b.y": frozenset(),
        "t.core.b.z": frozenset({"t.core.a.w", "t.node"}),
        "t.core.a.w": frozenset({"t.core.a.x"}),
    }
    assert circle(edges) == []
    assert circle({**edges, "t.core.b.y": frozenset({"t.core.b.z"})})
    assert between("t.core", edges) == {"t.core.a": {"t.core.b"}, "t.core.b": {"t.core.a"}}
    assert set(circle(between("t.core", edges))) == {"t.core.a", "t.core.b"}


def test_contracts_hold_the_layers_of_the_house() -> None:
    rooms = [{name.removeprefix(f"{NAMESPACE}.") for name in layer} for layer in layers_of()]
    assert rooms == [{"lab"}, {"client", "coordinator", "node"}, {"records"}, {"core"}, {"crypto", "v1"}]
    *core, ground = layers_of("tallystick.core")
    above = [("results",), ("opening",), ("drafting",), ("contract", "released")]
    assert core == [*above, ("disclosure",), ("statistics",), ("consent", "job"), ("agreement",), ("linkage",)]
    assert {"errors", "clock", "ids", "canonical", "model", "documents", "keyfile", "files", "yaml", "logs", "net"} <= set(
        ground
    )
    assert layers_of("tallystick.core.linkage") == (("quality",), ("matching",), ("passes",), ("fields",))


def test_contracts_take_in_every_module_and_except_no_import() -> None:
    for contract in LINTER["contracts"]:
        assert not {"ignore_imports", "exhaustive_ignores", "skip_descendants"} & contract.keys(), contract["name"]
        assert contract["type"] != "layers" or "containers" not in contract or contract["exhaustive"], contract["name"]
    [siblings] = [contract for contract in LINTER["contracts"] if contract["type"] == "acyclic_siblings"]
    assert siblings["ancestors"] == LINTER["root_packages"]
