"""A profile: private files, no agreement older than one used before, a result's key on disk before a job leaves."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tallystick.client.profile import AnalystProfile, Network, open_profile
from tallystick.core.clock import FixedClock
from tallystick.core.documents import sign_document, write_document
from tallystick.core.errors import Invalid, Refused
from tallystick.core.net.joining import InvitationFile, read_invitation
from tallystick.core.net.tls import Credentials
from tallystick.crypto.envelope import SealingKey
from tests.governance import NOW, agreement, identity, job, signed_agreement

CLOCK = FixedClock(NOW)


def made(tmp_path: Path) -> AnalystProfile:
    profile = AnalystProfile(tmp_path / "home")
    profile.create()
    return profile


def modes(folder: Path) -> set[int]:
    return {
        stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file() and "agreements" not in path.parts
    }


def test_a_profile_is_made_once_and_private(tmp_path: Path) -> None:
    profile = made(tmp_path)
    assert stat.S_IMODE(profile.folder.stat().st_mode) == 0o700
    key = profile.identity.key
    with pytest.raises(Invalid, match="file-exists"):
        profile.create()
    assert AnalystProfile(profile.folder).identity.key == key


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "x"))
    assert open_profile().folder == tmp_path / "x"
    monkeypatch.delenv("TALLY_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "h"))
    assert open_profile().folder == tmp_path / "h" / ".config" / "tallystick"
    assert open_profile(tmp_path / "y").folder == tmp_path / "y"


def test_what_is_missing_says_what_to_do(tmp_path: Path) -> None:
    profile = AnalystProfile(tmp_path / "none")
    with pytest.raises(Invalid) as caught:
        _ = profile.identity
    assert caught.value.hint == "tally profile init"
    for ask in (lambda: profile.network, profile.membership.credentials):
        with pytest.raises(Invalid) as caught:
            ask()
        assert caught.value.code == "not-enrolled"
    with pytest.raises(Invalid) as caught:
        profile.agreement("county")
    assert caught.value.code == "agreement-unknown"
    assert profile.jobs() == profile.agreements() == []


def test_enrolling_keeps_files_that_nobody_else_can_read(tmp_path: Path) -> None:
    profile = made(tmp_path)
    network = Network(address="127.0.0.1:1", network="county", role="analyst", name="ana")
    held = {**network.json_value(), "kind": "invitation", "expires": "soon", "authority": "a", "certificate": "i", "key": "i"}
    assert profile.enrol(InvitationFile.read(held, what="invitation"), Credentials(b"a", b"c", b"k")) == network
    files = profile.membership
    assert [path.read_bytes() for path in (files.authority, files.certificate, files.key)] == [b"a", b"c", b"k"]
    assert profile.network == network
    assert modes(profile.folder) == {0o600}


def test_s22_an_agreement_older_than_one_used_before_is_refused(tmp_path: Path) -> None:
    profile = made(tmp_path)
    newer = signed_agreement(agreement(version=3))
    profile.keep_agreement(newer, clock=CLOCK)
    with pytest.raises(Refused, match="agreement-rollback"):
        profile.keep_agreement(signed_agreement(agreement(version=2)), clock=CLOCK)
    with pytest.raises(Refused, match="agreement-rollback"):
        profile.keep_agreement(signed_agreement(agreement(version=3, title="another text")), clock=CLOCK)
    assert profile.keep_agreement(newer, clock=CLOCK).version == 3
    assert profile.agreement("county").digest == newer.digest


def test_s22_a_half_signed_agreement_is_not_kept(tmp_path: Path) -> None:
    profile = made(tmp_path)
    with pytest.raises(Refused, match="agreement-unsigned"):
        profile.keep_agreement(signed_agreement(agreement(), by=("labor",)), clock=CLOCK)
    assert profile.agreements() == []


def test_a_job_is_kept_with_the_key_of_its_result(tmp_path: Path) -> None:
    profile = made(tmp_path)
    document = sign_document("job", job(agreement()), "ana", identity("ana"))
    key = SealingKey.generate()
    profile.keep_job(document, key)
    digest, held, held_key = profile.job(document.digest[:6])
    assert (digest, held, held_key.public) == (document.digest, document, key.public)
    assert stat.S_IMODE((profile.folder / "jobs" / digest / "result.key").stat().st_mode) == 0o600
    with pytest.raises(Invalid, match="file-exists"):
        profile.keep_job(document, SealingKey.generate())
    with pytest.raises(Invalid, match="job-unknown"):
        profile.job("ffff")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "invitation"}', "not json"])
def test_what_is_no_invitation(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.invite"
    path.write_text(text)
    with pytest.raises(Invalid, match="invite-invalid"):
        read_invitation(path)


def test_an_invitation_of_another_kind(tmp_path: Path) -> None:
    keys = ("kind", "address", "network", "role", "name", "expires", "authority", "certificate", "key")
    path = tmp_path / "x.invite"
    path.write_text(json.dumps(dict.fromkeys(keys, "x")))
    with pytest.raises(Invalid, match="invite-invalid"):
        read_invitation(path)


def test_agreements_are_files_that_other_commands_read(tmp_path: Path) -> None:
    profile = made(tmp_path)
    document = signed_agreement(agreement())
    profile.keep_agreement(document, clock=CLOCK)
    other = tmp_path / "copy.json"
    write_document(other, document)
    assert other.read_bytes() == (profile.folder / "agreements" / "county.json").read_bytes()
