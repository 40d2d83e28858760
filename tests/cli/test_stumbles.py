"""What made people stumble, once: each is a few commands that they type, and what they must see."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner

from tallystick.client.cli import main, tally
from tallystick.coordinator.cli import coordinator
from tallystick.core import terminal
from tallystick.core.agreement.card import Card, read_card, sign_card
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import build_unsigned, read_document, write_document
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.files import check_can_write
from tallystick.core.keyfile import read_identity, write_identity
from tallystick.lab.cli._demo import prepare_folder, remember_files
from tallystick.lab.cli._lab import print_outcomes
from tallystick.lab.county.write import generate
from tallystick.lab.network.run import Outcome
from tallystick.node.cli import node
from tallystick.node.local.client import Steward
from tests.governance import agreement, identity, question, signed_agreement

UNPRIVILEGED = os.geteuid() != 0


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_help_and_version_are_commands_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "help")[1] == run(capsys, "--help")[1]
    assert run(capsys, "help", "job", "list")[1] == run(capsys, "job", "list", "--help")[1]
    assert run(capsys, "version") == (0, "tally, version 0.1.0\n", "")


@pytest.mark.parametrize("written", ["ascii", "latin-1", "cp1252"])
def test_no_command_ends_over_a_letter_of_the_terminal(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding=written))
    terminal.accept_any_terminal()
    sys.stdout.write("ε ≤ 1 … \N{LEFT SINGLE QUOTATION MARK}a' × 日")
    sys.stdout.flush()
    terminal.print_json({"a": "ε", "b": 1})
    sys.stdout.flush()
    text = data.getvalue().decode(written)
    assert text.startswith("epsilon <= 1 ")
    assert "\\u65e5" in text
    assert json.loads(text[text.index("{") :]) == {"a": "ε", "b": 1}


def test_what_to_type_for_tally_is_what_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    shown = shlex.split(terminal.own_command())
    done = subprocess.run([*shown, "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("tally, version"), (shown, done)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    if (Path(sys.executable).parent / "tally").exists():
        assert terminal.own_command() == "tally"


def test_a_demo_does_not_write_over_edited_files(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    prepare_folder(out)
    remember_files(out, generate(out, 60))
    prepare_folder(out)  # as it was made
    (out / "jobs" / "overlap.yaml").open("a").write("# mine\n")
    with pytest.raises(Invalid, match=r"jobs/overlap\.yaml") as caught:
        prepare_folder(out)
    assert caught.value.code == "file-exists"
    (out / "jobs" / "overlap.yaml").unlink()  # gone is not edited
    prepare_folder(out)


@pytest.mark.skipif(not UNPRIVILEGED, reason="nothing is closed to root")
def test_a_folder_that_one_cannot_write_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Broken, match="cannot be made"):
            prepare_folder(tmp_path / "demo")
        with pytest.raises(Broken, match="cannot be written"):
            check_can_write(tmp_path / "r.json")
    finally:
        tmp_path.chmod(0o700)


def test_a_demo_under_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Broken, match="cannot be made"):
        prepare_folder(tmp_path / "file" / "demo")


def test_where_a_result_cannot_be_written_nothing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    county = generate(tmp_path / "county", 60)
    nowhere = tmp_path / "none" / "r.json"
    code, _, err = run(capsys, "lab", "run", str(county.lab), str(county.jobs[1]), "--out", str(nowhere))
    assert (code, "[file-missing]" in err, "starting" in err) == (1, True, False)
    with pytest.raises(Broken, match="is a folder"):
        check_can_write(tmp_path / "county")
    check_can_write(tmp_path / "r.json")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_of_a_failed_job_nothing_is_called_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = Outcome(
        question(), None, "refused", None, ({"party": "labor", "code": "too-few", "message": "m", "hint": ""},), {}
    )
    print_outcomes([failed], tables=True, out=tmp_path / "r.json")
    out, err = capsys.readouterr()
    assert "written" not in out + err
    assert f"no result; {tmp_path / 'r.json'} holds what stood against it" in err


def test_keys_are_said_again_and_a_draft_writes_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text("network: county\nlisten: 127.0.0.1:0\naddress: a.example:7700\n")
    cards = [tmp_path / f"{name}.card.json" for name in ("coordinator", "labor", "health", "ana", "sue")]
    config = ["--config", str(tmp_path / "c.yaml")]
    made = CliRunner().invoke(coordinator, ["init", *config, "--format", "json"])
    again = CliRunner().invoke(coordinator, ["key", *config, "--format", "json"])
    assert json.loads(again.stdout)["coordinator"] == json.loads(made.stdout)["coordinator"]
    assert CliRunner().invoke(coordinator, ["card", *config, "--out", str(cards[0])]).exit_code == 0
    for name, card in (("labor", cards[1]), ("health", cards[2])):
        folder = tmp_path / name
        CliRunner().invoke(node, ["init", name, "--coordinator", "a.example:1", "--folder", str(folder)])
        text = (
            (folder / "node.yaml")
            .read_text()
            .replace(
                "datasets: {}",
                f"""datasets:
  {name}_rows:
    source: {{csv: secret-place.csv}}
    person: id
    identifiers: {{ssn: SSN_COLUMN}}
    columns: {{answer: {{type: category, values: ["no", "12", "2025-01-01"]}}, wage: {{type: decimal, scale: 2, min: 0, max: 10}}}}""",
            )
        )
        (folder / "node.yaml").write_text(text)
        wrote = CliRunner().invoke(node, ["card", "--config", str(folder / "node.yaml"), "--out", str(card)])
        assert wrote.exit_code == 0, wrote.output
        assert "secret-place" not in card.read_text()
        assert "SSN_COLUMN" not in card.read_text()
        shown = CliRunner().invoke(node, ["key", "--config", str(folder / "node.yaml")])
        assert shown.stdout.strip() == read_identity(folder / "identity.key").key == read_card(card).key
    sue = tmp_path / "sue.key"
    new = CliRunner().invoke(node, ["key", "--new", str(sue)])
    assert new.stdout.strip() == read_identity(sue).key
    assert sue.stat().st_mode & 0o777 == 0o600
    assert CliRunner().invoke(node, ["key", "--new", str(sue)]).exit_code == 1  # never overwritten
    write_identity(tmp_path / "ana.key", identity("ana"))
    assert run(capsys, "agreement", "card", "ana", "--key", str(tmp_path / "ana.key"), "--out", str(cards[3]))[0] == 0
    named = ["--role", "steward", "--agency", "labor", "--key", str(sue), "--out", str(cards[4])]
    assert run(capsys, "agreement", "card", "sue", *named)[0] == 0
    draft, final = tmp_path / "draft.yaml", tmp_path / "a.json"
    given = [word for card in cards for word in ("--from", str(card))]
    code, out, err = run(capsys, "agreement", "new", *given, "--out", str(draft))
    assert (code, identity("ana").key in out) == (0, True), err
    assert run(capsys, "agreement", "new", *given, "--out", str(draft))[0] == 1  # a draft is never overwritten
    assert run(capsys, "agreement", "new", str(draft), "--out", str(final))[0] == 0
    agreed = read_document(final, kind="agreement").read(Agreement)
    assert sorted(agreed.parties) == ["health", "labor"]
    assert agreed.stewards["labor"].keys == {"sue": read_identity(sue).key}
    assert agreed.datasets["labor_rows"].columns["answer"].values == ("no", "12", "2025-01-01")
    assert agreed.coordinator.sealing_key == json.loads(made.stdout)["coordinator"]["sealing_key"]


def test_a_card_that_names_another_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    write_document(path, sign_card(Card(role="analyst", name="ana", key=identity("otto").key), identity("ana")))
    with pytest.raises(Refused) as caught:
        read_card(path)
    assert caught.value.code == "signature-invalid"


@pytest.mark.parametrize("given", [[], ["labor"], ["labor", "labor", "ana"]])
def test_a_draft_needs_its_parties(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments: list[str] = []
    for at, name in enumerate(given):
        card = Card(role="analyst" if name == "ana" else "agency", name=name, key=identity(name).key)
        write_document(tmp_path / f"{at}.json", sign_card(card, identity(name)))
        arguments += ["--from", str(tmp_path / f"{at}.json")]
    code, _, err = run(capsys, "agreement", "new", *arguments, "--out", str(tmp_path / "draft.yaml"))
    assert code == (2 if not given else 1)
    assert not given or "[agreement-contradiction]" in err


def test_an_agreement_shows_bounds_levels_minimum_and_decoys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_document(tmp_path / "a.json", signed_agreement(agreement(min_people=30, decoys=512)))
    _, out, _ = run(capsys, "agreement", "show", str(tmp_path / "a.json"))
    for words in (
        "north, south, east, west",
        "0 to 5000",
        "30 in each group",
        "512 at most",
        "2 digits after the point",
        "100,000",
    ):
        assert words in out, words


def test_counsel_reads_what_a_new_version_says_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = agreement(), agreement(version=3, min_people=30, analysts={"ana": {"key": identity("mallory").key}})
    for name, text in (("old", old), ("new", new)):
        write_document(tmp_path / f"{name}.json", build_unsigned("agreement", text))
    names = [str(tmp_path / "old.json"), str(tmp_path / "new.json")]
    _, out, _ = run(capsys, "agreement", "diff", *names, "--format", "json")
    found = {one["place"]: (one["before"], one["after"]) for one in json.loads(out)["differences"]}
    assert found == {
        "version": ("2", "3"),
        "min_people": ("0", "30"),
        "analysts.ana.key": (identity("ana").key, identity("mallory").key),
        "analysts.otto.key": (identity("otto").key, ""),
    }
    assert "min_people" in run(capsys, "agreement", "diff", *names)[1]
    assert run(capsys, "agreement", "diff", names[0], names[0])[1] == "they say the same\n"


def test_an_invitation_for_a_name_of_no_agreement_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("network: county\nlisten: 127.0.0.1:0\naddress: a.example:7700\n")
    config = ["--config", str(tmp_path / "c.yaml")]
    CliRunner().invoke(coordinator, ["init", *config])
    before = CliRunner().invoke(coordinator, ["invite", *config, "--agency", "nobody", "--out", str(tmp_path / "0")])
    assert before.stderr == ""  # without any agreement nothing is known
    (tmp_path / "agreements").mkdir()
    write_document(tmp_path / "agreements" / "a.json", signed_agreement(agreement()))
    for option, name, told in (("--agency", "labour", True), ("--agency", "labor", False), ("--analyst", "labor", True)):
        done = CliRunner().invoke(coordinator, ["invite", *config, option, name, "--out", str(tmp_path / f"{option}{name}")])
        assert done.exit_code == 0
        assert ("no agreement here names" in done.stderr) is told, (option, name, done.stderr)


class Held(Steward):
    """A node's service that holds some jobs."""

    def __init__(self, *digests: str) -> None:
        self._digests = digests

    def _digest_of(self, name: str) -> str | None:
        found = [digest for digest in self._digests if digest.startswith(name)]
        if len(found) > 1:
            raise grpc.RpcError
        return found[0] if found else None


