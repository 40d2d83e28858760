"""S-29: whoever keeps a log and changes it afterwards is found out, offline, by any one agency that heard of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.hello import Hello, LogHead, LogWord, new_hello
from tallystick.core.job.logfile import (
    SaidHead,
    check_log,
    check_proof,
    leaf_of,
    prove_entry,
    read_heads,
    write_log,
)
from tallystick.crypto.logtree import head_of
from tallystick.node.loghead import keep_log_word, tell_log
from tallystick.node.ports import NodeStorage
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.view_builders import build_log_entry
from tests.governance import identity, sealing_key

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = "ab" * 32
KEY = sealing_key("labor").public
ENTRIES = 12
TOLD = (3, 8)
"""After how many entries the log's keeper told another agency how it stood."""


def entries_of(storage: NodeStorage) -> list[dict[str, Any]]:
    """What an export has, read as the command reads it."""
    found = [build_log_entry(event).json_value() for event in storage.events()]
    return [{name: value for name, value in one.items() if name != "chain"} for one in found]


def kept_log() -> tuple[list[dict[str, Any]], list[SaidHead]]:
    storage, peer = MemoryNodeStorage(), MemoryNodeStorage()
    for number in range(ENTRIES):
        storage.log("approved", NOW, JOB, number=number, of={"rows": [number, None, True], "what": "ü"})
        if number + 1 in TOLD:
            hello = new_hello(JOB, 1, "labor", KEY, identity("labor"), log=tell_log(storage, ["labor", "housing"], "labor"))
            keep_log_word(peer, hello.read(Hello), hello, NOW)
    heads, strangers = read_heads(
        [one.document for one in peer.heads()], lambda name: identity("labor").key if name == "labor" else None
    )
    assert strangers == 0
    return entries_of(storage), heads


def lines_of(entries: list[dict[str, Any]]) -> list[bytes]:
    """A log as its keeper would write it: also of changed entries, with a head that fits."""
    return list(write_log("labor", entries, len(entries), head_of(map(leaf_of, entries))))


LOG, HEADS = kept_log()


def test_a_log_that_nobody_changed_holds_against_every_head() -> None:
    verdict = check_log(lines_of(LOG), HEADS)
    assert (verdict.problems, verdict.broken) == ((), ())
    assert sorted(one.size for one in verdict.held) == list(TOLD)
    assert verdict.entries == ENTRIES


def renumber(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entry, "number": number} for number, entry in enumerate(entries, 1)]


CHANGES: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    "an entry is left out": lambda at: renumber(LOG[:at] + LOG[at + 1 :]),
    "an entry is put in": lambda at: renumber([*LOG[:at], LOG[0], *LOG[at:]]),
    "an entry is another": lambda at: [*LOG[:at], {**LOG[at], "event": "refused"}, *LOG[at + 1 :]],
    "a detail is another": lambda at: [*LOG[:at], {**LOG[at], "details": {"number": 99}}, *LOG[at + 1 :]],
    "the time is another": lambda at: [*LOG[:at], {**LOG[at], "time": "2026-01-02T03:04:06Z"}, *LOG[at + 1 :]],
    "two entries changed places": lambda at: renumber([*LOG[:at], LOG[at + 1], LOG[at], *LOG[at + 2 :]]),
    "the end is cut off": lambda at: LOG[:at],
    "all is written anew": lambda at: renumber([{**entry, "salt": "00" * 16} for entry in LOG[: at + 20]]),
}


@pytest.mark.parametrize("how", CHANGES)
@given(at=st.integers(0, TOLD[-1] - 2))
@settings(max_examples=8)
def test_s29_a_log_that_was_changed_before_the_last_head_is_found(how: str, at: int) -> None:
    verdict = check_log(lines_of(CHANGES[how](at)), HEADS)
    assert verdict.broken
    assert verdict.problems


def test_s29_the_last_entries_that_still_hold_are_named() -> None:
    verdict = check_log(lines_of(CHANGES["an entry is another"](5)), HEADS)
    assert [one.size for one in verdict.held] == [3]
    assert "the first 8 entries are not those that labor told of then; the first 3 are" in verdict.problems


def test_limit_s29_what_was_logged_after_the_last_head_can_still_be_changed() -> None:
    verdict = check_log(lines_of(LOG[:9]), HEADS)
    assert verdict.problems == ()
    assert max(one.size for one in verdict.held) == TOLD[-1]


def test_s29_entries_without_their_numbers_in_order_are_found_without_any_head() -> None:
    verdict = check_log(lines_of([LOG[0], LOG[2]]))
    assert verdict.problems == ("entry 2 is numbered 3: entries are missing, repeated or moved",)


