"""What a command does not import: each process of a network would pay for it at its start, and each command before its first word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import json, sys
from importlib import import_module
from tallystick.client.cli import main
try:
    main(sys.argv[2:])
except SystemExit:
    pass
for name in filter(None, sys.argv[1].split(",")):
    import_module(name)
print(json.dumps(sorted({name for name, module in sys.modules.items() if module is not None})))
"""
PLOTS = {"scipy", "pandas", "matplotlib"}
PAGES = {"jinja2", "starlette", "uvicorn"}
PRODUCTS = {"tenseal", "tenseal.sealapi"}
SERVERS = {"sqlalchemy", "alembic", "duckdb", "structlog", "prometheus_client"}
NEVER = PLOTS | PRODUCTS | {"rich", "pygments", "prometheus_client"}
CLIENT = NEVER | PAGES | SERVERS | {"sqlglot"}


def imported(modules: str, *words: str, home: Path) -> set[str]:
    """Give what a process has imported that ran `tally` with some words, and then needed some modules."""
    environment = {**os.environ, "TALLY_HOME": str(home)}
    command = [sys.executable, "-c", ASK, modules, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=home)
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("words", "modules", "without", "but"),
    [
        (("--help",), "", CLIENT | {"numpy", "pydantic", "grpc", "cryptography"}, "click"),
        (("job", "list", "--help"), "", CLIENT | {"numpy", "pydantic", "grpc", "cryptography"}, "click"),
        (("job", "list"), "tallystick.client.sdk", CLIENT, "grpc"),
        (("node", "serve", "--help"), "tallystick.node.app", NEVER | PAGES | {"sqlalchemy", "alembic"}, "duckdb"),
        (
            ("coordinator", "serve", "--help"),
            "tallystick.coordinator.app",
            NEVER | PAGES | {"duckdb", "alembic", "mako"},
            "sqlalchemy",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_heavy_is_imported_where_it_is_used(
    tmp_path: Path, words: tuple[str, ...], modules: str, without: set[str], but: str
) -> None:
    """`but` is one that is needed there: what is imported is seen at all."""
    found = imported(modules, *words, home=tmp_path)
    assert but in found
    assert found & without == set()
