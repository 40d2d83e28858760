"""What an agency's people do with a node: join, check, decide, release, read the log; and a coordinator that goes away meanwhile."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tallystick.coordinator.authority import write_invitation
from tallystick.core.documents import write_document
from tallystick.core.errors import NotReady, Refused
from tallystick.core.keyfile import write_identity
from tallystick.core.net.joining import read_invitation
from tallystick.node.app import Node, hold_state
from tallystick.node.cli import node as command
from tallystick.node.joining import join
from tallystick.node.local.server import StewardService, serve_local
from tallystick.node.preflight import check_datasets
from tests import governance
from tests.governance import identity, signed_agreement
from tests.integration.nodes import (
    CANARY,
    Agency,
    expected,
    found,
    in_loop,
    make_agency,
    released,
    signed_terms,
    stored,
    terms,
    write_sources,
)
from tests.integration.served import serving
from tests.integration.test_node_jobs import ENDED, attending, until
from tests.town import DESK, OTHER, Town, member

STEWARDS = {OTHER: {"need": 2, "keys": {name: identity(name).key for name in ("sue", "tom")}}}


def town_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Town:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(folder)
    return Town(folder, terms=terms(**changes))


def service_of(agency: Agency, node: Node) -> StewardService:
    config = agency.config
    return StewardService(node.jobs, node.approvals, node.store, health=node.health, datasets=lambda: check_datasets(config))


async def tally(agency: Agency, *arguments: str) -> Result:
    """Run `tally node …` beside the loop."""
    given = [*arguments, "--config", str(agency.folder / "node.yaml")]
    return await asyncio.to_thread(CliRunner().invoke, command, given)


@in_loop
async def test_stewards_sign_the_desk_looks_and_releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = town_of(tmp_path, monkeypatch, stewards=STEWARDS)
    for name in ("sue", "tom"):
        write_identity(tmp_path / f"{name}.key", identity(name))
    async with serving(town) as address:
        desk = make_agency(town, DESK, address, tmp_path, desk="ask")
        other = make_agency(town, OTHER, address, tmp_path)
        nodes = desk.node(), other.node()
        async with (
            serve_local(desk.config.socket, service_of(desk, nodes[0])),
            serve_local(other.config.socket, service_of(other, nodes[1])),
            attending(*nodes),
        ):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: bool(stored(nodes[1]).jobs()))
            name = town.job.digest()[:12]
            listed = json.loads((await tally(other, "pending", "--format", "json")).stdout)["jobs"]
            assert [(job["awaits"], job["analyst"]) for job in listed] == [("approve", "ana")]
            alone = await tally(other, "approve", name)
            assert (alone.exit_code, "asks for 2 stewards" in alone.stderr) == (1, True)
            signing = ["--steward", "sue", "--key", str(tmp_path / "sue.key"), "--out", str(tmp_path / "sue.json")]
            signed = await tally(other, "sign", name, *signing)
            assert signed.exit_code == 0, signed.output
            both = ["--document", str(tmp_path / "sue.json"), "--steward", "tom", "--key", str(tmp_path / "tom.key")]
            approved = await tally(other, "approve", name, *both)
            assert approved.exit_code == 0, approved.output
            await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
            shown = json.loads((await tally(desk, "show", name, "--format", "json")).stdout)
            assert shown["candidate"]["linkage"]["matched"] == 40
            assert "suppressed" in shown["candidate"]["columns"]
            table = await tally(desk, "show", name, "--count")
            assert "tanf.region" in table.stdout
            for words in (
                "How many people",
                "people at most",
                "people now",
                "no earlier job over the same data",
                "- no small count is hidden",
            ):
                assert words in " ".join(table.stdout.split()), words
            (own,) = shown["asked"]["own"]
            assert (own["dataset"], shown["past"]) == (town.job.question.people[own["group"]].dataset, [])
            assert (await tally(desk, "approve", name)).exit_code == 0
            await until(lambda: town.state in ENDED)
            status = json.loads((await tally(desk, "status", "--format", "json")).stdout)
            assert status["connected"] is True
            asked = await tally(desk, "log", "--format", "json")
            page = await tally(desk, "log", "--after", "1", "--limit", "2", "--format", "json")
            await verify_each_others_logs(tmp_path, town, desk, other)
    assert town.state == "released"
    result, _ = released(town)
    assert found(result) == expected()
    signers = {document["signatures"][0]["signer"] for document in result.approvals}
    assert signers == {DESK, OTHER, "sue", "tom"}
    assert "tally node log --offline" in (await tally(desk, "log")).stderr
    with hold_state(desk.config.state):
        assert "the node runs" in (await tally(desk, "log", "--offline")).stderr
    log = await tally(desk, "log", "--offline", "--format", "json")
    entries = json.loads(log.stdout)["entries"]
    told = json.loads(asked.stdout)["entries"]
    assert told == entries[: len(told)]
    assert json.loads(page.stdout)["entries"] == entries[1:3]
    events = [entry["event"] for entry in entries]
    assert events.index("approved") < events.index("share") < events.index("candidate") < events.index("release-approved")
    assert CANARY not in log.output


async def verify_each_others_logs(folder: Path, town: Town, desk: Agency, other: Agency) -> None:
    """S-29: after a job each agency can check the other's log without asking anybody, and nobody can take back what was told."""
    write_document(folder / "county.json", signed_agreement(town.terms))
    keys = ["--agreement", str(folder / "county.json")]
    log, heads, proof = folder / "desk.log", folder / "heard.jsonl", folder / "proof.json"
    assert (await tally(desk, "log", "export", "--out", str(log))).exit_code == 0
    assert (await tally(other, "log", "heads", "--out", str(heads))).stdout.endswith(f"1 signed heads of {DESK}\n")
    good = CliRunner().invoke(command, ["log", "verify", str(log), "--heads", str(heads), *keys])
    assert (good.exit_code, "1 signed heads hold" in good.stdout) == (0, True), good.output
    lines = log.read_text().splitlines(keepends=True)
    (folder / "cut.log").write_text("".join(lines[:2]))
    cut = CliRunner().invoke(
        command, ["log", "verify", str(folder / "cut.log"), "--heads", str(heads), *keys, "--format", "json"]
    )
    assert cut.exit_code == 1
    assert "the end is missing" in json.loads(cut.stdout)["problems"][0]
    assert "log-differs" in cut.stderr
    assert (await tally(desk, "log", "prove", "2", "--out", str(proof))).exit_code == 0
    assert CliRunner().invoke(command, ["log", "verify", str(proof)]).exit_code == 0
    proof.write_text(proof.read_text().replace(json.loads(lines[2])["event"], "other"))
    assert CliRunner().invoke(command, ["log", "verify", str(proof)]).exit_code == 1
    without = CliRunner().invoke(command, ["log", "verify", str(log), "--heads", str(heads)])
    assert (without.exit_code, "add --agreement" in without.stderr) == (1, True)


