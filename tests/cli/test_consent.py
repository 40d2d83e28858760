"""`tally consent`: from a form to a signed consent, its receipt, its FHIR resource and its revocation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tallystick.client.cli import main
from tallystick.core.agreement.model import Agreement
from tallystick.core.consent.model import Consent
from tallystick.core.consent.revoking import check_revocation
from tallystick.core.documents import read_document, write_document
from tallystick.core.keyfile import write_identity
from tests.consents import PERSON, STATEMENTS, asking_agreement
from tests.governance import identity, signed_agreement, stamp


def tally(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(name="terms")
def agreement_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agreement:
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    terms = asking_agreement(valid_from=stamp(now - timedelta(days=1)), valid_until=stamp(now + timedelta(days=900)))
    write_document(tmp_path / "a.json", signed_agreement(terms))
    for name in ("ivy", "joe", "ann"):
        write_identity(tmp_path / f"{name}.key", identity(name))
    return terms


def fill_in(draft: Path, out: str, **changes: Any) -> None:
    value = yaml.safe_load(draft.read_text())
    value["person"] |= {key: PERSON.get(key, "") for key in value["person"]}
    value["collected"] |= {"by": "ivy", "agency": "labor", "witness": "joe", "paper": "ab" * 32}
    value["statements"] |= {key: STATEMENTS[key] for key in value["statements"]}
    Path(out).write_text(json.dumps(value | changes))


def test_from_a_form_to_a_consent_that_counts(terms: Agreement, capsys: pytest.CaptureFixture[str]) -> None:
    assert tally("consent", "new", "--form", "part2", "--agreement", "a.json", "--out", "draft.yaml") == 0
    assert "42 CFR 2.31(a)(6)" in Path("draft.yaml").read_text()
    assert Path("draft.yaml").stat().st_mode & 0o077 == 0
    capsys.readouterr()
    fill_in(Path("draft.yaml"), "bare.yaml", statements={})
    assert tally("consent", "new", "bare.yaml", "--agreement", "a.json", "--out", "c.json") == 1
    assert "the consent lacks description" in capsys.readouterr().err
    fill_in(Path("draft.yaml"), "full.yaml")
    assert tally("consent", "new", "full.yaml", "--agreement", "a.json", "--out", "c.json") == 0
    assert "still to sign: ivy, joe" in capsys.readouterr().out
    assert tally("consent", "sign", "c.json", "--as", "ann", "--key", "ann.key", "--agreement", "a.json") == 1
    assert "[consent-invalid]" in capsys.readouterr().err
    for name in ("ivy", "joe"):
        assert tally("consent", "sign", "c.json", "--as", name, "--key", f"{name}.key", "--agreement", "a.json") == 0
    assert "signed by all who must" in capsys.readouterr().out
    assert Path("c.json").stat().st_mode & 0o077 == 0
    assert tally("consent", "show", "c.json", "--agreement", "a.json") == 0
    assert "none: it counts" in capsys.readouterr().out

    assert tally("consent", "receipt", "c.json", "--agreement", "a.json") == 0
    assert "How to take it back" in capsys.readouterr().out
    assert tally("consent", "receipt", "c.json", "--agreement", "a.json", "--out", "receipt.html") == 0
    assert "<h1>Consent to disclose records" in Path("receipt.html").read_text()

    assert tally("consent", "export", "c.json", "--out", "c.fhir.json") == 0
    assert tally("consent", "import", "c.fhir.json", "--out", "again.json") == 0
    assert Path("again.json").read_text() == Path("c.json").read_text()

    revoke = ("consent", "revoke", "c.json", "--agreement", "a.json")
    assert tally(*revoke, "--as", "ann", "--key", "ann.key", "--out", "r.json") == 1
    assert "[not-allowed]" in capsys.readouterr().err
    assert tally(*revoke, "--as", "ivy", "--key", "ivy.key", "--out", "r.json") == 0
    assert check_revocation(read_document(Path("r.json"), kind="revocation"), terms)
    consent = read_document(Path("c.json"), kind="consent").read(Consent)
    assert not [word for word in PERSON.values() if word in Path("r.json").read_text()]
    assert consent.consent not in Path("r.json").read_text()


@pytest.mark.usefixtures("terms")
def test_a_fhir_consent_from_elsewhere_becomes_a_draft(capsys: pytest.CaptureFixture[str]) -> None:
    foreign = {
        "resourceType": "Consent",
        "status": "active",
        "contained": [
            {"resourceType": "Patient", "name": [{"family": "Delgado", "given": ["Rosa"]}], "birthDate": "1984-03-09"}
        ],
        "provision": {"type": "permit", "period": {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00+01:00"}},
    }
    Path("foreign.json").write_text(json.dumps(foreign))
    assert tally("consent", "import", "foreign.json", "--out", "draft.yaml") == 0
    assert "signed by nobody" in capsys.readouterr().out
    draft = yaml.safe_load(Path("draft.yaml").read_text())
    assert draft["person"] == {"last_name": "Delgado", "first_name": "Rosa", "birth_date": "1984-03-09"}
    assert draft["valid_until"] == "2026-12-31T23:00:00Z"
    assert tally("consent", "new", "--form", "marriage", "--agreement", "a.json", "--out", "x.yaml") == 1
    assert "forms: cross-sector 1, general 1, hmis 1, part2 1" in capsys.readouterr().err
