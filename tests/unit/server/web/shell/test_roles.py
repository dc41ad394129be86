"""Every page for every role, and without a login: each role opens exactly its own pages."""

import re

import pytest
from flask import Flask

from server.operations.rights import ANYBODY, right_of
from server.store import Store
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from server.web.shell import routes
from tests.unit.server.web.shell.people import PASSWORD, Visitor, visitor_of

PERSONS: tuple[tuple[OperatorRole | PartnerRole | None, str | None], ...] = (
    (None, None),
    *((role, None) for role in OperatorRole),
    *((role, "First Bank") for role in PartnerRole),
)


def addresses() -> list[str]:
    return [re.sub("<[^>]+>", "x", route.path) for route in routes.every()]


@pytest.mark.long_but("hub-viewer", "hub-admin", "First Bank-writer")
@pytest.mark.parametrize(("role", "partner"), PERSONS, ids=[f"{partner or 'hub'}-{role}" for role, partner in PERSONS])
def test_each_page_opens_exactly_for_the_roles_of_the_table(
    app: Flask, store: Store, role: OperatorRole | PartnerRole | None, partner: str | None
) -> None:
    visitor = visitor_of(app, role, partner)
    right = "anybody"
    if role is not None:
        with store.read() as tx:
            right = right_of(users.get(tx, visitor.name))
    for route, address in zip(routes.every(), addresses(), strict=True):
        if route.who == ANYBODY:
            continue
        sent = visitor.client.post(address, data={"token": "x"}) if "POST" in route.methods else visitor.get(address)
        answer = visitor.get(address) if "GET" in route.methods else sent
        if role is None:
            assert answer.headers["Location"].startswith("/login"), address
            assert sent.headers["Location"].startswith("/login"), address
        elif right in route.who:
            assert answer.status_code in ((200, 404) if "GET" in route.methods else (403,)), (
                address,
                answer.status_code,
            )
        else:
            assert (answer.status_code, sent.status_code) == (403, 403), address


def test_every_form_that_changes_something_needs_a_session_and_its_token(app: Flask) -> None:
    for route, address in zip(routes.every(), addresses(), strict=True):
        if "POST" in route.methods and route.changes:
            stranger = Visitor(app.test_client())
            answer = stranger.client.post(address, data={})
            assert answer.status_code == 403 or answer.headers["Location"].startswith("/login"), address


def test_pages_are_not_revealed_without_a_login(app: Flask) -> None:
    client = app.test_client()
    for address in ("/console/", "/console/no-such-page", "/partner/", "/partner/no/such/page"):
        assert client.get(address).headers["Location"] == f"/login?next={address}"


def test_far_reaching_act_needs_a_fresh_login(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, PartnerRole.ADMIN, "First Bank")
    assert visitor.get("/partner/credentials").status_code == 200
    with store.begin() as tx:
        tx.exec_driver_sql("UPDATE sessions SET proven = proven - 601000000")
    assert visitor.get("/partner/credentials").headers["Location"] == "/login/again?next=/partner/credentials"
    refused = visitor.send("/partner/credentials", "/me")
    assert refused.headers["Location"].startswith("/login/again")
    before = visitor.client.get_cookie("session")
    sent = visitor.send(
        "/login/again", password="correct horse battery staple", code=visitor.code(), next="/partner/credentials"
    )
    assert sent.headers["Location"] == "/partner/credentials"
    assert visitor.client.get_cookie("session") != before
    assert visitor.get("/partner/credentials").status_code == 200


def test_partner_rotates_only_its_own_credentials(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, PartnerRole.ADMIN, "First Bank")
    page = visitor.send("/partner/credentials").text
    token = re.findall(r'id="new-token">([^<]+)<', page)[0]
    answer = app.test_client().get(
        "/feed/collections/",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/taxii+json;version=2.1"},
    )
    assert answer.status_code == 200
    assert token not in visitor.get("/partner/credentials").text


def test_expired_form_leads_back_to_its_page(app: Flask, store: Store) -> None:
    visitor = visitor_of(app, PartnerRole.ADMIN, "First Bank")
    with store.begin() as tx:
        tx.exec_driver_sql("UPDATE sessions SET proven = proven - 601000000")
    sent = visitor.send("/partner/notice/file", "/partner/notice", value="scam.example.com", form="json")
    assert sent.headers["Location"] == "/login/again?next=/partner/notice%3Funsent%3D1"
    again = visitor.get(sent.headers["Location"]).text
    assert "You return to its page after this." in again
    back = visitor.send("/login/again", password=PASSWORD, code=visitor.code(), next="/partner/notice?unsent=1")
    assert back.headers["Location"] == "/partner/notice?unsent=1"
    assert "Nothing was sent yet" in visitor.get(back.headers["Location"]).text
    assert "Nothing was sent yet" not in visitor.get("/partner/notice").text


def test_languages_on_the_answer_to_a_form_lead_to_its_page(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    for sent, page in (
        ("/console/reviews/preview", "/console/reviews"),
        ("/console/review/x/y/ask", "/console/review/x/y"),
        ("/console/partners/x/rights", "/console/partners/x"),
        ("/console/people/add", "/console/people"),
        ("/me/passkeys/remove", "/me"),
        ("/console/explain", "/console/explain"),
    ):
        answer = visitor.client.post(sent, data={"token": "x"})
        assert f'href="{page}?lang=th"' in answer.text, sent
    assert "?lang=" not in visitor.client.post("/logout", data={"token": "x"}).text


def test_subpage_highlights_its_tab(app: Flask) -> None:
    visitor = visitor_of(app, OperatorRole.ADMIN)
    for path, tab in (
        ("/console/partners/new", "/console/partners"),
        ("/console/policy/history", "/console/policy"),
        ("/console/referrals", "/console/questions"),
        ("/console/retract", "/console/disputes"),
        ("/console/erase", "/console/proposals"),
    ):
        page = visitor.get(path).text
        assert re.findall(r'<a href="([^"]*)" aria-current="true">', page) == ["/console/", tab], path
