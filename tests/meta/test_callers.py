"""Functions that nothing but tests calls live with the tests."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.meta.test_house import ROOMS, ROOT, tracked

READERS = (*ROOMS, "benchmarks", "examples")
FOR_TESTS_ALONE = {
    "compute_epsilon": "figures of SECURITY.md, which a test works out again",
    "greatest_advantage": "figures of SECURITY.md, which a test works out again",
    "encode_coordinate": "part of the readable reference that both kernels are compared with",
    "mermaid": "tests/docs/generate.py writes docs/state-machines.md with it",
    "rerandomize_ciphertexts": "the primitive is tested against phe before a round needs it",
    "advise": "of totals: the check of a job calls it once plans are of any population",
    "estimate_opened": "of totals: the check of a job calls it once plans are of any population",
    "find_legacy": "of totals: the ledger calls it once it keeps hidden cells",
    "find_open_splits": "of totals: who makes a table of what opened calls it",
    "sum_up": "of totals: survival and histograms call it",
    "list_payload": "a whole list at once; the machines send lists as they are made",
    "read_list": "a whole list at once; the machines read lists as they arrive",
}
"""Public functions that may have no caller in the rooms, and why."""


def defined(text: str) -> set[str]:
    """List the public functions of a module; what is decorated is registered somewhere, and called from there."""
    return {
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and (not node.decorator_list or all("cache" in ast.unparse(one) for one in node.decorator_list))
    }


def mentioned(text: str) -> set[str]:
    """List every name that a module uses: variables, attributes, and what it imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.name for alias in node.names)
    return names


def without_callers(modules: dict[str, str], elsewhere: str) -> set[str]:
    """List the public functions whose name no module uses, nor `elsewhere` as `module:name`."""
    used = set().union(*map(mentioned, modules.values()))
    names = set().union(*map(defined, modules.values()))
    return {name for name in names - used if f':{name}"' not in elsewhere}


def sources() -> dict[str, str]:
    """Read every module that is no test."""
    paths: list[Path] = [
        path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in READERS and "_pb2" not in path.name
    ]
    return {str(path): path.read_text() for path in paths}


def test_every_public_function_has_a_caller_that_is_no_test() -> None:
    found = without_callers(sources(), (ROOT / "pyproject.toml").read_text())
    assert found - FOR_TESTS_ALONE.keys() == set()
    assert FOR_TESTS_ALONE.keys() - found == set(), "these have callers now, or are gone"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def lonely(): ...", {"lonely"}),
        ("def lonely(): ...\nlonely()", set()),
        ("@cache\ndef lonely(): ...", {"lonely"}),
        ("@click.command()\ndef command(): ...", set()),
        ("def _private(): ...", set()),
        ("def main(): ...", set()),
    ],
)
def test_a_function_without_a_caller_is_found(text: str, found: set[str]) -> None:
    assert without_callers({"a.py": text, "b.py": ""}, 'tool = "a:main"') == found
