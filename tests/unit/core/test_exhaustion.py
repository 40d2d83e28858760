"""What a machine ran out of has its own code and next step, and names no file (S-36)."""

from __future__ import annotations

import errno
import sqlite3

import pytest

from tallystick.core.errors import CATALOGUE, NotReady
from tallystick.core.exhaustion import EXHAUSTED, explain_exhaustion
from tallystick.core.net.status import public
from tallystick.node.failures import build_outward_error
from tallystick.node.storage.faults import cannot_write


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk"),
        (errno.EDQUOT, "disk"),
        (errno.EIO, "disk"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.EMFILE, "descriptors"),
        (errno.ENFILE, "descriptors"),
        (errno.ENOMEM, "memory"),
    ],
)
def test_s36_each_cause_has_its_own_code_and_next_step(number: int, code: str) -> None:
    error = OSError(number, "secret words", "/srv/people/secret.csv")
    told = explain_exhaustion(error, "labor")
    assert told[0] == code
    assert code in EXHAUSTED & CATALOGUE.keys()
    assert "labor" in told[1]
    assert told[2]
    for outward in (public(error), build_outward_error(error)):
        assert outward.code == code
        assert "secret" not in f"{outward} {outward.hint} {outward.detail}"
    assert isinstance(public(error), NotReady)


def test_s36_no_memory_is_no_fault_of_the_software() -> None:
    assert public(MemoryError()).code == build_outward_error(MemoryError()).code == "memory"


def test_s36_a_state_that_cannot_be_written_says_why() -> None:
    for result, code in (
        (sqlite3.SQLITE_FULL, "disk"),
        (sqlite3.SQLITE_READONLY | 2 << 8, "read-only"),
        (sqlite3.SQLITE_NOMEM, "memory"),
        (sqlite3.SQLITE_IOERR, "disk"),
    ):
        error = sqlite3.OperationalError("words")
        error.sqlite_errorcode = result
        assert cannot_write(error).code == code
    assert cannot_write(OSError(errno.EROFS, "x")).code == "read-only"
