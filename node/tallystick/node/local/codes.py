"""Values that are texts in views and enums in messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Generic, TypeVar, get_args

from tallystick.core.job.approval import ReasonClass
from tallystick.core.job.lifecycle import JobState
from tallystick.node import views
from tallystick.node.local.values import foreign
from tallystick.node.ports import Awaits, Decision
from tallystick.v1 import steward_pb2 as pb
from tallystick.v1 import types_pb2

E = TypeVar("E", bound=str)


class Codes(Generic[E]):
    """The values of an enum, in both languages; UNSPECIFIED is none of them."""

    def __init__(self, enum: Any, prefix: str, values: Iterable[E]) -> None:
        """Pair each value with the enum's name for it; "" is NONE there."""
        self._numbers = {value: int(enum.Value(f"{prefix}_{(value or 'none').upper()}")) for value in values}
        self._values = {number: value for value, number in self._numbers.items()}

    def number(self, value: E) -> Any:
        """Give the enum's number of a value."""
        return self._numbers[value]

    def value(self, number: int) -> E:
        """Give the value of an enum's number.

        Raises:
            Broken: `protocol-broken`: it has none.
        """
        if number not in self._values:
            raise foreign("an enum's value")
        return self._values[number]


STATES: Final = Codes(types_pb2.JobState, "JOB_STATE", JobState)
AWAITS: Final[Codes[Awaits]] = Codes(pb.AwaitedDecision, "AWAITED_DECISION", get_args(Awaits))
DECISIONS: Final[Codes[Decision]] = Codes(pb.Decision, "DECISION", get_args(Decision))
VERDICTS: Final[Codes[views.PolicyVerdict]] = Codes(pb.PolicyVerdict, "POLICY_VERDICT", get_args(views.PolicyVerdict))
REASON_CLASSES: Final[Codes[Any]] = Codes(pb.ReasonClass, "REASON_CLASS", ("", *get_args(ReasonClass)))
