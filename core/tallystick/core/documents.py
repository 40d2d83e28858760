"""Signed documents: canonical bytes, and signatures over them.

What is signed is the body's canonical bytes under the document's kind as context, so a signature over a hello is none over an
approval. As a file or message a document is the JSON object `{"kind": …, "body": {…}, "signatures": [{"signer": …, "key": …,
"signature": …}]}`.

Security: a signature names the key it was made with; that key is believed only where the agreement pins it
(`verify_signature_of`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import Field, StringConstraints

from tallystick.core.canonical import canonical_bytes, is_form_of, parse_canonical
from tallystick.core.errors import Invalid, Refused
from tallystick.core.files import read_at_most, write_public
from tallystick.core.keyfile import IdentityKey
from tallystick.core.model import Document, Hex32, Name
from tallystick.crypto import signing
from tallystick.crypto.errors import PeerFault

Kind = Literal[
    "agreement",
    "job",
    "approval",
    "hello",
    "shares",
    "result",
    "card",
    "release",
    "consent",
    "revocation",
    "request",
    "answer",
    "receipt",
    "door",
    "memorandum",
    "sharing",
    "license",
    "review-copy",
    "review",
    "destruction",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
MAX_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one document; results of the largest tables that a job may ask for fit."""
MAX_SIGNATURES: Final = 100

M = TypeVar("M", bound=Document)


class Signature(Document):
    """One signature.

    Attributes:
        signer: who says it is theirs.
        key: the public key, 64 hexadecimal digits.
        signature: 128 hexadecimal digits.
    """

    signer: Name
    key: Hex32
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


class DocumentFile(Document):
    """The JSON form: a file's, or of a document that stands in another one.

    Attributes:
        kind: one of `KINDS`.
        body: the text.
        signatures: over its canonical bytes.
    """

    kind: Name
    body: dict[str, Any]
    signatures: Annotated[tuple[Signature, ...], Field(max_length=MAX_SIGNATURES)]

    def open(self, *kinds: Kind) -> SignedDocument:
        """Give the document that this is the form of.

        Raises:
            Invalid: `document-invalid`: of another kind, or a signer signed twice.
        """
        wanted = " or ".join(kinds)
        if self.kind not in KINDS:
            raise Invalid("document-invalid", f"documents of kind {self.kind} are not known")
        if self.kind not in kinds:
            raise Invalid("document-invalid", f"this document is of kind {self.kind}, not {wanted}")
        signers = [signature.signer for signature in self.signatures]
        if len(set(signers)) != len(signers):
            raise Invalid("document-invalid", f"this {self.kind} holds two signatures of one signer")
        return SignedDocument(self.kind, canonical_bytes(self.body), self.signatures)


