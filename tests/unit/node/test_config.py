"""node.yaml: what it may say, and what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.core.errors import Invalid
from tallystick.core.keyfile import read_identity
from tallystick.node.config import NodeFile, read_config
from tallystick.node.policy.model import read_policy
from tallystick.node.starting import make_folder
from tests.declared import WAGES

MINIMAL: dict[str, Any] = {"agency": "labor", "coordinator": {"address": "county.example:7443"}}


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text(
        "agency: labor\ncoordinator: {address: '127.0.0.1:7443'}\nstate: here\npolicy: /etc/p.yaml\n"
    )
    config = read_config(tmp_path / "node.yaml")
    assert config.state == tmp_path / "here"
    assert config.path("/etc/p.yaml") == Path("/etc/p.yaml")
    assert config.file.desk == "ask"


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1}, {"agency": "Labor"}, {"coordinator": {}}, {"coordinator": {"address": "nowhere"}}, {"desk": "always"},
        {"datasets": {"wages": {**WAGES, "source": {}}}}, {"datasets": {"wages": {**WAGES, "source": {"csv": "a", "parquet": "b"}}}},
        {"datasets": {"wages": {**WAGES, "identifiers": {"shoe_size": "x"}}}}, {"datasets": {"wages": {**WAGES, "person": ""}}},
        {"datasets": {"wages": {**WAGES, "columns": {"a": {"type": "integer"}, "A": {"type": "integer"}}}}},
        {"datasets": {"wages": {**WAGES, "columns": {"a b": {"type": "integer"}}}}}, {"datasets": {"wages": {**WAGES, "where": "1"}}},
        {"datasets": {"wages": {**WAGES, "columns": {"a": {"type": "decimal"}}}}}, {"workers": -1},
    ],
)  # fmt: skip
def test_what_it_may_not_say(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        NodeFile.read({**MINIMAL, **change}, what="node.yaml")
    assert caught.value.code == "document-invalid"


def test_init_writes_files_that_read_back_and_never_over_others(tmp_path: Path) -> None:
    identity = make_folder(tmp_path / "node", "labor", "127.0.0.1:7443")
    config = read_config(tmp_path / "node" / "node.yaml")
    assert config.agency == "labor"
    assert read_policy(tmp_path / "node" / "policy.yaml").rules == ()
    assert read_identity(config.path(config.file.identity)) == identity
    assert (tmp_path / "node" / "identity.key").stat().st_mode & 0o077 == 0
    with pytest.raises(Invalid):
        make_folder(tmp_path / "node", "labor", "127.0.0.1:7443")
    sample = (tmp_path / "node" / "node.yaml").read_text()
    commented = sample.replace("datasets: {}", "datasets:").replace("\n#  ", "\n  ").replace("\n#    ", "\n    ")
    (tmp_path / "node" / "node.yaml").write_text(commented)
    assert list(read_config(tmp_path / "node" / "node.yaml").file.datasets) == ["exits"]
