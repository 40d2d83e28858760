"""The payloads of a statistical job's rounds: docs/protocol.md §4, as bytes and back.

Every reader checks lengths exactly and names the sender of what does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.codec import LENGTH, digest, frame, unframe
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.modulus import PRIMES

SEED: Final = "seed"
POINTS: Final = "points"
TAGS: Final = "tags"
CORRECTION: Final = "correction"
SLOTS: Final = "slots"
REPORT: Final = "report"
COLUMNS: Final = "columns"
PRODUCTS: Final = "products"
AUDIT: Final = "audit"
GATE: Final = "gate"
PATTERN: Final = "pattern"
RECIPIENT: Final = "recipient"
SHARES: Final = "shares"
SEALED: Final = "sealed"
RELEASE: Final = "release"

COORDINATOR: Final = "coordinator"
PIECE: Final = 512 * 1024
"""Largest chunk, in bytes; `envelope.CHUNK` is the same."""
POINT_BYTES: Final = 32
TAG_BYTES: Final = 16
MAX_PASSES: Final = 512
MAX_ROWS: Final = 1 << 28
LIST_HEADER: Final = 12
"""Bytes of the header of a list: its passes and its rows."""
STEP: Final = 1 << 17
"""Rows of a list that are read at a time."""

_SLOTS_HEADER: Final = 8

Bytes2 = npt.NDArray[np.uint8]


def pieces(data: bytes | memoryview) -> Iterator[bytes]:
    """Cut bytes into chunks of at most PIECE; at least one chunk, so that an empty message is a message."""
    view = memoryview(data)
    for start in range(0, max(len(view), 1), PIECE):
        yield bytes(view[start : start + PIECE])


def list_payload(lists: Bytes2) -> Iterator[bytes]:
    """Give the chunks of a list of points or tags, shape (passes, rows, 32 or 16): the header alone, then the values."""
    passes, rows, _ = lists.shape
    return list_chunks(passes, rows, iter(lists))


def list_chunks(passes: int, rows: int, blocks: Iterable[Bytes2]) -> Iterator[bytes]:
    """Give the chunks of a list whose values come as arrays (n, 32 or 16), one after another: the same chunks however they are cut."""
    yield passes.to_bytes(4, "little") + rows.to_bytes(8, "little")
    rest = b""
    for block in blocks:
        view = np.ascontiguousarray(block).reshape(-1).data
        missing = PIECE - len(rest) if rest else 0
        rest += bytes(view[:missing])
        if len(rest) == PIECE:
            yield rest
            rest = b""
        if not rest:
            whole = missing + (len(view) - missing) // PIECE * PIECE
            yield from (bytes(view[start : start + PIECE]) for start in range(missing, whole, PIECE))
            rest = bytes(view[whole:])
    if rest:
        yield rest


def read_list(chunks: Iterable[bytes], width: int, *, passes: int, sender: str, most: int = MAX_ROWS) -> Bytes2:
    """Read a list of points (width 32) or tags (width 16) of shape (passes, rows, width).

    Raises:
        PeerFault: as `arriving_list`.
    """
    rows, arrived = arriving_list(chunks, width, passes=passes, sender=sender, most=most)
    whole = np.empty((passes, rows, width), dtype=np.uint8)
    for at, start, block in arrived:
        whole[at, start : start + len(block)] = block
    return whole


def arriving_list(
    chunks: Iterable[bytes], width: int, *, passes: int, sender: str, most: int = MAX_ROWS, step: int = STEP
) -> tuple[int, Iterator[tuple[int, int, Bytes2]]]:
    """Read a list while it arrives, some rows at a time.

    Args:
        chunks: of the message.
        width: bytes of a value.
        passes: how many there must be.
        sender: who sent it.
        most: the most rows that it may have.
        step: rows to give at a time.

    Returns:
        The rows of each pass, and what comes: (pass, first row, values (n, width)), in order, at most `step` rows of one pass at a
        time, in an array that is used again for the next ones. The list is as long as it says only if that could be read to its end.

    Raises:
        PeerFault: `list-malformed`: the header is wrong, another number of passes, or another length than it says; `list-too-long`: more
            rows than `most`. Only the latter and what the header alone shows are raised before the first value is read.
    """
    source = iter(chunks)
    header = next(source, b"")
    if len(header) != LIST_HEADER:
        raise PeerFault("list-malformed", "a list has no header", sender=sender)
    said_passes, rows = int.from_bytes(header[:4], "little"), int.from_bytes(header[4:], "little")
    if said_passes != passes or not rows:
        raise PeerFault(
            "list-malformed", f"a list of {said_passes} passes and {rows} rows where {passes} passes are due", sender=sender
        )
    if rows > most:
        raise PeerFault("list-too-long", f"a list of {rows} rows where the agreement allows {most}", sender=sender)
    return rows, _read_blocks(source, passes, rows, width, sender, step)


def _read_blocks(
    source: Iterator[bytes], passes: int, rows: int, width: int, sender: str, step: int
) -> Iterator[tuple[int, int, Bytes2]]:
    room = np.empty(min(step, rows) * width, dtype=np.uint8)
    places = ((at, start) for at in range(passes) for start in range(0, rows, step))
    due, filled = next(places, None), 0
    for chunk in source:
        rest = np.frombuffer(chunk, dtype=np.uint8)
        while len(rest) and due is not None:
            at, start = due
            size = min(step, rows - start) * width
            part, rest = rest[: size - filled], rest[size - filled :]
            room[filled : filled + len(part)] = part
            filled += len(part)
            if filled == size:
                yield at, start, room[:size].reshape(-1, width)
                due, filled = next(places, None), 0
        if len(rest):
            raise _other_length(passes * rows * width, sender)
    if due is not None:
        raise _other_length(passes * rows * width, sender)


def slots_payload(
    slots: npt.NDArray[np.uint32], table_size: int, left_out: npt.NDArray[np.bool_] | None = None
) -> Iterator[bytes]:
    """Give the chunks of a `slots` message: the table's size, the exact passes that were left out, the slot of each row in the owner's order.

    Args:
        slots: of the owner's rows.
        table_size: slots in all.
        left_out: (exact passes,): those that linked nothing because they were left out. Where none was, the message says nothing of it.
    """
    bits = b"" if left_out is None or not left_out.any() else np.packbits(left_out).tobytes()
    yield table_size.to_bytes(_SLOTS_HEADER, "little") + bits
    yield from pieces(slots.astype("<u4").view(np.uint8).data)


def read_slots(
    chunks: Iterable[bytes], rows: int, *, sender: str, exact: int = 0
) -> tuple[npt.NDArray[np.int64], int, npt.NDArray[np.bool_]]:
    """Read a `slots` message: (slot of each of our rows, table size, exact passes that were left out).

    Args:
        chunks: the message.
        rows: of our list.
        sender: who sent it.
        exact: exact passes of the job.

    Raises:
        PeerFault: `slots-malformed`: a wrong length, a slot outside the table or given twice, a table smaller than our list, or passes left out
            that are written in more than one way.
    """
    source = iter(chunks)
    header = next(source, b"")
    bits = np.frombuffer(header[_SLOTS_HEADER:], dtype=np.uint8)
    left_out = np.unpackbits(bits).astype(np.bool_)
    if len(header) < _SLOTS_HEADER or (
        len(bits) and (len(bits) != -(-exact // 8) or not left_out.any() or left_out[exact:].any())
    ):
        raise PeerFault("slots-malformed", "slots have no header, or one that does not fit the job's passes", sender=sender)
    left_out = left_out[:exact] if len(bits) else np.zeros(exact, dtype=np.bool_)
    table_size = int.from_bytes(header[:_SLOTS_HEADER], "little")
    if not rows <= table_size <= MAX_ROWS:
        raise PeerFault("slots-malformed", f"a table of {table_size} slots for {rows} rows", sender=sender)
    slots = _fill(source, rows * 4, sender).view("<u4").astype(np.int64)
    if len(slots) and (int(slots.max()) >= table_size or np.bincount(slots, minlength=1).max() > 1):
        raise PeerFault("slots-malformed", "a slot is outside the table, or given twice", sender=sender)
    return slots, table_size, left_out


def audit_payload(job: bytes, attempt: int, share: int) -> bytes:
    """Give an `audit` message: an agency's share of the decoy audit, and what it is of."""
    return frame(AUDIT.encode(), job, attempt.to_bytes(4, "big"), share.to_bytes(4, "big"))


