"""A file outside the state folder that says how far the state had come: a restored backup is older than it, and is recognised (S-37).

The file is no secret and no part of a backup: whoever restores the state leaves it as it is. It holds the epoch of the state, which is
drawn when the state is made or a restoration is accepted, and a number that grows with every change. It is written after the change it
speaks of, and not synced: after a power cut it may be behind the state, never before it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tallystick.core.errors import Broken, Invalid, Refused

_MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class StateMark:
    """How far a state has come.

    Attributes:
        epoch: drawn when the state was made, or when a restoration was accepted; hexadecimal.
        count: grows with every change within an epoch.
        revoked: serial numbers that may never be valid again; of a coordinator alone.
    """

    epoch: str
    count: int
    revoked: frozenset[str] = frozenset()


class Witness:
    """The file of one state."""

    def __init__(self, path: Path) -> None:
        """Take where it is; it need not exist."""
        self.path = path

    def read(self) -> StateMark | None:
        """Give what it says; None if it does not exist.

        Raises:
            Broken: `state-corrupt`: it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                value = json.loads(file.read(_MOST_BYTES))
            return StateMark(str(value["epoch"]), int(value["count"]), frozenset(map(str, value["revoked"])))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Broken(
                "state-corrupt", f"{self.path} cannot be read", hint="see what became of it", detail=type(error).__name__
            ) from None

    def check_restored(self, state: StateMark) -> None:
        """Refuse to accept a restoration where none was.

        Raises:
            Invalid: `state-restored`: the state is the newest one.
        """
        if not self.is_older(state):
            raise Invalid("state-restored", "this state was not restored: it is the newest one", hint="just serve")

    def write(self, mark: StateMark) -> None:
        """Replace what it says.

        Raises:
            Broken: `disk`.
        """
        value = {"epoch": mark.epoch, "count": mark.count, "revoked": sorted(mark.revoked)}
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(value, file)
            draft.replace(self.path)
        except OSError as error:
            raise Broken(
                "disk", f"{self.path} cannot be written", hint="check its folder and the disk", detail=str(error.errno)
            ) from error

    def is_older(self, state: StateMark) -> bool:
        """Say whether a state is older than this says, or nothing is said.

        Raises:
            Broken: `state-corrupt`.
        """
        known = self.read()
        return known is None or known.epoch != state.epoch or known.count > state.count

    def check(self, state: StateMark, *, whose: str, hint: str) -> None:
        """Let a state pass that is what it was when it was used last, or has come further.

        Args:
            state: how far the state has come.
            whose: whose state it is, such as "the node's state".
            hint: the way back.

        Raises:
            Refused: `state-restored`: it is older, or the file that would say so is gone. Broken: `state-corrupt`.
        """
        if not self.is_older(state):
            return
        if self.read() is None:
            raise Refused("state-restored", f"{whose} was restored, or moved without its witness {self.path}", hint=hint)
        raise Refused(
            "state-restored", f"{whose} is older than what was done with it: it was restored from a backup", hint=hint
        )