def test_a_job_goes_by_any_unambiguous_first_digits() -> None:
    one, two = "abcd1" + "0" * 59, "abce2" + "0" * 59
    held = Held(one, two)
    assert held.find("abcd1") == bytes.fromhex(one)
    assert held.find("abcd") == bytes.fromhex("abcd")  # looked up by the call itself
    with pytest.raises(Invalid, match="no job abcd2"):
        held.find("abcd2")
    with pytest.raises(Invalid, match="2 jobs begin with abcd1"):
        Held(one, "abcd1f" + "0" * 58).find("abcd1")


def test_a_running_nodes_answer_says_whose_configuration_it_is(tmp_path: Path) -> None:
    told = CliRunner().invoke(node, ["datasets", "--help"]).output
    assert "started with" in told
    CliRunner().invoke(node, ["init", "labor", "--coordinator", "a.example:1", "--folder", str(tmp_path / "n")])
    (tmp_path / "n" / "state").mkdir()
    (tmp_path / "n" / "state" / "steward.sock").touch()  # as a running node would have it
    config = ["--config", str(tmp_path / "n" / "node.yaml")]
    asked = CliRunner().invoke(node, ["datasets", *config])
    assert "--offline" in asked.stderr
    alone = CliRunner().invoke(node, ["datasets", "--offline", *config])
    assert (alone.exit_code, alone.stderr) == (0, "")


def test_commands_say_by_their_exit_code_that_a_party_is_down(tmp_path: Path) -> None:
    CliRunner().invoke(node, ["init", "labor", "--coordinator", "a.example:1", "--folder", str(tmp_path)])
    assert CliRunner().invoke(node, ["status", "--config", str(tmp_path / "node.yaml")]).exit_code == 1


def test_the_shell_completes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TALLY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "tally res")
    monkeypatch.setenv("COMP_CWORD", "1")
    done = CliRunner().invoke(tally, [], prog_name="tally")
    value: Any = done.output.split()
    assert value == ["plain,result"]
