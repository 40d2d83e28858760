"""Any party is killed anywhere and started again (S-34): the job ends with exactly the right answer, or says why it does not.

The default run has every party die once in each of five jobs, from approval to the end. The slow one takes every label of every party
alone, and thirty random moments.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.client.views import JobProgress
from tallystick.core.errors import Refused
from tallystick.core.failpoint import KILLED
from tallystick.core.job.model import Question
from tests.e2e.network import COORDINATOR, ENDS_S, Network, check_released, ended_everywhere
from tests.e2e.party import START_S, left_at, state_at
from tests.e2e.records import BOARD, EXITS, WAGES, question

ROOT = Path(__file__).resolve().parents[2]

COORDINATORS = (
    "job-stored", "announce-recorded", "approval-recorded", "approval-recorded:2", "approve-recorded",
    "hello-recorded", "hello-recorded:2", "put-appended", "put-synced", "put-recorded", "put-recorded:4",
    "message-written", "slots-written", "slots-recorded", "put-synced:8", "message-written:3", "sealed-written", "seal-recorded",
    "result-stored", "release-recorded",
)  # fmt: skip
NODES = (
    "node-approval-stored", "node-before-hello", "node-after-hello", "node-seed-sent", "node-seed-taken", "node-points-sent",
    "node-list-sent", "node-points-taken", "node-tags-sent", "node-slots-taken", "node-audit-sent", "node-audit-taken",
    "node-recipient-taken", "node-share-stored", "node-before-share-sent", "node-shares-sent", "node-before-end",
)  # fmt: skip
OF_ROLE: Mapping[str, tuple[str, ...]] = {
    "encryptor": ("node-columns-sent", "node-products-taken"),
    "multiplier": ("node-columns-taken", "node-products-sent"),
    "desk": (
        "node-recipient-sent",
        "node-sealed-taken",
        "node-candidate-stored",
        "node-before-release",
        "node-kept-release-sent",
    ),
}
"""Labels that only one of the two nodes passes."""
WITHOUT_DATA = ("node-approval-stored", "node-before-hello", "node-after-hello", "node-before-end")
"""Labels that every participant passes, with or without data."""
OWN = {EXITS: OF_ROLE["encryptor"] + OF_ROLE["desk"], WAGES: OF_ROLE["multiplier"]}
WITH_RESTART = ("restart-recorded",)
"""Labels that a job passes only when something else went wrong before."""
UNUSED = {
    "refuse-recorded",
    "cancel-recorded",
    "fail-recorded",
    "expire-recorded",
    "node-kept-shares-sent",
    "node-opening-noted",
}
"""Labels of endings without a result, and of a second death: the last two tests here, and tests/integration/test_node_again.py."""

OF_NOISE = {"node-noise-charged"}
"""Labels of jobs with noise: tests/e2e/test_noise.py."""
OF_REQUESTS = {"request-kept", "request-passed", "request-seen", "answers-noted", "answers-posted"}
"""Labels of requests for one client's fields: tests/e2e/test_requests.py."""

ONE_BY_ONE = [
    *((COORDINATOR, label) for label in COORDINATORS),
    *((node, label) for node in (EXITS, WAGES) for label in NODES + OWN[node]),
]
TOGETHER = [
    {COORDINATOR: "approval-recorded", EXITS: "node-approval-stored", WAGES: "node-before-hello"},
    {COORDINATOR: "put-synced", EXITS: "node-after-hello", WAGES: "node-points-sent"},
    {COORDINATOR: "slots-recorded", EXITS: "node-candidate-stored", WAGES: "node-share-stored"},
    {COORDINATOR: "sealed-written", EXITS: "node-columns-sent", WAGES: "node-products-sent"},
    {EXITS: "node-audit-taken", WAGES: "node-audit-sent"},
    {COORDINATOR: "release-recorded", EXITS: "node-kept-release-sent", WAGES: "node-before-end"},
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("network")) as network:
        yield network


@pytest.fixture
def network(running: Network) -> Network:
    running.heal()
    return running


def job_through(
    network: Network, labels: Mapping[str, str], asked: Question | None = None, *, within: float = ENDS_S
) -> JobProgress:
    """Ask while parties die at labels; give the job's last view, when each has died and everybody runs again."""
    network.restart(labels)
    job = network.submit(asked)
    view = network.wait(job, within=within)

    def died() -> bool:
        network.revive()
        return all(network.parties[name].deaths for name in labels)

    network.until(died, START_S, f"not everybody passed {labels}")
    assert {network.parties[name].deaths for name in labels} == {1}
    return view


@pytest.mark.parametrize("labels", TOGETHER, ids=lambda labels: "+".join(labels.values()))
def test_s34_every_party_dies_once_in_one_job(network: Network, labels: Mapping[str, str]) -> None:
    view = job_through(network, labels)
    check_released(network, view)


@pytest.mark.slow
@pytest.mark.parametrize(("party", "label"), ONE_BY_ONE, ids=lambda text: text)
def test_s34_one_party_dies_at_one_place(network: Network, party: str, label: str) -> None:
    view = job_through(network, {party: label})
    check_released(network, view)
    assert view.attempt == 1 or party != COORDINATOR, "a coordinator goes on where it was"


@pytest.mark.slow
@pytest.mark.parametrize("label", WITH_RESTART)
def test_s34_the_coordinator_dies_while_a_node_begins_again(network: Network, label: str) -> None:
    view = job_through(network, {COORDINATOR: label, WAGES: "node-points-sent"})
    check_released(network, view)
    assert view.attempt == 2