def test_s29_a_header_of_another_log_is_found() -> None:
    lines = lines_of(LOG)
    other = {**json.loads(lines[0]), "head": "00" * 32}
    assert check_log([json.dumps(other).encode(), *lines[1:]]).problems == ("the file's header is of another log",)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"tallystick-log": 2}', b'{"tallystick-log": 1, "agency": "labor", "entries": "1", "head": ""}'],
)
def test_what_is_no_log_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        check_log([line])
    assert caught.value.code == "file-format"


def test_a_line_that_is_no_entry_is_said() -> None:
    with pytest.raises(Invalid, match="line 3 of the log is no entry"):
        check_log([*lines_of(LOG)[:2], b'{"number": 2}'])


def test_s29_heads_count_only_with_the_signature_of_the_agency_that_they_name() -> None:
    word = LogWord(size=3, head="00" * 32)
    forged = new_hello(JOB, 1, "labor", KEY, identity("eve"), log=word).encode()
    with pytest.raises(Refused) as caught:
        read_heads([forged], lambda name: identity("labor").key if name == "labor" else None)
    assert caught.value.code == "signature-invalid"
    assert read_heads([forged], lambda _: None) == ([], 1)


def test_s29_what_another_agency_heard_is_its_signature_over_the_log() -> None:
    seen = LogHead(size=3, head=next(one.head.hex() for one in HEADS if one.size == 3))
    theirs = new_hello(JOB, 1, "housing", KEY, identity("housing"), log=LogWord(size=40, head="11" * 32, seen={"labor": seen}))
    verdict = check_log(lines_of(LOG), read_heads([theirs.encode()], lambda name: identity(name).key)[0])
    assert [(one.signer, one.size) for one in verdict.held] == [("housing", 3)]
    assert verdict.problems == ()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> NodeStorage:
    return MemoryNodeStorage() if request.param == "memory" else SqliteStorage(tmp_path / "node.db")


def test_s29_two_logs_of_one_size_are_noted_when_they_are_heard_of(storage: NodeStorage) -> None:
    for head in ("11" * 32, "22" * 32, "11" * 32):
        hello = new_hello(JOB, 1, "labor", KEY, identity("labor"), log=LogWord(size=5, head=head))
        keep_log_word(storage, hello.read(Hello), hello, NOW)
    assert [one.head.hex() for one in storage.heads()] == ["11" * 32, "22" * 32]
    noted = [json.loads(event.entry) for event in storage.events()]
    assert [(one["event"], one["details"]) for one in noted] == [("log-forked", {"agency": "labor", "size": 5})] * 2


def test_an_agency_signs_what_it_heard_last_of_those_who_take_part_and_of_nobody_else(storage: NodeStorage) -> None:
    for agency, size in (("labor", 5), ("labor", 9), ("schools", 2)):
        hello = new_hello(JOB, 1, agency, KEY, identity(agency), log=LogWord(size=size, head="11" * 32))
        keep_log_word(storage, hello.read(Hello), hello, NOW)
    storage.log("started", NOW)
    word = tell_log(storage, ["labor", "housing", "courts"], "housing")
    assert word.size == 1
    assert {name: head.size for name, head in word.seen.items()} == {"labor": 9}


def test_the_tree_over_an_export_is_the_nodes(storage: NodeStorage) -> None:
    for number in range(3):
        storage.log("approved", NOW, JOB, n=number, whole={"a": [1, None, False], "b": "é", "c": -(1 << 60)})
        head = storage.log_head()
        assert (head.size, head.head) == (number + 1, head_of(map(leaf_of, entries_of(storage))))


def test_entries_that_say_the_same_do_not_have_the_same_hash(storage: NodeStorage) -> None:
    other = MemoryNodeStorage()
    storage.log("started", NOW)
    other.log("started", NOW)
    assert storage.log_head().head != other.log_head().head


def test_s29_an_entry_is_proven_without_the_others() -> None:
    for number in range(1, ENTRIES + 1):
        proof = json.loads(json.dumps(prove_entry("labor", LOG, number, ENTRIES)))
        assert check_proof(proof).problems == ()
        changed = {**proof, "entry": {**proof["entry"], "event": "refused"}}
        assert check_proof(changed).problems == ("the proof does not lead from the entry to the head",)


def test_s29_a_proof_for_another_log_than_the_one_told_of_is_found() -> None:
    proof = prove_entry("labor", LOG, 2, 3)
    assert check_proof(proof, HEADS).held
    other = prove_entry("labor", CHANGES["an entry is another"](1), 2, 3)
    assert check_proof(other, HEADS).problems == ("labor told of another log of 3 entries",)


def test_what_is_no_proof_is_said_to_be_none() -> None:
    with pytest.raises(Invalid) as caught:
        check_proof({"agency": "labor"})
    assert caught.value.code == "file-format"
    with pytest.raises(Invalid):
        prove_entry("labor", LOG, ENTRIES + 1, ENTRIES)