@dataclass(frozen=True)
class SignedDocument:
    """A document and its signatures; that they are right is known only after `verify_signature_of`.

    Attributes:
        kind: one of `KINDS`; the signatures' context.
        body: canonical bytes.
        signatures: at most one of each signer.

    What was found about it once is kept with it, since nothing of it changes: models that it was read as, keys that signed.
    """

    kind: str
    body: bytes
    signatures: tuple[Signature, ...]
    _models: dict[type[Document], Document] = field(default_factory=dict, init=False, repr=False, compare=False)
    _signed: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the body, 64 hexadecimal digits: what names an agreement or a job."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def signers(self) -> tuple[str, ...]:
        """Who claims to have signed, in order."""
        return tuple(signature.signer for signature in self.signatures)

    def with_signature(self, signer: str, identity: IdentityKey) -> SignedDocument:
        """Give the document with one more signature.

        Raises:
            Invalid: `document-invalid`: the signer has signed already.
        """
        if signer in self.signers:
            raise Invalid("document-invalid", f"{signer} has signed this {self.kind} already")
        made = Signature(signer=signer, key=identity.key, signature=identity.sign(self.kind, self.body).hex())
        return replace(self, signatures=(*self.signatures, made))

    def verify_signature_of(self, signer: str, key: str) -> None:
        """Check that `signer` signed this with the key that is pinned for them.

        Args:
            signer: whose signature is asked for.
            key: their public key from the agreement, hexadecimal.

        Raises:
            Refused: `signature-missing`; `signature-invalid`: made with another key, or over other bytes.
        """
        if (signer, key) in self._signed:
            return
        for signature in self.signatures:
            if signature.signer == signer:
                break
        else:
            raise Refused("signature-missing", f"{signer} has not signed this {self.kind}")
        if signature.key != key:
            raise Refused(
                "signature-invalid", f"the signature of {signer} on this {self.kind} is by a key other than the agreement's"
            )
        try:
            signing.verify(bytes.fromhex(key), self.kind, self.body, bytes.fromhex(signature.signature), signer=signer)
        except PeerFault as error:
            raise Refused("signature-invalid", f"the signature of {signer} does not fit this {self.kind}") from error
        self._signed.add((signer, key))

    def read(self, model: type[M]) -> M:
        """Give the body as a model.

        Raises:
            Invalid: `document-invalid`: it does not fit, or does not write out every key (then one content could have two
            digests).
        """
        known = self._models.get(model)
        if isinstance(known, model):
            return known
        document = model.read_canonical(self.body, parse_canonical(self.body), what=self.kind)
        if not is_form_of(self.body, document.json_value()):
            raise Invalid(
                "document-invalid",
                f"this {self.kind} leaves out keys that its canonical form writes",
                hint="write and sign it with tally",
            )
        self._models[model] = document
        return document

    def encode(self) -> bytes:
        """Write the JSON form as canonical bytes, for a message or a table."""
        signatures = canonical_bytes([signature.json_value() for signature in self.signatures])
        return b'{"body":%b,"kind":"%b","signatures":%b}' % (self.body, self.kind.encode(), signatures)

    def text(self) -> str:
        """Give the JSON form for people: indented."""
        return json.dumps(self._json_value(), ensure_ascii=False, indent=2) + "\n"

    def to_file(self) -> DocumentFile:
        """Give the JSON form as a value, so that the document can stand in another one."""
        return DocumentFile(kind=self.kind, body=json.loads(self.body), signatures=self.signatures)

    def _json_value(self) -> dict[str, Any]:
        return {"kind": self.kind, "body": json.loads(self.body), "signatures": [s.json_value() for s in self.signatures]}


def sign_document(kind: Kind, document: Document | Mapping[str, Any], signer: str, identity: IdentityKey) -> SignedDocument:
    """Give a document with its first signature.

    Raises:
        Invalid: `document-invalid`: the body has no canonical form.
    """
    return build_unsigned(kind, document).with_signature(signer, identity)


def build_unsigned(kind: Kind, document: Document | Mapping[str, Any]) -> SignedDocument:
    """Give a document that nobody has signed yet.

    Raises:
        Invalid: `document-invalid`: the body has no canonical form.
    """
    body = document.canonical() if isinstance(document, Document) else canonical_bytes(dict(document))
    return SignedDocument(kind, body, ())


def decode_document(data: bytes, *, kind: Kind) -> SignedDocument:
    """Read the JSON form, indented or not.

    Args:
        data: at most `MAX_BYTES`.
        kind: what the document must be.

    Raises:
        Invalid: `document-too-large`; `document-invalid`: not JSON, bytes left over, a repeated key, another kind, a signer
        twice.
    """
    return decode_one_of(data, (kind,))


def decode_one_of(data: bytes, kinds: tuple[Kind, ...]) -> SignedDocument:
    """Read the JSON form of a document of one of several kinds.

    Raises:
        Invalid: as `decode_document`.
    """
    what = kinds[0]
    if len(data) > MAX_BYTES:
        raise Invalid("document-too-large", f"a document is longer than {MAX_BYTES} bytes")
    try:
        value = json.loads(data, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise Invalid("document-invalid", f"this {what} is not JSON", detail=type(error).__name__) from None
    return DocumentFile.read(value, what=what).open(*kinds)


def read_document(path: Path, *, kind: Kind) -> SignedDocument:
    """Read a document from a file.

    Raises:
        Invalid: `file-missing`, and as `decode_document`.
    """
    return read_one_of(path, (kind,))


def read_one_of(path: Path, kinds: tuple[Kind, ...]) -> SignedDocument:
    """Read a document of one of several kinds from a file.

    Raises:
        Invalid: `file-missing`, and as `decode_document`.
    """
    return decode_one_of(read_at_most(path, MAX_BYTES, hint="check the path and its permissions"), kinds)


def write_document(path: Path, document: SignedDocument) -> None:
    """Write a document to a file, whole or not at all; a file of that name is replaced.

    Raises:
        Broken: `disk`.
    """
    write_public(path, document.text().encode())


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("repeated key")
    return value
