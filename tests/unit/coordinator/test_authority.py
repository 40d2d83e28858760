"""Invitations, certificates, revocation; and the state folder that they live in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.coordinator.authority import SERVER_LIFETIME, Joined, read_issuer, write_invitation
from tallystick.core.clock import FixedClock
from tallystick.core.errors import Invalid, Refused
from tallystick.core.net import tls
from tallystick.core.net.joining import InvitationFile, read_invitation
from tests.governance import NOW
from tests.town import NETWORK, Town, member


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, clock=FixedClock(NOW))


def joined(town: Town, name: str = "labor", key: bytes | None = None) -> Joined:
    invitation = town.at.authority.invite("agency", name, "host:1")
    shown = tls.certificate_identity(invitation["certificate"].encode())
    assert shown.role == "invite"
    return town.at.authority.join(shown.name, tls.signing_request(key or tls.new_key()))


def test_a_certificate_is_for_whom_the_invitation_was(town: Town) -> None:
    made = joined(town)
    assert (made.role, made.name) == ("agency", "labor")
    assert tls.certificate_identity(made.chain) == member("labor")
    town.at.authority.check(member("labor"), tls.serial_of(made.chain))


def test_a_certificate_is_nobody_elses(town: Town) -> None:
    serial = tls.serial_of(joined(town).chain)
    for other in (member("housing"), member("labor", "analyst"), tls.CertifiedParty("other", "agency", "labor")):
        with pytest.raises(Refused, match="not-enrolled"):
            town.at.authority.check(other, serial)
    with pytest.raises(Refused, match="not-enrolled"):
        town.at.authority.check(member("labor"), "0a")


def test_certificates_end_and_are_revoked(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    serial = tls.serial_of(joined(town).chain)
    assert town.at.authority.list_revoked() == frozenset()
    assert town.at.authority.revoke("agency", "labor") == 1
    assert town.at.authority.list_revoked() == {serial}
    with pytest.raises(Refused, match="not-enrolled"):
        town.at.authority.check(member("labor"), serial)
    with pytest.raises(Invalid, match="not-enrolled"):
        town.at.authority.revoke("agency", "labor")
    again = tls.serial_of(joined(town).chain)
    town.at.authority.check(member("labor"), again)
    town.clock.advance(timedelta(days=365))
    with pytest.raises(Refused, match="not-enrolled"):
        town.at.authority.check(member("labor"), again)


def test_s33_a_member_gets_a_new_certificate_and_keeps_the_old_one_till_it_ends(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    old = tls.serial_of(joined(town).chain)
    town.clock.advance(timedelta(days=300))
    key = tls.new_key()
    chain = town.at.authority.renew(member("labor"), old, tls.signing_request(key))
    assert town.at.authority.renew(member("labor"), old, tls.signing_request(key)) == chain  # its answer was lost
    assert tls.certificate_identity(chain) == member("labor")
    town.at.authority.check(member("labor"), old)
    town.clock.advance(timedelta(days=100))
    town.at.authority.check(member("labor"), tls.serial_of(chain))
    with pytest.raises(Refused, match="not-enrolled"):
        town.at.authority.renew(member("labor"), old, tls.signing_request(tls.new_key()))


def test_s33_who_is_revoked_does_not_renew(town: Town) -> None:
    serial = tls.serial_of(joined(town).chain)
    with pytest.raises(Refused, match="not-enrolled"):
        town.at.authority.renew(member("housing"), serial, tls.signing_request(tls.new_key()))
    town.at.authority.revoke("agency", "labor")
    with pytest.raises(Refused, match="not-enrolled"):
        town.at.authority.renew(member("labor"), serial, tls.signing_request(tls.new_key()))


def test_an_invitation_that_expired_or_was_revoked_is_none(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    for spoil in ("revoked", "expired"):
        invitation = town.at.authority.invite("agency", "labor", "host:1")
        shown = tls.certificate_identity(invitation["certificate"].encode())
        if spoil == "revoked":
            town.at.authority.revoke("agency", "labor")
        else:
            town.clock.advance(timedelta(days=7))
        with pytest.raises(Refused, match="invite-invalid"):
            town.at.authority.join(shown.name, tls.signing_request(tls.new_key()))


def test_the_same_request_again_gets_the_same_certificate_until_it_is_revoked(town: Town) -> None:
    invitation = town.at.authority.invite("agency", "labor", "host:1")
    shown = tls.certificate_identity(invitation["certificate"].encode())
    key = tls.new_key()
    first = town.at.authority.join(shown.name, tls.signing_request(key))
    assert town.at.authority.join(shown.name, tls.signing_request(key)) == first
    town.at.authority.revoke("agency", "labor")
    with pytest.raises(Refused, match="invite-invalid"):
        town.at.authority.join(shown.name, tls.signing_request(key))


def test_a_name_that_no_certificate_can_hold_is_refused(town: Town) -> None:
    for name in ("Labor", "", "a/b", "x" * 65):
        with pytest.raises(Invalid):
            town.at.authority.invite("agency", name, "host:1")


def test_the_coordinator_renews_its_own_certificate(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    first = town.at.authority.serving()
    town.clock.advance(SERVER_LIFETIME / 3)
    assert town.at.authority.serving() == first
    town.clock.advance(SERVER_LIFETIME / 3)
    second = town.at.authority.serving()
    assert tls.serial_of(second.chain) != tls.serial_of(first.chain)
    assert tls.certificate_identity(second.chain) == tls.CertifiedParty(NETWORK, "coordinator", "coordinator")


def test_an_invitation_file_is_closed_to_others_and_read_back(town: Town) -> None:
    path = town.folder / "labor.invite"
    made = town.at.authority.invite("agency", "labor", "host:1")
    write_invitation(path, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_invitation(path) == InvitationFile.read(made, what="invitation")
    assert "PRIVATE" not in repr(read_invitation(path))
    with pytest.raises(Invalid, match="file-exists"):
        write_invitation(path, made)
    with pytest.raises(Invalid, match="file-missing"):
        read_invitation(town.folder / "none")


def test_the_authoritys_key_is_closed_to_others(town: Town) -> None:
    state = town.settings.state
    assert (state / "ca.key").stat().st_mode & 0o777 == 0o600
    (state / "ca.key").chmod(0o640)
    with pytest.raises(Invalid, match="file-permissions"):
        read_issuer(state, NETWORK)
    (state / "ca.key").unlink()
    with pytest.raises(Invalid, match="file-missing"):
        read_issuer(state, NETWORK)
