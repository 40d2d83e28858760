"""From a template and what stands in its places to a commented job file.

| kind | is written as | in the job's text |
|---|---|---|
| `dataset` | `AGENCY/DATASET`; several with `+` are stacked | `$name`: `agency: A, dataset: D` |
| `datasets` | `NAME:AGENCY/DATASET` or `NAME:AGENCY/DATASET/COLUMN`, with commas | `$name`: a line each; `$name_or`, … (`_fill_datasets`) |
| `column` | its name | `$name` |
| `columns` | names with commas | `${name}`: each as `group.column, ` |
| `where` | a condition | `$name`: `, where: "…"`, or nothing |
| `value` | any text | `$name` |

Where an agreement is at hand, `DATASET` is enough, and datasets and columns are looked up in it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Final

from tallystick.client.templates.model import JobTemplate, Parameter
from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.job.columns import intersect_columns
from tallystick.core.job.model import Question
from tallystick.core.yaml import load_yaml

WIDTH: Final = 110
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\"\\]{0,300}")


@dataclass(frozen=True)
class ChosenDataset:
    """A dataset as the job names it: (agency, dataset) of each part; several parts are stacked."""

    parts: tuple[tuple[str, str], ...]

    def write(self) -> str:
        """Give it as a job file has it."""
        agencies, datasets = ([part[at] for part in self.parts] for at in (0, 1))
        if len(self.parts) == 1:
            return f"agency: {agencies[0]}, dataset: {datasets[0]}"
        return f"agency: [{', '.join(agencies)}], dataset: [{', '.join(datasets)}]"


def fill_template(
    name: str, template: JobTemplate, values: Mapping[str, str], agreement: str, purpose: str, terms: Agreement | None = None
) -> str:
    """Give the text of a commented job file, which can be read.

    Args:
        name: the template's.
        template: what is filled.
        values: by parameter; what has a default may be missing.
        agreement: its name.
        purpose: the job's.
        terms: the agreement, where it is at hand.

    Raises:
        Invalid: `job-invalid`: a value is missing, is of no parameter, or names no dataset or column; `document-invalid`, `yaml-invalid`: what
            comes out is no job.
    """
    strange = sorted(values.keys() - {one.name for one in template.parameters})
    if strange:
        known = ", ".join(one.name for one in template.parameters)
        raise Invalid("job-invalid", f"template {name} has no parameter {strange[0]}", hint=f"it has: {known}")
    missing = list_missing(template, values)
    if missing:
        told = "; ".join(f"{one.name} ({one.help})" for one in missing)
        hint = " ".join(f"--set {one.name}={_shape(one)}" for one in missing)
        raise Invalid("job-invalid", f"template {name} needs {told}", hint=hint)
    places: dict[str, str] = {}
    chosen: dict[str, ChosenDataset] = {}
    for one in template.parameters:
        places |= _fill(one, values.get(one.name, one.default or ""), chosen, terms)
    body = Template(template.job).substitute(places)
    head = [
        f"{template.title} (template {name})",
        template.question,
        f"Usual rules: {template.rules}. Law and guidance: {template.statute}.",
    ]
    lines = [
        *_comment(head),
        f"agreement: {agreement}",
        f"title: {_quote(template.title)}",
        f"template: {name}",
        f"purpose: {purpose}",
    ]
    text = "\n".join(
        [*lines, body.rstrip("\n"), *_comment([template.reading]), "# what the result does not say; it stands beside it"]
    )
    text += "\ncaveats:\n" + "".join(f"  - {_quote(one)}\n" for one in template.caveats)
    text = re.sub(r"\n(\s*\n)+", "\n", text)
    Question.read(load_yaml(text, what="the job"), what="the job")
    return text


def list_missing(template: JobTemplate, values: Mapping[str, str]) -> list[Parameter]:
    """Give the parameters that have no value and no default."""
    return [one for one in template.parameters if one.default is None and one.name not in values]


def suggest_values(parameter: Parameter, values: Mapping[str, str], terms: Agreement | None) -> list[str]:
    """Give what an agreement has that could stand in a place: datasets, or the columns that fit; nothing without an agreement.

    Args:
        parameter: whose place.
        values: of the parameters before it.
        terms: the agreement, where it is at hand.
    """
    if terms is None or parameter.kind in {"value", "where"}:
        return []
    if parameter.kind in {"dataset", "datasets"}:
        return [f"{entry.agency}/{dataset}" for dataset, entry in terms.datasets.items()]
    columns = _columns_of(_parse_dataset(values.get(parameter.of or "", ""), parameter, terms), terms)
    return [column for column, kind in columns.items() if not parameter.types or kind in parameter.types]


def check_value(parameter: Parameter, text: str, values: Mapping[str, str], terms: Agreement | None) -> None:
    """Check one value beside those before it.

    Raises:
        Invalid: `job-invalid`.
    """
    of = values.get(parameter.of or "")
    chosen = {} if of is None or parameter.of is None else {parameter.of: _parse_dataset(of, parameter, terms)}
    _fill(parameter, text, chosen, terms)


def _fill(one: Parameter, text: str, chosen: dict[str, ChosenDataset], terms: Agreement | None) -> dict[str, str]:
    """Give what stands in a parameter's places; datasets are also put into `chosen`."""
    match one.kind:
        case "dataset":
            chosen[one.name] = _parse_dataset(text, one, terms)
            return {one.name: chosen[one.name].write()}
        case "datasets":
            return _fill_datasets(one, text, terms)
        case "column":
            _check_column(text.strip(), one, chosen, terms)
            return {one.name: text.strip()}
        case "columns":
            names = [name.strip() for name in text.split(",") if name.strip()]
            for name in names:
                _check_column(name, one, chosen, terms)
            return {one.name: "".join(f"{one.of}.{name}, " for name in names)}
        case "where":
            return {one.name: f', where: "{_check_text(text, one)}"' if text.strip() else ""}
        case _:
            return {one.name: _check_text(text, one).strip()}


