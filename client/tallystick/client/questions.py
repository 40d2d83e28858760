"""Job files as analysts write them."""

from __future__ import annotations

from pathlib import Path

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
