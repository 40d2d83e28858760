"""What people type and what they see: every transcript in `transcripts/` is run as it stands.

    $ tally job check job.yaml      a command; `tally` runs in this process, `edit FILE OLD -> NEW` changes a file
    text                            a line of stdout; `…` stands for anything
    ! error: text                   a line of stderr
    ? 1                             the exit code, where it is not 0

A transcript starts in an empty folder with a county of 60 people in `county/` and an empty profile in `home/`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tallystick.client.cli import main
from tallystick.lab.county.write import generate

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@dataclass
class Step:
    command: str
    expected: list[str] = field(default_factory=list)
    code: int = 0


def steps_of(text: str) -> list[Step]:
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif line.startswith("? "):
            steps[-1].code = int(line[2:])
        elif not line.startswith("#") and line.strip():
            steps[-1].expected.append(line.rstrip())
    return steps


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], int]:
    if command.startswith("edit "):
        name, _, change = command.removeprefix("edit ").partition(" ")
        old, _, new = change.partition(" -> ")
        text = Path(name).read_text(encoding="utf-8")
        assert old in text
        Path(name).write_text(text.replace(old, new), encoding="utf-8")
        return [], 0
    if command.startswith("append "):
        name, _, line = command.removeprefix("append ").partition(" ")
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return [], 0
    words = shlex.split(command)
    assert words[0] == "tally"
    with pytest.raises(SystemExit) as ended:
        main(words[1:])
    out, err = capsys.readouterr()
    lines = [line.rstrip() for line in out.splitlines()] + [f"! {line.rstrip()}" for line in err.splitlines()]
    return [line for line in lines if line.strip()], int(ended.value.code or 0)


def fits(expected: str, line: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split("…")), line) is not None


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(
    transcript: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    generate(Path("county"), 60)
    for step in steps_of(transcript.read_text(encoding="utf-8")):
        lines, code = run(step.command, capsys)
        shown = "\n".join(lines)
        assert code == step.code, f"$ {step.command}\n{shown}"
        position = 0
        for expected in step.expected:
            while position < len(lines) and not fits(expected, lines[position]):
                position += 1
            assert position < len(lines), f"$ {step.command}\nno line, in this order: {expected}\n{shown}"
            position += 1


def test_there_are_transcripts_of_every_group_of_this_room() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TRANSCRIPTS)
    for group in ("job", "agreement", "result", "profile", "lab", "link", "doctor"):
        assert f"$ tally {group}" in text, group
