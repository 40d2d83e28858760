"""The hello: which sealing key an agency uses in one attempt of one job, signed with its identity key.

The key is made afresh for the attempt and never written down, so a recorded attempt cannot be opened later by whoever takes the
machine.

In a second or third attempt the desk's hello also holds its word that it opened nothing of the attempts before. Two openings of one job,
over slots that a coordinator chose, could be subtracted; so no agency goes into another attempt without that word (S-18, S-41).
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Broken, TallyError
from tallystick.core.keyfile import IdentityKey
from tallystick.core.model import Document, Hex32, Name
from tallystick.crypto.envelope import check_public_key
from tallystick.crypto.errors import PeerFault

MAX_ATTEMPTS = 3
MAX_ENTRIES: Final = 1 << 40


class LogHead(Document):
    """How a node's log stood: it commits to every entry, and to their order (`crypto/logtree.py`).

    Attributes:
        size: entries.
        head: of the tree over them.
    """

    size: Annotated[int, Field(ge=0, le=MAX_ENTRIES)]
    head: Hex32


class LogWord(LogHead):
    """What a hello says of logs.

    Attributes:
        size, head: of the sender's own log, before this hello.
        seen: by agency, the head of another participant's log that this one heard last: its signature over it.
    """

    seen: dict[Name, LogHead] = {}


class Hello(Document):
    """One agency's hello.

    Attributes:
        job: the job's digest.
        attempt: 1 to `MAX_ATTEMPTS`.
        sealing_key: 1,216 bytes, hexadecimal.
        nothing_opened: in the desk's hello of attempt n > 1, the attempts 1 to n - 1: of none of them was a share opened, and none
            will be. None in every other hello.
        log: how the agency's log stands, so that every participant holds a signed word of it (S-23). None: its software says nothing.
    """

    job: Hex32
    attempt: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]
    agency: Name
    sealing_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2432}$")]
    nothing_opened: tuple[Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)], ...] | None = None
    log: LogWord | None = None


def earlier_attempts(attempt: int) -> tuple[int, ...] | None:
    """Give the attempts that the desk's word must name in its hello of an attempt; None in the first, which has none before it."""
    return tuple(range(1, attempt)) or None


def new_hello(
    job: str,
    attempt: int,
    agency: str,
    sealing_key: bytes,
    identity: IdentityKey,
    *,
    nothing_opened: tuple[int, ...] | None = None,
    log: LogWord | None = None,
) -> SignedDocument:
    """Give an agency's signed hello.

    Args:
        job: the job's digest, hexadecimal.
        attempt: 1 to `MAX_ATTEMPTS`.
        agency: its name in the agreement.
        sealing_key: the public key, 1,216 bytes.
        identity: the agency's.
        nothing_opened: the desk's word on the attempts before; nobody else gives one.
        log: how its log stands.

    Raises:
        pydantic.ValidationError: an attempt or key out of range.
    """
    hello = Hello(
        job=job, attempt=attempt, agency=agency, sealing_key=sealing_key.hex(), nothing_opened=nothing_opened, log=log
    )
    return sign_document("hello", hello, agency, identity)


def verify_hello(document: SignedDocument, *, job: str, attempt: int, agency: str, agreement: Agreement) -> Hello:
    """Give the hello that is awaited from an agency, if this is it.

    Args:
        document: of kind `hello`.
        job: the job's digest, hexadecimal.
        attempt: the attempt under way.
        agency: from whom it is awaited.
        agreement: pins the agency's key.

    Raises:
        Broken: `protocol-broken`: malformed, for another job or attempt, of another agency, by another key, nothing can be
            sealed to its key, the desk does not say of exactly the attempts before that nothing was opened, or another agency does.
    """
    if agency not in agreement.parties:
        raise _fault(agency, "is no party to the agreement")
    if document.kind != "hello" or document.signers != (agency,):
        raise _fault(agency, "did not sign its hello, or not alone")
    try:
        document.verify_signature_of(agency, agreement.parties[agency].key)
        hello = document.read(Hello)
        check_public_key(bytes.fromhex(hello.sealing_key), owner=agency)
    except (TallyError, PeerFault) as error:
        raise _fault(agency, "sent a hello that is malformed or not signed with its key", detail=str(error)) from error
    if (hello.job, hello.attempt, hello.agency) != (job, attempt, agency):
        raise _fault(agency, "sent a hello for another job, attempt or agency")
    is_desk = agency == agreement.release.desk
    if is_desk and hello.nothing_opened != earlier_attempts(attempt):
        raise _fault(agency, "is the desk and does not say in its hello that nothing of the attempts before was opened")
    if not is_desk and hello.nothing_opened is not None:
        raise _fault(agency, "is not the desk and says in its hello what was opened")
    return hello


def _fault(agency: str, problem: str, *, detail: str = "") -> Broken:
    return Broken("protocol-broken", f"{agency} {problem}", detail=detail)
