"""Operators manage partners on the pages: by role, once per form, and without a trace of any secret."""

import re

import pytest
from flask import Flask

from mappers import ids
from server.store import Store, audit_search, collections, jobs, partners, quotas
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import OperatorRole
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

PLACE = f"/console/partners/{ids.identity('First Bank')}"
NEW = {"name": "Mill Bank", "kind": "bank", "country": "th", "sheet_language": "en", "function": "prevention"}


def verbs(store: Store, route: str = "partner") -> list[tuple[str, str]]:
    with store.read() as tx:
        return [
            (entry.event.method, entry.event.remote)
            for entry in audit_search.search(tx)[0]
            if entry.event.route == route
        ]


def secrets_on(page: str) -> tuple[str, str]:
    password, token = (re.findall(rf'id="new-{what}">([^<]+)<', page)[0] for what in ("password", "token"))
    return password, token


@pytest.fixture
def admin(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ADMIN)


def test_new_partner_can_log_in_with_the_credentials_shown_once(admin: Visitor, store: Store) -> None:
    answer = admin.send("/console/partners/new", **NEW, read="takedown", contact="fraud-desk@mill.example")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    password, token = secrets_on(answer.text)
    with store.read() as tx:
        found = partners.by_password(tx, "Mill Bank", password)
        assert found is not None
        assert found.country == "TH"
        assert partners.by_token(tx, token) == found
        rights = collections.rights(tx, "Mill Bank")
        assert rights[collections.get(tx, "takedown").id] == (True, False)
        assert rights[collections.get(tx, "inbox").id] == (False, True)
    assert ("ADD", admin.name) in verbs(store)
    assert password not in admin.get(f"/console/partners/{ids.identity('Mill Bank')}").text


def test_the_same_form_sent_again_shows_no_credentials(admin: Visitor) -> None:
    admin.send("/console/partners/new", **NEW)
    again = admin.send("/console/partners/new", **NEW)
    assert again.status_code == 422
    assert "new-password" not in again.text


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("country", "Thailand", "The country"),
        ("institutions", "nowhere", "One of the institutions"),
        ("contact", "somchai@mill.example", "address of a person"),
        ("name", "a:b", "The name"),
        ("name", "Scamfeed", "The name"),
        ("kind", "club", "Choose the kind"),
        ("read", "inbox", "cannot be granted"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    admin: Visitor, store: Store, field: str, value: str, why: str
) -> None:
    answer = admin.send("/console/partners/new", **{**NEW, field: value})
    assert answer.status_code == 422
    assert why in answer.text
    with store.read() as tx:
        assert {partner.name for partner in partners.all_partners(tx)} == {"First Bank", "Second Bank"}


def test_the_sheet_is_in_the_language_of_the_partner(admin: Visitor) -> None:
    page = admin.send("/console/partners/new", **{**NEW, "sheet_language": "th"}, read="wallets").text
    assert '<section class="card" lang="th">' in page
    assert "รหัสผ่าน" in page
    assert "curl --user" in page
    assert "For the partner: shown only once" in page


def test_repeated_form_issues_credentials_once(admin: Visitor, store: Store) -> None:
    page = admin.get(PLACE).text
    data = {"token": token_of(page), "basis": re.findall(r'name="basis" value="(\d+)"', page)[0], "at_once": "yes"}
    first = admin.client.post(f"{PLACE}/credentials", data=data)
    password, _ = secrets_on(first.text)
    again = admin.client.post(f"{PLACE}/credentials", data=data)
    assert again.status_code == 409
    with store.read() as tx:
        assert partners.by_password(tx, "First Bank", password) is not None
        assert len(partners.credentials_of(tx, "First Bank")) == 1


def test_rights_match_the_form_and_the_inbox_stays(admin: Visitor, store: Store) -> None:
    with store.begin() as tx:
        collections.grant(tx, "First Bank", collections.get(tx, "inbox"), write=True)
        collections.grant(tx, "First Bank", collections.get(tx, "wallets"), read=True)
    admin.send(f"{PLACE}/rights", PLACE, read="takedown")
    with store.read() as tx:
        reads = {
            found.alias
            for found in collections.all_collections(tx)
            if collections.rights(tx, "First Bank").get(found.id, (False, False))[0]
        }
        assert collections.rights(tx, "First Bank")[collections.get(tx, "inbox").id] == (False, True)
    assert reads == {"takedown"}
    assert {("GRANT", admin.name), ("REVOKE", admin.name)} <= set(verbs(store))


