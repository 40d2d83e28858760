from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import MAX_BYTES, build_unsigned, decode_document, read_document, sign_document, write_document
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.job.hello import Hello
from tests.governance import agreement, identity, sealing_key

HELLO = Hello(job="ab" * 32, attempt=1, agency="labor", sealing_key=sealing_key("labor").public.hex())
DOCUMENT = sign_document("hello", HELLO, "labor", identity("labor"))


def test_a_document_is_its_canonical_bytes_and_its_digest_theirs() -> None:
    assert DOCUMENT.body == HELLO.canonical()
    assert DOCUMENT.digest == HELLO.digest() == hashlib.sha256(HELLO.canonical()).hexdigest()
    assert DOCUMENT.read(Hello) == HELLO
    assert DOCUMENT.signers == ("labor",)
    DOCUMENT.verify_signature_of("labor", identity("labor").key)


def test_a_document_survives_bytes_text_and_file(tmp_path: Path) -> None:
    assert decode_document(DOCUMENT.encode(), kind="hello") == DOCUMENT
    assert decode_document(DOCUMENT.text().encode(), kind="hello") == DOCUMENT
    path = tmp_path / "hello.json"
    write_document(path, build_unsigned("hello", HELLO))
    write_document(path, DOCUMENT)
    assert read_document(path, kind="hello") == DOCUMENT
    assert [path.name for path in tmp_path.iterdir()] == ["hello.json"]


def test_a_plain_object_can_be_signed_too() -> None:
    document = sign_document("result", {"b": 1, "a": [None]}, "labor", identity("labor"))
    assert document.body == b'{"a":[null],"b":1}'
    with pytest.raises(Invalid):
        sign_document("result", {"a": 0.5}, "labor", identity("labor"))


def test_signatures_are_added_one_a_signer() -> None:
    both = DOCUMENT.with_signature("housing", identity("housing"))
    assert both.signers == ("labor", "housing")
    both.verify_signature_of("housing", identity("housing").key)
    assert DOCUMENT.signers == ("labor",)
    with pytest.raises(Invalid, match="signed this hello already"):
        both.with_signature("labor", identity("labor"))


def test_a_signature_is_asked_for_by_name_and_pinned_key() -> None:
    with pytest.raises(Refused) as caught:
        DOCUMENT.verify_signature_of("housing", identity("housing").key)
    assert caught.value.code == "signature-missing"
    for document, key in (
        (DOCUMENT, identity("housing").key),
        (replace(DOCUMENT, kind="approval"), identity("labor").key),
        (replace(DOCUMENT, body=DOCUMENT.body + b" "), identity("labor").key),
    ):
        with pytest.raises(Refused) as caught:
            document.verify_signature_of("labor", key)
        assert caught.value.code == "signature-invalid"


VALUE: dict[str, Any] = json.loads(DOCUMENT.encode())
SIGNATURE: dict[str, Any] = VALUE["signatures"][0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        DOCUMENT.encode() + b"x",
        DOCUMENT.encode() + DOCUMENT.encode(),
        DOCUMENT.encode().replace(b'{"body":', b'{"kind":"hello","body":', 1),
        json.dumps(VALUE | {"kind": "approval"}).encode(),
        json.dumps(VALUE | {"kind": "letter"}).encode(),
        json.dumps(VALUE | {"more": 1}).encode(),
        json.dumps({"kind": "hello", "body": VALUE["body"]}).encode(),
        json.dumps(VALUE | {"body": []}).encode(),
        json.dumps(VALUE | {"body": {"a": 0.5}}).encode(),
        json.dumps(VALUE | {"body": {"a": float("nan")}}).encode(),
        json.dumps(VALUE | {"body": {"e\u0301": 1}}).encode(),
        json.dumps(VALUE | {"signatures": [SIGNATURE, SIGNATURE]}).encode(),
        json.dumps(VALUE | {"signatures": [SIGNATURE | {"signer": "Labor!"}]}).encode(),
        json.dumps(VALUE | {"signatures": [SIGNATURE | {"signature": SIGNATURE["signature"][:-2]}]}).encode(),
        json.dumps(VALUE | {"signatures": [SIGNATURE | {"key": SIGNATURE["key"].upper()}]}).encode(),
        json.dumps(VALUE | {"signatures": [SIGNATURE | {"signer": f"s{i}"} for i in range(101)]}).encode(),
    ],
)
def test_a_malformed_document_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        decode_document(data, kind="hello")
    assert caught.value.code == "document-invalid"


def test_a_document_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Invalid) as caught:
        decode_document(b" " * (MAX_BYTES + 1), kind="hello")
    assert caught.value.code == "document-too-large"


def test_a_body_that_leaves_out_what_its_model_writes_is_refused() -> None:
    """One content with two digests would let two parties agree on different bytes."""
    whole = agreement().json_value()
    assert build_unsigned("agreement", whole).read(Agreement) == agreement()
    short = build_unsigned("agreement", {name: value for name, value in whole.items() if name != "decoys"})
    with pytest.raises(Invalid, match="leaves out keys"):
        short.read(Agreement)


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        read_document(tmp_path / "none.json", kind="job")
    assert caught.value.code == "file-missing"
    with pytest.raises(Broken) as broken:
        write_document(tmp_path / "none" / "job.json", DOCUMENT)
    assert broken.value.code == "disk"
