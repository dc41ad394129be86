"""A form takes effect once, however often it is sent; a reload asks for its answer, and a secret is shown once."""

import re
import threading
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.store import Store, partners
from server.store.operators import sent_forms
from server.store.operators.users import OperatorRole, PartnerRole
from server.web.shell import routes
from tests.unit.server.web.shell.people import Visitor, key_of, token_of, visitor_of

OWN = "/partner/credentials"
TEMPLATES = sorted(Path("server").rglob("templates/**/*.html"))
# Forms that change nothing but the browser or the session, and have the token alone.
WITHOUT_KEY = {"/logout", "/me/columns"}
# Forms that change nothing, and forms that the secret in their address or the key of an objection makes one.
SEARCHES = {
    *("/check", "/object/answer", "/object/clearance"),
    *("/partner/", "/partner/accounts", "/partner/accounts.csv", "/partner/reports.csv"),
}
BY_TOKEN = {"/dispatch/answer/<token>", "/mail/confirm/<token>", "/mail/stop/<token>", "/object"}


@pytest.fixture
def admin(app: Flask) -> Visitor:
    return visitor_of(app, PartnerRole.ADMIN, "First Bank")


def fields(visitor: Visitor, page: str = OWN, **more: str) -> dict[str, str]:
    opened = visitor.get(page).text
    return {"token": token_of(opened), "form-key": key_of(opened), **more}


def issued(store: Store) -> int:
    with store.read() as tx:
        # Without those of its registration.
        return len(partners.credentials_of(tx, "First Bank")) - 1


def password_on(page: TestResponse) -> str:
    found = re.search(r'id="new-password">([^<]+)<', page.text)
    return found[1] if found else ""


def test_reload_issues_no_second_credential(admin: Visitor, store: Store) -> None:
    data = fields(admin)
    sent = [admin.client.post(OWN, data=data) for _ in range(3)]
    assert {answer.status_code for answer in sent} == {303}
    assert len({answer.headers["Location"] for answer in sent}) == 1
    assert issued(store) == 1
    shown = admin.get(sent[0].headers["Location"])
    with store.read() as tx:
        assert partners.by_password(tx, "First Bank", password_on(shown)) is not None
    again = admin.get(sent[0].headers["Location"])
    assert again.status_code == 410
    assert "shown once" in again.text
    assert password_on(again) == ""


def test_new_form_or_other_content_is_another_act(admin: Visitor, store: Store) -> None:
    data = fields(admin, purpose="payments")
    admin.client.post(OWN, data=data)
    admin.client.post(OWN, data={**data, "purpose": "web"})
    admin.client.post(OWN, data=fields(admin, purpose="payments"))
    assert issued(store) == 3


def test_refused_form_is_sent_again_with_its_key(admin: Visitor, store: Store) -> None:
    data = fields(admin, purpose="x" * 100)
    refused = admin.client.post(OWN, data=data)
    assert refused.status_code == 422
    assert key_of(refused.text) == data["form-key"]
    assert admin.client.post(OWN, data=data).status_code == 422
    assert admin.client.post(OWN, data={**data, "purpose": "web"}).status_code == 303
    assert issued(store) == 1


def test_two_clicks_at_once_have_one_effect(app: Flask, admin: Visitor, store: Store) -> None:
    data, cookie = fields(admin), admin.client.get_cookie("session")
    assert cookie is not None
    answers = []

    def click() -> None:
        client = app.test_client()
        client.set_cookie("session", cookie.value)
        answers.append(client.post(OWN, data=data))

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert {answer.status_code for answer in answers} == {303}
    assert issued(store) == 1


def test_answer_is_that_of_the_session_alone(app: Flask, admin: Visitor) -> None:
    place = admin.client.post(OWN, data=fields(admin)).headers["Location"]
    colleague = visitor_of(app, PartnerRole.ADMIN, "First Bank", name="Colleague")
    absent_place = "/me/sent/" + "0" * 32
    hidden, absent = colleague.get(place), colleague.get(absent_place)
    assert (hidden.status_code, hidden.text.replace(place, absent_place)) == (404, absent.text)
    assert visitor_of(app, None).get(place).headers["Location"].startswith("/login")
    assert password_on(admin.get(place))


def test_running_form_tells_to_wait(app: Flask, admin: Visitor, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_forms, "keep", lambda *_: None)
    answer = admin.get(admin.client.post(OWN, data=fields(admin)).headers["Location"])
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "2")


def test_answer_that_is_no_secret_is_shown_again(app: Flask) -> None:
    operator = visitor_of(app, OperatorRole.ADMIN)
    sent = operator.client.post(
        "/console/allowlists/test", data=fields(operator, "/console/allowlists", value="x.example.com")
    )
    pages = [operator.get(sent.headers["Location"]) for _ in range(2)]
    assert [page.status_code for page in pages] == [200, 200]
    assert pages[0].text == pages[1].text


def test_erasure_forgets_answers_but_repeats_no_effect(admin: Visitor, store: Store) -> None:
    data = fields(admin)
    place = admin.client.post(OWN, data=data).headers["Location"]
    with store.begin() as tx:
        sent_forms.forget_all(tx)
    assert admin.client.post(OWN, data=data).headers["Location"] == place
    assert admin.get(place).status_code == 404
    assert issued(store) == 1


def test_old_answers_of_a_person_end(admin: Visitor, store: Store) -> None:
    data = fields(admin, "/me")
    for number in range(60):
        admin.client.post(
            "/me/columns", data={**data, "table": "reviews", "column": str(number % 30), "n": str(number)}
        )
    with store.read() as tx:
        [(kept,)] = tx.exec_driver_sql("SELECT count(*) FROM sessions WHERE stage = 'form'").all()
    assert kept == 50


def test_every_form_is_a_search_or_takes_effect_once() -> None:
    free = {route.path for route in routes.every() if "POST" in route.methods and not route.changes}
    assert free == SEARCHES | BY_TOKEN


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_every_form_with_a_token_has_a_key(file: Path) -> None:
    for form in file.read_text().split("<form")[1:]:
        is_free = any(f"link('{path}')" in form for path in WITHOUT_KEY)
        assert is_free or 'name="token"' not in form or "form_key()" in form, form[:200]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_page_that_says_that_a_secret_is_shown_once_shows_it_once(file: Path) -> None:
    text = file.read_text()
    says = re.search(r"shown only once\"|shown once\. Note it|: shown only once", text) is not None
    assert says == ("shown_once()" in text)
