"""Who is waited for, and for what, at every stage of a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.coordinator.waiting import phase_of, silent
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.job.lifecycle import JobState, Phase
from tallystick.crypto.machine import Ref
from tests.town import AGENCIES, DESK, OTHER, Town, lasting_agreement, tags_refs


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def waited(town: Town, *complete: Ref) -> set[tuple[str, str]]:
    record = town.at.storage.job(town.digest)
    assert record is not None
    contract = town.at.jobs.contract(record)
    found = silent(contract, record, town.at.storage.deposits(town.digest), set(complete))
    return {(one.party, one.for_what) for one in found}


def test_approvals_are_waited_for_one_by_one(town: Town) -> None:
    town.submit()
    everybody = {"human-services", "labor", "sue", "tom", "uma", "board"}
    assert waited(town) == {(name, "approval") for name in everybody}
    town.approve("labor", "sue")
    assert waited(town) == {(name, "approval") for name in ("human-services", "tom", "uma", "board")}
    town.approve("tom")  # two of three stewards are enough
    assert waited(town) == {("human-services", "approval"), ("board", "approval")}


def test_rounds_are_waited_for_from_who_has_what_it_needs(town: Town) -> None:
    town.submit()
    town.approve()
    assert waited(town) == {(name, "hello") for name in AGENCIES}
    town.greet()
    seeds = [Ref("seed", DESK, OTHER), Ref("seed", OTHER, DESK)]
    assert waited(town) == {(name, "seed") for name in AGENCIES}
    points = [Ref("points", DESK, OTHER, DESK), Ref("points", OTHER, DESK, OTHER)]
    assert waited(town, *seeds) == {(DESK, f"points:{DESK}"), (OTHER, f"points:{OTHER}")}
    assert waited(town, *seeds, points[0]) == {(OTHER, f"tags:{DESK}"), (OTHER, f"points:{OTHER}")}
    done = [*seeds, *points, *tags_refs().values()]
    assert waited(town, *done) == {(COORDINATOR, "slots")}
    done += [Ref("slots", COORDINATOR, agency) for agency in AGENCIES]
    record = town.at.storage.job(town.digest)
    assert record is not None
    computation = town.at.jobs.contract(record).computation
    (one,), (audit,) = computation.exchanges, computation.audits
    assert waited(town, *done) == {(one.encryptor, "columns:0"), (audit.encryptor, "columns:audit0"), (DESK, "recipient")}
    done += [Ref("columns", at.encryptor, at.multiplier, at.number) for at in (one, audit)]
    done.append(Ref("recipient", DESK, OTHER))
    assert waited(town, *done) == {(one.multiplier, "products:0"), (audit.multiplier, "products:audit0")}
    done += [Ref("products", at.multiplier, at.encryptor, at.number) for at in (one, audit)]
    assert waited(town, *done) == {(name, "audit:audit0") for name in AGENCIES}
    audits = [
        Ref("audit", *pair, "audit0") for pair in ((audit.encryptor, audit.multiplier), (audit.multiplier, audit.encryptor))
    ]
    assert waited(town, *done, audits[1]) == {(audit.encryptor, "audit:audit0")}
    done += audits
    assert waited(town, *done) == {(name, "shares") for name in AGENCIES}
    assert waited(town, *done, Ref("shares", DESK, COORDINATOR)) == {(OTHER, "shares")}


def test_without_decoys_no_audit_is_waited_for(tmp_path: Path) -> None:
    town = Town(tmp_path, terms=lasting_agreement(decoys=0))
    town.running()
    record = town.at.storage.job(town.digest)
    assert record is not None
    contract = town.at.jobs.contract(record)
    (one,) = contract.computation.exchanges
    assert contract.schedule.refs("audit") == ()
    done = [ref for kind in ("seed", "points", "tags", "slots") for ref in contract.schedule.refs(kind)]
    done += [Ref("columns", one.encryptor, one.multiplier, "0"), Ref("products", one.multiplier, one.encryptor, "0")]
    done.append(Ref("recipient", DESK, OTHER))
    assert waited(town, *done) == {(name, "shares") for name in AGENCIES}


def test_the_phase_follows_the_messages(town: Town) -> None:
    town.submit()
    record = town.at.storage.job(town.digest)
    assert record is not None
    contract = town.at.jobs.contract(record)
    tags, slots = list(tags_refs().values()), [Ref("slots", COORDINATOR, agency) for agency in AGENCIES]
    table = [
        (JobState.APPROVING, [], None),
        (JobState.RUNNING, [], Phase.DERIVE),
        (JobState.RUNNING, [Ref("seed", OTHER, DESK)], Phase.DERIVE),
        (JobState.RUNNING, [Ref("points", OTHER, DESK, OTHER)], Phase.TAG),
        (JobState.RUNNING, tags[:1], Phase.TAG),
        (JobState.RUNNING, tags, Phase.MATCH),
        (JobState.RUNNING, [*tags, *slots], Phase.COMPUTE),
        (JobState.RELEASING, [*tags, *slots], Phase.CHECK),
        (JobState.RELEASING, [Ref("release", DESK, COORDINATOR)], Phase.RELEASE),
        (JobState.RELEASED, [], None),
    ]
    for state, complete, phase in table:
        assert phase_of(contract, state, complete) == phase, (state, complete)
