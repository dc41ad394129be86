"""Passkeys in addition to codes: created at ``/me``, valid once per login, for one person and this site only."""

import json
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from flask import Flask

from server.store import Store, audit
from server.store.operators import passkeys, users
from server.store.operators.users import OperatorRole
from server.web.login.passkeys import RelyingParty, relying_party
from tests.unit.server.web.shell.authenticators import PRESENT, Authenticator
from tests.unit.server.web.shell.people import PASSWORD, Visitor, token_of, visitor_of

NEW = "/me/passkeys/new"


def options_on(page: str) -> dict[str, Any]:
    """Return the challenge and options of a page for the browser."""
    found = re.search(r'data-asked="([^"]+)"', page)
    assert found, page
    asked: dict[str, Any] = json.loads(unescape(found[1]))
    return asked


def add(visitor: Visitor, authenticator: Authenticator, name: str = "my key") -> Any:
    page = visitor.get(NEW).text
    answer = authenticator.make(options_on(page))
    return visitor.client.post(NEW, data={"token": token_of(page), "name": name, "passkey": answer})


def log_in(visitor: Visitor, authenticator: Authenticator, page: str = "") -> Any:
    """Log in with password and passkey. ``page`` is an earlier page whose challenge is signed."""
    visitor.send("/logout", "/me")
    assert visitor.send("/login", name=visitor.name, password=PASSWORD).headers["Location"] == "/login/code"
    shown = visitor.get("/login/code").text
    answer = authenticator.sign(options_on(page or shown))
    return visitor.client.post("/login/code", data={"token": token_of(shown), "passkey": answer})


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ANALYST)


def test_passkey_replaces_the_code_until_removed(visitor: Visitor, store: Store) -> None:
    key = Authenticator()
    assert add(visitor, key).headers["Location"] == "/me"
    assert "my key" in visitor.get("/me").text
    assert log_in(visitor, key).headers["Location"] == "/console/"
    with store.read() as tx:
        [kept] = passkeys.of_user(tx, users.get(tx, visitor.name).id)
        assert kept.used is not None
        trail = [(entry.event.method, entry.event.route) for entry in audit.tail(tx, 50)]
    assert ("SET", "passkey") in trail
    assert visitor.send("/me/passkeys/remove", "/me", passkey=kept.id.hex()).headers["Location"] == "/me"
    assert "my key" not in visitor.get("/me").text
    visitor.send("/logout", "/me")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    assert "data-asked" not in visitor.get("/login/code").text


def test_codes_work_in_addition_to_a_passkey(visitor: Visitor) -> None:
    add(visitor, Authenticator())
    visitor.send("/logout", "/me")
    assert visitor.log_in().headers["Location"] == "/console/"


def test_passkey_confirms_the_person_again(visitor: Visitor, store: Store) -> None:
    key = Authenticator()
    add(visitor, key)
    with store.begin() as tx:
        tx.exec_driver_sql("UPDATE sessions SET proven = proven - 601000000")
    assert visitor.get(NEW).headers["Location"].startswith("/login/again")
    page = visitor.get("/login/again").text
    given = {"token": token_of(page), "password": PASSWORD, "passkey": key.sign(options_on(page)), "next": NEW}
    assert visitor.client.post("/login/again", data={**given, "password": "wrong"}).status_code == 401
    page = visitor.get("/login/again").text
    given |= {"token": token_of(page), "passkey": key.sign(options_on(page))}
    assert visitor.client.post("/login/again", data=given).headers["Location"] == NEW


@pytest.mark.parametrize(
    "wrong",
    [
        [{"origin": "http://localhost.evil.example"}, {"party": "evil.example"}, {"flags": PRESENT}, {"flags": 0}],
        [{"id": b"another"}, {"signatures": 0}, {"key": Authenticator().key}],
    ],
    ids=["place-and-consent", "key"],
)
def test_invalid_signature_is_refused(visitor: Visitor, store: Store, wrong: list[dict[str, Any]]) -> None:
    key = Authenticator()
    add(visitor, key)
    assert log_in(visitor, key).status_code == 303
    visitor.send("/logout", "/me")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    for changed in wrong:
        page = visitor.get("/login/code").text
        answer = replace(key, **changed).sign(options_on(page))
        sent = visitor.client.post("/login/code", data={"token": token_of(page), "passkey": answer})
        assert sent.status_code == 401, changed
    assert visitor.get("/me").status_code == 303
    with store.read() as tx:
        assert users.get(tx, visitor.name).wrong_codes == len(wrong)


