"""A small OpenID Connect provider on loopback: description, sign-in, tokens, keys. It checks what a provider has to check."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "tallystick desk", "a:secret/with+marks"


class Provider:
    """What the provider holds, and how it misbehaves.

    Attributes:
        person: the claims of whoever signs in next.
        claims: put over those of the next ID token; None takes one out.
        algorithm, key: what ID tokens are signed with.
        described: put over the description.
        posts: whether the client's secret goes in the form.
        asked: paths that were asked for.
    """

    def __init__(self) -> None:
        self.issuer = ""
        self.keys = {"one": RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, auto_kid=False)}
        self.key: Any = self.keys["one"]
        self.algorithm = "RS256"
        self.person: dict[str, Any] = {"sub": "u-1"}
        self.claims: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.posts = False
        self.refuses = False
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post" if self.posts else "client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        } | self.described

    def authorize(self, asked: dict[str, str]) -> str:
        """Sign the person in, and give where their browser goes."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        back = {"state": asked["state"], "iss": self.issuer}
        if self.refuses:
            return f"{asked['redirect_uri']}?{urlencode({**back, 'error': 'access_denied'})}"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({**back, 'code': code})}"

    def give_token(self, form: dict[str, str], basic: str) -> tuple[int, dict[str, Any]]:
        """Give tokens for a code, once, to the client that asked for it."""
        asked = self.codes.pop(form.get("code", ""), None)
        pair = base64.b64decode(basic.removeprefix("Basic ")).decode() if basic else ":"
        given = tuple(map(unquote, pair.split(":", 1)))
        known = (form.get("client_id"), form.get("client_secret")) if self.posts else given
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if asked is None or challenge.decode() != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if known != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"]} | self.person
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        header = {"alg": self.algorithm} | ({"kid": self.key.kid} if self.key.kid else {})
        token = jwt.encode(header, claims, self.key, algorithms=[self.algorithm])
        return 200, {"id_token": token, "access_token": "unused", "token_type": "Bearer"}

    def answer(self, method: str, url: str, body: str, basic: str) -> tuple[int, str, dict[str, Any]]:
        """Give status, where to go, and what is said."""
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(body or parts.query).items()}
        self.asked.append(parts.path)
        match (method, parts.path):
            case ("GET", "/.well-known/openid-configuration"):
                return 200, "", self.describe()
            case ("GET", "/jwks"):
                return 200, "", {"keys": [key.as_dict(private=False) for key in self.keys.values()]}
            case ("GET", "/authorize"):
                return 302, self.authorize(asked), {}
            case ("POST", "/token"):
                status, value = self.give_token(asked, basic)
                return status, "", value
            case _:
                return 404, "", {}


@contextlib.contextmanager
def serve_provider() -> Iterator[Provider]:
    """Serve a provider while the context lasts."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode()
            basic = self.headers.get("authorization") or ""
            status, where, value = provider.answer(self.command, self.path, body, basic)
            data = json.dumps(value).encode()
            self.send_response(status)
            if where:
                self.send_header("location", where)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def make_secret_key() -> OctKey:
    """Give a key that both sides could know: the client's secret, with which no ID token may be signed here."""
    return OctKey.import_key(SECRET.ljust(32, "x"))
