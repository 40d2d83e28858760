"""Writes the documents that are made from the code; tests beside it compare them with what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tallystick.core.errors import CATALOGUE
from tallystick.core.job.lifecycle import EVENTS, FINAL, PHASES, JobState, mermaid
from tallystick.core.measure import registered
from tests.docs.cli_reference import cli

DOCS = Path(__file__).resolve().parents[2] / "docs"


def errors() -> str:
    """Give docs/errors.md: every code and what it means."""
    rows = "".join(f"| `{code}` | {meaning} |\n" for code, meaning in CATALOGUE.items())
    return (
        "# Errors\n\n"
        "Made by `python -m tests.docs.generate` from `core/tallystick/core/errors.py`.\n\n"
        "Every error has a stable code, one public sentence and, where there is one, the smallest change that would pass.\n"
        "The command line writes `error: sentence [code]` and `hint: change` to stderr. No error holds data.\n\n"
        "| code | meaning |\n|---|---|\n" + rows
    )


def state_machines() -> str:
    """Give docs/state-machines.md: the life of a job."""
    events = "".join(f"| `{event}` | {meaning} |\n" for event, meaning in EVENTS.items())
    phases = "".join(f"| `{phase}` | {meaning} |\n" for phase, meaning in PHASES.items())
    ends = ", ".join(f"`{state}`" for state in JobState if state in FINAL)
    return (
        "# State machines\n\n"
        "Made by `python -m tests.docs.generate` from `core/tallystick/core/job/lifecycle.py`.\n\n"
        f"## A job\n\n```mermaid\n{mermaid()}```\n\n"
        f"It ends as {ends}; nothing follows.\n\n"
        "| event | when |\n|---|---|\n" + events + "\n"
        "A running or releasing job also has a phase, and an attempt of three at most.\n\n"
        "| phase | what happens |\n|---|---|\n" + phases
    )


def configuration() -> str:
    """Give docs/configuration.md with its table of measures made anew; the rest is written by hand."""
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    rows = "".join(f"| `{one.name}` | {one.meaning} | none | {one.note} |\n" for one in registered().values())
    head = "| key | meaning | default | consequence |\n|---|---|---|---|\n"
    made, times = re.subn(r"(### Job file: measures\n[^|]*)(\|[^\n]*\n)+", lambda found: found[1] + head + rows, text)
    assert times == 1
    return made


DOCUMENTS: dict[str, Callable[[], str]] = {
    "cli.md": cli,
    "configuration.md": configuration,
    "errors.md": errors,
    "state-machines.md": state_machines,
}


def main() -> None:
    """Write them all."""
    for name, make in DOCUMENTS.items():
        (DOCS / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
