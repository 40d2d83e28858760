"""The coordinator killed while it holds letters of a request (S-30): nothing is told without its line, no line says more, nothing comes twice.

Nodes that are killed at each of their points are in test_requests.py.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.lines import Lines

TICK = 6
ASK = ("record", "ask", "--of", "clients", "--fields", "address", "--purpose", "benefits", "--no-wait", "--consent")


@pytest.fixture(name="lines", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    with Lines(tmp_path_factory.mktemp("lines"), records={"tick_seconds": TICK}) as network:
        network.until(lambda: network.ask(network.paper())["outcome"] == "given", "the first request is not answered", 120)
        yield network


def ask(lines: Lines) -> None:
    told = lines.tally(*ASK, str(lines.paper()))
    assert told.returncode == 0, told.stderr


def restart(lines: Lines) -> None:
    lines.parties["coordinator"].kill()
    lines.begin("coordinator")


def read(lines: Lines, seconds: int) -> list[dict[str, Any]]:
    return list(json.loads(lines.tally("record", "answers", "--wait", str(seconds), "--format", "json").stdout))


def count_given(lines: Lines) -> int:
    return sum(one["outcome"] == "given" for one in lines.disclosures())


def look(lines: Lines) -> list[str]:
    """Give the states of the owner's requests from its database: a command takes as long as a tick."""
    file = lines.parties["housing"].state / "node.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as database:
        return [state for (state,) in database.execute("SELECT state FROM request")]


@pytest.mark.slow
def test_s30_killed_with_a_request_in_it(lines: Lines) -> None:
    before = len(lines.disclosures())
    lines.parties["housing"].stop()
    ask(lines)
    lines.until(lambda: lines.disclosures("labor")[0]["state"] == "passed on", "labor does not pass it on")
    restart(lines)
    lines.begin("housing")
    assert read(lines, 2 * TICK + 4) == [], "the letter is lost"
    assert len(lines.disclosures()) == before, "and the owner says nothing of it"
    lines.until(lambda: lines.ask(lines.paper())["outcome"] == "given", "and it goes on", 120)


@pytest.mark.slow
def test_s30_killed_with_an_answer_in_it(lines: Lines) -> None:
    before = count_given(lines)
    ask(lines)
    lines.until(lambda: count_given(lines) == before + 1 and lines.disclosures()[0]["state"] == "sent", "it is not answered")
    restart(lines)
    assert read(lines, TICK) == [], "the letter is lost, and the owner does not send it again"
    assert (count_given(lines), lines.disclosures()[0]["state"]) == (before + 1, "sent"), "it left the owner"
    lines.until(lambda: lines.ask(lines.paper())["outcome"] == "given", "and it goes on", 120)


@pytest.mark.slow
def test_s30_dead_when_the_tick_comes(lines: Lines) -> None:
    before = len(lines.disclosures())
    assert "seen" not in look(lines)
    ask(lines)
    lines.until(lambda: "seen" in look(lines), "the owner does not see it")
    lines.parties["coordinator"].kill()
    noted = lambda: lines.disclosures()[0]["outcome"] == "given"  # noqa: E731
    lines.until(noted, "the answer is not noted")
    assert lines.disclosures()[0]["state"] != "sent", "nothing was posted"
    lines.begin("coordinator")
    answers = read(lines, 60)
    assert [one["outcome"] for one in answers] == ["given"]
    lines.until(lambda: lines.disclosures()[0]["state"] == "sent", "the owner does not note that it left")
    assert read(lines, 3) == [], "it comes once"
    assert len(lines.disclosures()) == before + 1
