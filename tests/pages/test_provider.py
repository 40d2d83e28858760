"""Signing in at the agency's own provider (S-28): over a provider on loopback, without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx import Response
from joserfc.jwk import RSAKey

from tallystick.coordinator.config import Config
from tallystick.coordinator.pages.app import build_operator_pages, page_settings
from tallystick.coordinator.pages.reading import Reading
from tallystick.core.clock import FixedClock, SystemClock
from tallystick.core.errors import Invalid
from tallystick.core.pages.accounts import Accounts
from tallystick.core.pages.provider_login import LASTS
from tallystick.core.pages.settings import PageKeys, find_place
from tallystick.crypto.randomness import SystemRandomness
from tests.pages.providers import CLIENT, SECRET, Provider, make_secret_key, serve_provider
from tests.pages.visitors import HOSTS, QUICK, Visitor, text_of
from tests.town import Town


@pytest.fixture(name="provider")
def started_provider() -> Iterator[Provider]:
    with serve_provider() as provider:
        yield provider


class Office:
    """A coordinator's pages at which people sign in at a provider."""

    def __init__(self, folder: Path, provider: Provider, **keys: Any) -> None:
        self.town = Town(folder)
        self.clock = FixedClock(SystemClock().now())
        secret = folder / "secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        written = {
            "issuer": provider.issuer,
            "client": CLIENT,
            "secret_file": "secret",
            "people": {"u-1": "olga"},
            "analysts": {"u-2": "ana"},
        } | keys
        config = PageKeys.read({"pages": "127.0.0.1:0", "pages_provider": written}, what="config")
        place = find_place(config, folder, self.town.settings.state)
        assert place is not None
        reading = Reading(self.town.at.watching, self.town.at.agreements, self.town.settings.state)
        settings = page_settings(place, "county", HOSTS, "1", analysts=True)
        self.app = build_operator_pages(reading, settings, self.clock, SystemRandomness(), fresh_s=0, lock_cost=QUICK)
        self.accounts = Accounts(settings.folder, self.clock, SystemRandomness())

    def visit(self) -> Visitor:
        return Visitor(self.app)


@pytest.fixture
def office(tmp_path: Path, provider: Provider) -> Office:
    return Office(tmp_path, provider)


def lead(visitor: Visitor) -> str:
    """Go to the provider, as a browser does; give where it sends the browser back to."""
    begun = visitor.get("/provider")
    assert begun.status_code == 303, begun.text
    sent = httpx.get(begun.headers["location"])
    assert sent.status_code == 302
    return str(sent.headers["location"]).removeprefix("http://desk.example:7790").removeprefix("https://desk.example:7790")


def sign_in(visitor: Visitor) -> Response:
    return visitor.get(lead(visitor))


def test_somebody_whom_the_settings_name_signs_in_and_logs_out(office: Office) -> None:
    visitor = office.visit()
    assert "Sign in at 127.0.0.1" in text_of(visitor.get("/login"))
    done = sign_in(visitor)
    assert (done.status_code, "Signed in as olga" in text_of(done)) == (200, True)
    assert 'content="0; url=/"' in done.text, "a page of our own leads on: a strict cookie is not sent along the provider's way"
    assert "No job is under way" in text_of(visitor.get("/"))
    assert visitor.post("/logout").headers["location"] == "/login"
    assert visitor.get("/").status_code == 303


def test_the_cookie_of_a_sign_in_is_not_the_session(office: Office) -> None:
    visitor = office.visit()
    said = visitor.get("/provider").headers["set-cookie"].lower()
    for word in ("__host-", "httponly", "secure", "samesite=lax", "path=/"):
        assert word in said
    assert visitor.get("/").status_code == 303


def test_an_analyst_signs_in_to_their_own_jobs(office: Office, provider: Provider) -> None:
    provider.person = {"sub": "u-2"}
    visitor = office.visit()
    assert sign_in(visitor).status_code == 200
    assert visitor.get("/").headers["location"] == "/own"
    assert "Your jobs" in text_of(visitor.get("/own"))
    assert visitor.get("/agencies").status_code == 403


@pytest.mark.parametrize("person", [{"sub": "u-3"}, {"sub": ""}, {"sub": "olga"}, {"sub": 1}, {"email": "u-1"}])
def test_s28_nobody_else_whom_the_provider_knows_comes_in(office: Office, provider: Provider, person: dict[str, Any]) -> None:
    provider.person = person
    visitor = office.visit()
    assert sign_in(visitor).status_code == 403
    assert visitor.get("/").status_code == 303


@pytest.mark.parametrize(
    ("claims", "is_in"),
    [
        ({"email": "olga@county.example", "email_verified": True}, True),
        ({"email": "olga@county.example", "email_verified": "true"}, False),
        ({"email": "olga@county.example"}, False),
        ({"email": "OLGA@county.example", "email_verified": True}, False),
    ],
)
def test_an_address_counts_only_where_it_was_verified(
    tmp_path: Path, provider: Provider, claims: dict[str, Any], is_in: bool
) -> None:
    office = Office(tmp_path, provider, claim="email", people={"olga@county.example": "olga"})
    provider.person = {"sub": "u-9"} | claims
    assert sign_in(office.visit()).status_code == (200 if is_in else 403)


