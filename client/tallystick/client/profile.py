"""An analyst's profile: one private folder with a key, a certificate, the agreements and the jobs asked.

    identity.key                 signs jobs; its public half stands in agreements
    network.json                 who we are in which network, and the coordinator's address
    authority.pem certificate.pem tls.key
    agreements/NAME.json         the newest signed agreement of each name that we used
    jobs/DIGEST/job.json         a job as it was signed
    jobs/DIGEST/result.key       what its result is sealed to; written before the job is sent, 0600
    jobs/DIGEST/recipient.key    of a direct job, what opens its numbers; written before the job is sent, 0600
    jobs/DIGEST/result.json      the result, as it was opened

The folder is $TALLY_HOME, or ~/.config/tallystick.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.documents import SignedDocument, read_document, write_document
from tallystick.core.errors import Invalid
from tallystick.core.files import make_private, write_private
from tallystick.core.ids import resolve_digest
from tallystick.core.keyfile import (
    IdentityKey,
    new_identity,
    read_identity,
    read_recipient_key,
    read_sealing_key,
    write_identity,
    write_recipient_key,
    write_sealing_key,
)
from tallystick.core.model import Document, Name
from tallystick.core.net.joining import InvitationFile
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import Credentials
from tallystick.core.net.walk import find_cause
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.paillier import PrivateKey


class Network(Document):
    """Who we are in which network.

    Attributes:
        address: the coordinator's `host:port`.
        network: its name, as it stands in certificates.
        role: analyst or approver.
        name: ours, as agreements name us.
    """

    address: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")]
    network: Name
    role: str
    name: Name


@dataclass(frozen=True)
class AnalystProfile:
    """A profile folder; nothing is read before it is asked for."""

    folder: Path

    @property
    def identity(self) -> IdentityKey:
        """Our identity.

        Raises:
            Invalid: `file-missing`, `file-permissions`, `file-format`.
        """
        path = self.folder / "identity.key"
        if not path.exists():
            raise Invalid("file-missing", f"{self.folder} holds no profile", hint="tally profile init")
        return read_identity(path)

    @property
    def network(self) -> Network:
        """Our network.

        Raises:
            Invalid: `not-enrolled`: never joined; `document-invalid`.
        """
        try:
            value = json.loads((self.folder / "network.json").read_bytes())
        except FileNotFoundError as error:
            raise Invalid(
                "not-enrolled", "this profile has not joined a network", hint="tally profile join INVITATION"
            ) from error
        except (OSError, ValueError) as error:
            raise Invalid("file-format", f"{self.folder / 'network.json'} cannot be read", hint="join again") from error
        return Network.read(value, what="network.json")

    def create(self) -> IdentityKey:
        """Make the folder and an identity in it.

        Raises:
            Invalid: `file-exists`: there is one already.
        """
        make_private(self.folder)
        identity = new_identity()
        write_identity(self.folder / "identity.key", identity)
        return identity

    def enrol(self, invitation: InvitationFile, shown: Credentials) -> Network:
        """Keep what joining gave, and give who we are; an older certificate is replaced."""
        network = Network.model_validate({name: getattr(invitation, name) for name in Network.model_fields})
        make_private(self.folder)
        self.membership.keep(shown)
        write_private(self.folder / "network.json", network.canonical())
        return network

    def dial(self, address: str, *, unchecked: bool = False) -> Network:
        """Dial the coordinator at another address from now on; give the network as it was.

        Args:
            address: `host:port`.
            unchecked: take it though the coordinator does not answer there yet.

        Raises:
            Invalid: `document-invalid`: it is no address.
            TallyError: what stands in the way to it (`walk.py`): it must show a certificate of the network that was joined.
        """
        before = self.network
        after = Network.read(before.json_value() | {"address": address}, what="HOST:PORT")
        if not unchecked and (problem := find_cause(address, self.membership.credentials(), SystemClock().now())) is not None:
            raise problem
        write_private(self.folder / "network.json", after.canonical())
        return before

    @property
    def membership(self) -> Membership:
        """The files that joining makes."""
        return Membership.in_folder(self.folder, "tally profile join INVITATION")

    def keep_agreement(self, document: SignedDocument, *, clock: Clock | None = None) -> Agreement:
        """Check an agreement, refuse one older than what was used before, and keep it.

        Raises:
            Invalid, Refused: as `valid_agreement`.
        """
        name = json.loads(document.body).get("agreement")
        seen = self._find_version(str(name))
        agreement = valid_agreement(document, (clock or SystemClock()).now(), seen=seen)
        folder = self.folder / "agreements"
        make_private(folder)
        write_document(folder / f"{agreement.agreement}.json", document)
        return agreement

    def agreement(self, name: str) -> SignedDocument:
        """Give the agreement of that name that was used last.

        Raises:
            Invalid: `agreement-unknown`.
        """
        path = self.folder / "agreements" / f"{name}.json"
        if not path.exists():
            raise Invalid("agreement-unknown", f"this profile knows no agreement {name}", hint="give it once: --agreement FILE")
        return read_document(path, kind="agreement")

    def agreements(self) -> list[str]:
        """Give the names of the agreements used from here."""
        folder = self.folder / "agreements"
        return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []

    def _find_version(self, name: str) -> tuple[int, str] | None:
        try:
            document = self.agreement(name)
        except Invalid:
            return None
        return document.read(Agreement).version, document.digest

    def keep_job(self, document: SignedDocument, key: SealingKey, recipient: PrivateKey | None = None) -> None:
        """Keep a job's result key, of a direct job what opens its numbers, and then the job, before anything is sent.

        Raises:
            Invalid: `file-exists`.
        """
        folder = self.folder / "jobs" / document.digest
        make_private(folder)
        write_sealing_key(folder / "result.key", key)
        if recipient is not None:
            write_recipient_key(folder / "recipient.key", recipient)
        write_document(folder / "job.json", document)

    def jobs(self) -> list[str]:
        """Give the digests of all jobs asked from here."""
        folder = self.folder / "jobs"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def job(self, name: str) -> tuple[str, SignedDocument, SealingKey]:
        """Give a job asked from here: its digest, the document, and the key of its result.

        Raises:
            Invalid: `job-unknown`, `file-missing`, `file-permissions`.
        """
        digest = resolve_digest(name, self.jobs())
        folder = self.folder / "jobs" / digest
        return digest, read_document(folder / "job.json", kind="job"), read_sealing_key(folder / "result.key")

    def recipient(self, digest: str) -> PrivateKey:
        """Give what opens the numbers of a direct job that was asked from here.

        Raises:
            Invalid: `file-missing`, `file-permissions`, `file-format`.
        """
        return read_recipient_key(self.folder / "jobs" / digest / "recipient.key")

    def keep_result(self, digest: str, text: bytes) -> Path:
        """Keep an opened result; the same again changes nothing."""
        path = self.folder / "jobs" / digest / "result.json"
        write_private(path, text)
        return path


def open_profile(folder: Path | None = None) -> AnalystProfile:
    """Give the profile at a folder, or at $TALLY_HOME, or at ~/.config/tallystick."""
    if folder is None:
        home = os.environ.get("TALLY_HOME")
        folder = Path(home) if home else Path.home() / ".config" / "tallystick"
    return AnalystProfile(folder)
