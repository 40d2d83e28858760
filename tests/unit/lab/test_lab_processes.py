"""A lab's processes: always stopped, and a death is told with its last error."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tallystick.core.errors import NotReady
from tallystick.lab.network import processes as module
from tallystick.lab.network.processes import Processes, stoppable


@pytest.fixture(autouse=True)
def bare_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c"))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_command_prints(tmp_path: Path) -> None:
    assert Processes().once("x", ["print('ä')"], tmp_path) == "ä\n"
    assert Processes().several("x", [["print(1)"], ["print(2)"]], tmp_path) == ["1\n", "2\n"]


def test_a_command_that_fails_says_its_last_error_and_hint(tmp_path: Path) -> None:
    code = "import sys; print('noise\\nerror: no such thing [x]\\nhint: look\\nbye', file=sys.stderr); sys.exit(1)"
    with pytest.raises(NotReady) as caught:
        Processes().several("tally x", [["print(1)"], [code]], tmp_path)
    assert caught.value.message == "tally x ended with code 1: no such thing [x]"
    assert caught.value.hint == "look"


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ONCE_S", 0.2)
    with pytest.raises(NotReady, match="did not answer"):
        Processes().once("x", ["import time; time.sleep(60)"], tmp_path)


def test_a_process_that_dies_is_named(tmp_path: Path) -> None:
    processes = Processes()
    processes.start("labor's node", ["import sys; print('error: disk is full [disk]', file=sys.stderr); sys.exit(1)"], tmp_path)
    with pytest.raises(NotReady, match=r"labor's node ended with code 1: disk is full \[disk\]"):
        processes.text_of(tmp_path / "never", within=10)
    processes.stop()


def test_a_process_that_is_killed_is_named(tmp_path: Path) -> None:
    processes = Processes()
    processes.start("x", ["import time; time.sleep(60)"], tmp_path)
    processes.check()
    os.kill(processes.ids["x"], signal.SIGKILL)
    with pytest.raises(NotReady, match="ended by signal 9"):
        processes.text_of(tmp_path / "never", within=10)
    processes.stop()


def test_a_file_that_comes_and_one_that_does_not(tmp_path: Path) -> None:
    processes = Processes()
    processes.start("x", ["import pathlib, time; pathlib.Path('address').write_text('here'); time.sleep(60)"], tmp_path)
    assert processes.text_of(tmp_path / "address", within=10) == "here"
    with pytest.raises(NotReady, match="did not appear"):
        processes.text_of(tmp_path / "never", within=0.1)
    processes.stop()


def test_everything_is_stopped_helpers_and_the_stubborn_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.3)
    code = (
        "import os, pathlib, signal, time\n"
        "child = os.fork()\n"
        "if child: pathlib.Path('child').write_text(str(child))\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if child: pathlib.Path('ready').write_text('x')\n"
        "time.sleep(60)\n"
    )
    processes = Processes()
    processes.start("x", [code], tmp_path)
    processes.text_of(tmp_path / "ready", within=10)
    parent, child = processes.ids["x"], int((tmp_path / "child").read_text())
    processes.stop()
    end = time.monotonic() + 5
    while alive(child) and time.monotonic() < end and not _is_zombie(child):
        time.sleep(0.02)
    assert not alive(parent)
    assert not alive(child) or _is_zombie(child)
    assert processes.ids == {}


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_sigterm_ends_a_program_by_an_exception() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def ended() -> None:
        with stoppable():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(SystemExit) as caught:
        ended()
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_process_gets_no_profile_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", "/somewhere")
    assert Processes().once("x", ["import os; print(os.environ.get('TALLY_HOME'))"], tmp_path) == "None\n"
