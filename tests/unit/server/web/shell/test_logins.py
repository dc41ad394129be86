"""Logging in: accepted and refused logins, and attacks on other users."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from server.store import Store, audit, partners
from server.store.operators import sessions, users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.unit.server.web.shell.people import PASSWORD, Visitor, token_of, visitor_of


def cookie_of(visitor: Visitor) -> str:
    found = visitor.client.get_cookie("session")
    return found.value if found else ""


def test_link_password_and_code_open_a_session(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.VIEWER)
    assert visitor.get("/me").status_code == 200
    assert visitor.send("/logout", "/me").headers["Location"] == "/"
    assert visitor.get("/me").headers["Location"] == "/login?next=/me"
    assert visitor.log_in().headers["Location"] == "/console/"


def test_a_link_works_once_and_a_wrong_one_never(app: Flask, store: Store) -> None:
    visitor = Visitor(app.test_client())
    with store.begin() as tx:
        secret = users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
    assert visitor.send(f"/welcome/{secret}", password=PASSWORD, again=PASSWORD).status_code == 303
    assert visitor.get(f"/welcome/{secret}").status_code == 410
    assert visitor.get("/welcome/AAAA").status_code == 410


@pytest.mark.parametrize(
    ("password", "again"), [("short", "short"), ("somsri somsri", "somsri somsri"), (PASSWORD, "x")]
)
def test_weak_or_mistyped_password_is_refused(app: Flask, store: Store, password: str, again: str) -> None:
    visitor = Visitor(app.test_client())
    with store.begin() as tx:
        secret = users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
    assert visitor.send(f"/welcome/{secret}", password=password, again=again).status_code == 422
    with store.read() as tx:
        assert users.get(tx, "Somsri").password is None


def test_password_alone_opens_no_page(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    visitor.send("/logout", "/me")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    assert visitor.get("/me").headers["Location"].startswith("/login")
    # It also cannot replace the existing second factor.
    assert visitor.get("/login/second-factor").headers["Location"] == "/login"


def test_a_session_gets_a_new_secret_at_each_step(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    visitor.send("/logout", "/me")
    visitor.client.set_cookie("session", "chosen-by-somebody-else-0123456789")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    half = cookie_of(visitor)
    visitor.send("/login/code", code=visitor.code())
    whole = cookie_of(visitor)
    assert len({"chosen-by-somebody-else-0123456789", half, whole}) == 3
    old = Visitor(app.test_client())
    old.client.set_cookie("session", half)
    assert old.get("/me").headers["Location"].startswith("/login")


def test_code_is_valid_once(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    visitor.send("/logout", "/me")
    code = visitor.code()
    for status in (303, 401):
        visitor.send("/login", name=visitor.name, password=PASSWORD)
        assert visitor.send("/login/code", code=code).status_code == status
        if status == 303:
            visitor.send("/logout", "/me")


def test_code_guesser_is_delayed_and_cannot_delay_others(app: Flask, store: Store) -> None:
    visitor, guesser = visitor_of(app, OperatorRole.ADMIN), Visitor(app.test_client())
    for _ in range(12):
        guesser.client.post(
            "/login",
            data={"token": token_of(guesser.get("/login").text), "name": visitor.name, "password": "wrong"},
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
            base_url="http://localhost",
        )
    visitor.send("/logout", "/me")
    assert visitor.log_in().status_code == 303
    visitor.send("/logout", "/me")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    found = [visitor.send("/login/code", code="000000").status_code for _ in range(6)]
    assert found == [401] * 5 + [429]
    with store.read() as tx:
        assert users.get(tx, visitor.name).wrong_codes == 5


def test_password_guesses_from_one_address_are_delayed(app: Flask) -> None:
    guesser = Visitor(app.test_client())
    found = [guesser.send("/login", name="Nobody", password="wrong").status_code for _ in range(11)]
    assert found == [401] * 10 + [429]


def test_concurrent_password_guesses_gain_nothing(app: Flask) -> None:
    token = token_of(Visitor(client := app.test_client()).get("/login").text)
    cookie = client.get_cookie("form")
    assert cookie is not None

    def guess(_: int) -> int:
        guesser = app.test_client()
        guesser.set_cookie("form", cookie.value)
        return guesser.post("/login", data={"token": token, "name": "Nobody", "password": "wrong"}).status_code

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(24)))
    assert found.count(401) == 10
    assert set(found) == {401, 429}


def test_a_person_ends_one_of_several_logins(app: Flask, store: Store) -> None:
    visitor, other = visitor_of(app, OperatorRole.VIEWER), Visitor(app.test_client())
    other.name, other.secret, other.used = visitor.name, visitor.secret, visitor.used
    other.log_in()
    hashes = re.findall('name="login" value="([0-9a-f]+)"', visitor.get("/me").text)
    assert len(hashes) == 1
    stranger = visitor_of(app, OperatorRole.ADMIN)
    stranger.send("/me", login=hashes[0])
    assert other.get("/me").status_code == 200
    visitor.send("/me", login=hashes[0])
    assert other.get("/me").status_code == 303
    assert visitor.get("/me").status_code == 200


def test_remote_login_over_plain_http_is_refused(app: Flask) -> None:
    answer = app.test_client().get("/login", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 403


def test_https_cookies_are_bound_to_this_host(app: Flask, store: Store) -> None:
    client = app.test_client()
    answer = client.get("/login", base_url="https://hub.example", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-form=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_link_on_another_page_cannot_log_out(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.VIEWER)
    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/me").status_code == 200


def test_concurrent_code_guesses_are_checked_one_by_one(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    visitor.send("/logout", "/me")
    visitor.send("/login", name=visitor.name, password=PASSWORD)
    token = token_of(visitor.get("/login/code").text)
    cookie = cookie_of(visitor)

    def guess(_: int) -> int:
        client = app.test_client()
        client.set_cookie("session", cookie)
        return client.post("/login/code", data={"token": token, "code": "000000"}).status_code

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(guess, range(16)))
    assert found == [401] * 5 + [429] * 11


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_form_without_the_token_of_its_session_changes_nothing(app: Flask, store: Store, token: str | None) -> None:
    visitor, other = visitor_of(app, OperatorRole.ADMIN), visitor_of(app, OperatorRole.VIEWER)
    stolen = token_of(other.get("/me").text) if token is None else token
    assert visitor.client.post("/logout", data={"token": stolen}).status_code == 403
    assert visitor.get("/me").status_code == 200


def test_login_redirects_only_to_this_hub(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    visitor.send("/logout", "/me")
    for given, path in (("/me", "/me"), ("//evil.example", "/console/"), ("https://evil.example/", "/console/")):
        sent = visitor.send("/login", name=visitor.name, password=PASSWORD, next=given)
        assert sent.headers["Location"] == ("/login/code?next=/me" if path == "/me" else "/login/code")
        sent = visitor.send("/login/code", code=visitor.code(), next=given)
        assert sent.headers["Location"] == path
        visitor.send("/logout", "/me")
        visitor.used -= 3
        with app.extensions["scamfeed-store"].begin() as tx:
            tx.exec_driver_sql("UPDATE users SET totp_step = 0")


def test_removal_or_new_link_ends_sessions_at_once(app: Flask, store: Store) -> None:
    first, second = visitor_of(app, OperatorRole.ADMIN), visitor_of(app, OperatorRole.VIEWER)
    with store.begin() as tx:
        users.remove(tx, first.name)
        users.renew_link(tx, second.name, "test")
    assert first.get("/me").status_code == second.get("/me").status_code == 303
    with store.read() as tx:
        assert users.get(tx, second.name).totp is None


def test_session_ends_by_age_and_by_idle_time(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    hour = 3_600 * 1_000_000
    with store.begin() as tx:
        secret = sessions.begin(tx, users.get(tx, visitor.name).id, "full", lasts=hour)
        assert sessions.find(tx, secret, idle=hour) is not None
        assert sessions.find(tx, secret, idle=-1) is None
        over = sessions.begin(tx, users.get(tx, visitor.name).id, "full", lasts=-1)
        assert sessions.find(tx, over, idle=hour) is None


def test_users_of_a_former_partner_are_logged_out(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, PartnerRole.READER, "First Bank")
    assert visitor.get("/me").status_code == 200
    with store.begin() as tx:
        partners.remove(tx, "First Bank")
    assert visitor.get("/me").headers["Location"].startswith("/login")


def test_lookalike_names_count_as_one(store: Store) -> None:
    with store.begin() as tx:
        users.add(tx, "Malee", OperatorRole.VIEWER, "test")
        for name in ("MALEE", "Ｍalee", "Ma\u200blee", " malee "):
            with pytest.raises(users.NameInUse):
                users.add(tx, name, OperatorRole.ADMIN, "test")


def test_stored_data_opens_no_session(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    with store.begin() as tx:
        secret = users.add(tx, "Another", OperatorRole.ADMIN, "test")
        everything = repr(tx.exec_driver_sql("SELECT * FROM users").all())
        everything += repr(tx.exec_driver_sql("SELECT * FROM sessions").all())
    for plain in (secret, visitor.secret, PASSWORD, cookie_of(visitor)):
        assert plain not in everything


def test_logins_and_failures_are_audited_without_the_input(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    Visitor(app.test_client()).send("/login", name=visitor.name, password="hunter2hunter2")
    Visitor(app.test_client()).send("/login", name="my password by mistake", password="x")
    time.sleep(0.01)
    with store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 50)]
    found = {(event.remote, event.method, event.route, event.status) for event in events}
    assert (visitor.name, "LOGIN", "session", 200) in found
    assert (visitor.name, "LOGIN", "session", 401) in found
    # An unknown name also costs a row, so the response time does not reveal which names exist.
    assert ("visitor", "LOGIN", "session", 401) in found
    assert not any("mistake" in repr(event) or "hunter2" in repr(event) for event in events)
