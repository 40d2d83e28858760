"""How a lab is run and shown: progress on stderr, answers on stdout."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from tallystick.client.answer import build_answer
from tallystick.client.cli._progress import Progress
from tallystick.client.cli._tables import print_answer, write_result
from tallystick.core.job.model import Question
from tallystick.core.terminal import own_command, print_table
from tallystick.lab.network.build import DEFAULT_NAME, DEFAULT_PURPOSE, Named, collect_names
from tallystick.lab.network.check import Checked
from tallystick.lab.network.model import Lab
from tallystick.lab.network.processes import stoppable
from tallystick.lab.network.run import LabNetwork, Outcome, predict_refusal
from tallystick.records.survey import DatasetProblem, survey
from tallystick.records.usable import HALF, FieldCounts, sentence


def print_files(checked: Checked, question: Question) -> None:
    """Print what was counted of the files, and of the groups that a question makes of their rows."""
    rows = [
        (
            found["agency"],
            name,
            f"{found['rows']:,}" if "rows" in found else "cannot be read",
            f"{found['people']:,} of {found['at_most']:,}" if "people" in found else "",
            ", ".join(f"{key} {count:,}" for key, count in found.get("identifiers", {}).items()),
        )
        for name, found in checked.files.items()
    ]
    if rows:
        print_table(["agency", "dataset", "rows", "people", "people with identifiers"], rows)
        click.echo()
    for name, found in checked.files.items():
        for line in warnings_of(name, found):
            click.echo(line, err=True)
    if checked.groups:
        print_table(
            ["group", "dataset", "people"],
            [(group, question.people[group].dataset, f"{count:,}") for group, count in checked.groups.items()],
        )
        click.echo()


def warnings_of(name: str, found: Mapping[str, Any]) -> list[str]:
    """Say what was found out about a dataset's source, and what of its identifiers cannot be used."""
    fields = {key: FieldCounts.read(one) for key, one in found.get("fields", {}).items()}
    told = [(one.share < HALF, sentence(key, one)) for key, one in fields.items()]
    return [f"{name}: {note}" for note in found.get("notes", [])] + [
        f"{'warning: ' if odd else ''}{name}: {line}" for odd, line in told if line
    ]


def run_lab(lab: Lab, questions: Sequence[Question], *, keep: Path | None = None) -> list[Outcome]:
    """Ask questions one after another in one network; those that the agreement cannot allow are not asked.

    Raises:
        NotReady: `unavailable`: a process did not start, or died.
    """
    refused = [predict_refusal(lab, question) for question in questions]
    asked = [question for question, outcome in zip(questions, refused, strict=True) if outcome is None]
    outcomes: list[Outcome] = []
    if not asked:
        return [outcome for outcome in refused if outcome is not None]
    with ThreadPoolExecutor(1) as pool, stoppable(), Progress() as progress:
        remarks = pool.submit(look_at_files, lab, asked)  # while the network starts
        with LabNetwork(lab, collect_names(asked), keep=keep, tell=progress.say) as network:
            for line in remarks.result():
                click.echo(line, err=True)
            for number, (question, outcome) in enumerate(zip(questions, refused, strict=True), 1):
                title = f"job {number} of {len(questions)}: " if len(questions) > 1 else ""
                outcomes.append(outcome or network.ask(question, show=progress.with_title(title)))
            progress.say("stopping")
    return outcomes


def look_at_files(lab: Lab, questions: Sequence[Question]) -> list[str]:
    """Read the files that questions ask about, and say what of them cannot be read or used.

    Nothing is stopped by it: a job over records that cannot be used is refused by its node, as in a network.
    """
    named = {group.dataset for question in questions for group in question.people.values()}
    lines = []
    for entries in (agency.datasets for agency in lab.file.agencies.values()):
        for name, entry in entries.items():
            if name not in named:
                continue
            found = survey(name, entry, lab.folder, max_memory_mib=None)
            if isinstance(found.outcome, DatasetProblem):
                detail = f" ({found.outcome.detail})" if found.outcome.detail else ""
                lines.append(f"warning: {found.outcome.message}{detail}")
            lines += warnings_of(name, found.json_value())
    return lines


def serve_lab(lab: Lab, *, agreement: str | None, purposes: Sequence[str], keep: Path | None) -> None:
    """Run a network until it is interrupted.

    Raises:
        NotReady: `unavailable`: a process did not start, or died.
    """
    named = Named((agreement or DEFAULT_NAME,), tuple(purposes) or (DEFAULT_PURPOSE,))
    with stoppable(), LabNetwork(lab, named, keep=keep, tell=lambda text: click.echo(text, err=True)) as network:
        name = lab.file.agreement.name or named.agreements[0]
        click.echo(f"the network is running at {network.address}; Ctrl-C ends it")
        click.echo(f"agreement: {name}; purposes: {', '.join(lab.file.agreement.purposes or named.purposes)}")
        click.echo(f"in another terminal: export TALLY_HOME={network.profile}")
        click.echo("then: tally job submit JOB.yaml; tally job list")
        try:
            while True:
                time.sleep(1.0)
                network.check()
        except KeyboardInterrupt:
            click.echo("stopping", err=True)


def print_outcomes(outcomes: Sequence[Outcome], *, tables: bool, out: Path | None) -> None:
    """Print what became of each question: answers on stdout, reasons on stderr."""
    for outcome in outcomes:
        if outcome.result is not None:
            if tables:
                print_answer(build_answer(outcome.result.document, outcome.result.value))
                click.echo()
            continue
        what = outcome.question.title or "the job"
        for reason in outcome.reasons:
            click.echo(
                f"error: {what}: {outcome.status} by {reason['party']}: {reason['message']} [{reason['code']}]", err=True
            )
            if reason["hint"]:
                click.echo(f"hint: {reason['hint']}", err=True)
        if not outcome.reasons:
            click.echo(f"error: {what}: {outcome.status}", err=True)
    if out is None or not tables:
        return
    answered = [number for number, outcome in enumerate(outcomes, 1) if outcome.result is not None]
    if not answered:
        click.echo(f"no result; {out} holds what stood against it", err=True)
        return
    number = f" --number {answered[0]}" if len(outcomes) > 1 else ""
    click.echo(f"written to {out}; check it with: {own_command()} result verify {shlex.quote(str(out))}{number}")


def write_outcomes(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write one result, or a list of several.

    Raises:
        Broken: `disk`.
    """
    values = [outcome.json_value() for outcome in outcomes]
    write_result(path, values[0] if len(values) == 1 else values)