@in_loop
async def test_a_release_that_is_refused_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = town_of(tmp_path, monkeypatch)
    async with serving(town) as address:
        desk = make_agency(town, DESK, address, tmp_path, desk="ask")
        nodes = desk.node(), make_agency(town, OTHER, address, tmp_path).node()
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
            await nodes[0].jobs.refuse(town.job.digest(), "people", "one of them is famous")
            await until(lambda: town.state in ENDED)
            await until(lambda: stored(nodes[0]).jobs()[0].state == "refused")
        assert stored(nodes[0]).jobs()[0].candidate is None
        assert stored(nodes[0]).result(town.job.digest(), 1) is None
    assert town.state == "refused"


@in_loop
async def test_a_decision_made_while_the_coordinator_is_away_arrives_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = town_of(tmp_path, monkeypatch)
    address = await town.at.server.start("127.0.0.1:0")
    desk = make_agency(town, DESK, address, tmp_path, desk="ask")
    nodes = desk.node(), make_agency(town, OTHER, address, tmp_path).node()
    async with attending(*nodes):
        town.at.jobs.submit(member("ana"), town.document())
        await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
        await town.at.server.stop()
        record = await nodes[0].jobs.approve(town.job.digest(), [])
        assert (record.awaits, record.desk) == ("", "approve")
        await asyncio.sleep(0.5)
        await town.restarted().server.start(address)
        await until(lambda: town.state in ENDED)
        await town.at.server.stop()
    assert town.state == "released"
    assert found(released(town)[0]) == expected()


