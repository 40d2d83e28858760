"""A node's log as a file, and how anybody checks it: against itself, and against what the agency told others of it (S-29).

Formats, one JSON value a line:

- the log: a header (`tallystick-log`, `agency`, `entries`, `head`), then each entry;
- heads: signed hellos, as the agencies of a job keep them;
- a proof: one object: the entry, its place, and its audit path to the head of a size.

Source: RFC 6962 §2.1 for heads and audit paths.

Security: a log without heads from elsewhere proves nothing but that its file is whole: its keeper could have written another one. Each
head fixes all entries before it. What was logged after the last head that somebody else holds can still be changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from tallystick.core.canonical import MAX_DEPTH, canonical_bytes
from tallystick.core.documents import decode_document
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.hello import Hello
from tallystick.crypto.logtree import Heads, hash_leaf, head_of, is_included, prove_inclusion

FORMAT: Final = "tallystick-log"
VERSION: Final = 1
MAX_LINE: Final = 1 << 20
"""Bytes of a line: no entry and no hello comes near it."""
_KEYS: Final = frozenset({"number", "time", "event", "job", "details"})
_ALL_KEYS: Final = _KEYS | {"salt"}
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class SaidHead:
    """A head of an agency's log that somebody signed.

    Attributes:
        agency: whose log.
        size: its entries.
        head: 32 bytes.
        signer: the agency itself, or another one that had heard of it.
        job: in whose hello it stands: a digest.
    """

    agency: str
    size: int
    head: bytes
    signer: str
    job: str


Finding: TypeAlias = Literal[
    "numbering", "changed", "end-missing", "file-cut", "header", "two-logs", "another-agency", "entry-keys", "proof"
]
"""What can be wrong with a log, by name (docs/operation.md lists them)."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a log.

    Attributes:
        name: what.
        text: a sentence, without data.
    """

    name: Finding
    text: str


@dataclass(frozen=True)
class LogVerdict:
    """What a check of a log found.

    Attributes:
        agency: whose log.
        entries: how many there are.
        head: of all of them.
        held: heads that the log holds against.
        broken: heads that it does not: another log was told of.
        found: what is wrong; nothing where nothing is.
    """

    agency: str
    entries: int
    head: bytes
    held: tuple[SaidHead, ...] = ()
    broken: tuple[SaidHead, ...] = ()
    found: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        return tuple(one.text for one in self.found)

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {
            "agency": self.agency,
            "entries": self.entries,
            "head": self.head.hex(),
            "heads_held": len(self.held),
            "heads_broken": [{"size": one.size, "signer": one.signer, "job": one.job} for one in self.broken],
            "problems": list(self.problems),
            "found": [one.name for one in self.found],
        }


def leaf_of(entry: Mapping[str, Any]) -> bytes:
    """Hash an entry as the tree has it: its keys as the node wrote them, in canonical form."""
    return hash_leaf(canonical_bytes(_keep_keys(entry)))


def write_log(agency: str, entries: Iterable[Mapping[str, Any]], size: int, head: bytes) -> Iterator[bytes]:
    """Write a log, line by line.

    Args:
        agency: whose.
        entries: all of them, oldest first: `number`, `time`, `event`, `job`, `details`, `salt`.
        size: how many.
        head: of the tree over them.
    """
    yield _line({FORMAT: VERSION, "agency": agency, "entries": size, "head": head.hex()})
    for entry in entries:
        yield _line(dict(entry))


def read_heads(lines: Iterable[bytes], key_of: Callable[[str], str | None]) -> tuple[list[SaidHead], int]:
    """Read signed heads; give those whose signature holds, and how many are by agencies without a known key.

    Args:
        lines: signed hellos.
        key_of: an agency's public key, hexadecimal; None where it is not known.

    Raises:
        Invalid: `file-format`, `document-invalid`: a line is no hello. Refused: `signature-missing`, `signature-invalid`.
    """
    heads: list[SaidHead] = []
    strangers = 0
    for line in lines:
        document = decode_document(_check_line(line, "a file of heads"), kind="hello")
        hello = document.read(Hello)
        key = key_of(hello.agency)
        if key is None:
            strangers += 1
            continue
        document.verify_signature_of(hello.agency, key)
        heads += _heads_in(hello)
    return heads, strangers


def check_log(lines: Iterable[bytes], heads: Sequence[SaidHead] = ()) -> LogVerdict:
    """Check a log: that its entries are numbered without gaps, that its head is that of its header, and that heads told elsewhere hold.

    Reads the lines once and keeps none.

    Args:
        lines: of the log.
        heads: of any agencies' logs; those of others are left out.

    Raises:
        Invalid: `file-format`: it is no log, or a line is no entry. `document-invalid`: an entry holds what no node writes.
    """
    reading = iter(lines)
    header = _read(next(reading, b""), "a log")
    agency, told, last = header.get("agency"), header.get("entries"), header.get("head")
    if header.get(FORMAT) != VERSION or not isinstance(agency, str) or not isinstance(told, int) or not isinstance(last, str):
        raise Invalid("file-format", "this file is no log of a node", hint="write it with: tally node log export")
    about = [one for one in heads if one.agency == agency]
    awaited: dict[int, list[SaidHead]] = {}
    for one in about:
        awaited.setdefault(one.size, []).append(one)
    tree, found = Heads(), _find_forks(agency, awaited)
    held: list[SaidHead] = []
    broken: list[SaidHead] = []
    _hold(awaited.pop(0, []), tree, held, broken)
    for line in reading:
        entry = _read(line, "a log")
        if not entry.keys() >= _KEYS:
            raise Invalid("file-format", f"line {tree.size + 2} of the log is no entry")
        tree.append(hash_leaf(_write_plainly(entry)))
        if entry["number"] != tree.size or len(entry) > len(_KEYS):
            found += _find_in(entry, tree.size, found)
        _hold(awaited.pop(tree.size, []), tree, held, broken)
    for size in sorted(awaited):
        broken += awaited[size]
        found.append(Problem("end-missing", f"{agency} told of {size} entries, and {tree.size} are here: the end is missing"))
    if tree.size < told:
        found.append(Problem("file-cut", f"the file's header is of {told} entries, and {tree.size} are here"))
    elif tree.size != told or tree.head().hex() != last:
        found.append(Problem("header", "the file's header is of another log"))
    if broken:
        first = min(one.size for one in broken)
        good = max((one.size for one in held if one.size < first), default=0)
        text = f"the first {first} entries are not those that {agency} told of then; the first {good} are"
        found.append(Problem("changed", text))
    if heads and not about:
        names = ", ".join(sorted({one.agency for one in heads}))
        found.append(Problem("another-agency", f"the file says that it is {agency}'s, and the heads are of {names}"))
    return LogVerdict(agency, tree.size, tree.head(), tuple(held), tuple(broken), tuple(found))


def prove_entry(agency: str, entries: Iterable[Mapping[str, Any]], number: int, size: int) -> dict[str, Any]:
    """Prove that an entry is in a log.

    Args:
        agency: whose log.
        entries: at least the first `size`, oldest first.
        number: the entry, from 1.
        size: entries of the log that the proof is for.

    Raises:
        Invalid: `log-entry-unknown`: there is no such entry, or the log is shorter.
    """
    leaves: list[bytes] = []
    proven: Mapping[str, Any] | None = None
    for entry in entries:
        if len(leaves) == size:
            break
        leaves.append(leaf_of(entry))
        if len(leaves) == number:
            proven = entry
    if proven is None or len(leaves) < size:
        raise Invalid("log-entry-unknown", f"the log has no entry {number} among its first {size}", hint="see: tally node log")
    path = [one.hex() for one in prove_inclusion(leaves, number - 1)]
    return {"agency": agency, "size": size, "head": head_of(leaves).hex(), "entry": dict(proven), "path": path}


def check_proof(proof: Mapping[str, Any], heads: Sequence[SaidHead] = ()) -> LogVerdict:
    """Check a proof that an entry is in a log, and whether the log's head of that size was told elsewhere.

    Raises:
        Invalid: `file-format`: it is no proof.
    """
    try:
        agency, size, entry = str(proof["agency"]), int(proof["size"]), dict(proof["entry"])
        head, path, number = bytes.fromhex(proof["head"]), [bytes.fromhex(one) for one in proof["path"]], int(entry["number"])
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("file-format", "this file is no proof of an entry", detail=type(error).__name__) from None
    same = [one for one in heads if (one.agency, one.size) == (agency, size)]
    held = tuple(one for one in same if one.head == head)
    broken = tuple(one for one in same if one.head != head)
    found: list[Problem] = []
    if entry.keys() - _ALL_KEYS or not _leads(entry, number, size, path, head):
        found.append(Problem("proof", "the proof does not lead from the entry to the head"))
    if broken:
        found.append(Problem("changed", f"{agency} told of another log of {size} entries"))
    return LogVerdict(agency, size, head, held, broken, tuple(found))


def _leads(entry: Mapping[str, Any], number: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    return is_included(leaf_of(entry), number - 1, size, path, head)


def _heads_in(hello: Hello) -> list[SaidHead]:
    if hello.log is None:
        return []
    said = [(hello.agency, hello.log), *hello.log.seen.items()]
    return [SaidHead(agency, log.size, bytes.fromhex(log.head), hello.agency, hello.job) for agency, log in said]


def _keep_keys(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name in _KEYS or (name == "salt" and value)}


def _write_plainly(entry: Mapping[str, Any]) -> bytes:
    """Give an entry that was read from JSON in canonical form, faster where nothing about it needs a look: most are plain ASCII.

    `_read` takes no floats and no other constants, so what is left to check is depth, NFC and surrogates; ASCII has neither of the two.
    """
    text = _ENCODE(_keep_keys(entry))
    if text.isascii() and text.count("{") + text.count("[") < MAX_DEPTH:
        return text.encode()
    return canonical_bytes(_keep_keys(entry))


def _find_forks(agency: str, awaited: Mapping[int, Sequence[SaidHead]]) -> list[Problem]:
    """Find sizes of which an agency told two logs: whichever the file is, there is another."""
    sizes = sorted(size for size, said in awaited.items() if len({one.head for one in said}) > 1)
    return [Problem("two-logs", f"{agency} told of two logs of {size} entries, and signed both" if _tell_whether_both(awaited[size])
            else f"two logs of {size} entries of {agency} were told of") for size in sizes]  # fmt: skip


def _tell_whether_both(said: Sequence[SaidHead]) -> bool:
    """Tell whether an agency itself signed two heads of one size of its log."""
    return len({one.head for one in said if one.signer == one.agency}) > 1


def _find_in(entry: Mapping[str, Any], number: int, found: Sequence[Problem]) -> list[Problem]:
    """Find what is wrong with an entry by itself; the first of a kind is told."""
    known = {one.name for one in found}
    made: list[Problem] = []
    if entry["number"] != number and "numbering" not in known:
        text = f"entry {number} is numbered {entry['number']}: entries are missing, repeated or moved"
        made.append(Problem("numbering", text))
    if entry.keys() - _ALL_KEYS and "entry-keys" not in known:
        made.append(Problem("entry-keys", f"entry {number} says more than the log's head is over"))
    return made


def _hold(said: Iterable[SaidHead], tree: Heads, held: list[SaidHead], broken: list[SaidHead]) -> None:
    for one in said:
        (held if one.head == tree.head() else broken).append(one)


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _check_line(line: bytes, what: str) -> bytes:
    if len(line) > MAX_LINE:
        raise Invalid("file-format", f"a line of {what} is longer than {MAX_LINE} bytes")
    return line


def _read(line: bytes, what: str) -> dict[str, Any]:
    try:
        value = _DECODE(_check_line(line, what).decode())
    except (ValueError, RecursionError) as error:
        if isinstance(error, TallyError):
            raise
        raise Invalid("file-format", f"a line of {what} is not JSON", hint="write it with: tally node log export") from None
    if not isinstance(value, dict):
        raise Invalid("file-format", f"a line of {what} is no object")
    return value


def _read_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object; a key that stands twice would be read as one thing here and as another elsewhere."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _refuse(text: str) -> Any:
    raise ValueError(f"a node writes no such number: {text[:20]}")


_DECODE: Final = json.JSONDecoder(object_pairs_hook=_read_once, parse_float=_refuse, parse_constant=_refuse).decode
