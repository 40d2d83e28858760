"""Each fault in each phase of a job: bad links (S-35), full disks and wrong clocks (S-36), restored states (S-37).

Links are a little slow all the time, so that a phase lasts long enough to be seen and hit. The analyst's own link stays good: through it is
looked at what the job shows meanwhile. The default run takes one fault, in all phases of one job; the slow one all pairs.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tallystick.client.views import JobProgress
from tallystick.core.job.lifecycle import Phase
from tallystick.lab.network.processes import COMMAND
from tests.e2e import skewed
from tests.e2e.linked import LinkedNetwork
from tests.e2e.links import FINE, Weather
from tests.e2e.network import COORDINATOR, check_released
from tests.e2e.party import START_S, Party
from tests.e2e.records import EXITS, WAGES, question

USUAL: Final = Weather(delay=0.15)
PHASES: Final = (Phase.DERIVE, Phase.TAG, Phase.COMPUTE, Phase.CHECK)
"""Those in which nodes wait for each other; the coordinator matches, and hands the result on, in a moment."""
SHOWN_S: Final = 60.0
"""So soon must a job or a node say what is wrong."""


@pytest.fixture(name="running", scope="module")
def running_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinkedNetwork]:
    with LinkedNetwork(tmp_path_factory.mktemp("network")) as network:
        yield network


@pytest.fixture(name="network")
def healed_network(running: LinkedNetwork) -> LinkedNetwork:
    running.set_weather(FINE)
    running.heal()
    running.set_weather(USUAL, EXITS, WAGES)
    return running


def wait_for_phase(network: LinkedNetwork, job: str, phase: Phase) -> None:
    """Return as soon as a job is in a phase, or in a later one."""
    order = [str(one) for one in Phase]

    def there() -> bool:
        view = network.view(job)
        assert view is not None
        return view.over or (view.phase != "" and order.index(view.phase) >= order.index(phase))

    end = time.monotonic() + START_S
    while not there():
        assert time.monotonic() < end, network.told()
        time.sleep(0.02)


def node_status(party: Party) -> tuple[int, dict[str, Any]]:
    """Type `tally node status`; give how it ends and what it says."""
    words = [*COMMAND, "node", "status", "--config", str(party.folder / "node.yaml"), "--format", "json"]
    ran = subprocess.run(words, cwd=party.folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else {}


def wait_until_shown(network: LinkedNetwork, job: str, shown: Callable[[JobProgress], bool]) -> JobProgress:
    """Wait until a job's view shows something, or it is over."""
    found: list[JobProgress] = []

    def there() -> bool:
        view = network.view(job)
        if view is not None and (view.over or shown(view)):
            found.append(view)
        return bool(found)

    network.until(there, SHOWN_S, "the job does not say what keeps it")
    return found[0]


def away(view: JobProgress) -> set[str]:
    """Give who is waited for and not connected."""
    return {wait.party for wait in view.waiting if not wait.connected}


