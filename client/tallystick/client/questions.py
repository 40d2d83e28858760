"""Questions as analysts write them: in a job file, or in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.yaml import read_yaml


def read_question(path: Path) -> Question:
    """Read a job file.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`.
    """
    value = read_yaml(path, what=path.name)
    if value is None:
        raise Invalid("document-invalid", f"{path} is empty", hint="see examples/county/jobs")
    return Question.read(value, what=path.name)


def build_question(
    agreement: str,
    *,
    purpose: str,
    people: Mapping[str, Mapping[str, Any]],
    measures: list[Any],
    **more: Any,
) -> Question:
    """Make a question in Python. Every argument is the key of a job file of that name (docs/configuration.md), with the same value.

        build_question(
            "county",
            purpose="program-evaluation",
            people={"tanf": {"agency": "human-services", "dataset": "tanf_exits"}, "wages": {"agency": "labor", "dataset": "ui_wages"}},
            keep="tanf and wages",
            measures=["count"],
            by=["tanf.region"],
        )

    Args:
        agreement: its name.
        purpose: one that the agreement knows.
        people: groups of people by name: `agency`, `dataset`, and `where` and `derive` where they are wanted.
        measures: what is worked out: `"count"`, `{"mean": "wages.earnings"}`.
        more: `title`, `keep`, `by`, `link`, and whatever else a job file has.

    Raises:
        Invalid: `document-invalid`, `job-invalid`: what a job file of this content would raise.
    """
    said = {"agreement": agreement, "purpose": purpose, "people": people, "measures": measures, **more}
    return Question.read(_plain(said), what="question")


def make_question(source: Question | Mapping[str, Any] | Path) -> Question:
    """Give a question as it is, from a job file's content, or from a job file.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`, `job-invalid`.
    """
    if isinstance(source, Question):
        return source
    return read_question(source) if isinstance(source, Path) else Question.read(_plain(source), what="question")


def _plain(value: Any) -> Any:
    """Give a value of JSON's types: tuples and other sequences as lists, mappings as dictionaries."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
