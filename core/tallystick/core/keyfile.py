"""Private keys in files that nobody else can read.

A key file is JSON: `{"kind": "identity" | "sealing" | "recipient", "private": hex, "public": hex}`. It is written once, complete or not at
all, with mode 0600, and never over another file. It is read only if it is a regular file, no symbolic link, and closed to group
and others.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tallystick.core.errors import Invalid
from tallystick.core.files import write_new_private
from tallystick.crypto import signing
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.paillier import MODULUS_BYTES, PrivateKey, PublicKey
from tallystick.crypto.randomness import Randomness

_MAX_BYTES: Final = 16_384
MOST_PASSWORD_BYTES: Final = 4096
_CLOSED: Final = 0o077


@dataclass(frozen=True)
class IdentityKey:
    """An Ed25519 key that signs as one party. Its repr shows the public key alone."""

    private: bytes

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return signing.public_of(self.private)

    @property
    def key(self) -> str:
        """The public key as documents pin it: 64 hexadecimal digits."""
        return self.public.hex()

    def sign(self, context: str, message: bytes) -> bytes:
        """Give the signature over a message under a context: 64 bytes."""
        return signing.sign(self.private, context, message)

    def __repr__(self) -> str:
        return f"Identity({self.key})"


def new_identity(randomness: Randomness | None = None) -> IdentityKey:
    """Make an identity."""
    return IdentityKey(signing.generate(randomness))


def write_identity(path: Path, identity: IdentityKey) -> None:
    """Write an identity to a new file.

    Raises:
        Invalid: `file-exists`, `file-missing` (no such folder).
        Broken: `disk`.
    """
    _write(path, "identity", identity.private, identity.public)


def read_identity(path: Path) -> IdentityKey:
    """Read an identity.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`.
    """
    private, public = _read(path, "identity")
    try:
        identity = IdentityKey(private)
        matches = identity.public == public
    except LocalFault as error:
        raise _format_fault(path, "identity") from error
    if not matches:
        raise _format_fault(path, "identity")
    return identity


def write_sealing_key(path: Path, key: SealingKey) -> None:
    """Write a sealing key to a new file.

    Raises:
        Invalid: `file-exists`, `file-missing` (no such folder).
        Broken: `disk`.
    """
    _write(path, "sealing", key.private_bytes(), key.public)


def read_sealing_key(path: Path) -> SealingKey:
    """Read a sealing key.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`.
    """
    private, public = _read(path, "sealing")
    try:
        key = SealingKey(private)
    except LocalFault as error:
        raise _format_fault(path, "sealing") from error
    if key.public != public:
        raise _format_fault(path, "sealing")
    return key


def write_recipient_key(path: Path, key: PrivateKey) -> None:
    """Write what opens a direct job's numbers to a new file.

    Raises:
        Invalid: `file-exists`, `file-missing` (no such folder).
        Broken: `disk`.
    """
    _write(path, "recipient", key.p + key.q, key.public.modulus_bytes)


def read_recipient_key(path: Path) -> PrivateKey:
    """Read what opens a direct job's numbers.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`.
    """
    private, public = _read(path, "recipient")
    p, q = private[: len(private) // 2], private[len(private) // 2 :]
    modulus = int.from_bytes(p, "big") * int.from_bytes(q, "big")
    if len(public) != MODULUS_BYTES or modulus != int.from_bytes(public, "big"):
        raise _format_fault(path, "recipient")
    return PrivateKey(PublicKey(modulus), p, q)


def _write(path: Path, kind: str, private: bytes, public: bytes) -> None:
    text = json.dumps({"kind": kind, "private": private.hex(), "public": public.hex()}, indent=2) + "\n"
    hint = "keys are never overwritten: choose another name, or move the file away"
    write_new_private(path, text.encode("ascii"), hint=hint)


def read_closed(path: Path, most: int, *, what: str) -> bytes:
    """Read a secret file: a regular one, no symbolic link, closed to group and others; of a longer one `most` + 1 bytes.

    Args:
        path: the file.
        most: how many bytes it may have.
        what: what an error calls it, such as "key file".

    Raises:
        Invalid: `file-missing`, `file-permissions`.
    """
    try:
        # O_NONBLOCK: a pipe in place of the file must not hold us up before it is refused
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise Invalid("file-permissions", f"{path} is a symbolic link", hint=f"name the {what} itself") from error
        raise Invalid(
            "file-missing", f"the {what} {path} cannot be read", hint="check the path and its owner", detail=str(error.errno)
        ) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Invalid("file-permissions", f"{path} is not a regular file", hint=f"name the {what} itself")
        if status.st_mode & _CLOSED:
            hint = f"chmod 600 {path}; if others could read it, make a new one"
            raise Invalid("file-permissions", f"{path} is readable by others", hint=hint)
        return os.read(handle, most + 1)
    finally:
        os.close(handle)


def _read(path: Path, kind: str) -> tuple[bytes, bytes]:
    data = read_closed(path, _MAX_BYTES, what="key file")
    try:
        value = json.loads(data)
        if (
            len(data) > _MAX_BYTES
            or not isinstance(value, dict)
            or value.keys() != {"kind", "private", "public"}
            or value["kind"] != kind
        ):
            raise _format_fault(path, kind)
        return bytes.fromhex(value["private"]), bytes.fromhex(value["public"])
    except (ValueError, TypeError, RecursionError):
        # without its cause: a parser's message may quote the file
        raise _format_fault(path, kind) from None


def _format_fault(path: Path, kind: str) -> Invalid:
    return Invalid("file-format", f"{path} is not a key file of kind {kind}")


def read_password(path: Path) -> str:
    """Read a password, as of a database's role: the one line of a file that is closed to others.

    Raises:
        Invalid: `file-missing`, `file-permissions`; `file-format`: not one line of text.
    """
    data = read_closed(path, MOST_PASSWORD_BYTES, what="password file")
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""  # what is raised must not hold the bytes
    if not text or len(data) > MOST_PASSWORD_BYTES or not text.isprintable():
        raise Invalid("file-format", f"{path} does not hold a password", hint="one line of text, and nothing else")
    return text