def _fill_datasets(one: Parameter, text: str, terms: Agreement | None) -> dict[str, str]:
    """Give a line for each dataset, their names with `or` between them, whether each has a person, and the measures of those with a column."""
    lines, measures, names = [], [], []
    for item in (part.strip() for part in text.split(",") if part.strip()):
        name, colon, rest = item.partition(":")
        parts = rest.split("+")
        *path, column = parts[-1].split("/") if parts[-1].count("/") == 2 else [parts[-1], ""]
        if not colon or not _NAME.fullmatch(name) or (column and (one.costly is None or not _COLUMN.fullmatch(column))):
            raise Invalid("job-invalid", f"{one.name}: {item} cannot be read", hint=f"{one.help}: {one.example}")
        dataset = _parse_dataset("+".join([*parts[:-1], "/".join(path)]), one, terms)
        if column:
            _check_column(column, one, {one.of or "": dataset}, terms)
        written = one.costly if column else one.each
        assert written is not None  # a template's lists have both lines
        lines.append(Template(written).substitute(name=name, dataset=dataset.write(), column=column))
        measures += [Template(one.measure or "").substitute(name=name)] if column else []
        names.append(name)
    if len(names) < one.least:
        raise Invalid("job-invalid", f"{one.name}: {one.least} or more, not {len(names)}", hint=f"{one.help}: {one.example}")
    return {
        one.name: "\n".join(lines),
        f"{one.name}_or": " or ".join(names),
        f"{one.name}_present": ", ".join(f"{name}.present" for name in names),
        f"{one.name}_measures": "\n".join(measures),
    }


def _parse_dataset(text: str, one: Parameter, terms: Agreement | None) -> ChosenDataset:
    parts = []
    for item in text.split("+"):
        agency, slash, dataset = item.strip().partition("/")
        if not slash and terms is not None and agency in terms.datasets:
            agency, dataset = terms.datasets[agency].agency, agency
        known = "" if terms is None else ", ".join(f"{entry.agency}/{name}" for name, entry in terms.datasets.items())
        if not _NAME.fullmatch(agency) or not _NAME.fullmatch(dataset):
            raise Invalid(
                "job-invalid", f"{one.name}: {item.strip() or 'nothing'} is no dataset", hint=known or "AGENCY/DATASET"
            )
        if terms is not None and (dataset not in terms.datasets or terms.datasets[dataset].agency != agency):
            raise Invalid("job-invalid", f"{one.name}: the agreement has no {agency}/{dataset}", hint=f"it has: {known}")
        parts.append((agency, dataset))
    return ChosenDataset(tuple(parts))


def _check_column(name: str, one: Parameter, chosen: Mapping[str, ChosenDataset], terms: Agreement | None) -> None:
    if not _COLUMN.fullmatch(name):
        raise Invalid("job-invalid", f"{one.name}: {name or 'nothing'} is no column's name", hint=one.help)
    if terms is None:
        return
    columns = _columns_of(chosen[one.of or ""], terms)
    fitting = [column for column, kind in columns.items() if not one.types or kind in one.types]
    if name not in fitting:
        why = f"is a {columns[name]} column" if name in columns else "is no column of the dataset"
        raise Invalid("job-invalid", f"{one.name}: {name} {why}", hint=f"one of: {', '.join(fitting) or 'none fits'}")


def _columns_of(dataset: ChosenDataset, terms: Agreement) -> dict[str, str]:
    """Give the columns that a dataset has with their types; of stacked ones those that all have alike."""
    columns = intersect_columns([terms.datasets[name].columns for _, name in dataset.parts])
    return {name: column.type for name, column in columns.items()}


def _check_text(text: str, one: Parameter) -> str:
    if not _VALUE.fullmatch(text) or "$" in text:
        raise Invalid(
            "job-invalid", f"{one.name}: it holds a double quote, a dollar, a backslash or a control character", hint=one.help
        )
    return text.strip()


def _shape(one: Parameter) -> str:
    shapes = {"dataset": "AGENCY/DATASET", "datasets": "NAME:AGENCY/DATASET,…", "column": "COLUMN", "columns": "COLUMN,…"}
    return shapes.get(one.kind, f"'{one.example}'" if one.example else "TEXT")


def _comment(paragraphs: Iterable[str]) -> Sequence[str]:
    return [f"# {line}" for one in paragraphs for line in textwrap.wrap(one, WIDTH, break_on_hyphens=False)]


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
