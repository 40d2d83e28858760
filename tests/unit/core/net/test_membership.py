"""A member's certificate is renewed in time, and a renewal that is cut off anywhere is finished or begun again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.core.errors import Invalid, NotReady
from tallystick.core.files import write_private
from tallystick.core.net import membership, tls
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import CertifiedParty, Credentials

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(days=90)
LABOR = CertifiedParty("county", "agency", "labor")
ISSUER = tls.new_issuer("county", now=NOW)


@pytest.fixture
def held(tmp_path: Path) -> Membership:
    made = Membership(tmp_path / "authority.pem", tmp_path / "certificate.pem", tmp_path / "tls.key", "join")
    made.keep(tls.credentials_for(ISSUER, LABOR, now=NOW, lifetime=LIFE))
    return made


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Answer renewals; gives the keys that were asked for."""
    asked: list[bytes] = []

    def renewed(address: str, shown: Credentials, key: bytes) -> Credentials:
        assert address == "host:1"
        asked.append(key)
        public = tls.read_requested_key(tls.signing_request(key))
        return Credentials(shown.authority, tls.issue_certificate(ISSUER, LABOR, public, now=NOW, lifetime=LIFE), key)

    monkeypatch.setattr(membership, "renew_certificate", renewed)
    return asked


def test_a_certificate_is_due_in_the_last_third_of_its_life(held: Membership) -> None:
    assert not held.due(NOW + LIFE * 0.6)
    assert held.due(NOW + LIFE * 0.7)


def test_a_renewal_gives_another_key(held: Membership, coordinator: list[bytes]) -> None:
    before = held.credentials()
    shown = held.renew("host:1")
    assert shown == held.credentials()
    assert shown.key == coordinator[0] != before.key
    assert tls.is_key_of(shown.key, shown.chain)
    assert held.key.stat().st_mode & 0o077 == 0
    assert {path.name for path in held.key.parent.iterdir()} == {"authority.pem", "certificate.pem", "tls.key"}


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    held: Membership, coordinator: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_address: str, _shown: Credentials, key: bytes) -> Credentials:
        coordinator.append(key)
        raise NotReady("unavailable", "cut off")

    before = held.credentials()
    with monkeypatch.context() as patch:
        patch.setattr(membership, "renew_certificate", lost)
        with pytest.raises(NotReady):
            held.renew("host:1")
    assert held.credentials() == before
    held.renew("host:1")
    assert coordinator[0] == coordinator[1]


def test_a_kill_between_certificate_and_key_is_mended(
    held: Membership, coordinator: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, data: bytes) -> None:
        write_private(path, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(membership, "write_private", killed)
        with pytest.raises(KeyboardInterrupt):
            held.renew("host:1")
    shown = held.credentials()
    assert shown.key == coordinator[0]
    assert tls.is_key_of(shown.key, shown.chain)


def test_without_a_certificate_the_hint_says_how_to_join(tmp_path: Path) -> None:
    none = Membership(tmp_path / "a", tmp_path / "c", tmp_path / "k", "join")
    for ask in (none.credentials, lambda: none.renew("host:1")):
        with pytest.raises(Invalid, match="not-enrolled") as caught:
            ask()
        assert caught.value.hint == "join"