def test_changed_institutions_are_checked_by_the_servers(app: Flask, admin: Visitor, store: Store) -> None:
    second = visitor_of(app, OperatorRole.APPROVER)

    def change(**fields: str) -> None:
        proposed = admin.send(f"{PLACE}/change", PLACE, **fields).headers["Location"]
        assert second.send(f"{proposed}/confirm", proposed).status_code == 303

    changed = {"kind": "exchange", "country": "sg", "institutions": "KASITHBK\nTH:014", "authority": "wallet"}
    change(**changed, organisation="Group")
    with store.read() as tx:
        found = partners.get(tx, "First Bank")
        assert [job.name for job in jobs.unfinished(tx)] == ["accounts of First Bank"]
    assert (found.kind, found.country, found.organisation) == ("exchange", "SG", "Group")
    assert (found.authority, found.institutions) == (("wallet",), ("KASITHBK", "TH:014"))
    assert admin.send(f"{PLACE}/change", PLACE, **{**changed, "country": "x"}).status_code == 422
    named = {**changed, "country": "th", "institutions": "กรุงไทย\nSiam Commercial Bank"}
    change(**named)
    with store.read() as tx:
        assert partners.get(tx, "First Bank").institutions == ("KRTHTHBK", "SICOTHBK")
    assert "Krungthai Bank (KRTHTHBK), Siam Commercial Bank (SICOTHBK)" in admin.get(PLACE).text
    unknown = admin.send(f"{PLACE}/change", PLACE, **{**named, "institutions": "No Such Bank"})
    assert (unknown.status_code, "the name of a bank in" in unknown.text) == (422, True)


def test_partner_is_removed_after_typing_its_name_and_can_return(admin: Visitor, store: Store) -> None:
    assert "What ends at once" in admin.get(f"{PLACE}/leave").text
    assert admin.send(f"{PLACE}/leave", name="Second Bank").status_code == 422
    assert admin.send(f"{PLACE}/leave", name="First Bank", retract="yes").status_code == 422
    assert admin.send(f"{PLACE}/leave", name="First Bank").status_code == 303
    with store.read() as tx:
        assert "First Bank" in partners.departed_partners(tx)
    assert admin.get(f"{PLACE}/leave").status_code == 404
    assert admin.send(f"{PLACE}/rights", PLACE, read="takedown").status_code == 404
    password, _ = secrets_on(admin.send(f"{PLACE}/restore", PLACE).text)
    with store.read() as tx:
        assert partners.by_password(tx, "First Bank", password) is not None
    assert admin.send(f"{PLACE}/restore", PLACE).status_code == 422


def test_users_of_a_partner_are_added_by_a_link_and_removed(admin: Visitor, store: Store) -> None:
    page = admin.send(f"{PLACE}/people", PLACE, do="add", person="Malee K.", role="writer").text
    [secret] = re.findall(r"/welcome/([^<]+)<", page)
    with store.read() as tx:
        assert users.of_link(tx, secret).partner == "First Bank"
    assert admin.send(f"{PLACE}/people", PLACE, do="add", person="Malee K.", role="writer").status_code == 422
    other = f"/console/partners/{ids.identity('Second Bank')}"
    assert admin.send(f"{other}/people", other, do="remove", person="Malee K.").status_code == 422
    assert admin.send(f"{PLACE}/people", PLACE, do="link", person=admin.name).status_code == 422
    assert admin.send(f"{PLACE}/people", PLACE, do="remove", person="Malee K.").status_code == 303
    with store.read() as tx:
        assert users.find(tx, "Malee K.") is None
    assert [verb for verb, _ in verbs(store, "user")[:2]] == ["REMOVE", "ADD"]


def test_only_approvers_and_above_lift_a_throttle(app: Flask, store: Store) -> None:
    with store.begin() as tx:
        quotas.throttle(tx, "First Bank", "mostly-held", now())
    analyst, approver = (visitor_of(app, role) for role in (OperatorRole.ANALYST, OperatorRole.APPROVER))
    assert analyst.client.post(f"{PLACE}/lift", data={"token": "x"}).status_code == 403
    assert "Throttled" in approver.get(PLACE).text
    assert approver.send(f"{PLACE}/lift", PLACE).status_code == 303
    assert ("LIFT", approver.name) in verbs(store, "throttle")
    assert approver.send(f"{PLACE}/lift", PLACE).status_code == 422


def test_focal_points_are_those_of_roles(admin: Visitor, store: Store) -> None:
    assert admin.send(f"{PLACE}/contacts", PLACE, protection="somchai@bank.example").status_code == 422
    assert admin.send(f"{PLACE}/contacts", PLACE, protection="protection@bank.example").status_code == 303
    assert "protection@bank.example" in admin.get(PLACE).text
    assert admin.send(f"{PLACE}/contacts", PLACE).status_code == 303
    assert "protection@bank.example" not in admin.get(PLACE).text


def test_unknown_partner_has_no_page(admin: Visitor) -> None:
    for path in ("/console/partners/First Bank", "/console/partners/identity--x", "/console/partners/x/leave"):
        assert admin.get(path).status_code == 404


def test_list_is_paged_and_searchable_by_name(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.features.partners.partner_list_pages._PAGE", 1)
    page = admin.get("/console/partners").text
    assert "First Bank" in page
    assert "after=First+Bank" in page
    assert "Second Bank" in admin.get("/console/partners?after=First%20Bank").text
    assert "First Bank" not in admin.get("/console/partners?words=second").text
