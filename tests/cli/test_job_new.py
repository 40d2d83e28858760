"""`tally job new`: lists templates, says what is missing where nobody can be asked, asks on a terminal, and looks names up in an agreement."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tallystick.client.cli import tally
from tallystick.client.questions import read_question
from tallystick.client.templates.model import load_templates
from tallystick.core.documents import write_document
from tests.governance import agreement, signed_agreement

SET = ("--set", "have=human-services/tanf", "--set", "lack=labor/wages")


@pytest.fixture(autouse=True, name="home")
def set_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a profile folder of our own, in which there is nothing."""
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*words: str) -> Result:
    return CliRunner().invoke(tally, ["job", "new", *words])


def test_it_lists_every_template() -> None:
    assert all(name in run().output for name in load_templates())
    told = json.loads(run("--format", "json").output)
    assert [one["name"] for one in told["templates"]] == list(load_templates())


def test_it_shows_a_template_with_its_rules_caveats_and_parameters() -> None:
    output = run("service-gap", "--show").output
    template = load_templates()["service-gap"]
    assert f"Usual rules: {template.rules}" in output
    assert all(one.name in output for one in template.parameters)
    told = json.loads(run("service-gap", "--show", "--format", "json").output)
    assert told["caveats"] == list(template.caveats)


def test_a_job_file_is_written_with_comments_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    done = run("service-gap", *SET, "--name", "county", "--purpose", "planning", "--out", str(path))
    assert done.exit_code == 0, done.output
    assert "tally job check" in done.output
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {load_templates()['service-gap'].title}")
    question = read_question(path)
    assert (question.agreement, question.purpose, question.template) == ("county", "planning", "service-gap")
    assert question.by == ("lack.present",)


def test_a_job_is_told_to_programs_as_json(tmp_path: Path) -> None:
    told = json.loads(run("service-gap", *SET, "--format", "json").output)
    assert (told["file"], told["job"]["keep"]) == (None, "have")
    path = tmp_path / "job.yaml"
    told = json.loads(run("service-gap", *SET, "--out", str(path), "--format", "json").output)
    assert (told["file"], path.exists()) == (str(path), True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such",), "there is no template no-such"),
        (("service-gap",), "needs have (the program whose people are counted); lack (the other program)"),
        (("service-gap", *SET, "--set", "colour=red"), "has no parameter colour"),
        (("service-gap", "--set", "have"), "it must be NAME=VALUE"),
        (("service-gap", *SET, "--set", "have=tanf"), "each name once"),
        (("service-gap", "--set", "have=tanf", "--set", "lack=labor/wages"), "tanf is no dataset"),
        (("service-gap", *SET, "--set", 'whom=place = "x"'), "double quote"),
        (("service-gap", *SET, "--set", "by=a b"), "a b is no column's name"),
        (("overlap-by-systems", "--set", "programs=a:x/y"), "2 or more, not 1"),
        (("overlap-by-systems", "--set", "programs=x/y,z/w"), "x/y cannot be read"),
    ],
)
def test_what_cannot_be_filled_is_said_and_nothing_is_asked(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert said in done.output


def test_options_without_a_template_are_wrong_usage() -> None:
    assert run("--show", "--set", "a=b").exit_code == 2


def test_an_agreement_knows_datasets_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "county.json"
    write_document(path, signed_agreement(agreement()))
    held = ("--agreement", str(path))
    done = run("service-gap", "--set", "have=tanf", "--set", "lack=wages", "--set", "by=region", *held)
    assert done.exit_code == 0, done.output
    assert "agency: human-services, dataset: tanf" in done.output
    assert "purpose: evaluation" in done.output
    wrong = run("service-gap", "--set", "have=tanf", "--set", "lack=wages", "--set", "by=county", *held)
    assert "county is no column of the dataset" in wrong.output
    other = run("service-gap", "--set", "have=labor/tanf", "--set", "lack=wages", *held)
    assert "the agreement has no labor/tanf" in other.output
    exits = (
        "--set",
        "exits=tanf",
        "--set",
        "exit=region",
        "--set",
        "wages=wages",
        "--set",
        "quarter=quarter",
        "--set",
        "wage=wage",
    )
    assert "exit: region is a category column" in run("employment-after-exit", *exits, *held).output


def test_an_agreement_that_the_profile_knows_is_looked_in(home: Path) -> None:
    (home / "agreements").mkdir(parents=True)
    write_document(home / "agreements" / "county.json", signed_agreement(agreement()))
    assert run("service-gap", "--set", "have=tanf", "--set", "lack=wages").exit_code == 0
    assert run("service-gap", "--set", "have=tanf", "--set", "lack=wages", "--name", "other").exit_code == 1


def test_on_a_terminal_it_asks_again_until_a_value_can_stand_there(tmp_path: Path) -> None:
    agreed, out = tmp_path / "county.json", tmp_path / "job.yaml"
    write_document(agreed, signed_agreement(agreement()))
    words = ["job", "new", "service-gap", "--agreement", str(agreed), "--out", str(out)]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tallystick.client.cli", *words], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b"tanf\n\nnobody\nwages\nregion\n")
    told = b""
    try:
        while block := os.read(ours, 4096):
            told += block
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0, told
    assert b"one of housing/shelter, human-services/tanf, labor/wages" in told
    assert b"nobody is no dataset" in told
    question = read_question(out)
    assert question.people["lack"].dataset == "wages"
    assert question.by == ("have.region", "lack.present")
