"""The settings of pages, which are the same at a coordinator and at a node; nothing of what draws pages is imported here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import StringConstraints

from tallystick.core.errors import Invalid, NotReady
from tallystick.core.keyfile import read_closed
from tallystick.core.model import Document, Name
from tallystick.core.net.hosts import is_loopback_host

_MOST_SECRET: Final = 4096
_Path = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ProviderKeys(Document):
    """`pages_provider`: an OpenID Connect provider at which people may sign in.

    Attributes:
        issuer: its address, as its tokens name it; https, or a server on this machine.
        client: the client's identifier there.
        secret_file: the client's secret, closed to others; None for a client without one.
        claim: of the ID token, which says who somebody is. `email` counts only where the provider says that it is verified.
        people: the claim's value, and the name that it has at these pages; nobody else comes in.
        analysts: the same of analysts, at a coordinator with `pages_analysts`.
        only: whether names and passphrases no longer begin a session.
    """

    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$", max_length=500)]
    client: _Line
    secret_file: _Path | None = None
    claim: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.:/-]{0,99}$")] = "sub"
    people: dict[_Line, Name] = {}
    analysts: dict[_Line, Name] = {}
    only: bool = False


class PageKeys(Document):
    """The keys of a configuration that have to do with pages.

    Attributes:
        pages: `host:port` where pages are served; nowhere when it is left out. On another address than loopback it needs the next two.
        pages_certificate: the certificate chain of their TLS.
        pages_key: the private key to it, closed to others.
        pages_provider: a provider at which people may sign in; names and passphrases alone when it is left out.
    """

    pages: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")] | None = None
    pages_certificate: _Path | None = None
    pages_key: _Path | None = None
    pages_provider: ProviderKeys | None = None


@dataclass(frozen=True)
class ProviderPlace:
    """A provider, and where its client's secret lies."""

    keys: ProviderKeys
    secret_file: Path | None

    def check(self) -> None:
        """Refuse a provider that is reached over a network in the clear.

        Raises:
            Invalid: `document-invalid`.
        """
        if not is_private(self.keys.issuer):
            raise Invalid(
                "document-invalid",
                f"the provider {self.keys.issuer} would be reached over a network in the clear",
                hint="name its https address: pages_provider",
            )

    def read_secret(self) -> str | None:
        """Read the client's secret; None where it has none.

        Raises:
            Invalid: `file-missing`, `file-permissions`, `file-format`.
        """
        if self.secret_file is None:
            return None
        try:
            secret = read_closed(self.secret_file, _MOST_SECRET, what="client's secret").decode().strip()
        except UnicodeDecodeError:
            secret = ""
        if not secret or len(secret) > _MOST_SECRET:
            raise Invalid(
                "file-format", f"{self.secret_file} holds no client's secret", hint="one line, as the provider gave it"
            )
        return secret


@dataclass(frozen=True)
class PagePlace:
    """Where pages are reached.

    Attributes:
        listen: `host:port`; port 0 lets the system choose.
        certificate, key: of TLS; both None on loopback.
        state: the folder in which `pages-address` says where they are while they are served.
        provider: where people may sign in.
    """

    listen: str
    certificate: Path | None
    key: Path | None
    state: Path
    provider: ProviderPlace | None = None

    @property
    def secure(self) -> bool:
        """Whether they are reached over TLS."""
        return self.certificate is not None

    def check(self) -> None:
        """Refuse to serve passphrases over a network in the clear.

        Raises:
            Invalid: `document-invalid`.
        """
        host = self.listen.rpartition(":")[0].strip("[]")
        if (self.certificate is None) != (self.key is None):
            raise Invalid("document-invalid", "pages over TLS need pages_certificate and pages_key, both")
        if not self.secure and not is_loopback_host(host):
            raise Invalid(
                "document-invalid",
                f"pages at {host} would send passphrases over a network in the clear",
                hint="name pages_certificate and pages_key; or 127.0.0.1, and reach it by ssh -L",
            )
        if self.provider is not None:
            self.provider.check()


def find_place(keys: PageKeys, folder: Path, state: Path) -> PagePlace | None:
    """Say where a configuration wants pages; None for nowhere.

    Args:
        keys: of the configuration.
        folder: that its paths are relative to. A link in place of a secret is refused, so none is followed here.
        state: the state folder.

    Raises:
        Invalid: `document-invalid`: they, or a provider, would be reached over a network in the clear.
    """
    if keys.pages is None:
        return None

    def place_of(path: str | None) -> Path | None:
        return None if path is None else (folder / path).absolute()

    provider = keys.pages_provider
    place = PagePlace(
        keys.pages,
        place_of(keys.pages_certificate),
        place_of(keys.pages_key),
        state,
        None if provider is None else ProviderPlace(provider, place_of(provider.secret_file)),
    )
    place.check()
    return place


@contextlib.contextmanager
def explain_missing() -> Iterator[None]:
    """Say, where what draws pages is not installed, how it gets there.

    Raises:
        NotReady: `unavailable`.
    """
    try:
        yield
    except ImportError as error:
        extra = "pages,oidc" if error.name in {"httpx", "joserfc"} else "pages"
        hint = f"install it: pip install 'tallystick[{extra}]'"
        raise NotReady("unavailable", "what serves pages is not installed", hint=hint, detail=str(error.name)) from error


def is_private(address: str) -> bool:
    """Tell whether what is sent to an address stays between the two: over TLS, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(parts.hostname or ""))
