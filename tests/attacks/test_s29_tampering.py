"""S-29: a corpus of logs and heads that somebody tampered with. `tally node log verify` finds each offline, by name.

The checker has the file that the keeper of the log (labor) shows, what one other agency (housing) kept, and the agreement with the keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from click.testing import CliRunner, Result

from tallystick.client.cli import tally
from tallystick.core.documents import SignedDocument
from tallystick.core.job.hello import Hello, new_hello
from tallystick.core.job.logfile import Finding, leaf_of, write_log
from tallystick.crypto.logtree import head_of
from tallystick.node.loghead import keep_log_word, tell_log
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.view_builders import build_log_entry
from tests.governance import agreement, identity, sealing_key, signed_agreement

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB: Final = "ab" * 32
LENGTH: Final = 12
TOLD: Final = (3, 8, 11)
EVENTS: Final = ("started", "approved", "attempt", "share", "released", "refused")

Entry = dict[str, Any]


def _entries(storage: MemoryNodeStorage) -> list[Entry]:
    found = [build_log_entry(event).json_value() for event in storage.events()]
    return [{key: value for key, value in one.items() if key != "chain"} for one in found]


def _grow(storage: MemoryNodeStorage, since: int, until: int) -> None:
    for number in range(since, until):
        storage.log(EVENTS[number % len(EVENTS)], NOW, JOB, attempt=number, by="policy")


def _tell(storage: MemoryNodeStorage, agency: str = "labor", *, attempt: int = 1, signer: str = "") -> SignedDocument:
    log = tell_log(storage, [agency], agency)
    return new_hello(JOB, attempt, agency, sealing_key(agency).public, identity(signer or agency), log=log)


def _keep(agency: str = "labor") -> tuple[list[Entry], list[bytes]]:
    """Let an agency keep a log and tell housing of it thrice; give its entries, and what housing kept."""
    storage, housing = MemoryNodeStorage(), MemoryNodeStorage()
    done = 0
    for attempt, size in enumerate((*TOLD, LENGTH), 1):
        _grow(storage, done, size)
        done = size
        if size in TOLD:
            hello = _tell(storage, agency, attempt=attempt)
            keep_log_word(housing, hello.read(Hello), hello, NOW)
    return _entries(storage), [one.document for one in housing.heads()]


LOG, HEADS = _keep()
OTHERS = _keep("human-services")[0]


def _number(entries: list[Entry]) -> list[Entry]:
    return [{**entry, "number": number} for number, entry in enumerate(entries, 1)]


def _write(entries: list[Entry], agency: str = "labor") -> bytes:
    """Write a log as its keeper would: with a header that fits."""
    return b"".join(write_log(agency, entries, len(entries), head_of(map(leaf_of, entries))))


WHOLE: Final = _write(LOG)
LINES: Final = WHOLE.splitlines(keepends=True)


@dataclass(frozen=True)
class Case:
    """What the checker is given, and by what name the tampering must be found."""

    found: set[str]
    log: bytes = WHOLE
    heads: tuple[bytes, ...] = tuple(HEADS)
    code: str = "log-differs"


def _edit(at: int, **changes: Any) -> bytes:
    return _write([*LOG[:at], {**LOG[at], **changes}, *LOG[at + 1 :]])


def _line(at: int, **changes: Any) -> bytes:
    """Change one line of the file and nothing else."""
    changed = json.dumps({**json.loads(LINES[at]), **changes}, sort_keys=True).encode() + b"\n"
    return b"".join([*LINES[:at], changed, *LINES[at + 1 :]])


def _fork() -> bytes:
    """Give a head, signed by labor, of another log that parts from the first after the sixth entry and is as long as one told of."""
    other = MemoryNodeStorage()
    _grow(other, 0, TOLD[1])
    return _tell(other, attempt=2).encode()


def _swap_signatures(heads: list[bytes]) -> tuple[bytes, ...]:
    one, two = (json.loads(head) for head in heads[:2])
    one["signatures"], two["signatures"] = two["signatures"], one["signatures"]
    return json.dumps(one).encode(), json.dumps(two).encode()


def _replace_head(head: bytes, value: str) -> bytes:
    """Put another head into a signed hello, whose signature stays."""
    document = json.loads(head)
    text = json.dumps(document)
    old = str(document["body"]["log"]["head"])
    assert text.count(old) == 1
    return text.replace(old, value).encode()


REWRITTEN: Final = _write([{**entry, "salt": "00" * 16} for entry in LOG])

CORPUS: Final[dict[str, Callable[[], Case]]] = {
    "an entry's event is another": lambda: Case({"changed"}, _edit(4, event="refused")),
    "an entry's detail is another": lambda: Case({"changed"}, _edit(4, details={"attempt": 4, "by": "steward"})),
    "an entry's time is another": lambda: Case({"changed"}, _edit(4, time="2026-01-02T03:04:06Z")),
    "an entry's job is another": lambda: Case({"changed"}, _edit(4, job="cd" * 32)),
    "an entry's salt is another": lambda: Case({"changed"}, _edit(4, salt="00" * 16)),
    "an entry has no salt": lambda: Case({"changed"}, _edit(4, salt="")),
    "an entry is edited, the header is not": lambda: Case({"changed", "header"}, _line(5, event="refused")),
    "an entry is left out and the rest numbered anew": lambda: Case({"changed", "end-missing"}, _write(_number(LOG[:4] + LOG[6:]))),
    "an entry is left out": lambda: Case({"changed", "numbering"}, _write(LOG[:4] + LOG[5:])),
    "an entry stands twice": lambda: Case({"changed", "numbering"}, _write(LOG[:4] + LOG[3:])),
    "an entry stands twice, numbered anew": lambda: Case({"changed"}, _write(_number(LOG[:4] + LOG[3:]))),
    "an entry is put in": lambda: Case({"changed"}, _write(_number([*LOG[:4], {**LOG[1], "salt": "77" * 16}, *LOG[4:]]))),
    "two entries changed places": lambda: Case({"changed", "numbering"}, _write([*LOG[:4], LOG[5], LOG[4], *LOG[6:]])),
    "two changed places, numbered anew": lambda: Case({"changed"}, _write(_number([*LOG[:4], LOG[5], LOG[4], *LOG[6:]]))),
    "all in another order": lambda: Case({"changed"}, _write(_number(LOG[::-1]))),
    "rolled back behind the last head": lambda: Case({"changed", "end-missing"}, _write(LOG[: TOLD[-1] - 1])),
    "rolled back to an earlier head": lambda: Case({"changed", "end-missing"}, _write(LOG[: TOLD[0]])),
    "rolled back to nothing": lambda: Case({"changed", "end-missing"}, _write([])),
    "rolled back, then grown with other entries": lambda: Case(
        {"changed"}, _write(_number([*LOG[:6], *({**one, "salt": "55" * 16} for one in LOG[6:])]))
    ),
    "all written anew": lambda: Case({"changed"}, REWRITTEN),
    "a fork: two signed heads of one size": lambda: Case({"two-logs", "changed"}, heads=(*HEADS, _fork())),
    "a fork of which the checker has the other side": lambda: Case({"changed"}, heads=(_fork(),)),
    "the file ends early, at a line": lambda: Case({"file-cut", "changed", "end-missing"}, b"".join(LINES[:7])),
    "the file ends early, behind every head": lambda: Case({"file-cut"}, b"".join(LINES[:-1])),
    "the file ends within a line": lambda: Case(set(), WHOLE[:-40], code="file-format"),
    "the file is nothing": lambda: Case(set(), b"", code="file-format"),
    "lines stand before the header": lambda: Case(set(), LINES[1] + WHOLE, code="file-format"),
    "a header says another head": lambda: Case({"header"}, _line(0, head="00" * 32)),
    "a header says more entries": lambda: Case({"file-cut"}, _line(0, entries=LENGTH + 1)),
    "a header says fewer entries": lambda: Case({"header"}, _line(0, entries=LENGTH - 1)),
    "a header says another agency": lambda: Case({"another-agency"}, _write(LOG, "courts")),
    "another node's entries under this agency's name": lambda: Case({"changed"}, _write(OTHERS)),
    "another node's whole log": lambda: Case({"another-agency"}, _write(OTHERS, "human-services")),
    "an entry of another node's in the middle": lambda: Case({"changed"}, _write([*LOG[:4], OTHERS[4], *LOG[5:]])),
    "an entry says more than was signed": lambda: Case({"entry-keys"}, _line(5, approved_by="everybody")),
    "an entry says a key twice": lambda: Case(
        set(), WHOLE.replace(b'"number": 5', b'"number": 5, "number": 5'), code="file-format"
    ),
    "an entry has a number with a point": lambda: Case(set(), WHOLE.replace(b'"number": 5', b'"number": 5.0'), code="file-format"),
    "signatures changed places": lambda: Case(set(), heads=_swap_signatures(HEADS), code="signature-invalid"),
    "a head is replaced by that of the log shown": lambda: Case(
        set(), REWRITTEN, (_replace_head(HEADS[-1], head_of(map(leaf_of, _lines_of(REWRITTEN)[: TOLD[-1]])).hex()),),
        "signature-invalid",
    ),
    "a head is signed by another key": lambda: Case(
        set(), heads=(_tell(MemoryNodeStorage(), signer="eve").encode(),), code="signature-invalid"
    ),
    "a head is without its signature": lambda: Case(
        set(), heads=(json.dumps({**json.loads(HEADS[0]), "signatures": []}).encode(),), code="signature-missing"
    ),
    "a head is cut off": lambda: Case(set(), heads=(HEADS[0][:-30],), code="document-invalid"),
}  # fmt: skip


def _lines_of(log: bytes) -> list[Entry]:
    return [json.loads(line) for line in log.splitlines()[1:]]


def verify(folder: Path, case: Case, *more: str) -> Result:
    """Check files as anybody does: by the command, without a node."""
    log, heads, terms = folder / "labor.log", folder / "housing.heads", folder / "agreement.json"
    log.write_bytes(case.log)
    heads.write_bytes(b"".join(one + b"\n" for one in case.heads))
    terms.write_bytes(signed_agreement(agreement()).encode())
    words = ["node", "log", "verify", str(log), "--heads", str(heads), "--agreement", str(terms), *more]
    return CliRunner().invoke(tally, words)


def test_the_log_that_nobody_touched_holds(tmp_path: Path) -> None:
    done = verify(tmp_path, Case(set()))
    assert done.exit_code == 0, done.output
    assert "3 signed heads hold, signed by labor; the last is of 11 entries" in done.output


@pytest.mark.parametrize("name", CORPUS)
def test_s29_tampering_is_found_offline_by_name(tmp_path: Path, name: str) -> None:
    case = CORPUS[name]()
    done = verify(tmp_path, case, "--format", "json")
    assert done.exit_code != 0
    assert case.code in done.output, done.output
    if case.code == "log-differs":
        said = json.JSONDecoder().raw_decode(done.output)[0]
        assert set(said["found"]) == case.found
    assert "Traceback" not in done.output


def test_s29_every_name_of_a_finding_is_in_the_corpus() -> None:
    assert set.union(*(case().found for case in CORPUS.values())) == set(get_args(Finding)) - {"proof"}
