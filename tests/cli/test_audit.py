"""`tally audit`: offline, over what a node exported; what it shows is in the log or in documents, and what cannot be shown is said."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from tallystick.client.cli import tally
from tallystick.core.job.hello import Hello, new_hello
from tallystick.core.job.logfile import leaf_of, write_log
from tallystick.crypto.logtree import head_of
from tallystick.node.disclosures import AnswerPlan, KeptRequest
from tallystick.node.loghead import keep_log_word, tell_log
from tallystick.node.saying import describe_asked
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.view_builders import build_log_entry
from tests import governance
from tests.governance import agreement, identity, sealing_key, signed_agreement
from tests.unit.node.test_approvals import ASK, Desk

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
TERMS: Final = agreement(stewards={}, approvers={})
OTHER: Final = "cd" * 32
REQUEST: Final = "0123456789abcdef" * 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what an auditor is given of human-services: log, heads of labor's, agreement, disclosures."""
    desk = Desk(tmp_path, ASK, terms=TERMS)
    storage = desk.storage
    storage.log("started", NOW, agreements=[TERMS.agreement])
    job = desk.job()
    desk.approvals.consider(desk.document(job), job.digest())
    desk.approvals.approve(job.digest())
    storage.log("share", NOW, job.digest(), attempt=1)
    other = governance.job(TERMS, analyst="ana", nonce="11" * 16)
    storage.log("refused", NOW + timedelta(days=9), OTHER, **{**describe_asked(other), "analyst": "=ben", "by": "policy"})
    request = KeptRequest(
        REQUEST, "owner", NOW, "ann", "worker", "labor", "human-services", "tanf", "benefits", ("phone",), "cc" * 32
    )
    storage.see_request(request)
    storage.begin_answers([AnswerPlan(REQUEST, person="p-17", by="policy")], NOW)
    hello = new_hello(job.digest(), 1, "human-services", sealing_key("x").public, identity("human-services"),
                      log=tell_log(storage, [], "human-services"))  # fmt: skip
    labor = MemoryNodeStorage()
    keep_log_word(labor, hello.read(Hello), hello, NOW)
    storage.log("log-forked", NOW, job.digest(), agency="labor\x1b[2J", size=3)
    entries = [build_log_entry(event).json_value() for event in storage.events()]
    kept = [{key: value for key, value in one.items() if key != "chain"} for one in entries]
    write(tmp_path / "hs.log", kept)
    (tmp_path / "labor.heads").write_bytes(b"".join(one.document + b"\n" for one in labor.heads()))
    (tmp_path / "agreement.json").write_bytes(signed_agreement(TERMS).encode())
    (tmp_path / "disclosures.json").write_text(
        json.dumps([{"request": REQUEST, "person": "p-17"}, {"request": "ff" * 32, "person": "x"}])
    )
    return tmp_path


def write(path: Path, entries: list[dict[str, Any]]) -> None:
    path.write_bytes(b"".join(write_log("human-services", entries, len(entries), head_of(map(leaf_of, entries)))))


def run(folder: Path, *words: str, columns: int = 60) -> Result:
    given = [str(folder / word[1:]) if word.startswith("@") else word for word in words]
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(tally, ["audit", str(folder / "hs.log"), *given])


def matters(done: Result) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = json.JSONDecoder().raw_decode(done.output)[0]["matters"]
    return value


WITH_HEADS: Final = ("--heads", "@labor.heads", "--agreement", "@agreement.json")


def test_it_says_who_asked_what_who_decided_and_what_left(folder: Path) -> None:
    done = run(folder, *WITH_HEADS, "--document", "@agreement.json")
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    for words in (
        "asked by ana, for", f"under {TERMS.agreement}, digest {TERMS.digest()[:16]}", "approved: by steward", "which allows this purpose",
        "a share of the numbers, sealed to the desk", "asked by ann, for benefits", "of human-services: tanf: phone",
        "an answer about one client: the fields", "are what others were told of; heads signed by human-services",
        "are in no head that was given", "what this log does not say",
    ):  # fmt: skip
        assert words in text, words
    assert max(map(len, done.output.splitlines())) <= 60
    assert "\x1b" not in done.output


def test_it_is_narrowed_by_dataset_analyst_and_period(folder: Path) -> None:
    def names(*words: str) -> list[str]:
        return [one.get("job", one.get("request", ""))[:4] for one in matters(run(folder, *words, "--format", "json"))]

    whole = names()
    assert len(whole) == 3
    assert names("--analyst", "ann") == [REQUEST[:4]]
    assert names("--analyst", "=ben") == [OTHER[:4]]
    assert names("--dataset", "wages") == whole[:2]
    assert names("--dataset", "human-services: tanf") == whole
    assert names("--dataset", "other") == []
    assert names("--since", "2026-06-05") == [OTHER[:4]]
    assert names("--until", "2026-06-05") == [whole[0], REQUEST[:4]]


def test_a_person_is_found_by_the_agencys_own_key_and_only_with_its_disclosures(folder: Path) -> None:
    refused = run(folder, "--person", "p-17")
    assert refused.exit_code != 0
    assert "a log names requests, and never the client" in refused.output
    done = run(folder, "--disclosures", "@disclosures.json", "--person", "p-17", "--format", "json")
    (one,) = matters(done)
    assert (one["request"], one["person"]) == (REQUEST[:16], "p-17")
    assert [left["what"] for left in one["left"]] == ["an answer about one client: the fields"]
    assert "1 disclosures are not in the log: ffffffffffff" in done.output
    assert "no log says so" in done.output
    assert "p-17" not in run(folder).output


def test_a_log_that_was_changed_is_said_first_and_ends_with_an_error(folder: Path) -> None:
    lines = (folder / "hs.log").read_bytes().splitlines()
    entries = [json.loads(line) for line in lines[1:]]
    entries[1]["details"]["analyst"] = "nobody"
    write(folder / "hs.log", entries)
    done = run(folder, *WITH_HEADS)
    assert done.exit_code != 0
    assert "PROBLEM: the first" in done.output
    assert "log-differs" in done.output


def test_a_table_runs_no_formula(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(folder, "--format", "csv").stdout)))
    assert len(rows) == len((folder / "hs.log").read_bytes().splitlines()) - 1
    assert {"ana", "'=ben", "ann", ""} == {row["asker"] for row in rows}
    assert not any(cell[:1] in {"=", "+", "-", "@"} for row in rows for cell in row.values())


def test_documents_that_belong_to_nothing_are_said(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "other.json").write_bytes(signed_agreement(agreement(version=9)).encode())
    (folder / "more" / "notes.json").write_text("{}")
    done = run(folder, "--document", "@more", "--document", "@agreement.json", columns=200)
    assert "other.json: nothing in the log is under this agreement" in done.output
    assert "notes.json: neither a signed agreement nor a result; left out" in done.output


@pytest.mark.parametrize("details", [{"datasets": 3, "fields": 4, "request": [1]}, {"analyst": {"a": 1}, "terms": 5}])
def test_entries_that_no_node_writes_are_shown_as_they_are(tmp_path: Path, details: dict[str, Any]) -> None:
    entry = {"number": 1, "time": "x", "event": "approved", "job": OTHER, "details": details, "salt": ""}
    write(tmp_path / "hs.log", [entry])
    for format_ in ("text", "json", "csv"):
        done = run(tmp_path, "--format", format_)
        assert done.exit_code == 0, done.output
