"""Views as tables for people; as JSON they say themselves (`json_value`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
import yaml

from tallystick.core.agreement.model import LinkageFacts
from tallystick.core.ids import short
from tallystick.core.terminal import print_json, print_table
from tallystick.node.asked import OwnGroup
from tallystick.node.preflight import key_counts
from tallystick.node.views import Candidate, Health, JobDetail, JobSummary, JobTerms, LogEntry, SessionStatus
from tallystick.records.mending import mend_identifier
from tallystick.records.survey import DatasetCheck, DatasetProblem, DatasetSummary

_SHOWN_PAST: Final = 20
"""Earlier jobs that are printed; --format json has all."""


def print_health(health: Health) -> None:
    """Print how the node is, and each job that it is at work on."""
    value = health.json_value()
    value.pop("sessions")
    print_table(("what", "value"), [(key, line(one)) for key, one in value.items()])
    if health.sessions:
        columns = ("job", "attempt", "phase", "done", "works", "since", "seconds by phase", "sent", "received")
        print_table(columns, [_session(one) for one in health.sessions])


def _session(one: SessionStatus) -> tuple[object, ...]:
    done = f"{one.done:,} of {one.total:,}" if one.total else ""
    phases = ", ".join(f"{phase} {seconds}" for phase, seconds in one.phases.items())
    works = "works" if one.works else "waits"
    return (short(one.job), one.attempt, one.phase, done, works, one.since, phases, f"{one.sent:,}", f"{one.received:,}")


def print_pending(jobs: Sequence[JobSummary]) -> None:
    """Print jobs that wait for a decision."""
    columns = ("job", "awaits", "analyst", "purpose", "title", "policy")
    print_table(columns, [(short(job.job), job.awaits, job.analyst, job.purpose, job.title, job.verdict) for job in jobs])


def print_job(detail: JobDetail, counted: Sequence[DatasetCheck] = ()) -> None:
    """Print one job as a steward reads it: what is asked, of whose data, by which rules, what was asked before, who learns what.

    Args:
        detail: the job.
        counted: what this agency's datasets hold now, where they were counted.
    """
    summary, asked = detail.summary, detail.asked
    click.secho(summary.title or summary.purpose, bold=True)
    if asked is not None:
        click.echo(asked.sentence)
    policy = [summary.verdict, *summary.reasons]
    facts = [
        ("job", summary.job),
        ("asked by", f"{summary.analyst}, for {summary.purpose}"),
        ("under", f"{summary.agreement.agreement}, version {summary.agreement.version}"),
        ("state", str(summary.state) + (f"; we said {summary.decision}" if summary.decision else "")),
        ("awaits", summary.awaits or "nothing of us"),
        ("decide until", summary.deadline),
        ("our policy", "; ".join(filter(None, policy)) or "was not asked"),
    ]
    if isinstance(detail.terms, JobTerms):
        facts += [("to approve", ", ".join(detail.terms.approvers))]
        facts += [
            (f"stewards of {agency}", f"{quorum.need} of {', '.join(quorum.stewards)}")
            for agency, quorum in detail.terms.stewards.items()
        ]
    else:
        facts += [("problem", detail.terms)]
    click.echo()
    print_table(("what", "value"), facts)
    if asked is not None:
        _print_own(asked.own, {check.dataset: check for check in counted})
        click.echo()
        for line_ in (*asked.rules, *asked.cost):
            click.echo(f"- {line_}")
    click.echo()
    if detail.past:
        rows = [
            (
                short(one.job),
                one.title or "",
                one.analyst,
                one.state,
                ", ".join(one.differs) or "nothing: the same question",
                one.seen,
            )
            for one in detail.past[:_SHOWN_PAST]
        ]
        more = "" if len(detail.past) <= _SHOWN_PAST else f", the newest {_SHOWN_PAST} of {len(detail.past):,}"
        print_table(
            ("job", "question", "asked by", "it is", "differs in", "seen"), rows, title=f"earlier jobs over the same data{more}"
        )
    else:
        click.echo("no earlier job over the same data")
    if isinstance(detail.terms, JobTerms):
        click.echo()
        print_table(("who", "learns"), [(party, told) for party, lines in detail.terms.leakage.items() for told in lines])
    if detail.candidate is not None:
        click.echo()
        _print_candidate(detail.candidate)


def _print_own(own: Sequence[OwnGroup], counted: Mapping[str, DatasetCheck]) -> None:
    """Print what a job reads of this agency."""
    click.echo()
    if not own:
        click.echo("reads nothing of this agency")
        return
    columns = ["reads of us", "called", "where", "people at most", *(["rows now", "people now"] if counted else []), "columns"]
    rows = []
    for one in own:
        read = "; ".join(f"{name} ({', '.join(serves)})" for name, serves, _ in one.columns)
        now: list[object] = []
        if counted:
            found = counted[one.dataset].outcome if one.dataset in counted else None
            now = [found.rows, found.people] if isinstance(found, DatasetSummary) else ["cannot be read", ""]
        rows.append(
            (one.dataset, one.group, one.where or "everybody", f"{one.at_most:,}", *now, read or "none; people are counted")
        )
    print_table(columns, rows)
    if counted:
        click.echo("rows and people are of the whole dataset; the condition under `where` leaves as many or fewer")


def print_linkage(facts: LinkageFacts, format_: str) -> None:
    """Print what a dataset says of itself for linkage, as its declaration takes it: YAML, or JSON."""
    value = {"linkage": facts.json_value()}
    if format_ == "json":
        print_json(value)
    else:
        click.echo(yaml.safe_dump(value, sort_keys=False), nl=False)


def print_datasets(checks: Sequence[DatasetCheck]) -> None:
    """Print what the datasets hold, and what was found about their keys."""
    print_table(
        ("dataset", "rows", "version", "people", "identifiers", "problem", "detail"), [_dataset(check) for check in checks]
    )
    if counts := key_counts(checks):
        print_table(("dataset", "what", "by", "number"), counts)
    fields = [row for check in checks for row in _fields(check)]
    if fields:
        print_table(
            (
                "dataset",
                "identifier",
                "missing",
                "usable",
                "denied",
                "unread",
                "wrong encoding",
                "first unread",
                "form",
                "what would mend it",
            ),
            fields,
        )
    notes = [
        (check.dataset, note) for check in checks if isinstance(check.outcome, DatasetSummary) for note in check.outcome.notes
    ]
    if notes:
        print_table(("dataset", "note"), notes)


def _fields(check: DatasetCheck) -> list[tuple[object, ...]]:
    """List what became of a dataset's identifiers, over rows."""
    if not isinstance(check.outcome, DatasetSummary):
        return []
    return [
        (
            check.dataset,
            name,
            one.missing,
            one.usable,
            one.denied,
            one.unread,
            one.mended,
            one.first,
            one.form,
            mend_identifier(name, one.form),
        )
        for name, one in check.outcome.fields.items()
    ]


