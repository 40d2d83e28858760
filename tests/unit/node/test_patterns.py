"""S-41: a share of an attempt in which other cells open than in an earlier one does not leave the node."""

from __future__ import annotations

import pytest

from tallystick.core.errors import Broken
from tallystick.crypto.statistic.shares import SealedShares
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.rules import check_pattern

JOB = "ab" * 32


def share(attempt: int, pattern: bytes) -> bytes:
    made = SealedShares("one", bytes.fromhex(JOB), attempt, 8, bytes(32), bytes(384), (bytes(768),), pattern)
    return made.document(lambda _, __: bytes(64))


def test_s41_attempts_whose_patterns_differ_end_the_job() -> None:
    storage = MemoryNodeStorage()
    check_pattern(storage, JOB, 1, share(1, b"\x00\x01"), agency="one")
    storage.keep_share(JOB, 1, share(1, b"\x00\x01"))
    check_pattern(storage, JOB, 2, share(2, b"\x00\x01"), agency="one")
    with pytest.raises(Broken, match="other cells are small in attempt 3"):
        check_pattern(storage, JOB, 3, share(3, b"\x01\x01"), agency="one")


def test_without_a_gate_shares_have_no_pattern_and_nothing_is_compared() -> None:
    storage = MemoryNodeStorage()
    storage.keep_share(JOB, 1, share(1, b""))
    check_pattern(storage, JOB, 2, share(2, b""), agency="one")
