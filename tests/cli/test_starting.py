"""`tally` starts fast: what a command does not need is not imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("duckdb", "grpc", "tenseal", "pandas", "pyarrow", "numpy", "sqlalchemy", "phe", "pydantic", "rich")
SERVERS = ("tallystick.node", "tallystick.coordinator")
PROGRAM = """
import json, sys
from tallystick.client.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(json.dumps(sorted(name for name, module in sys.modules.items() if module is not None)), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    modules = loaded(*arguments)
    assert not modules.intersection(HEAVY)
    assert not [name for name in modules if name.startswith(SERVERS)]


@pytest.mark.parametrize("group", ["demo", "lab", "job", "result", "agreement", "profile", "doctor"])
def test_help_of_a_group_loads_no_server_and_no_library_of_numbers(group: str) -> None:
    modules = loaded(group, "--help")
    assert not modules.intersection({"duckdb", "grpc", "tenseal", "pandas", "pyarrow", "numpy", "sqlalchemy", "phe"})
    assert not [name for name in modules if name.startswith(SERVERS)]
