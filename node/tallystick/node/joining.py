"""How a node joins a network: an invitation, used once, for a certificate over a key that never leaves."""

from __future__ import annotations

from pathlib import Path

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.files import write_new_private
from tallystick.core.net.joining import InvitationFile, exchange_invitation
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import new_key
from tallystick.node.config import NodeConfig


def membership_of(config: NodeConfig) -> Membership:
    """Give the files that joining makes."""
    files = config.file.coordinator
    return Membership(
        authority=config.path(files.authority),
        certificate=config.path(files.certificate),
        key=config.path(files.key),
        hint="tally node join INVITE",
    )


def join(config: NodeConfig, invitation: InvitationFile) -> None:
    """Join with an invitation: keep a TLS key, exchange the invitation, keep certificate and authority. Blocks.

    The key is kept before the call, so that the same call can be made again after a lost answer. The call goes to the address
    of the configuration: an invitation may name one that is not reached from here.

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
    files = membership_of(config)
    key = _read_or_make_key(files.key)
    files.keep(exchange_invitation(invitation.model_copy(update={"address": config.file.coordinator.address}), key))


def _read_or_make_key(path: Path) -> bytes:
    """Read this node's TLS key, or make it at the first call."""
    if not path.exists():
        write_new_private(path, new_key())
    try:
        if path.is_symlink() or path.stat().st_mode & 0o077:
            raise Invalid("file-permissions", f"{path} is readable by others", hint=f"chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise Broken("disk", f"{path} cannot be read", hint="check the folder's permissions") from error
