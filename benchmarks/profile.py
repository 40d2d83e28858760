"""Where a job's time goes on a network that runs: processor and waiting by phase and by process, and the steps that take the most.

Whole networks on this machine, each party a process of its own, over mTLS on loopback; the cases are those of `engine.py`, and one pass over
two lists of a million. One job comes first that does not count: it starts what stays. Processor seconds are the kernel's. *Waiting* is what
the cores had left in a phase. Where py-spy is installed (`pip install py-spy`; it must be allowed to trace processes of its own user) a second
job is sampled, and each sample counts for the innermost module of this project on its stack.

usage: profile.py [CASE …] [--busy] [--rate HZ]

A CASE is small-job, small-job-no-gate, agencies-5 (these without one), or million, which takes minutes. The section of a case is written when
it was measured; the others stay.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.engine import CASES, Case, ask, foresee, write_lists
from benchmarks.process import family_of
from benchmarks.report import table, write_section
from tallystick.client.views import JobProgress
from tallystick.core.job.model import Question
from tallystick.lab.network.build import collect_names
from tallystick.lab.network.model import read_lab
from tallystick.lab.network.run import LabNetwork

PROFILED: Final[Mapping[str, Case]] = {
    **{name: CASES[name] for name in ("small-job", "small-job-no-gate", "agencies-5")},
    "million": Case(1 << 20, (1, 1), gate=False),
}
ASKED_FOR: Final = ("million",)
"""Cases that are measured only when they are named."""
STEPS: Final = 14
"""Modules that are shown."""
RATE: Final = 100
SPYING: Final = ("--subprocesses", "--full-filenames", "--nonblocking", "--format", "raw", "--duration", "unlimited")
_PACKAGE: Final = re.compile(r"\([^()]*/tallystick/([\w/]+)\.py:\d+\)$")
_IDLE: Final = re.compile(r"^(?:select|poll|wait|_wait_for_tstate_lock|_worker|_recv|accept|get|put|channel_spin) ")
"""Functions in which a thread waits; py-spy cannot always tell."""


@dataclass
class Spent:
    """Wall time of a phase, and processor seconds of each kind of process in it."""

    wall: float = 0.0
    processor: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Measure and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", choices=[[], *PROFILED], help=", ".join(PROFILED))
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--rate", type=int, default=RATE)
    options = parser.parse_args()
    for name in options.cases or [one for one in PROFILED if one not in ASKED_FOR]:
        text = profile_case(PROFILED[name], options.rate)
        busy = " The machine was busy with other work meanwhile: processor seconds say more than times." if options.busy else ""
        case = PROFILED[name]
        levels = " × ".join(str(one) for one in case.levels)
        how = (
            f"{len(case.levels)} agencies of {case.people:,} people each, levels {levels}, "
            f"{'with' if case.gate else 'without'} a gate; `python -m benchmarks.profile {name}`.{busy}"
        )
        write_section(f"profile-{name}", f"Where the time goes: {name}", f"{how}\n\n{text}")
        print(text, flush=True)


def profile_case(case: Case, rate: int) -> str:
    """Ask three times: once to start what stays, once to be measured, once to be sampled."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lists(folder, case, case.people)
        lab = read_lab(folder / "lab.yaml")
        questions = [ask(case, number) for number in range(3)]
        sent = foresee(lab, questions[0], case.people)
        with LabNetwork(lab, collect_names(questions)) as network:
            run(network, questions[0])
            phases, whole = measure(network, questions[1])
            steps = sample(network, questions[2], folder, rate)
    text = (
        f"{whole:.2f} s from the question to the answer; {sent:,.1f} MB sent by all agencies together.\n\n{show_phases(phases)}"
    )
    return f"{text}\n\n{show_steps(steps, rate)}" if steps else text


def run(network: LabNetwork, question: Question, note: Counter[str] | None = None) -> None:
    """Ask, and see that the answer came."""
    del note
    outcome = network.ask(question)
    if outcome.result is None:
        raise SystemExit(f"error: {outcome.status}: {outcome.reasons}")