@pytest.mark.slow
@pytest.mark.parametrize("label", [*WITHOUT_DATA, *OF_ROLE["desk"]])
def test_s34_a_desk_without_data_dies(tmp_path: Path, label: str) -> None:
    with Network(tmp_path, third=True) as network:
        check_released(network, job_through(network, {BOARD: label}))


@pytest.mark.slow
def test_s34_thirty_deaths_at_random_moments(network: Network) -> None:
    seed = time.time_ns()
    print(f"seed {seed}")
    source = random.Random(seed)
    deaths = 0
    released = 0
    while deaths < 30:
        job = network.submit(question(f"moment {deaths}"))
        for _ in range(source.randint(1, 3)):
            end = time.monotonic() + source.uniform(0, 2.5)
            while time.monotonic() < end:
                network.note_shares()
                time.sleep(0.02)
            victim = source.choice(list(network.parties.values()))
            if victim.alive:
                victim.kill()
                deaths += 1
            network.revive()
        view = network.wait(job)
        if view.state == "released":
            released += 1
            check_released(network, view)
        else:
            assert view.state == "failed"
            assert {r.code for r in view.reasons} in (
                {"party-restarted", "attempts-used"},
                {"attempt-opened"},
                {"party-restarted", "attempt-opened"},
            )
    assert released > 0


def test_s34_nothing_outlives_a_killed_node(network: Network) -> None:
    check_released(network, network.wait(network.submit()))  # now its worker processes run
    victim = network.parties[WAGES]
    assert len(of_session(victim.pid)) > 1
    victim.kill()
    network.until(lambda: not of_session(victim.pid), 20, "processes outlive their node")


def of_session(leader: int) -> list[int]:
    """Give the processes of a session that have not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = status.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(status.parent.name))
    return found


def test_s34_a_node_that_is_down_is_waited_for_by_name_and_an_idle_coordinator_may_die(network: Network) -> None:
    network.parties[WAGES].stop()
    job = network.submit()
    network.wait(job, "approving")

    def named() -> bool:
        view = network.view(job)
        waiting = [] if view is None else [(wait.party, wait.for_what, wait.connected) for wait in view.waiting]
        return waiting == [(WAGES, "approval", False)]

    network.until(named, START_S, "the job does not say for whom it waits")
    network.coordinator.kill()
    network.revive()
    network.until(named, START_S, "the job does not say for whom it waits after a restart")
    network.parties[WAGES].start()
    check_released(network, network.wait(job))


def test_a_node_that_stays_down_lets_the_job_expire_and_cancelling_reaches_every_node(network: Network) -> None:
    network.parties[WAGES].stop()
    late = network.submit(question("late"), deadline=timedelta(seconds=6))
    other = network.submit(question("taken back"))
    network.wait(other, "approving")
    network.client.cancel(other)
    network.until(lambda: state_at(network.parties[EXITS], other) == "cancelled", START_S, "the node goes on")
    view = network.wait(late, revive=False)
    assert (view.state, [reason.code for reason in view.reasons]) == ("expired", ["job-expired"])
    assert f"{WAGES} (approval)" in view.reasons[0].message
    network.parties[WAGES].start()
    network.until(lambda: state_at(network.parties[EXITS], late) == "expired", START_S, "the node does not hear of it")


def test_a_job_that_is_cancelled_in_the_middle_ends_at_every_node(network: Network) -> None:
    network.restart({WAGES: "node-points-sent"})
    job = network.submit()
    network.until(lambda: network.parties[WAGES].code == KILLED, START_S, "nobody died")
    assert network.view(job).state == "running"  # type: ignore[union-attr]  # the coordinator runs
    assert left_at(network.parties[EXITS], job)
    network.client.cancel(job)
    network.revive()
    view = network.wait(job)
    assert view.state == "cancelled"
    network.until(lambda: ended_everywhere(network, view), START_S, "a node goes on")
    assert shares_of_job(network, job) == []
    with pytest.raises(Refused, match="job-state"):
        network.client.result(job)


def shares_of_job(network: Network, job: str) -> list[str]:
    """Give the nodes that sealed a share of a job."""
    network.note_shares()
    return [node for node, of_job, _ in network.seen_shares if of_job == job]


def test_two_jobs_at_once_are_both_right_and_the_same_question_is_not_asked_twice(network: Network) -> None:
    first = network.submit(question("first"))
    with pytest.raises(Refused, match="job-duplicate"):
        network.submit(question("first"))
    assert network.client.resubmit(first).job == first
    other = question("second", by=["wages.industry"])
    second = network.submit(other)
    views = network.wait(first), network.wait(second)
    assert [view.state for view in views] == ["released", "released"]
    check_released(network, views[0])
    network.check(second, other)
    third = network.submit(question("first"))  # answered: it may be asked again
    assert third != first
    network.client.cancel(third)


def test_every_label_is_in_the_tables_above() -> None:
    called = re.compile(r'failpoint\((f?)"([^"]+)"\)')
    patterns = set()
    for room in ("node", "coordinator"):
        for path in (ROOT / room / "tallystick").rglob("*.py"):
            patterns |= {re.sub(r"\{[^}]*\}", "[a-z]+", label) for _, label in called.findall(path.read_text(encoding="utf-8"))}
    labels = {label.partition(":")[0] for _, label in ONE_BY_ONE} | set(WITH_RESTART) | UNUSED | OF_NOISE | OF_REQUESTS
    assert [label for label in labels if not any(re.fullmatch(pattern, label) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, label) for label in labels)] == []
