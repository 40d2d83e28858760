"""Writes the documents that are made from the code; tests beside it compare them with what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tallystick.core.errors import CATALOGUE
from tallystick.core.job.lifecycle import EVENTS, FINAL, PHASES, JobState, Phase, mermaid
from tallystick.core.measure import load_measures
from tallystick.core.overall import load_overall
from tallystick.core.remedies import REMEDIES
from tallystick.crypto.statistic import rounds
from tests.docs.cli_reference import cli

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROUNDS_BEGIN = "<!-- made by `python -m tests.docs.generate` from crypto/tallystick/crypto/statistic/rounds.py -->\n\n"
ROUNDS_END = "\n<!-- end of what is made -->\n"


def errors() -> str:
    """Give docs/errors.md: every code, what it means, what usually causes it and what to do."""
    rows = "".join(f"| `{code}` | {meaning} | {' | '.join(REMEDIES[code])} |\n" for code, meaning in CATALOGUE.items())
    return (
        "# Errors\n\n"
        "Made by `python -m tests.docs.generate` from `core/tallystick/core/errors.py`.\n\n"
        "Every error has a stable code, one public sentence and, where there is one, the smallest change that would pass.\n"
        "The command line writes `error: sentence [code]` and `hint: change` to stderr. Of errors over an agency's own records it also writes\n"
        "`detail:`, which never leaves the machine: which column, how many rows, where the first stands and the form of its values, such as\n"
        "`9{2}/9{2}/9{4}` (9 is a digit, A and a are letters, _ is a space). No error holds data.\n\n"
        "A hint is made for the case at hand: read it first. The table has what usually causes an error and what to do;\n"
        "`tally help CODE` prints a line of it.\n\n"
        "| code | meaning | often because | what to do |\n|---|---|---|---|\n" + rows
    )


def state_machines() -> str:
    """Give docs/state-machines.md: the life of a job."""
    events = "".join(f"| `{event}` | {meaning} |\n" for event, meaning in EVENTS.items())
    phases = "".join(f"| `{phase}` | {meaning} | {_rounds_of(phase)} |\n" for phase, meaning in PHASES.items())
    ends = ", ".join(f"`{state}`" for state in JobState if state in FINAL)
    return (
        "# State machines\n\n"
        "Made by `python -m tests.docs.generate` from `core/tallystick/core/job/lifecycle.py` and "
        "`crypto/tallystick/crypto/statistic/rounds.py`.\n\n"
        f"## A job\n\n```mermaid\n{mermaid()}```\n\n"
        f"It ends as {ends}; nothing follows.\n\n"
        "| event | when |\n|---|---|\n" + events + "\n"
        "A running or releasing job also has a phase, and an attempt of three at most.\n\n"
        "| phase | what happens | rounds (docs/protocol.md §4) |\n|---|---|---|\n" + phases
    )


def _rounds_of(phase: Phase) -> str:
    return ", ".join(f"`{row.kind}{row.about.suffix}`" for row in rounds.ROUNDS if row.phase == phase)


def rounds_table() -> str:
    """Give the table of docs/protocol.md §4."""
    return "| round | from → to | after | at most | payload |\n|---|---|---|---|---|\n" + "".join(
        f"| `{row.kind}{row.about.suffix}` | {_parties(row)} | {', '.join(map(_after, row.after))} | {_most(row)} | {row.payload} |\n"
        for row in rounds.ROUNDS
    )


def _parties(row: rounds.Round) -> str:
    condition = f" ({row.condition.text})" if row.condition.text else ""
    return f"{row.sender.text} → {row.receiver.text}{condition}"


def _after(after: rounds.After) -> str:
    match after.which:
        case rounds.Which.ALL:
            return f"every `{after.kind}`"
        case rounds.Which.SAME:
            return f"its `{after.kind}`"
        case rounds.Which.GOT:
            return f"its `{after.kind}` to the sender"
        case rounds.Which.ABOVE:
            return "every round above"
        case rounds.Which.NEEDED:
            return f"`{after.kind}` of the exchanges that it needs"
        case rounds.Which.BEFORE:
            return f"every `{after.kind}` of the step before"


def _most(row: rounds.Round) -> str:
    return "the list's bound" if row.width is not None else "" if row.limit is None else f"{row.limit} MiB"


def protocol() -> str:
    """Give docs/protocol.md with its table of rounds as the code has it."""
    before, _, rest = (DOCS / "protocol.md").read_text(encoding="utf-8").partition(ROUNDS_BEGIN)
    _, _, after = rest.partition(ROUNDS_END)
    return before + ROUNDS_BEGIN + rounds_table() + ROUNDS_END + after


def configuration() -> str:
    """Give docs/configuration.md with its table of measures made anew; the rest is written by hand."""
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    head = "| key | meaning | default | consequence |\n|---|---|---|---|\n"
    for title, some in (("measures", load_measures()), ("overall", load_overall())):
        rows = "".join(f"| `{one.name}` | {one.meaning} | none | {one.note} |\n" for one in some.values())
        begun = re.search(rf"### Job file: {title}\n[^|]*", text)
        assert begun is not None
        old = re.compile(r"(\|[^\n]*\n)+").match(text, begun.end())
        assert old is not None
        text = text[: begun.end()] + head + rows + text[old.end() :]
    return text


DOCUMENTS: dict[str, Callable[[], str]] = {
    "cli.md": cli,
    "configuration.md": configuration,
    "errors.md": errors,
    "protocol.md": protocol,
    "state-machines.md": state_machines,
}


def main() -> None:
    """Write them all."""
    for name, make in DOCUMENTS.items():
        (DOCS / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