def test_s35_a_link_that_is_cut_in_every_phase_of_one_job_costs_no_attempt(network: LinkedNetwork) -> None:
    job = network.submit(question("cut again and again"))
    for phase in PHASES:
        wait_for_phase(network, job, phase)
        for agency in (EXITS, WAGES):
            network.links[agency].cut()
    view = network.wait(job)
    check_released(network, view)
    assert view.attempt == 1


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "weather", [Weather(delay=2.0, spread=1.0), Weather(rate=64 * 1024)], ids=["latency 2 s ± 1", "64 KB/s"]
)
def test_s35_a_link_that_becomes_bad_in_a_phase_and_stays_so_delays_the_job(
    network: LinkedNetwork, weather: Weather, phase: Phase
) -> None:
    job = network.submit(question("slow from here on"))
    wait_for_phase(network, job, phase)
    network.set_weather(weather, EXITS, WAGES)
    view = network.wait(job, within=900)  # 16 MB pass each link: four minutes at 64 KB/s, for one message after another
    check_released(network, view)
    assert view.attempt == 1


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("weather", [Weather(closed=True), Weather(silent=True)], ids=["parted", "half-open"])
def test_s35_a_node_that_is_cut_off_in_a_phase_is_named_by_job_and_node_and_by_nobody_else(
    network: LinkedNetwork, weather: Weather, phase: Phase
) -> None:
    job = network.submit(question("cut off here"))
    wait_for_phase(network, job, phase)
    network.set_weather(weather, WAGES)
    if weather.closed:
        network.links[WAGES].cut()
    view = wait_until_shown(network, job, lambda view: bool(away(view)))
    if not view.over:  # the agency had done all that it was waited for
        assert away(view) == {WAGES}
    node = network.parties[WAGES]
    network.until(lambda: node_status(node)[0] == 1, SHOWN_S, "the node believes that it is connected")
    said = node_status(node)[1]
    assert said["connected"] is False
    assert said["problem"].rpartition("[")[2].rstrip("]") in {"port-closed", "unreachable", "unavailable", "proxy"}, said
    network.set_weather(USUAL, WAGES)
    view = network.wait(job)
    check_released(network, view)
    network.until(lambda: node_status(node)[0] == 0, SHOWN_S, "the node is not back")


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_s35_a_process_that_stands_still_in_a_phase_is_waited_for_and_goes_on(network: LinkedNetwork, phase: Phase) -> None:
    job = network.submit(question("stands still"))
    wait_for_phase(network, job, phase)
    os.kill(network.parties[WAGES].pid, signal.SIGSTOP)
    view = wait_until_shown(network, job, lambda view: bool(away(view)))
    os.kill(network.parties[WAGES].pid, signal.SIGCONT)
    assert view.over or away(view) == {WAGES}
    check_released(network, network.wait(job))


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("full", [COORDINATOR, WAGES])
def test_s36_a_disk_that_is_full_from_a_phase_on_is_shown_with_its_party(
    network: LinkedNetwork, full: str, phase: Phase
) -> None:
    job = network.submit(question("no room from here on"))
    wait_for_phase(network, job, phase)
    party = network.parties[full]
    limit(party, 0)
    view = wait_until_shown(network, job, lambda view: "disk" in {wait.code for wait in view.waiting})
    limit(party, resource.RLIM_INFINITY)
    assert {wait.party for wait in view.waiting if wait.code == "disk"} <= {full}
    view = network.wait(job)
    if view.state != "released":
        assert {(reason.party, reason.code) for reason in view.reasons} == {(full, "disk")}
    else:
        check_released(network, view)
    again = network.wait(network.submit(question("room again")))
    check_released(network, again)


def limit(party: Party, length: int) -> None:
    """Leave a party so much room, or all there is."""
    resource.prlimit(party.pid, resource.RLIMIT_FSIZE, (length, resource.RLIM_INFINITY))


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_s37_a_node_whose_state_is_put_back_in_a_phase_does_not_serve_and_says_why(
    network: LinkedNetwork, phase: Phase
) -> None:
    node = network.parties[WAGES]
    copy = node.folder / "before.db"
    words = [*COMMAND, "node", "backup", str(copy), "--config", str(node.folder / "node.yaml")]
    subprocess.run(words, cwd=node.folder, check=True, capture_output=True)
    job = network.submit(question("the state goes back"))
    wait_for_phase(network, job, phase)
    node.stop()
    held = {path: path.read_bytes() for path in node.state.glob("node.db*")}
    for path in held:
        path.unlink()
    shutil.copyfile(copy, node.state / "node.db")
    node.start()
    network.until(lambda: not node.alive, START_S, "a restored node serves")
    copy.unlink()
    assert node.code == 1
    assert "[state-restored]" in node.log().splitlines()[-2] + node.log().splitlines()[-1]
    view = network.view(job)
    assert view is not None
    assert view.over or away(view) <= {WAGES}
    (node.state / "node.db").unlink()
    for path, data in held.items():  # the newest state is found after all: nothing is lost
        path.write_bytes(data)
        path.chmod(0o600)
    node.start()
    check_released(network, network.wait(job))


@pytest.mark.slow
@pytest.mark.parametrize("off", [-300, 300])
@pytest.mark.parametrize("wrong", [COORDINATOR, WAGES])
def test_s36_a_clock_that_is_five_minutes_off_changes_no_number(tmp_path: Path, wrong: str, off: int) -> None:
    with LinkedNetwork(tmp_path) as network:
        party = network.parties[wrong]
        party.stop()
        straight = party.command
        party.command = [*skewed.COMMAND, str(off), *straight[len(COMMAND) :]]
        network.heal()
        view = network.wait(network.submit(question("by a wrong clock")))
        check_released(network, view)
        party.stop()
        party.command = straight
        network.heal()
        check_released(network, network.wait(network.submit(question("by a right one"))))
