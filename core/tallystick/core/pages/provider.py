"""Asks an agency's OpenID Connect provider who somebody is.

Rules that this file enforces (OpenID Connect Core 1.0 §3.1, RFC 9700):

1. The authorization code flow, with PKCE (S256, RFC 7636), a state and a nonce; no other flow.
2. Nothing is asked over a network in the clear, no redirect of the provider's is followed, and no answer is read without bound.
3. An ID token counts only with a signature by one of the provider's keys, under an algorithm with a public key; its issuer, audience,
   nonce and times must be those of this sign-in (§3.1.3.7).
4. Its other claims are not kept. `email` counts only with `email_verified`.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tallystick.core.clock import Clock
from tallystick.core.errors import NotReady, Refused
from tallystick.core.pages.settings import ProviderKeys, is_private
from tallystick.crypto.randomness import Randomness

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
TIMEOUT_S: Final = 10.0
MOST_BYTES: Final = 512 * 1024
FRESH_S: Final = 3600.0
"""How old the provider's description and keys may be; keys are asked for again when a token names another."""
LEEWAY_S: Final = 60
_PUBLIC_KEYS: Final = frozenset({"RSA", "EC", "OKP"})


@dataclass(frozen=True)
class SignIn:
    """A sign-in under way.

    Attributes:
        url: where the browser goes.
        back: where the provider sends it after that.
        state: what it brings back.
        nonce: what the ID token names.
        verifier: PKCE's.
    """

    url: str
    back: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class _Description:
    """What the provider says of itself."""

    authorize: str
    token: str
    keys: str
    posts_secret: bool
    names_issuer: bool


