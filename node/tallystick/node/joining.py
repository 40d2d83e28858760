"""How a node joins a network: an invitation, used once, for a certificate over a key that never leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.net.tls import Credentials, certificate_identity, new_key
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.config import NodeConfig
from tallystick.node.link import join, write_secret

_KEYS: Final = {"kind", "address", "network", "role", "name", "expires", "authority", "certificate", "key"}


@dataclass(frozen=True)
class Invitation:
    """An invitation file: where the coordinator is, who may join as what, and the one-time certificate."""

    address: str
    role: str
    name: str
    shown: Credentials = field(repr=False)


def read_invitation(path: Path) -> Invitation:
    """Read an invitation file.

    Raises:
        Invalid: `file-missing`, `invite-invalid`.
    """
    try:
        value: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise Invalid(
            "file-missing", f"{path} cannot be read", hint="ask the coordinator's operator for an invitation"
        ) from error
    except ValueError as error:
        raise Invalid("invite-invalid", f"{path} is no invitation") from error
    if not isinstance(value, dict) or value.keys() != _KEYS or not all(isinstance(text, str) for text in value.values()):
        raise Invalid("invite-invalid", f"{path} is no invitation")
    if value["kind"] != "invitation":
        raise Invalid("invite-invalid", f"{path} is no invitation")
    shown = Credentials(value["authority"].encode(), value["certificate"].encode(), value["key"].encode())
    return Invitation(value["address"], value["role"], value["name"], shown)


async def joined(config: NodeConfig, invitation: Invitation) -> None:
    """Join with an invitation: keep a TLS key, exchange the invitation, keep certificate and authority.

    The key is kept before the call, so that the same call can be made again after a lost answer.

    Raises:
        Refused: `invite-invalid`: it is not for this agency; used; expired.
        NotReady: `unavailable`.
        Broken: `disk`.
    """
    if (invitation.role, invitation.name) != ("agency", config.agency):
        raise Refused(
            "invite-invalid",
            f"this invitation is for {invitation.role} {invitation.name}, not for agency {config.agency}",
            hint="ask the coordinator's operator for one of your own",
        )
    files = config.file.coordinator
    key = _kept_key(config.path(files.key))
    answer = await join(config.file.coordinator.address, invitation.shown, key)
    named = certificate_identity(answer.certificate_chain)
    if (named.role, named.name) != ("agency", config.agency):
        raise Refused("invite-invalid", "the coordinator's certificate names somebody else", hint="ask for a new invitation")
    _replace(config.path(files.authority), invitation.shown.authority)
    _replace(config.path(files.certificate), answer.certificate_chain)


def _kept_key(path: Path) -> bytes:
    """Give this node's TLS key; made at the first call."""
    try:
        if not path.exists():
            write_secret(path, new_key())
        if path.is_symlink() or path.stat().st_mode & 0o077:
            raise Invalid("file-permissions", f"{path} is readable by others", hint=f"chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise Broken("disk", f"{path} cannot be written", hint="check the folder's permissions") from error


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{SystemRandomness().take(8).hex()}")
    try:
        write_secret(draft, data)
        draft.replace(path)
    except OSError as error:
        raise Broken("disk", f"{path} cannot be written", hint="check the folder's permissions") from error