def read_audit(payload: bytes, *, job: bytes, attempt: int, sender: str) -> int:
    """Read an `audit` message: the other agency's share.

    Raises:
        PeerFault: `frame-malformed`; `audit-malformed`: no share modulo the first prime; `audit-transplanted`: of another job or attempt.
    """
    word, of_job, of_attempt, share = unframe(payload, 4, sender=sender)
    value = int.from_bytes(share, "big")
    if word != AUDIT.encode() or len(share) != 4 or value >= PRIMES[0]:
        raise PeerFault("audit-malformed", "a share of the decoy audit is not a number modulo its prime", sender=sender)
    if (of_job, of_attempt) != (job, attempt.to_bytes(4, "big")):
        raise PeerFault("audit-transplanted", "a share of the decoy audit is of another job or attempt", sender=sender)
    return value


def gate_payload(shares: npt.NDArray[np.int64], length: int) -> bytes:
    """Give a `gate` message: shares, 4 bytes each, little-endian, then zeros up to the length that the stage always has."""
    whole = np.zeros(length, dtype="<u4")
    whole[: len(shares)] = shares
    return whole.tobytes()


def read_gate(payload: bytes, tests: int, length: int, *, sender: str) -> npt.NDArray[np.int64]:
    """Read a `gate` message: the shares of a stage's tests, int64[tests].

    Raises:
        PeerFault: `gate-malformed`: of another length, or no number modulo the first prime.
    """
    if len(payload) != 4 * length:
        raise PeerFault("gate-malformed", f"shares of tests are not the {4 * length} bytes of their stage", sender=sender)
    shares = np.frombuffer(payload, dtype="<u4").astype(np.int64)
    if length and int(shares.max()) >= PRIMES[0]:
        raise PeerFault("gate-malformed", "a share of a test is not a number modulo its prime", sender=sender)
    return shares[:tests]


def pattern_payload(job: bytes, attempt: int, pattern: bytes, seen: bytes) -> bytes:
    """Give a `pattern` message: 32 bytes that are alike only where the same numbers were opened, and the same cells open."""
    return digest("gate pattern", job, attempt.to_bytes(4, "big"), pattern, seen)


def frames(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Give the chunks of a message that is a run of length-prefixed parts."""
    yield from pieces(b"".join(len(part).to_bytes(LENGTH, "big") + part for part in parts))


def _fill(source: Iterator[bytes], length: int, sender: str) -> Bytes2:
    """Read exactly `length` bytes into one array, without joining chunks first."""
    whole = np.empty(length, dtype=np.uint8)
    position = 0
    for chunk in source:
        end = position + len(chunk)
        if end > length:
            raise _other_length(length, sender)
        whole[position:end] = np.frombuffer(chunk, dtype=np.uint8)
        position = end
    if position != length:
        raise _other_length(length, sender)
    return whole


def _other_length(due: int, sender: str) -> PeerFault:
    return PeerFault("list-malformed", f"a list is not the {due} bytes that its header says", sender=sender)
