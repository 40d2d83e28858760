"""The port through which heavy work leaves the caller's thread.

Work functions are module-level and take and give bytes (or arrays of bytes), so that a process pool or a cluster can run them. What they
give follows from their argument alone, the seed of what they draw included: a block that was lost may be worked on again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Workers(Protocol):
    """Runs a pure function over many arguments.

    Constraints: results come in the order of the arguments; at most a small multiple of `count` arguments are drawn ahead;
    an exception of the function is raised to the caller.
    """

    @property
    def count(self) -> int:
        """How many calls run at once."""
        ...

    @property
    def far(self) -> bool:
        """Whether they are on other machines, so that points go there too (`point_work.py`), not to threads here."""
        ...

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        """Yield function(argument) for each argument, in order."""
        ...

    def make_ready(self, function: Callable[[], object]) -> None:
        """Start what takes time to start, and call a function in each worker, before the first `map`; may return before that is done."""
        ...


class SerialWorkers:
    """Runs everything here and now."""

    count = 1
    far = False

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        """Yield function(argument) for each argument, in order."""
        return map(function, arguments)

    def make_ready(self, function: Callable[[], object]) -> None:
        """Nothing takes time to start here."""

    def for_attempt(self, job: bytes, attempt: int) -> SerialWorkers:  # noqa: ARG002
        """Give what works for one attempt of a job."""
        return self

    def forget(self) -> None:
        """Nothing is held here."""


SERIAL: Final = SerialWorkers()
"""Workers for what is small."""
