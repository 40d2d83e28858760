"""Every command that has `--format json`, with arguments that work where `tally lab serve` runs, and what its JSON must be like."""

from __future__ import annotations

import io
import os
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final
from unittest import mock

import click

from tallystick.client.cli import main, tally

Path_ = tuple[str, ...]

ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?")
TIMES: Final = frozenset(
    {"at", "since", "heard", "submitted", "ended", "released", "seen", "deadline", "time", "valid_from", "valid_until"}
)
"""Keys of moments: RFC 3339, or null."""
EPOCH: Final = range(1_500_000_000, 2_500_000_000)
"""What seconds since 1970 look like; a number of these years is a moment that was not written as one."""

EXCUSED: Final[dict[Path_, str]] = {
    ("demo",): "runs a network of its own: tests/e2e/test_demo.py",
    ("lab", "run"): "runs a network of its own; a result file's content, as `result show` prints",
    ("job", "approve"): "needs an approver; prints a job, as `job show`",
    ("job", "proposal"): "needs an agency that refuses with an offer: tests/e2e; an object of questions by agency",
    ("node", "approve"): "this network's nodes decide themselves; prints a job, as `node pending` lists",
    ("node", "refuse"): "as `node approve`",
    ("node", "login"): "needs pages: tests/pages/test_desk.py; a link and minutes",
    ("coordinator", "login"): "as `node login`: tests/pages/test_operator.py",
    ("node", "requests"): "prints a list, which is older than this rule: tests/e2e/test_requests.py",
    ("node", "disclosures"): "as `node requests`",
    ("node", "answer"): "needs a request that waits: tests/e2e/test_requests.py; a request and a decision",
    ("record", "ask"): "needs a consent and two nodes: tests/e2e/test_requests.py; an answer",
    ("record", "answers"): "as `record ask`",
    ("record", "page"): "serves until it is stopped: tests/browser/test_request_pages.py; an address",
    ("consent", "resend"): "needs a revocation: tests/e2e/test_requests.py; agencies",
    ("result", "page"): "serves until it is stopped: tests/browser; an address",
    ("node", "join"): "uses up an invitation, as every test of a network does; an agency and `joined`",
    (
        "node",
        "sign",
    ): "needs an agreement that names stewards: tests/integration/test_node_people.py; a file, a signer and a digest",
    ("node", "dial"): "changes where this network's node dials: tests/e2e/test_new_address.py; an agency and two addresses",
    ("profile", "dial"): "as `node dial`",
    ("profile", "join"): "as `node join`; prints a network, as `profile show` does",
    ("node", "accept-restored"): "ends what a node has under way; a day",
    ("coordinator", "accept-restored"): "as `node accept-restored`; two counts",
    **dict.fromkeys(
        [("consent", name) for name in ("new", "sign", "show", "revoke", "receipt", "export", "import")],
        "needs a consent and those who sign it: tests/cli/test_consent.py",
    ),
    ("result", "triple"): "needs three ladders: tests/e2e/test_triple.py",
    ("node", "resume"): "needs something suspended: tests/e2e/test_suspension.py",
    (
        "node",
        "review",
    ): "needs a candidate that waits for reviewers: tests/e2e/test_tier_scenarios.py; moments and what each said",
    ("agreement", "renew"): "as `agreement diff`, and a file: tests/cli/test_agreement_keeping.py",
    ("agreement", "destroyed"): "a day, certificates and who is missing: tests/cli/test_agreement_keeping.py",
    ("review", "show"): "as `node review`; a result, as `result show` prints, and moments",
    ("review", "accept"): "as `node review`; a file, a reviewer and a word",
    ("review", "object"): "as `review accept`",
    ("agreement", "bind"): "needs three signed tiers: tests/e2e/test_tiers.py; a file and a digest",
}
"""Commands that are not walked, and why."""


SHOWS: Final[frozenset[Path_]] = frozenset(
    {
        ("job", "check"), ("job", "list"), ("job", "show"), ("job", "watch"), ("result", "show"), ("result", "verify"), ("result", "methods"),
        ("link", "explain"), ("agreement", "show"), ("agreement", "check"), ("agreement", "lint"), ("agreement", "render"),
        ("agreement", "diff"), ("profile", "show"), ("doctor",), ("coordinator", "key"), ("coordinator", "status"), ("node", "key"),
        ("node", "check"), ("node", "log"), ("node", "log", "verify"), ("node", "pending"), ("node", "show"), ("node", "status"),
    }
)  # fmt: skip
"""Commands that change nothing and are quick: also typed for people, in ASCII and on a narrow terminal."""


def type_in_ascii(arguments: list[str], columns: int) -> tuple[int, str]:
    """Type a command where the terminal knows ASCII alone and is narrow; give its status and all that it printed."""
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding="ascii", write_through=True)
    narrow = mock.patch.object(shutil, "get_terminal_size", return_value=os.terminal_size((columns, 24)))
    with redirect_stdout(stream), redirect_stderr(stream), narrow, mock.patch.object(stream, "isatty", return_value=True):
        try:
            main(arguments)
        except SystemExit as ended:
            return int(ended.code or 0), data.getvalue().decode("ascii")
    raise AssertionError("a command ends the process")


def find_commands(command: click.Command = tally, path: Path_ = ()) -> set[Path_]:
    """Give every command that prints JSON, by its words."""
    if not isinstance(command, click.Group):
        return {path} if any("--format" in option.opts for option in command.params) else set()
    context = click.Context(command)
    found = {path} if path and any("--format" in option.opts for option in command.params) else set[Path_]()
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found |= find_commands(below, (*path, name))
    return found