class IdentityProvider:
    """A provider. Used by one event loop."""

    def __init__(self, keys: ProviderKeys, secret: str | None, clock: Clock) -> None:
        """Take the settings, the client's secret, and the clock that tokens are held against."""
        self._keys = keys
        self._secret = secret
        self._clock = clock
        self._tls = ssl.create_default_context()  # the system's authorities: an agency's own stands there
        self._described: tuple[float, _Description] | None = None
        self._key_set: tuple[float, KeySet] | None = None

    async def begin(self, back: str, randomness: Randomness) -> SignIn:
        """Begin a sign-in.

        Args:
            back: the address of these pages to which the provider sends the browser.
            randomness: of state, nonce and verifier.

        Raises:
            NotReady: `unavailable`: the provider does not answer as one does.
        """
        described = await self._describe()
        state, nonce, verifier = randomness.take(32).hex(), randomness.take(32).hex(), randomness.take(32).hex()
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        scope = {"email": "openid email"}.get(self._keys.claim, "openid" if self._keys.claim == "sub" else "openid profile")
        asked = {
            "response_type": "code",
            "client_id": self._keys.client,
            "redirect_uri": back,
            "scope": scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in described.authorize else "?"
        return SignIn(f"{described.authorize}{joint}{urlencode(asked)}", back, state, nonce, verifier)

    async def finish(self, sign_in: SignIn, answer: Mapping[str, str]) -> str:
        """Give who signed in: the value of the claim that the settings name.

        Args:
            sign_in: as it began; its state was compared.
            answer: what the browser brought back.

        Raises:
            Refused: `not-allowed`: the provider says no, or its token does not count. NotReady: `unavailable`.
        """
        described = await self._describe()
        code, issuer = answer.get("code", ""), answer.get("iss")
        if issuer != self._keys.issuer and (issuer is not None or described.names_issuer):
            raise _refuse("the answer is another provider's")  # RFC 9207
        if not code or "error" in answer:
            raise _refuse("the provider did not sign you in")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": sign_in.back,
            "code_verifier": sign_in.verifier,
        }
        headers = {}
        if self._secret is None:
            form["client_id"] = self._keys.client
        elif described.posts_secret:
            form |= {"client_id": self._keys.client, "client_secret": self._secret}
        else:  # RFC 6749 §2.3.1: both are encoded first
            pair = f"{quote(self._keys.client, safe='')}:{quote(self._secret, safe='')}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        token = (await self._ask("POST", described.token, form, headers)).get("id_token")
        if not isinstance(token, str):
            raise _refuse("the provider sent no ID token")
        return self._find_person(await self._read_claims(token, described, sign_in.nonce))

    async def _read_claims(self, token: str, described: _Description, nonce: str) -> dict[str, Any]:
        """Give the claims of an ID token that counts (rule 3)."""
        for fresh in (False, True):
            keys = await self._find_keys(described, fresh=fresh)
            try:
                claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
                break
            except (JoseError, ValueError, TypeError, KeyError):
                if fresh:
                    raise _refuse("the provider's ID token is not signed by it") from None
        now = int(self._clock.now().timestamp())
        rules = jwt.JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._keys.issuer},
            aud={"essential": True, "value": self._keys.client},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(claims)
        except (JoseError, ValueError, TypeError):
            raise _refuse("the provider's ID token is not of this sign-in") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._keys.client:
            raise _refuse("the provider's ID token is another client's")
        return claims

    def _find_person(self, claims: dict[str, Any]) -> str:
        value = claims.get(self._keys.claim)
        if not isinstance(value, str) or not value:
            raise _refuse(f"the provider does not say your {self._keys.claim}")
        if self._keys.claim == "email" and claims.get("email_verified") is not True:
            raise _refuse("the provider has not verified your e-mail address")
        return value

    async def _describe(self) -> _Description:
        now = self._clock.now().timestamp()
        if self._described is not None and 0 <= now - self._described[0] < FRESH_S:
            return self._described[1]
        value = await self._ask("GET", f"{self._keys.issuer.rstrip('/')}/.well-known/openid-configuration")
        methods = value.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        try:
            made = _Description(
                str(value["authorization_endpoint"]),
                str(value["token_endpoint"]),
                str(value["jwks_uri"]),
                "client_secret_post" in methods and "client_secret_basic" not in methods,
                value.get("authorization_response_iss_parameter_supported") is True,
            )
            is_right = value["issuer"] == self._keys.issuer and all(map(is_private, (made.authorize, made.token, made.keys)))
        except (KeyError, TypeError, ValueError):
            is_right = False
        if not is_right:
            raise _fault("its description names another issuer, lacks an address, or names one in the clear")
        self._described = (now, made)
        return made

    async def _find_keys(self, described: _Description, *, fresh: bool) -> KeySet:
        now = self._clock.now().timestamp()
        if not fresh and self._key_set is not None and 0 <= now - self._key_set[0] < FRESH_S:
            return self._key_set[1]
        value = await self._ask("GET", described.keys)
        try:
            public = [one for one in value["keys"] if one.get("kty") in _PUBLIC_KEYS and one.get("use", "sig") == "sig"]
            made = KeySet.import_key_set({"keys": public})
        except (JoseError, KeyError, TypeError, ValueError, AttributeError):
            raise _fault("its keys cannot be read") from None
        self._key_set = (now, made)
        return made

    async def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Ask the provider; give the JSON object that it answers with (rule 2)."""
        body = bytearray()
        try:
            async with (
                httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_S, follow_redirects=False) as client,
                client.stream(method, url, data=form, headers={"accept": "application/json", **(headers or {})}) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise _fault(f"its answer is longer than {MOST_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise _fault("it cannot be reached") from None  # without its cause, whose address may hold what is secret
        if method == "POST" and 400 <= answer.status_code < 500:
            raise _refuse("the provider did not sign you in")
        try:
            value = json.loads(body) if answer.status_code == 200 else None
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise _fault(f"it answers with status {answer.status_code}, or no JSON")
        return value


def _refuse(why: str) -> Refused:
    return Refused("not-allowed", why, hint="sign in again; if it stays so, ask for a login link on the terminal")


def _fault(why: str) -> NotReady:
    return NotReady(
        "unavailable", f"the agency's provider cannot be asked: {why}", hint="log in by name and passphrase, or try again later"
    )
