"""OpenID Connect with a loopback provider: accepted logins, their roles, and rejected claims."""

import base64
import json
import shutil
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from server.app import close, create_app
from server.settings import Settings
from server.store import Store
from server.store.operators import users
from server.store.operators.users import OperatorRole
from tests.unit.server.web.shell.people import Visitor

CLIENT, SECRET = "hub", "a secret of the client"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, parameters={"kid": "one"}) for _ in range(2))


class Provider:
    """A small provider that accepts every login, checks the client's proofs, and can lie on demand."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.key: Any = KEY
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.asked: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(outer.document() if "well-known" in self.path else {"keys": [KEY.as_dict(private=False)]})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                given = {name: values[0] for name, values in parse_qs(body).items()}
                self._send(*outer.token(given, self.headers.get("Authorization", "")))

            def _send(self, found: dict[str, Any], status: int = 200) -> None:
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.names_itself = self.issuer
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def document(self) -> dict[str, str]:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.names_itself, **{name: self.issuer + path for name, path in ends.items()}}

    def token(self, given: dict[str, str], authorization: str) -> tuple[dict[str, Any], int]:
        proof = base64.urlsafe_b64encode(sha256(given.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if given.get("code") != "the-code" or proof != self.asked["code_challenge"] or known not in authorization:
            return {"error": "invalid_grant"}, 400
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "17", "exp": now + 60, "iat": now, "auth_time": now}
        claims |= {"nonce": self.asked["nonce"], "preferred_username": "somsri", "roles": ["desk"], **self.claims}
        signed = jwt.encode(self.header, {k: v for k, v in claims.items() if v is not None}, self.key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}, 200


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def app(provider: Provider, initial_store: Path, tmp_path: Path) -> Iterator[Flask]:
    shutil.copy(initial_store, tmp_path / "hub.db")
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'hub.db'}",
        access_log="off",
        background=False,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,  # type: ignore[arg-type]
        oidc_roles={"desk": "analyst", "chief": "approver"},  # type: ignore[dict-item]
    )
    app = create_app(settings)
    yield app
    close(app)


def log_in(app: Flask, provider: Provider, visitor: Visitor | None = None, query: str = "", **changed: str) -> Any:
    visitor = visitor or Visitor(app.test_client())
    sent = visitor.get(f"/login/oidc{query}").headers["Location"]
    provider.asked = dict(parse_qsl(urlsplit(sent).query))
    answer = {"code": "the-code", "state": provider.asked["state"], **changed}
    return visitor, visitor.client.get("/login/oidc/back", query_string=answer)


def test_person_gets_the_role_of_the_claim(app: Flask, provider: Provider) -> None:
    visitor, answer = log_in(app, provider, query="?next=/me")
    assert answer.headers["Location"] == "/me"
    assert provider.asked["code_challenge_method"] == "S256"
    assert visitor.get("/console/audit").status_code == 200
    assert "somsri" in visitor.get("/me").text
    # The role is that of the last login; the address is the last one verified by the provider.
    store: Store = app.extensions["scamfeed-store"]
    for claims, address in (
        ({"email": "Somsri+hub@Bank.Example", "email_verified": True}, "somsri@bank.example"),
        ({"email": "another@bank.example"}, "somsri@bank.example"),
        ({"email": "no address", "email_verified": True}, "somsri@bank.example"),
        ({"email": "new@bank.example", "email_verified": True}, "new@bank.example"),
    ):
        provider.claims = {"roles": "chief", **claims}
        log_in(app, provider)
        with store.read() as tx:
            found = users.get(tx, "somsri")
        assert (found.role, found.email) == (OperatorRole.APPROVER, address)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"azp": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"roles": []},
        {"roles": ["admin", "stranger"]},
        {"roles": None},
    ],
)
def test_invalid_token_is_refused(app: Flask, provider: Provider, claims: dict[str, Any]) -> None:
    provider.claims = claims
    visitor, answer = log_in(app, provider)
    assert answer.status_code == 403
    assert visitor.get("/me").status_code == 303


def test_foreign_or_hmac_signature_is_refused(app: Flask, provider: Provider) -> None:
    provider.key = OTHER_KEY
    assert log_in(app, provider)[1].status_code == 403
    provider.key, provider.header = OctKey.import_key(SECRET.ljust(40, "x")), {"alg": "HS256"}
    assert log_in(app, provider)[1].status_code == 403


@pytest.mark.parametrize("changed", [{"state": "another"}, {"state": ""}, {"code": "stolen"}])
def test_response_of_another_login_is_refused(app: Flask, provider: Provider, changed: dict[str, str]) -> None:
    assert log_in(app, provider, **changed)[1].status_code == 403


def test_response_in_another_browser_is_refused(app: Flask, provider: Provider) -> None:
    log_in(app, provider)
    victim = app.test_client()
    answer = victim.get("/login/oidc/back", query_string={"code": "the-code", "state": provider.asked["state"]})
    assert answer.status_code == 403


def test_provider_with_another_issuer_is_refused(app: Flask, provider: Provider) -> None:
    provider.names_itself = "http://127.0.0.1:1"
    assert app.test_client().get("/login/oidc").status_code == 403


def test_local_user_name_cannot_be_taken(app: Flask, provider: Provider) -> None:
    store: Store = app.extensions["scamfeed-store"]
    with store.begin() as tx:
        users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
    assert log_in(app, provider)[1].status_code == 403


def test_far_reaching_act_needs_a_fresh_login_at_the_provider(app: Flask, provider: Provider) -> None:
    provider.claims = {"roles": "chief"}
    visitor, _ = log_in(app, provider)
    store: Store = app.extensions["scamfeed-store"]
    with store.begin() as tx:
        tx.exec_driver_sql("UPDATE sessions SET proven = proven - 601000000")
    assert "/login/oidc?again=1" in visitor.get("/login/again?next=/me").text
    provider.claims["auth_time"] = int(time.time()) - 3_600
    assert log_in(app, provider, visitor, "?again=1&next=/me")[1].status_code == 403
    assert provider.asked["prompt"] == "login"
    del provider.claims["auth_time"]
    assert log_in(app, provider, visitor, "?again=1&next=/me")[1].headers["Location"] == "/me"


def test_login_redirects_only_to_this_hub(app: Flask, provider: Provider) -> None:
    _, answer = log_in(app, provider, query="?next=//evil.example")
    assert answer.headers["Location"] == "/console/"