def test_signature_is_valid_once_in_its_own_session(visitor: Visitor, app: Flask) -> None:
    key = Authenticator()
    add(visitor, key)
    visitor.send("/logout", "/me")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    page = visitor.get("/login/code").text
    assert log_in(visitor, key, page).status_code == 401
    given = {"token": token_of(visitor.get("/login/code").text), "passkey": key.sign(options_on(page))}
    assert visitor.client.post("/login/code", data=given).status_code == 401


def test_another_person_cannot_log_in_with_it(visitor: Visitor, app: Flask) -> None:
    key = Authenticator()
    add(visitor, key)
    other = visitor_of(app, OperatorRole.ADMIN)
    own = Authenticator(id=b"one of her own")
    add(other, own)
    assert log_in(other, key).status_code == 401


def test_passkey_for_another_site_or_without_the_person_is_refused(visitor: Visitor) -> None:
    for wrong in ({"flags": PRESENT}, {"origin": "https://evil.example"}, {"party": "evil.example"}):
        assert add(visitor, replace(Authenticator(), **wrong)).status_code == 422, wrong  # type: ignore[arg-type]
    assert "my key" not in visitor.get("/me").text


def test_malformed_response_is_refused(visitor: Visitor) -> None:
    add(visitor, Authenticator())
    given = {"token": token_of(visitor.get("/me").text), "name": "x", "password": PASSWORD}
    for answer in ("", "{}", "[]", "null", "x", '{"id":1}', "[" * 5_000, "9" * 25_000):
        assert visitor.client.post(NEW, data={**given, "passkey": answer}).status_code == 422, answer[:9]
    for answer in ("{}", "null", "x", "[" * 5_000):
        assert visitor.client.post("/login/again", data={**given, "passkey": answer}).status_code == 401, answer[:9]


def test_damaged_parts_of_a_response_are_refused(visitor: Visitor) -> None:
    key = Authenticator()
    add(visitor, key)
    page = visitor.get(NEW).text
    made = json.loads(Authenticator(id=b"second").make(options_on(page)))
    for part in ("clientDataJSON", "attestationObject"):
        for broken in ("", "AAAA", "gA", made["response"][part][:-40], made["response"][part][40:]):
            answer = json.dumps({**made, "response": {**made["response"], part: broken}})
            given = {"token": token_of(page), "name": "x", "passkey": answer}
            assert visitor.client.post(NEW, data=given).status_code == 422, (part, broken)
            page = visitor.get(NEW).text
            made = json.loads(Authenticator(id=b"second").make(options_on(page)))


def test_a_new_link_ends_passkeys(visitor: Visitor, store: Store) -> None:
    add(visitor, Authenticator())
    with store.begin() as tx:
        user = users.get(tx, visitor.name).id
        users.renew_link(tx, visitor.name, "test")
        assert passkeys.of_user(tx, user) == []


@pytest.mark.parametrize(
    ("public_url", "host", "is_local", "found"),
    [
        (
            "https://feed.example.org",
            "evil.example",
            False,
            RelyingParty("feed.example.org", "https://feed.example.org"),
        ),
        (
            "https://feed.example.org:8443/hub",
            "x",
            False,
            RelyingParty("feed.example.org", "https://feed.example.org:8443"),
        ),
        ("https://feed.example.org:443", "x", False, RelyingParty("feed.example.org", "https://feed.example.org")),
        ("https://192.0.2.1", "localhost", True, None),
        ("", "localhost:8000", True, RelyingParty("localhost", "http://localhost:8000")),
        ("", "localhost:8000", False, None),
        ("", "127.0.0.1:8000", True, None),
        ("", "evil.example", True, None),
    ],
)
def test_passkeys_are_bound_to_the_configured_name(
    app: Flask, public_url: str, host: str, is_local: bool, found: RelyingParty | None
) -> None:
    with app.test_request_context("/", base_url=f"http://{host}") as context:
        assert relying_party(public_url, context.request, is_local=is_local) == found
