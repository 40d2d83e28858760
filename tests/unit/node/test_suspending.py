"""Suspension and withdrawal at one node: what is refused, what goes on, what a file that cannot be read means."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallystick.core.errors import TallyError
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.suspending import FILE, check_suspended, read_suspensions, resume, suspend
from tests.governance import question

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(name="config")
def of_labor(tmp_path: Path) -> NodeConfig:
    return NodeConfig(NodeFile.read({"agency": "labor", "coordinator": {"address": "127.0.0.1:1"}}, what="node.yaml"), tmp_path)


def refusal(config: NodeConfig) -> str:
    try:
        check_suspended(config, "county", question())
    except TallyError as error:
        return f"{error.code}: {error.message}"
    return ""


def test_an_agreement_is_suspended_and_goes_on(config: NodeConfig) -> None:
    assert refusal(config) == ""
    suspend(config.state, NOW, agreements=("county",), datasets=(), reason="a breach is looked into")
    assert refusal(config) == "suspended: labor has suspended county"
    assert read_suspensions(config.state).agreements["county"].reason == "a breach is looked into"
    suspend(config.state, NOW.replace(year=2027), agreements=("county",), datasets=(), reason="")
    assert read_suspensions(config.state).agreements["county"].since.startswith("2026"), "the first one stands"
    resume(config.state, agreements=("other",), datasets=("county",))
    assert refusal(config)
    resume(config.state, agreements=("county",), datasets=())
    assert refusal(config) == ""


def test_a_dataset_is_withdrawn_for_jobs_that_name_it_alone(config: NodeConfig) -> None:
    suspend(config.state, NOW, agreements=(), datasets=("wages",), reason="")
    assert refusal(config) == "suspended: labor has withdrawn its dataset wages"
    check_suspended(config, "county")  # a request under the agreement, which names no question
    resume(config.state, agreements=(), datasets=("wages",))
    suspend(config.state, NOW, agreements=(), datasets=("tanf",), reason="")
    assert refusal(config) == "", "tanf in this job is another agency's"


@pytest.mark.parametrize("text", ["", "{", '{"agreement": {}}', '{"agreements": {"county": {}}}'])
def test_a_file_that_cannot_be_read_suspends_everything(config: NodeConfig, text: str) -> None:
    config.state.mkdir()
    (config.state / FILE).write_text(text)
    assert refusal(config).startswith("document-invalid")
