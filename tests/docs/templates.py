"""Writes docs/templates.md: `python -m tests.docs.templates`. Each template over the region, with a table and a sentence of its result.

The jobs run in memory (`tests/templates.py`), under each template's usual rules; with the same code they give the same page.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from tallystick.client.answer import Answer
from tallystick.client.cli._tables import print_numbers
from tallystick.client.sentences import disclosure_sentences, overall_sentences
from tallystick.client.shares import find_shares
from tallystick.client.templates.model import load_templates
from tallystick.client.zeros import list_whole_means
from tests.docs.generate import DOCS
from tests.templates import RegionRoom, ask_example, write_example

PAGE = DOCS / "templates.md"
PEOPLE = 30_000
HEAD = f"""# Templates of jobs

Made by `python -m tests.docs.templates`.

`tally job new` lists templates, `tally job new TEMPLATE --show` tells what one asks for, and `tally job new TEMPLATE --out JOB.yaml` writes
a commented job file: on a terminal it asks for names of datasets and columns, elsewhere they are given by `--set NAME=VALUE`. With
`--agreement FILE` they are looked up in a signed agreement. A template says under which law such data usually are and which disclosure
profile goes with it; what counts is the agreement. Its caveats are written into the job, so its analyst signs them and they stand beside
the result.

Below, each runs over the made-up region of {PEOPLE:,} people (`tally lab region FOLDER --people {PEOPLE}`), whose `programs.yaml` has nine
agencies, under the template's usual rules, with the true links. `tally job new TEMPLATE --example --name region --out JOB.yaml` writes its
job, and `tally lab run FOLDER/programs.yaml JOB.yaml` runs it through the agencies' processes. What is hidden is hidden by the rules: the
region is small for some questions.
"""


def build_section(room: RegionRoom, name: str) -> str:
    """Give a template's section: question, rules, job, table, sentences, caveats."""
    template = load_templates()[name]
    answer = room.release(room.open_in_clear(ask_example(name), template.rules))
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        print_numbers(answer)
    table = "\n".join(line.rstrip() for line in shown.getvalue().rstrip().splitlines())
    caveats = "\n".join(f"- {one}" for one in template.caveats)
    return (
        f"\n## {name}\n\n{template.question} Usual rules: `{template.rules}`. Law and guidance: {template.statute}.\n\n"
        f"```yaml\n{write_example(name)}```\n\n```text\n{table}\n```\n\n{template.reading} {read_out(answer)}\n\n"
        f"What it does not say:\n\n{caveats}\n"
    )


def read_out(answer: Answer) -> str:
    """Give a sentence on the numbers: the first share of people whom a group has, or else the first row; and what is hidden."""
    shares, told = find_shares(answer), [*overall_sentences(answer), *list_whole_means(answer)]
    if told:
        return " ".join(map(write_sentence, (told[0], disclosure_sentences(answer)[0])))
    if shares is not None and (known := [one for one in (*shares.overall, *shares.rows) if one.cell.value is not None]):
        one = known[0]
        where = f" ({', '.join(one.levels)})" if one.levels else ""
        low, high = one.cell.interval or (0.0, 1.0)
        share = f"{one.cell.value:.1%} ({low:.1%} to {high:.1%})"
        of = "" if shares.of == "those counted" else f" of {shares.of}"
        first = f"Of {one.whole} people{of}{where}, {one.part} were found in {shares.found}: {share}."
        return f"{first} {write_sentence(disclosure_sentences(answer)[0])}"
    row = answer.rows[0]
    levels = ", ".join(f"{name} {level}" for name, level in zip(answer.by, row.levels, strict=True))
    numbers = "; ".join(f"{one.heading} {row.cells[one.key].text}" for one in answer.asked)
    first = f"The first row{f' ({levels})' if levels else ''}: {numbers}."
    return f"{first} {write_sentence(disclosure_sentences(answer)[0])}"


def write_sentence(text: str) -> str:
    """Give a line as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def build_page() -> str:
    """Give the whole page."""
    with tempfile.TemporaryDirectory() as folder:
        room = RegionRoom(Path(folder), PEOPLE)
        return HEAD + "".join(build_section(room, name) for name in load_templates())


if __name__ == "__main__":
    PAGE.write_text(build_page(), encoding="utf-8")