def print_log(entries: Sequence[LogEntry]) -> None:
    """Print entries of the log."""
    rows = [(one.number, one.time, one.event, short(one.job), line(one.details)) for one in entries]
    print_table(("number", "time", "event", "job", "details"), rows)


def line(value: Any) -> str:
    """Write a value in one line."""
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{key}: {line(item)}" for key, item in value.items())
        case list():
            return "; ".join(line(item) for item in value)
        case _:
            return str(value)


HANDED: Final = "The numbers are sealed under the analyst's key. This desk hands them on, and cannot look at them."


def _print_candidate(candidate: Candidate) -> None:
    if not candidate.linkage:
        click.echo(HANDED)
        return
    shown, all_ = len(candidate.rows), candidate.rows_in_all
    title = "candidate" if shown == all_ else f"candidate: the first {shown} of {all_} rows"
    print_table(candidate.columns, [row.cells for row in candidate.rows], title=title)
    reports = {"linkage": candidate.linkage, "disclosure": candidate.disclosure}
    print_table(("what", "value"), [(name, line(report)) for name, report in reports.items()])


def _dataset(check: DatasetCheck) -> tuple[object, ...]:
    match check.outcome:
        case DatasetProblem(message=message, detail=detail):
            return (check.dataset, None, "", "", "", message, detail)
        case summary:
            people = f"{summary.people} of {summary.at_most}"
            return (check.dataset, summary.rows, summary.version[:8], people, line(dict(summary.identifiers)), "", "")