def list_arguments(folder: Path, home: Path, new: Path, job: str, other: str) -> dict[Path_, list[str]]:
    """Give each command's arguments, in an order in which they work one after another.

    Args:
        folder: where the network's files are.
        home: the analyst's profile.
        new: a folder for new things.
        job: a released job, whose result is in `new`/result.json.
        other: a job that can be cancelled.
    """
    county, lab = folder / "county", folder / "lab"
    node = ["--config", str(lab / "human-services" / "node.yaml")]
    agreement = str(home / "agreements" / "county.json")
    coordinator = ["--config", str(new / "coordinator.yaml")]
    result, files = str(new / "result.json"), [str(county / "tanf_exits.csv"), str(county / "ui_wages.csv")]
    return {
        ("job", "cancel"): [other],  # before it is released
        ("lab", "check"): [str(county / "lab.yaml"), str(county / "jobs" / "work.yaml")],
        ("job", "check"): [str(county / "jobs" / "work.yaml"), "--agreement", agreement],
        ("job", "new"): ["service-gap", "--set", "have=human-services/tanf_exits", "--set", "lack=labor/ui_wages"],
        ("job", "list"): ["--all"],
        ("job", "show"): [job[:9]],
        ("job", "status"): [job],
        ("job", "watch"): [job],
        ("job", "result"): [job, "--out", result],
        ("job", "submit"): ["--again", other],
        ("result", "show"): [result],
        ("result", "verify"): [result],
        ("result", "methods"): [result],
        ("data", "scan"): [str(county / "tanf_exits.csv")],
        ("link", "explain"): ["default"],
        ("link", "try"): [str(county / "tanf_exits.csv"), str(county / "hmis_entries.csv")],
        ("agreement", "show"): [agreement],
        ("agreement", "check"): [agreement],
        ("agreement", "lint"): [agreement],
        ("agreement", "render"): [agreement],
        ("agreement", "diff"): [agreement, agreement],
        ("agreement", "new"): [str(new / "draft.yaml"), "--out", str(new / "draft.json")],
        ("agreement", "sign"): [str(new / "draft.json"), "--as", "human-services", "--key", str(lab / "human-services" / "identity.key")],
        ("profile", "init"): [],
        ("profile", "show"): [],
        ("doctor",): [],
        ("lab", "new"): [*files, "--out", str(new / "l.yaml"), "--job", str(new / "j.yaml")],
        ("lab", "region"): [str(new / "region"), "--people", "300"],
        ("lab", "county"): [str(new / "folders"), "--people", "60", "--address", "a.example:7700"],
        ("result", "annex"): [result, "--out", str(new / "r.html")],
        ("result", "export"): [result, "--out", str(new / "r.csv")],
        ("result", "plot"): [result, "--out", str(new / "r.svg")],
        ("agreement", "card"): ["ana", "--key", str(lab / "human-services" / "identity.key"), "--out", str(new / "ana.json")],
        ("coordinator", "init"): coordinator,
        ("coordinator", "card"): [*coordinator, "--out", str(new / "c.json")],
        ("coordinator", "invite"): [*coordinator, "--agency", "labor", "--agency", "housing", "--out", str(new)],
        ("coordinator", "revoke"): [*coordinator, "--agency", "labor"],
        ("coordinator", "database", "backup"): [str(new / "copy.db"), *coordinator],
        ("coordinator", "key"): coordinator,
        ("coordinator", "database", "upgrade"): coordinator,
        ("coordinator", "database", "downgrade"): ["0003", *coordinator],
        ("coordinator", "status"): ["--config", str(lab / "coordinator" / "coordinator.yaml"), "--all"],
        ("node", "init"): ["labor", "--coordinator", "a.example:7700", "--folder", str(new / "node")],
        ("node", "key"): node,
        ("node", "card"): [*node, "--out", str(new / "n.json")],
        ("node", "backup"): [str(new / "node.db"), *node],
        ("node", "log", "export"): [*node, "--out", str(new / "n.log")],
        ("node", "log", "heads"): [*node, "--out", str(new / "n.heads")],
        ("node", "log", "prove"): ["1", *node, "--out", str(new / "n.proof")],
        ("node", "log", "verify"): [str(new / "n.log"), "--heads", str(new / "n.heads"), "--agreement", agreement],
        ("node", "check"): node,
        ("node", "datasets"): node,
        ("node", "noise"): node,
        ("node", "suspend"): node,  # lists what is suspended
        ("node", "linkage"): ["tanf_exits", *node],
        ("node", "log"): node,
        ("node", "pending"): node,
        ("node", "show"): [job[:11], "--count", *node],
        ("node", "status"): node,
    }  # fmt: skip


def find_faults(value: Any, path: str = "") -> list[str]:
    """Say what of a JSON value is not as all of them are: an object on top, moments in RFC 3339 or null."""
    if path == "" and not isinstance(value, dict):
        return [f"the whole is a {type(value).__name__}, not an object"]
    key = path.rpartition(".")[2]
    match value:
        case dict():
            return [fault for name, one in value.items() for fault in find_faults(one, f"{path}.{name}")]
        case list():
            return [fault for one in value for fault in find_faults(one, f"{path}[]")]
        case int() if not isinstance(value, bool) and value in EPOCH:
            return [f"{path} is seconds: {value}"]
        case str() if key in TIMES and ISO.fullmatch(value) is None:
            return [f"{path} is no moment: {value!r}"]
        case int() | float() if key in TIMES and not path.endswith(f".jobs.{key}"):  # there jobs are counted by state
            return [f"{path} is a number: {value}"]
        case _:
            return []
