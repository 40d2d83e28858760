"""Requests through real processes: a client who moved is found with consent, and nobody else is (S-30)."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from fhir.resources.R4B.auditevent import AuditEvent

from tallystick.core.consent.checking import check_consent
from tallystick.core.documents import decode_document
from tallystick.lab.network.processes import COMMAND
from tests.consents import STATEMENTS
from tests.e2e.lines import Lines, search_memory
from tests.e2e.party import commands
from tests.governance import stamp
from tests.requesting import ROSA


@pytest.fixture(name="lines", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    with Lines(tmp_path_factory.mktemp("lines")) as network:
        network.until(lambda: network.ask(network.paper())["outcome"] == "given", "the first request is not answered", 120)
        yield network


def test_s30_a_client_who_moved_is_found_with_consent(lines: Lines) -> None:
    told = lines.tally(
        "record", "ask", "--consent", str(lines.paper()), "--of", "clients", "--fields", "address,phone", "--purpose", "benefits",
        "--person", "L-77",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "22 New St" in told.stdout
    assert "as of 2025-06-30" in told.stdout
    assert "notice: Verify this with the person" in told.stdout
    assert list((lines.workers["ann"] / "records").iterdir()) == [], "neither the key nor the answer stays"
    written = b"".join(path.read_bytes() for path in lines.workers["ann"].rglob("*") if path.is_file())
    assert b"22 New St" not in written

    owner = lines.node("housing", "disclosures", "--person", "h-rosa", "--given")
    assert owner[0]["worker"] == "ann"
    assert (owner[0]["state"], owner[0]["by"], owner[0]["person"]) == ("sent", "policy", "h-rosa")
    lines.until(lambda: lines.disclosures()[0]["receipt"] is not None, "the receipt does not reach the owner")
    behind = lines.node("housing", "disclosures", "--papers", owner[0]["request"][:12])
    papers = {name: decode_document(json.dumps(one).encode(), kind=name) for name, one in behind["papers"].items()}
    assert check_consent(papers["consent"], lines.agreement).collected.by == "ivy"
    assert papers["request"].signers == ("ann", "labor")
    asker = lines.node("labor", "disclosures", "--person", "L-77")
    assert [(one["state"], one["outcome"]) for one in asker] == [("received", "given")]


def test_s30_without_with_an_expired_a_revoked_and_a_foreign_consent_it_is_the_same_nothing(lines: Lines) -> None:
    revoked = lines.paper()
    sent = lines.tally(
        "consent",
        "revoke",
        str(revoked),
        "--as",
        "ivy",
        "--key",
        "ivy.key",
        "--out",
        "earlier.json",
        "--send",
        "--wait",
        "60",
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert "housing: has heard of it" in sent.stdout
    papers = {
        "no record": lines.paper(person=ROSA | {"ssn": "219451238"}),
        "revoked": revoked,
        "of a twin": lines.paper(
            person={"ssn": "331102200", "first_name": "Tom", "last_name": "Otis", "birth_date": "2010-02-02"}
        ),
    }
    answers = {name: lines.ask(paper) for name, paper in papers.items()}
    # a worker whose clock is two minutes slow finds the paper good; the owner does not
    answers["expired"] = lines.ask_slowly(lines.paper(valid_until=stamp(datetime.now(UTC))), timedelta(minutes=2))
    assert {one["outcome"] for one in answers.values()} == {"nothing"}
    assert {frozenset(one) for one in answers.values()} == {frozenset({"request", "outcome", "owner", "answered", "until"})}
    # what the papers themselves show is said before anything is asked
    for paper in (lines.paper(by=("ivy",)), lines.paper(purposes=["outreach"]), lines.paper(discloser=["labor"])):
        told = lines.tally(
            "record", "ask", "--consent", str(paper), "--of", "clients", "--fields", "phone", "--purpose", "benefits"
        )
        assert told.returncode == 1
        assert re.search(r"\[(consent-invalid|signature-missing)\]", told.stderr), told.stderr


def test_a_worker_asks_and_reads_on_a_page(lines: Lines) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
    environment["TALLY_HOME"] = str(lines.workers["ann"])
    command = [*COMMAND, "record", "page", str(lines.paper())]
    with subprocess.Popen(
        command, cwd=lines.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            assert running.stdout is not None
            address = running.stdout.readline().decode().strip()
            form = {"dataset": "clients", "field": ["address"], "purpose": "benefits", "role": "benefits-worker"}
            with urllib.request.urlopen(f"{address}consent/0", urlencode(form, doseq=True).encode(), timeout=60) as page:
                asked = page.url
            with urllib.request.urlopen(asked.replace("/request/", "/wait/"), timeout=60) as page:
                said = page.read().decode()
        finally:
            running.send_signal(signal.SIGINT)
    assert "22 New St" in said
    assert running.returncode == 0
    written = b"".join(path.read_bytes() for path in lines.workers["ann"].rglob("*") if path.is_file())
    assert b"22 New St" not in written


def test_s30_the_coordinator_holds_no_person(lines: Lines) -> None:
    assert lines.ask(lines.paper())["outcome"] == "given"
    words = [b"219451237", b"Delgado", b"22 New St", b"h-rosa", b"benefits-worker"]
    home = lines.folder / "coordinator"
    kept = [path for path in home.rglob("*") if path.is_file() and "agreements" not in path.parts]
    held = b"".join(path.read_bytes() for path in kept)
    assert [word for word in words if word in held] == []
    told = search_memory(lines.parties["coordinator"].pid, words)
    assert set(told) <= {b"benefits-worker"}, "its agreement names roles"
    node = search_memory(lines.parties["housing"].pid, words)
    assert b"219451237" in node, "the search finds what is there"


def test_an_accounting_is_exported_as_fhir(lines: Lines) -> None:
    home = lines.parties["housing"].folder
    target = home / "audit.json"
    lines.ask(lines.paper())
    commands(home, [["node", "disclosures", "--person", "h-rosa", "--fhir", str(target)]])
    bundle = json.loads(target.read_text())
    for entry in bundle["entry"]:
        event: Any = AuditEvent.model_validate(entry["resource"])
        assert event.type.code == "110106"
        assert event.entity[0].what.identifier.value == "h-rosa"


def test_what_the_page_says_is_typed(lines: Lines) -> None:
    page = (Path(__file__).parents[2] / "docs" / "requests.md").read_text(encoding="utf-8")
    typed = [line.split("#")[0].strip() for block in re.findall(r"```\n(.*?)```", page, re.S) for line in block.splitlines()]
    assert len(typed) == 7
    printed = {}
    for line in typed:
        program, *arguments = shlex.split(line)
        assert program == "tally"
        told = lines.tally(*arguments)
        assert told.returncode == 0, (line, told.stderr)
        printed[" ".join(arguments[:2])] = told.stdout
        draft = lines.folder / "draft.yaml"
        if "--form" in arguments:
            value = yaml.safe_load(draft.read_text())
            value["person"] = ROSA
            value["collected"] |= {"by": "ivy", "agency": "labor", "witness": "joe", "paper": "ab" * 32}
            value["statements"] |= {name: STATEMENTS[name] for name in value["statements"]}
            draft.write_text(json.dumps(value))
    assert "22 New St" in printed["record ask"]
    assert "housing: has heard of it" in printed["consent revoke"]
    assert lines.ask(lines.folder / "consent.json")["outcome"] == "nothing", "it was revoked"


def test_the_log_verifies_and_names_no_person(lines: Lines) -> None:
    entries = lines.node("housing", "log")
    named = json.dumps(entries)
    assert "request-answered" in named
    for word in ("h-rosa", "Delgado", "219451237"):
        assert word not in named


@pytest.mark.slow
@pytest.mark.parametrize("label", ["request-kept", "request-passed", "request-seen", "answers-noted", "answers-posted"])
def test_s30_killed_at_each_point(tmp_path: Path, label: str) -> None:
    """No disclosure without its line, no line that says that it was sent when nothing was, and none twice."""
    victim = "labor" if label.startswith("request-k") or label == "request-passed" else "housing"
    with Lines(tmp_path) as lines:
        lines.until(lambda: lines.ask(lines.paper())["outcome"] == "given", "the first request is not answered", 120)
        lines.parties[victim].stop()
        lines.begin(victim, label)
        paper = lines.paper()
        told = lines.tally(
            "record", "ask", "--consent", str(paper), "--of", "clients", "--fields", "phone", "--purpose", "benefits", "--no-wait",
            "--format", "json",
        )  # fmt: skip
        lines.until(lambda: not lines.parties[victim].alive, f"{victim} does not die at {label}: {told.stderr}")
        lines.begin(victim)
        came = lines.tally("record", "answers", "--wait", "8", "--format", "json")
        answers = json.loads(came.stdout)
        owner = lines.disclosures()[: len(lines.disclosures()) - 1]
        states = [(one["state"], one["outcome"]) for one in owner]
        match label:
            case "request-kept":
                assert (answers, states) == ([], [])
            case "request-passed":
                assert states == [("sent", "given")]
                assert [one["outcome"] for one in answers] == ["given"]
            case "request-seen":
                assert (answers, states) == ([], [("dropped", "nothing")])
            case "answers-noted":
                assert (answers, states) == ([], [("unsure", "given")])
            case _:
                assert states == [("unsure", "given")]
                assert [one["outcome"] for one in answers] == ["given"]
        assert lines.ask(lines.paper())["outcome"] == "given", "and it goes on"


@pytest.mark.slow
def test_a_steward_is_asked(tmp_path: Path) -> None:
    with Lines(tmp_path, policy="ask", records={"steward_seconds": 60}) as lines:
        wanted = (
            "record", "ask", "--of", "clients", "--fields", "phone", "--purpose", "benefits", "--no-wait", "--format", "json", "--consent",
        )  # fmt: skip
        lines.until(lambda: lines.tally(*wanted, str(lines.paper())).returncode == 0, "labor takes no letters")
        assert lines.tally(*wanted, str(lines.paper())).returncode == 0
        lines.until(lambda: len(lines.node("housing", "requests")) == 2, "the steward is not asked")
        first, second = lines.node("housing", "requests")
        assert first["person"] == "h-rosa"
        lines.node("housing", "answer", first["request"][:12], "--allow")
        lines.node("housing", "answer", second["request"][:12], "--deny")
        came = json.loads(lines.tally("record", "answers", "--wait", "150", "--format", "json").stdout)
        assert {one["request"]: one["outcome"] for one in came} == {first["request"]: "given", second["request"]: "nothing"}
        kept = {one["request"]: (one["by"], one["reason"].split(":")[0]) for one in lines.disclosures()}
        assert kept == {first["request"]: ("steward", ""), second["request"]: ("", "steward-refuses")}
