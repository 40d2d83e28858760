"""`tally lab serve`, and an analyst at another terminal: every `tally job` command over gRPC and mutual TLS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tallystick.client import connect
from tallystick.client.cli import tally as command
from tallystick.core.errors import Invalid, TallyError
from tallystick.lab.county.write import generate
from tests.e2e.walked import EXCUSED, SHOWS, find_commands, find_faults, list_arguments, type_in_ascii

NARROW = 60
ESCAPE = "\x1b["
ENDS_WITH_ONE = {("job", "watch"), ("agreement", "check"), ("agreement", "lint"), ("doctor",), ("node", "check")}
"""Commands whose status says what they found: a cancelled job, missing signatures, a machine or a node with something amiss."""
TALLY = [sys.executable, "-m", "tallystick.client.cli"]


@pytest.fixture(name="home", scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A network that serves; gives the analyst's profile. Jobs are in `jobs/` beside the county's files."""
    folder = tmp_path_factory.mktemp("served")
    generate(folder / "county", 300)
    command = [
        *TALLY,
        "lab",
        "serve",
        "county/lab.yaml",
        "--agreement",
        "county",
        "--purpose",
        "program-evaluation",
        "--keep",
        "lab",
    ]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        told = ""
        for line in process.stdout:
            told += line
            if "TALLY_HOME=" in line:
                yield Path(line.partition("TALLY_HOME=")[2].strip())
                break
        else:
            raise AssertionError(told)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert (folder / "lab" / "coordinator" / "log").exists()


def tally(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TALLY_HOME": str(home)}
    folder = home.parent.parent
    return subprocess.run(
        [*TALLY, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def told(home: Path, *arguments: str) -> Any:
    done = tally(home, *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_analyst_asks_watches_and_fetches(home: Path) -> None:
    assert told(home, "job", "list") == {"jobs": []}
    submitted = told(home, "job", "submit", "county/jobs/overlap.yaml")
    name = submitted["name"]
    watched = tally(home, "job", "watch", name, "--format", "json")
    assert watched.returncode == 0, watched.stderr
    views = [json.loads(line) for line in watched.stdout.splitlines()]
    assert views[-1]["state"] == "released"
    assert [view["version"] for view in views] == sorted(view["version"] for view in views)
    assert set(views[-1]["approved"]) == {"housing", "human-services"}
    shown = tally(home, "job", "status", name)
    assert "released" in shown.stdout
    assert [view["job"] for view in told(home, "job", "list", "--all")["jobs"]] == [submitted["job"]]
    fetched = tally(home, "job", "result", name, "--out", "out.json")
    assert fetched.returncode == 0, fetched.stderr
    assert "tanf.region" in fetched.stdout
    verified = tally(home, "result", "verify", "out.json", "--agreement", str(home / "agreements" / "county.json"))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "it is the agreement you hold" in verified.stdout


def test_a_result_as_tables(home: Path) -> None:
    with connect(home) as client:
        job = client.submit(home.parent.parent / "county" / "jobs" / "employment.yaml")
        assert client.wait(job).state == "released"
        result = client.result(job)
        assert client.result(job).value == result.value
    frame, table = result.to_pandas(), result.to_arrow()
    assert list(frame.columns) == table.column_names == result.columns
    assert frame["count"].sum() == sum(row["count"] or 0 for row in result.rows)
    assert table.num_rows == len(result.rows) == len(frame)


def test_what_cannot_be_had(home: Path) -> None:
    for arguments, words in (
        (("job", "show", "ffffffffffff"), "[job-unknown]"),
        (("job", "result", "ffffffffffff"), "[job-unknown]"),
        (("job", "watch", "x"), "[job-unknown]"),
        (("profile", "join", str(home.parent / "coordinator" / "invitations" / "analyst-analyst.invite")), "[invite-invalid]"),
    ):
        done = tally(home, *arguments)
        assert done.returncode == 1, arguments
        assert words in done.stderr, done.stderr


def test_a_job_that_has_ended_cannot_be_cancelled(home: Path) -> None:
    with connect(home) as client:
        (ended, *_) = client.jobs(ended=True)
        with pytest.raises(TallyError) as caught:
            client.cancel(ended.name)
        assert caught.value.code == "job-state"


def test_a_job_is_cancelled(home: Path) -> None:
    with connect(home) as client:
        job = client.submit(home.parent.parent / "county" / "jobs" / "employment.yaml")
        assert client.cancel(job).state == "cancelled"
        assert client.wait(job).state == "cancelled"
        with pytest.raises(TallyError):
            client.result(job)
        assert client.resubmit(job).state == "cancelled"  # the same job again starts nothing


def test_a_question_that_the_agreement_does_not_allow_never_leaves(home: Path) -> None:
    before = sorted(path.name for path in (home / "jobs").iterdir())
    job = home.parent.parent / "bad.yaml"
    job.write_text(
        (home.parent.parent / "county" / "jobs" / "overlap.yaml")
        .read_text(encoding="utf-8")
        .replace("program-evaluation", "marketing")
    )
    done = tally(home, "job", "submit", "bad.yaml")
    assert done.returncode == 1
    assert "[job-not-allowed]" in done.stderr
    assert sorted(path.name for path in (home / "jobs").iterdir()) == before


def test_a_profile_that_never_joined(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        connect(tmp_path)
    assert caught.value.code == "not-enrolled"


def test_every_command_prints_one_object_with_moments_as_text(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON shapes are alike: an object on top, lists inside it, moments in RFC 3339, null for none; on stdout nothing else."""
    folder = home.parent.parent
    for name, value in (("TALLY_HOME", str(home)), ("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    with connect(home) as client:
        job = client.submit(folder / "county" / "jobs" / "overlap.yaml")
        assert client.wait(job).state == "released"
        other = client.submit(folder / "county" / "jobs" / "employment.yaml")
        agreement = client.profile.agreement("county")
    (tmp_path / "draft.yaml").write_text(json.dumps(json.loads(agreement.encode())["body"]), encoding="utf-8")
    (tmp_path / "coordinator.yaml").write_text(
        "network: county\nlisten: 127.0.0.1:0\naddress: a.example:7700\n", encoding="utf-8"
    )
    arguments = list_arguments(folder, home, tmp_path, job, other)
    assert arguments.keys() | EXCUSED.keys() == find_commands()
    faults = {}
    for path, given in arguments.items():
        own = tmp_path / "profile" if path == ("profile", "init") else home
        done = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "60", "TALLY_HOME": str(own)}).invoke(
            command, [*path, *given, "--format", "json"]
        )
        lines = done.stdout.splitlines() if path == ("job", "watch") else [done.stdout]
        try:
            found = [fault for line in lines for fault in find_faults(json.loads(line))]
        except ValueError:
            found = [f"exit {done.exit_code}: {done.output[-300:]!r}"]
        if found or done.exit_code not in ({0, 1} if path in ENDS_WITH_ONE else {0}):
            faults[path] = (done.exit_code, found)
        if path in SHOWS:
            status, text = type_in_ascii([*path, *given], NARROW)
            if status != done.exit_code or ESCAPE in text or "Traceback" in text:
                faults[path] = (status, [text[-300:]])
            if path == ("result", "show") and max(map(len, text.splitlines())) > NARROW:
                faults[path] = (status, [line for line in text.splitlines() if len(line) > NARROW])
    assert faults == {}
