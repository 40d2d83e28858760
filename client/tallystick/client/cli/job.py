"""`tally job`: ask a question, watch it, fetch the answer."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import click

from tallystick.core.terminal import FAILED, Format, format_option, print_json, print_table, run_cli

FILE = click.Path(path_type=Path, dir_okay=False)
REASONS = ("agreement", "policy", "steward", "people", "data", "other")


@click.group()
def job() -> None:
    """Ask a question, watch it, fetch the answer.

    JOB is a job's name: the first digits of its digest, as `tally job list` shows them.
    """


def _refuse_lab(context: click.Context, option: click.Parameter, value: Path | None) -> None:
    """Refuse the option `--lab`, which is a command now."""
    del option  # click's signature
    if value is not None:
        raise click.UsageError(f"--lab is a command of its own now: tally lab check {value} JOB.yaml", context)


@job.command()
@click.argument("file", type=FILE)
@click.option("--agreement", type=FILE, help="The signed agreement; default: the one of that name used last.")
@click.option("--lab", type=FILE, hidden=True, expose_value=False, callback=_refuse_lab)
@click.option("--as", "analyst", help="The analyst who would ask; default: the agreement's first.")
@click.option(
    "--people", multiple=True, metavar="GROUP=NUMBER", help="Size of a group, for an estimate of the work; once for each group."
)
@format_option
@run_cli
def check(file: Path, agreement: Path | None, analyst: str | None, people: tuple[str, ...], format_: Format) -> None:
    """Say what stands against the job in FILE, what each party would learn, and what it would cost. Nothing is sent."""
    from tallystick.client.checking import find_agreement, report_on, sizes
    from tallystick.client.cli._report import print_report
    from tallystick.client.questions import read_question

    question = read_question(file)
    report = report_on(question, find_agreement(agreement, question), analyst, sizes(people))
    if format_ == "json":
        print_json(report.json_value())
    else:
        print_report(report)
    if report.problems:
        sys.exit(FAILED)


@job.command()
@click.argument("template", required=False)
@click.option("--set", "said", multiple=True, metavar="NAME=VALUE", help="A parameter of the template; once for each.")
@click.option("--show", is_flag=True, help="Show the template: its question, rules, caveats and parameters.")
@click.option("--example", is_flag=True, help="Fill what is not set as in the made-up region of tally lab region.")
@click.option("--agreement", type=FILE, help="The signed agreement, in which datasets and columns are looked up.")
@click.option(
    "--name",
    default="county",
    show_default=True,
    help="Without --agreement: its name; one that the profile knows is looked in.",
)
@click.option("--purpose", help="The job's purpose; default: the agreement's first.")
@click.option("--out", type=FILE, help="Write the job file here, in place of printing it.")
@format_option
@run_cli
def new(
    template: str | None,
    said: tuple[str, ...],
    show: bool,
    example: bool,
    agreement: Path | None,
    name: str,
    purpose: str | None,
    out: Path | None,
    format_: Format,
) -> None:
    """Write a job file from TEMPLATE; without one, list the templates.

    On a terminal it asks for what is not set; in a pipe or a script it never asks, and says what is missing.
    """
    from tallystick.client.cli._new import list_templates, show_template, write_job
    from tallystick.client.templates.model import find_template

    if template is None:
        if said or show or example or out is not None:
            raise click.UsageError("name a template; tally job new lists them")
        list_templates(format_)
    elif show:
        show_template(template, find_template(template), format_)
    else:
        filled = find_template(template)
        write_job(template, filled, said, example=example, agreement=agreement, named=(name, purpose), out=out, format_=format_)


@job.command()
@click.argument("file", type=FILE, required=False)
@click.option("--agreement", type=FILE, help="The signed agreement; default: the one of that name used last.")
@click.option(
    "--days", type=click.IntRange(1, 30), default=7, show_default=True, help="How long it may take, approvals included."
)
@click.option("--ladders", is_flag=True, help="Ask three jobs: by strict, default and loose, which the agreement must allow.")
@click.option("--again", metavar="JOB", help="Instead of FILE: hand in a job again whose submission was cut off.")
@format_option
@run_cli
def submit(file: Path | None, agreement: Path | None, days: int, ladders: bool, again: str | None, format_: Format) -> None:
    """Sign the job in FILE and hand it in.

    With --ladders it is asked three times; `tally result triple` then shows how far each number depends on matching.
    """
    from tallystick.client.sdk import connect
    from tallystick.core.ids import short

    if (file is None) == (again is None):
        raise click.UsageError("give a job file, or --again JOB")
    if ladders and file is None:
        raise click.UsageError("--ladders asks the job of a file")
    with connect() as tally:
        if ladders and file is not None:
            _print_submitted(tally.submit_ladders(file, agreement, deadline=timedelta(days=days)), format_)
            return
        if again is not None:
            digest = tally.resubmit(again).job
        else:
            assert file is not None  # checked above
            digest = tally.submit(file, agreement, deadline=timedelta(days=days))
    if format_ == "json":
        print_json({"job": digest, "name": short(digest)})
    else:
        click.echo(f"submitted {short(digest)}")
        click.echo(f"now: tally job watch {short(digest)}")


def _print_submitted(jobs: dict[str, str], format_: Format) -> None:
    """Tell the jobs of several ladders."""
    from tallystick.core.ids import short

    if format_ == "json":
        print_json({"jobs": [{"ladder": ladder, "job": digest, "name": short(digest)} for ladder, digest in jobs.items()]})
        return
    for ladder, digest in jobs.items():
        click.echo(f"submitted {short(digest)} (link: {ladder})")
    click.echo("now, for each: tally job result JOB --out FILE; then, with the files: tally result triple FILE FILE FILE")


@job.command(name="list")
@click.option("--all", "ended", is_flag=True, help="Also jobs that have ended.")
@format_option
@run_cli
def list_(ended: bool, format_: Format) -> None:
    """List your jobs."""
    from tallystick.client.cli._progress import since
    from tallystick.client.sdk import connect

    with connect() as tally:
        views = tally.jobs(ended=ended)
    if format_ == "json":
        print_json({"jobs": [view.json_value() for view in views]})
        return
    if not views:
        click.echo("no jobs" if ended else "no jobs that have not ended; --all shows the others")
        return
    print_table(
        ["job", "state", "phase", "submitted", "title"],
        [(v.name, v.state, v.phase, since(v.submitted), v.title) for v in views],
    )


@job.command()
@click.argument("name", metavar="JOB")
@format_option
@run_cli
def show(name: str, format_: Format) -> None:
    """Show a job as it is now: its approvals, how far each party is, and which parties it waits for."""
    from tallystick.client.cli._progress import print_view
    from tallystick.client.sdk import connect

    with connect() as tally:
        view = tally.show(name)
    if format_ == "json":
        print_json(view.json_value())
    else:
        print_view(view)


job.add_command(show, "status")


@job.command()
@click.argument("name", metavar="JOB")
@format_option
@run_cli
def watch(name: str, format_: Format) -> None:
    """Follow a job until it ends. With `--format json`: one JSON line for each change."""
    from tallystick.client.cli._progress import Progress, json_line, print_view
    from tallystick.client.sdk import connect

    with connect() as tally:
        if format_ == "json":
            last = tally.wait(name, tell=json_line)
        else:
            with Progress() as progress:
                last = tally.wait(name, tell=progress.tell)
    if format_ == "table":
        print_view(last)
        if last.state == "released":
            click.echo(f"now: tally job result {last.name}")
    if last.state != "released":
        sys.exit(FAILED)


@job.command()
@click.argument("name", metavar="JOB")
@click.option("--out", type=FILE, help="Also write the result, with what proves it, to this file.")
@format_option
@run_cli
def result(name: str, out: Path | None, format_: Format) -> None:
    """Fetch the result of a released job, check everything that proves it, and show it."""
    from tallystick.client.answer import build_answer
    from tallystick.client.cli._tables import print_answer, write_result
    from tallystick.client.sdk import connect
    from tallystick.core.files import check_can_write

    if out is not None:
        check_can_write(out)
    with connect() as tally:
        fetched = tally.result(name)
    if out is not None:
        write_result(out, fetched.json_value())
    if format_ == "json":
        print_json(fetched.value)
    else:
        print_answer(build_answer(fetched.document, fetched.value))


@job.command()
@click.argument("name", metavar="JOB")
@format_option
@run_cli
def cancel(name: str, format_: Format) -> None:
    """End a job; nothing of it is released afterwards."""
    from tallystick.client.sdk import connect

    with connect() as tally:
        view = tally.cancel(name)
    if format_ == "json":
        print_json(view.json_value())
    else:
        click.echo(f"{view.name} is {view.state}")


@job.command()
@click.argument("name", metavar="JOB")
@click.option("--agreement", type=FILE, help="The signed agreement; default: the one of that name used last.")
@click.option("--refuse", is_flag=True, help="Say no instead of yes.")
@click.option(
    "--reason", type=click.Choice(REASONS), default="other", show_default=True, help="Of a refusal, as others will know it."
)
@click.option("--days", type=click.IntRange(1, 90), default=14, show_default=True, help="How long the decision counts.")
@format_option
@run_cli
def approve(name: str, agreement: Path | None, refuse: bool, reason: str, days: int, format_: Format) -> None:
    """Sign a decision on a job as an approver whom the agreement names; agencies decide at their nodes."""
    from tallystick.client.deciding import decide
    from tallystick.client.sdk import connect

    with connect() as tally:
        view = decide(tally, name, agreement, reason if refuse else None, timedelta(days=days))
    if format_ == "json":
        print_json(view.json_value())
    else:
        click.echo(f"{'refused' if refuse else 'approved'} {view.name}; it is {view.state}")


@job.command()
@click.argument("name", metavar="JOB")
@click.option("--from", "agency", help="Whose offer, where several agencies made one.")
@click.option("--out", type=FILE, help="Write the job file here, in place of printing it.")
@format_option
@run_cli
def proposal(name: str, agency: str | None, out: Path | None, format_: Format) -> None:
    """Show the question that an agency which refused JOB would allow, as a job file for `tally job submit`."""
    from datetime import UTC, datetime

    import yaml

    from tallystick.client.proposals import list_proposals
    from tallystick.client.sdk import connect
    from tallystick.core.errors import Invalid
    from tallystick.core.files import write_public

    with connect() as tally:
        offers = list_proposals(tally, name, datetime.now(UTC))
    if format_ == "json":
        print_json({who: question.json_value() for who, question in offers.items()})
        return
    if agency is None and len(offers) > 1:
        raise Invalid("job-invalid", f"{' and '.join(offers)} each offer one", hint="--from AGENCY")
    chosen = offers.get(agency or next(iter(offers)))
    if chosen is None:
        raise Invalid("job-invalid", f"{agency} offers nothing", hint=f"--from {next(iter(offers))}")
    text = yaml.safe_dump(chosen.json_value(), sort_keys=False, allow_unicode=True)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_public(out, text.encode())
        click.echo(f"{out}: now: tally job submit {out}")
