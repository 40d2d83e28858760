"""What can go wrong in the cryptography, told apart by whose fault it is.

    CryptoError
    ├── PeerFault    somebody else broke the protocol: names the sender and the rule, never a value
    └── LocalFault   we would have broken it: a pre-condition of ours does not hold
"""

from __future__ import annotations


class CryptoError(Exception):
    """Root of this room's errors.

    Attributes:
        rule: stable short name of the rule that was broken, such as `point-not-canonical`.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


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