def put_in(**claims: Any) -> Callable[[Provider], None]:
    return lambda provider: provider.claims.update(claims)


def sign_with_another_key(provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)


def sign_with_the_secret(provider: Provider) -> None:
    provider.key, provider.algorithm = make_secret_key(), "HS256"


@pytest.mark.parametrize(
    "spoil",
    [
        put_in(iss="https://evil.example"),
        put_in(iss=None),
        put_in(aud="another client"),
        put_in(aud=["another client", "a third"]),
        put_in(aud=[CLIENT, "another client"]),
        put_in(aud=[CLIENT, "another client"], azp="another client"),
        put_in(azp="another client"),
        put_in(nonce="0" * 64),
        put_in(nonce=None),
        put_in(exp=int(time.time()) - 3600),
        put_in(exp=None),
        put_in(iat=None),
        put_in(sub=None),
        sign_with_another_key,
        sign_with_the_secret,
    ],
)
def test_s28_a_token_that_does_not_count_lets_nobody_in(
    office: Office, provider: Provider, spoil: Callable[[Provider], None]
) -> None:
    spoil(provider)
    visitor = office.visit()
    assert sign_in(visitor).status_code == 403
    assert visitor.get("/").status_code == 303


def test_a_key_that_the_provider_begins_to_use_is_asked_for(office: Office, provider: Provider) -> None:
    assert sign_in(office.visit()).status_code == 200
    provider.keys = {"two": RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}, auto_kid=False)}
    provider.key = provider.keys["two"]
    assert sign_in(office.visit()).status_code == 200
    assert provider.asked.count("/jwks") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_s28_the_way_back_is_for_the_browser_that_began_and_once(office: Office) -> None:
    owner, thief = office.visit(), office.visit()
    back = lead(owner)
    assert thief.get(back).status_code == 403, "another browser"
    thief.get("/provider")
    assert thief.get(back).status_code == 403, "another browser that began one of its own"
    assert owner.get(back.replace("state=", "state=0")).status_code == 403
    back = lead(owner)
    assert owner.get(back).status_code == 200
    assert office.visit().get(back).status_code == 403
    assert owner.get(back).status_code == 403, "once"
    back = lead(owner)
    office.clock.advance(LASTS)
    assert owner.get(back).status_code == 403, "its time is over"


def test_what_the_provider_refuses_is_refused(office: Office, provider: Provider) -> None:
    provider.refuses = True
    assert sign_in(office.visit()).status_code == 403
    provider.refuses = False
    visitor = office.visit()
    back = lead(visitor)
    provider.codes.clear()
    assert visitor.get(back).status_code == 403
    visitor = office.visit()
    assert visitor.get(lead(visitor).replace("iss=", "iss=x")).status_code == 403, "another provider's answer"


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"token_endpoint": "http://provider.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_asked(
    office: Office, provider: Provider, described: dict[str, Any]
) -> None:
    provider.described = described
    answer = office.visit().get("/provider")
    assert (answer.status_code, "cannot be asked" in answer.text) == (503, True)


def test_a_provider_that_is_away_leaves_the_other_door(office: Office, provider: Provider, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    away = Office(other, provider, issuer="http://127.0.0.1:9")
    assert away.visit().get("/provider").status_code == 503
    away.visit().enter(away.accounts, "olga")
    office.visit().enter(office.accounts, "otto")


def test_where_only_the_provider_counts_a_passphrase_begins_no_session(tmp_path: Path, provider: Provider) -> None:
    office = Office(tmp_path, provider, only=True)
    office.visit().enter(office.accounts, "olga")
    visitor = office.visit()
    assert 'name="passphrase"' not in visitor.get("/login").text
    assert visitor.login("olga").status_code == 403
    assert sign_in(visitor).status_code == 200


def test_the_secret_goes_where_the_provider_wants_it(office: Office, provider: Provider, tmp_path: Path) -> None:
    provider.posts = True
    assert sign_in(office.visit()).status_code == 200
    other = tmp_path / "other"
    other.mkdir()
    wrong = Office(other, provider)
    (other / "secret").write_text("another secret")
    assert sign_in(wrong.visit()).status_code == 200, "it was read when the pages began"


@pytest.mark.parametrize(
    "issuer", ["http://provider.example", "ftp://provider.example", "https://a@b.example", "provider.example"]
)
def test_a_provider_in_the_clear_is_refused_at_the_start(tmp_path: Path, issuer: str) -> None:
    written = {"network": "county", "pages": "127.0.0.1:0", "pages_provider": {"issuer": issuer, "client": "tallystick"}}
    with pytest.raises(Invalid, match=r"in the clear|pages_provider"):
        find_place(Config.read(written, what="config"), tmp_path, tmp_path)