@in_loop
async def test_a_node_joins_with_its_own_invitation_and_may_ask_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = town_of(tmp_path, monkeypatch)
    async with serving(town) as address:
        desk = make_agency(town, DESK, address, tmp_path)
        for file in ("authority.pem", "certificate.pem", "tls.key"):
            (desk.folder / file).unlink()
        unready = await tally(desk, "serve")
        assert (unready.exit_code, "tally node join" in unready.stderr) == (1, True)
        for name in (DESK, OTHER):
            write_invitation(tmp_path / f"{name}.invite", town.at.authority.invite("agency", name, address))
        with pytest.raises(Refused) as caught:
            await asyncio.to_thread(join, desk.config, read_invitation(tmp_path / f"{OTHER}.invite"))
        assert caught.value.code == "invite-invalid"
        await asyncio.to_thread(join, desk.config, read_invitation(tmp_path / f"{DESK}.invite"))
        first = (desk.folder / "certificate.pem").read_bytes()
        await asyncio.to_thread(
            join, desk.config, read_invitation(tmp_path / f"{DESK}.invite")
        )  # as if the first answer had been lost
        assert (desk.folder / "certificate.pem").read_bytes() == first
        assert (desk.folder / "tls.key").stat().st_mode & 0o077 == 0
        checked = await tally(desk, "check", "--format", "json")
        looked = ["agreement county", "agreement county: dataset tanf", "policy", "dataset tanf", "certificate", "coordinator"]
        assert {one["check"]: one["problem"] for one in json.loads(checked.stdout)["checks"]} == dict.fromkeys(looked, "")
        assert checked.exit_code == 0


@in_loop
async def test_check_names_every_problem_and_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = town_of(tmp_path, monkeypatch)
    agency = make_agency(town, OTHER, "127.0.0.1:1", tmp_path)
    source = tmp_path / "wages.csv"
    source.write_text(source.read_text().replace(".25", f".{CANARY}", 3))
    (agency.folder / "policy.yaml").write_text("rules: []\n")
    checked = await tally(agency, "check", "--format", "json")
    problems = {one["check"]: one["problem"] for one in json.loads(checked.stdout)["checks"]}
    assert checked.exit_code == 1
    assert "column wage" in problems["dataset wages"]
    assert "wage: 3 rows" in problems["dataset wages"]
    assert "every job is refused" in problems["policy"]
    assert "nothing listens" in problems["coordinator"]
    report = await tally(agency, "datasets")
    assert CANARY not in checked.output + report.output


def test_one_state_folder_serves_one_node(tmp_path: Path) -> None:
    with hold_state(tmp_path / "state"):
        with pytest.raises(NotReady), hold_state(tmp_path / "state"):
            pass
        assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    with hold_state(tmp_path / "state"):
        pass


def test_without_a_running_node_commands_say_so(tmp_path: Path) -> None:
    value = {"agency": "labor", "coordinator": {"address": "127.0.0.1:1"}}
    (tmp_path / "node.yaml").write_text(json.dumps(value))
    for arguments in (["pending"], ["show", "abcdef01"], ["approve", "abcdef01"], ["refuse", "abcdef01"], ["status"], ["log"]):
        result = CliRunner().invoke(command, [*arguments, "--config", str(tmp_path / "node.yaml")])
        assert result.exit_code == 1
        assert "tally node serve" in result.stderr
    result = CliRunner().invoke(command, ["show", "zz", "--config", str(tmp_path / "node.yaml")])
    assert "not the name of a job" in result.stderr


def test_init_tells_the_public_key(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["init", "labor", "--coordinator", "127.0.0.1:1", "--folder", str(tmp_path / "n")])
    assert result.exit_code == 0
    assert "identity key (public, for the agreement): " in result.stdout
    again = CliRunner().invoke(command, ["init", "labor", "--coordinator", "127.0.0.1:1", "--folder", str(tmp_path / "n")])
    assert (again.exit_code, "exists" in again.stderr) == (1, True)
