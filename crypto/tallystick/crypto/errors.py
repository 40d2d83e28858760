"""What can go wrong in the cryptography, told apart by whose fault it is.

CryptoError
├── PeerFault    somebody else broke the protocol: names the sender and the rule, never a value
└── LocalFault   we would have broken it: a pre-condition of ours does not hold
"""

from __future__ import annotations

from typing import Any


def _again(kind: type[CryptoError], args: tuple[Any, ...], attributes: dict[str, Any]) -> CryptoError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class CryptoError(Exception):
    """Root of this room's errors.

    Attributes:
        rule: stable short name of the rule that was broken, such as `point-not-canonical`.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way back from a worker process: pickle's default would call the constructor with the message alone."""
        return _again, (type(self), self.args, self.__dict__)


class PeerFault(CryptoError):
    """A message from somebody else breaks the protocol.

    Attributes:
        sender: who sent it.
    """

    def __init__(self, rule: str, message: str, *, sender: str) -> None:
        super().__init__(rule, f"{sender}: {message}")
        self.sender = sender


class LocalFault(CryptoError):
    """We were about to break the protocol; nothing was sent."""
