"""Which agreements a node acts under: new files without a restart, nothing older than what was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import FixedClock
from tallystick.core.documents import SignedDocument, write_document
from tallystick.core.errors import Refused
from tallystick.core.job.model import AgreementRef
from tallystick.node.agreements import NodeAgreements
from tallystick.node.config import read_config
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import NOW, agreement, identity, signed_agreement


@pytest.fixture
def held(tmp_path: Path) -> NodeAgreements:
    (tmp_path / "signed").mkdir()
    value: dict[str, Any] = {
        "agency": "labor",
        "coordinator": {"address": "127.0.0.1:1"},
        "agreements": ["first.json", "signed"],
    }
    (tmp_path / "node.yaml").write_text(json.dumps(value))
    write_document(tmp_path / "first.json", signed_agreement(agreement()))
    made = NodeAgreements(read_config(tmp_path / "node.yaml"), identity("labor"), MemoryNodeStorage(), FixedClock(NOW))
    made.load()
    return made


def reference(document: SignedDocument) -> AgreementRef:
    value = document.read(Agreement)
    return AgreementRef(agreement=value.agreement, version=value.version, digest=document.digest)


def test_a_new_file_is_seen_without_a_restart(held: NodeAgreements, tmp_path: Path) -> None:
    newer = signed_agreement(agreement(version=3))
    with pytest.raises(Refused, match="agreement-unknown"):
        held.of(reference(newer))
    write_document(tmp_path / "signed" / "second.json", newer)
    assert held.of(reference(newer))[1] == newer
    with pytest.raises(Refused, match="agreement-unknown"):  # S-22: nothing older than what was seen
        held.of(reference(signed_agreement(agreement())))


def test_a_changed_file_is_seen_and_a_bad_one_leaves_the_others(held: NodeAgreements, tmp_path: Path) -> None:
    other = signed_agreement(agreement(agreement="other"))
    (tmp_path / "signed" / "bad.json").write_text("{}")
    (tmp_path / "signed" / "notes.txt").write_text("not an agreement")
    write_document(tmp_path / "first.json", other)
    assert held.of(reference(other))[1] == other
    assert set(held.problems) == {"signed/bad.json"}
    assert set(held.all()) == {"other"}


def test_files_are_read_again_only_when_they_changed(held: NodeAgreements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "load", lambda: pytest.fail("nothing changed"))
    with pytest.raises(Refused, match="agreement-unknown"):
        held.of(reference(signed_agreement(agreement(version=9))))


def test_a_file_that_is_not_there_is_told(held: NodeAgreements, tmp_path: Path) -> None:
    (tmp_path / "first.json").unlink()
    held.load()
    assert {written: error.code for written, error in held.problems.items()} == {"first.json": "file-missing"}