def measure(network: LabNetwork, question: Question) -> tuple[dict[str, Spent], float]:
    """Ask; give what each phase took, and the whole."""
    phases: dict[str, Spent] = {}
    start = at = time.perf_counter()
    before, phase = read_processor(network), "asked"

    def close(new: str) -> None:
        nonlocal at, before, phase
        now, used = time.perf_counter(), read_processor(network)
        spent = phases.setdefault(phase, Spent())
        spent.wall += now - at
        spent.processor += used - before
        at, before, phase = now, used, new

    def note(view: JobProgress) -> None:
        if view.phase and view.phase != phase:
            close(view.phase)

    outcome = network.ask(question, show=note)
    close("")
    if outcome.result is None:
        raise SystemExit(f"error: {outcome.status}: {outcome.reasons}")
    return phases, at - start


def read_processor(network: LabNetwork) -> Counter[str]:
    """Give the processor seconds so far, by kind of process: coordinator, nodes, their workers, and the analyst here."""
    used: Counter[str] = Counter()
    for name, root in network.processes.items():
        for process, (seconds, _) in family_of(root).items():
            if "coordinator" in name:
                used["coordinator"] += seconds  # type: ignore[assignment]  # a counter of floats
            else:
                used["nodes" if process == root else "workers"] += seconds  # type: ignore[assignment]
    used["analyst"] += time.process_time()  # type: ignore[assignment]
    return used


def show_phases(phases: Mapping[str, Spent]) -> str:
    """Make the table of phases."""
    kinds = ("coordinator", "nodes", "workers", "analyst")
    cores = len(os.sched_getaffinity(0))
    rows = []
    for phase, spent in phases.items():
        used = [spent.processor[kind] for kind in kinds]
        rows.append((phase, spent.wall, *used, max(0.0, cores * spent.wall - sum(used))))
    rows.append(("all", *(sum(row[at] for row in rows) for at in range(1, len(kinds) + 3))))  # type: ignore[misc]
    head = ("phase", "time", *(f"processor, {kind}" for kind in kinds), f"waiting, {cores} cores")
    return table(head, [(row[0], *(f"{number:.2f} s" for number in row[1:])) for row in rows])


def sample(network: LabNetwork, question: Question, folder: Path, rate: int) -> Counter[tuple[str, str]]:
    """Ask while every party is sampled; give samples by (kind of process, module). Empty where there is no py-spy."""
    program = shutil.which("py-spy")
    if program is None:
        return Counter()
    with spying(program, network, folder, rate) as files:
        run(network, question)
    counted: Counter[tuple[str, str]] = Counter()
    for name, path in files.items():
        kind = "coordinator" if "coordinator" in name else "node"
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            stack, _, times = line.rpartition(" ")
            if _IDLE.match(
                stack.rpartition(";")[2].rpartition(".")[2] if "(" not in stack.rpartition(";")[2].split(" ")[0] else ""
            ):
                continue
            counted[kind, module_of(stack)] += int(times)
    return counted


@contextmanager
def spying(program: str, network: LabNetwork, folder: Path, rate: int) -> Iterator[dict[str, Path]]:
    """Sample every party meanwhile; give where the samples of each are then."""
    files = {name: folder / f"samples-{number}" for number, name in enumerate(network.processes)}
    spies = []
    for name, root in network.processes.items():
        command = [program, "record", "--pid", str(root), "--rate", str(rate), "--output", str(files[name]), *SPYING]
        spies.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    time.sleep(1.0)  # until they look
    try:
        yield files
    finally:
        for spy in spies:
            spy.send_signal(signal.SIGINT)
        for spy in spies:
            spy.wait(timeout=30)


def module_of(stack: str) -> str:
    """Give the innermost module of this project on a stack, outermost frame first; or the innermost frame where there is none."""
    frames = stack.split(";")
    for frame in reversed(frames):
        if found := _PACKAGE.search(frame):
            return found[1].replace("/", ".")
    return re.sub(r":\d+\)$", ")", frames[-1])


def show_steps(steps: Counter[tuple[str, str]], rate: int) -> str:
    """Make the table of steps."""
    total = sum(steps.values())
    shown = steps.most_common(STEPS)
    rows = [(kind, f"`{module}`", f"{many / rate:.2f} s", f"{many / total:.0%}") for (kind, module), many in shown]
    left = total - sum(many for _, many in shown)
    rows.append(("all", "others", f"{left / rate:.2f} s", f"{left / total:.0%}"))
    return table(("process", "module", "busy", "share"), rows)


if __name__ == "__main__":
    main()
