"""A member's three files: the network's authority, its own certificate, the key to it; and how the certificate is renewed in time.

A renewal that is cut off anywhere is finished or begun again: the new key lies beside the old one (`.next`) before it is sent for,
and takes its place after the new certificate has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tallystick.core.errors import Invalid
from tallystick.core.files import write_new_private, write_private
from tallystick.core.net.joining import renew_certificate
from tallystick.core.net.tls import CLOCK_SKEW, Credentials, is_key_of, load_certificate, new_key

DUE: Final = 3
"""A certificate is renewed when less than this part of its life is left: a third."""


@dataclass(frozen=True)
class Membership:
    """Where the files are.

    Attributes:
        authority, certificate, key: PEM files; the key's is closed to others.
        hint: how to join, for who has not.
    """

    authority: Path
    certificate: Path
    key: Path
    hint: str

    @classmethod
    def in_folder(cls, folder: Path, hint: str) -> Membership:
        """Give the files under their usual names."""
        return cls(folder / "authority.pem", folder / "certificate.pem", folder / "tls.key", hint)

    def credentials(self) -> Credentials:
        """Give what is shown to the coordinator; finishes a renewal that was cut off.

        Raises:
            Invalid: `not-enrolled`: a file is missing.
        """
        try:
            authority, chain, key = (path.read_bytes() for path in (self.authority, self.certificate, self.key))
            if self._next.exists() and not is_key_of(key, chain) and is_key_of(self._next.read_bytes(), chain):
                self._next.replace(self.key)
                key = self.key.read_bytes()
        except OSError as error:
            raise Invalid(
                "not-enrolled", "there is no certificate of a network here yet", hint=self.hint, detail=type(error).__name__
            ) from error
        return Credentials(authority, chain, key)

    def keep(self, shown: Credentials) -> None:
        """Keep what joining gave; an older certificate is replaced.

        Raises:
            Broken: `disk`.
        """
        write_private(self.key, shown.key)
        write_private(self.authority, shown.authority)
        write_private(self.certificate, shown.chain)
        self._next.unlink(missing_ok=True)

    def due(self, now: datetime) -> bool:
        """Say whether the certificate has little left of its life.

        Raises:
            Invalid: `not-enrolled`.
        """
        certificate = load_certificate(self.credentials().chain)
        end = certificate.not_valid_after_utc
        return end - now < (end - certificate.not_valid_before_utc - CLOCK_SKEW) / DUE

    def renew(self, address: str) -> Credentials:
        """Get a new certificate to a new key from the coordinator at `host:port`, keep both, and give them. Blocks.

        Raises:
            Invalid: `not-enrolled`: there is none to renew. Refused: `not-enrolled`: revoked, or expired. NotReady: `unavailable`.
            Broken: `disk`.
        """
        held = self.credentials()
        if not self._next.exists():
            write_new_private(self._next, new_key())
        shown = renew_certificate(address, held, self._next.read_bytes())
        write_private(self.certificate, shown.chain)
        self._next.replace(self.key)
        return shown

    @property
    def _next(self) -> Path:
        return self.key.with_name(f"{self.key.name}.next")
