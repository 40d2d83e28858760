"""The people who may log in, one file each, and the one-time links by which they come in for the first time.

Both lie in a folder that only the process's user may read. A command that runs as the same user writes a link, the pages take it.

Rules that this file enforces:

1. A link is taken once, and until its time is over. Its file is named by the digest of its token: who reads the folder cannot log in.
2. A person's file is written when they choose a passphrase; another link of the same name lets them choose another one, and a new key
   with it, because what the old passphrase locked is lost.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tallystick.core.clock import Clock
from tallystick.core.errors import Broken, Invalid, Refused, TallyError
from tallystick.core.files import make_private, write_new_private, write_private
from tallystick.core.keyfile import read_closed
from tallystick.core.model import Document, Hex32, Name
from tallystick.core.pages.locks import Locked
from tallystick.crypto.randomness import Randomness

LINK_MINUTES: Final = 15
_MOST_BYTES: Final = 65_536
_NAME: Final = r"[a-z][a-z0-9_-]{0,63}"


class Account(Document):
    """A person who may log in.

    Attributes:
        name: who: of a steward, as agreements name them.
        key: their public identity key; None for an operator, who signs nothing.
        locked: their private key, or of an operator a random text, under their passphrase.
        analyst: true of an analyst at the coordinator's pages, who sees their own jobs alone.
    """

    name: Name
    key: Hex32 | None = None
    locked: Locked
    analyst: bool | None = None

    @property
    def is_analyst(self) -> bool:
        """Whether it is an analyst's."""
        return self.analyst is True


@dataclass(frozen=True)
class LoginLink:
    """Whose a link is, and whether it is an analyst's."""

    name: str
    is_analyst: bool


class _LinkFile(Document):
    """A link that nobody has taken yet."""

    name: Name
    expires: str
    analyst: bool | None = None


class Accounts:
    """People and links in a folder. Methods read and write files."""

    def __init__(self, folder: Path, clock: Clock, randomness: Randomness) -> None:
        """Take the folder, which is made on the first writing; its parent exists."""
        self.folder = folder
        self._clock = clock
        self._randomness = randomness

    def make_link(self, name: str, *, analyst: bool = False) -> str:
        """Make a one-time link's token for a person.

        Args:
            name: whose it is.
            analyst: whether it lets an analyst in, to their own jobs alone.

        Raises:
            Invalid: `document-invalid`: the name is that of somebody who is let in otherwise. Broken: `disk`, `state-corrupt`.
        """
        self.check_kind(name, analyst=analyst)
        token = self._randomness.take(32).hex()
        expires = self._clock.now() + timedelta(minutes=LINK_MINUTES)
        path = self._link_path(token)
        make_private(self.folder)
        make_private(path.parent)
        body = json.dumps({"name": name, "expires": expires.isoformat()} | ({"analyst": True} if analyst else {}))
        write_new_private(path, body.encode())
        return token

    def check_kind(self, name: str, *, analyst: bool) -> None:
        """Refuse to let somebody in under the name of an account of the other kind.

        Raises:
            Invalid: `document-invalid`. Broken: `state-corrupt`.
        """
        account = self.find(name)
        if account is not None and account.is_analyst != analyst:
            kind = "an analyst" if account.is_analyst else "an operator"
            raise Invalid(
                "document-invalid", f"{name} is {kind} at these pages", hint="take another name, or delete this account's file"
            )

    def check_link(self, token: str) -> LoginLink:
        """Give whose link it is, and leave it as it is.

        Raises:
            Refused: `invite-invalid`: unknown, taken, or too old.
        """
        path = self._link_path(token)
        try:
            link = _LinkFile.read(json.loads(read_closed(path, _MOST_BYTES, what="link")), what="link")
            alive = self._clock.now() < datetime.fromisoformat(link.expires)
        except (TallyError, ValueError):
            raise _link_fault() from None
        if not alive:
            path.unlink(missing_ok=True)
            raise _link_fault()
        return LoginLink(link.name, link.analyst is True)

    def take_link(self, token: str) -> LoginLink:
        """Give whose link it is; it is used up. Of two at once, one takes it.

        Raises:
            Refused: `invite-invalid`: unknown, taken, or too old.
        """
        link = self.check_link(token)
        try:
            self._link_path(token).unlink()
        except OSError:
            raise _link_fault() from None
        return link

    def find(self, name: str) -> Account | None:
        """Give a person's account; None where there is none.

        Raises:
            Broken: `state-corrupt`.
        """
        path = self._path(name)
        if not is_account_name(name) or not path.exists():
            return None
        try:
            return Account.read(json.loads(read_closed(path, _MOST_BYTES, what="account")), what="account")
        except (TallyError, ValueError) as error:
            raise Broken("state-corrupt", f"{path} cannot be read", hint="make a new login link for this person") from error

    def keep(self, account: Account) -> None:
        """Keep an account, in place of an older one.

        Raises:
            Broken: `disk`.
        """
        make_private(self.folder)
        write_private(self._path(account.name), account.canonical())

    def list_keys(self) -> dict[str, str]:
        """Give the public keys of everybody who has one, by name."""
        names = sorted(path.stem for path in self.folder.glob("*.json"))
        found: dict[str, Any] = {name: self.find(name) for name in names}
        return {name: account.key for name, account in found.items() if account is not None and account.key is not None}

    def _link_path(self, token: str) -> Path:
        return self.folder / "links" / f"{_digest(token)}.json"

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def is_account_name(name: str) -> bool:
    """Tell whether a text can be the name of an account."""
    return re.fullmatch(_NAME, name) is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _link_fault() -> Refused:
    return Refused(
        "invite-invalid", "this login link was used already, or its time is over", hint="ask for another one on the terminal"
    )
