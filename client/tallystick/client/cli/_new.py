"""`tally job new`: lists templates, shows one, asks for its parameters where a terminal is there, and writes the job file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from tallystick.client.cli._tables import say
from tallystick.client.templates.fill import check_value, fill_template, list_missing, suggest_values
from tallystick.client.templates.model import JobTemplate, Parameter, load_templates
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import read_document
from tallystick.core.errors import Invalid
from tallystick.core.files import write_public
from tallystick.core.terminal import Format, print_error, print_json, print_table
from tallystick.core.yaml import load_yaml

PURPOSE: Final = "program-evaluation"
"""Of a job for which neither a purpose nor an agreement is given."""


def list_templates(format_: Format) -> None:
    """Print every template's name and title."""
    found = load_templates()
    if format_ == "json":
        told = [{"name": name, "title": one.title, "question": one.question, "rules": one.rules} for name, one in found.items()]
        print_json({"templates": told})
        return
    print_table(["template", "what it is for", "usual rules"], [(name, one.title, one.rules) for name, one in found.items()])
    click.echo("now: tally job new TEMPLATE --show, then tally job new TEMPLATE --out JOB.yaml")


def show_template(name: str, template: JobTemplate, format_: Format) -> None:
    """Print a template: what it asks, under which rules, how to read it, what it does not say, and its parameters."""
    if format_ == "json":
        print_json({"name": name, **template.json_value()})
        return
    say(template.title, bold=True)
    say(template.question)
    say(f"Usual rules: {template.rules}. Law and guidance: {template.statute}.")
    say(template.reading)
    for caveat in template.caveats:
        say(f"- {caveat}")
    click.echo()
    rows = [
        (one.name, one.kind, one.help, "needed" if one.default is None else one.default or "none")
        for one in template.parameters
    ]
    print_table(["parameter", "kind", "what it is", "default"], rows)


def write_job(
    name: str,
    template: JobTemplate,
    said: tuple[str, ...],
    *,
    example: bool,
    agreement: Path | None,
    named: tuple[str, str | None],
    out: Path | None,
    format_: Format,
) -> None:
    """Write a job file, or print it.

    Args:
        name: the template's.
        template: what is filled.
        said: `NAME=VALUE` texts.
        example: fill what is not said as in the made-up region.
        agreement: a file.
        named: the agreement's name where there is no file, and the job's purpose.
        out: where to write it; None prints it.
        format_: of what is said beside; as JSON the job itself, and nothing is asked.

    Raises:
        Invalid: `job-invalid`, `file-missing`, `document-invalid`. Broken: `disk`.
    """
    terms = _find_terms(agreement, named[0])
    values = _read_settings(said)
    if example:
        values = {one.name: one.example for one in template.parameters} | values
    if format_ == "table" and sys.stdin.isatty() and sys.stdout.isatty() and list_missing(template, values):
        values = _ask_for_values(template, values, terms)
    purpose = named[1] or (PURPOSE if terms is None else terms.purposes[0])
    text = fill_template(name, template, values, named[0] if terms is None else terms.agreement, purpose, terms)
    if out is not None:
        write_public(out, text.encode())
    if format_ == "json":
        print_json({"file": None if out is None else str(out), "job": load_yaml(text, what="the job")})
    elif out is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"{out}: now: tally job check {out}")


def _find_terms(path: Path | None, name: str) -> Agreement | None:
    """Give the agreement of a file, or the one of that name that the profile knows; None where there is neither."""
    if path is not None:
        return read_document(path, kind="agreement").read(Agreement)
    from tallystick.client.profile import open_profile

    try:
        return open_profile().agreement(name).read(Agreement)
    except Invalid as error:
        if error.code != "agreement-unknown":
            raise
        return None


def _read_settings(said: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for one in said:
        name, equals, value = one.partition("=")
        if not equals or name in values:
            raise Invalid(
                "job-invalid", f"--set {one}: it must be NAME=VALUE, each name once", hint="--set exits=AGENCY/DATASET"
            )
        values[name] = value
    return values


def _ask_for_values(template: JobTemplate, values: Mapping[str, str], terms: Agreement | None) -> dict[str, str]:
    """Ask for each value that is not set, in the template's order, again where it cannot stand there."""
    asked = dict(values)
    for one in template.parameters:
        if one.name in asked:
            continue
        choices = suggest_values(one, asked, terms)
        if choices:
            say(f"{one.name}: one of {', '.join(choices)}")
        while one.name not in asked:
            text = str(click.prompt(f"{one.help} [{_describe_form(one)}]", default=one.default, show_default=bool(one.default)))
            try:
                check_value(one, text, asked, terms)
            except Invalid as error:
                print_error(error)
            else:
                asked[one.name] = text
    return asked


def _describe_form(one: Parameter) -> str:
    return {
        "dataset": "AGENCY/DATASET, several with +",
        "datasets": "NAME:AGENCY/DATASET, several with commas",
        "column": "a column",
        "columns": "columns with commas, or nothing",
        "where": "a condition, or nothing",
    }.get(one.kind, f"such as {one.example}")
