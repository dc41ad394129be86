"""Two persons issue access for a partner with powers, and grant its powers. The partner is notified of each."""

import re
from collections.abc import Mapping

import pytest
from flask import Flask

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.features.partners import notices
from server.store import Store, audit, partners
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

NAME = "Guarded Bank"
PLACE = f"/console/partners/{ids.identity(NAME)}"
FINGERPRINT = "ab" * 32
POWERS: tuple[Mapping[str, object], ...] = (
    {"trusted": True},
    {"authority": ("domain",)},
    {"institutions": ("KASITHBK",)},
    {"peer": True},
)
# An administrator's form to issue access, and its fields.
ISSUES: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("credentials", {}),
    ("certificate", {"certificate": FINGERPRINT}),
    ("people", {"do": "add", "person": "Malee K.", "role": "admin"}),
    ("people", {"do": "link", "person": "Nok"}),
    ("people", {"do": "role", "person": "Nok", "role": "admin"}),
)


@pytest.fixture
def admin(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ADMIN)


@pytest.fixture
def second(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ADMIN, name="Second Admin")


def join(store: Store, **powers: object) -> None:
    with store.begin() as tx:
        given = {"name": NAME, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(NAME), **powers}
        partners.add(tx, Partner.model_validate(given))
        users.add(tx, "Nok", PartnerRole.READER, "test", NAME)


def access(store: Store) -> tuple[object, ...]:
    """Return all credentials that currently open the partner's access."""
    with store.read() as tx:
        people = [(user.name, user.role, user.link) for user in users.all_users(tx) if user.partner == NAME]
        return len(partners.credentials_of(tx, NAME)), [*partners.certificates_of(tx, NAME)], people


def send(visitor: Visitor, form: str, fields: Mapping[str, str]) -> str:
    """Send a form of the partner's page, and return the redirect target."""
    page = visitor.get(PLACE).text
    basis = re.findall(r'name="basis" value="(\d+)"', page)[0]
    data = {"token": token_of(page), "basis": basis, **fields}
    return visitor.client.post(f"{PLACE}/{form}", data=data).headers.get("Location", "")


@pytest.mark.parametrize("powers", POWERS, ids=lambda powers: next(iter(powers)))
@pytest.mark.parametrize(("form", "fields"), ISSUES, ids=["credentials", "certificate", "user", "link", "role"])
def test_access_of_a_partner_with_powers_needs_two_persons(
    admin: Visitor, second: Visitor, store: Store, form: str, fields: Mapping[str, str], powers: Mapping[str, object]
) -> None:
    join(store, **powers)
    before = access(store)
    proposed = send(admin, form, fields)
    assert proposed.startswith("/console/proposals/")
    assert access(store) == before
    assert admin.send(f"{proposed}/confirm", proposed).status_code == 409
    assert access(store) == before
    done = second.send(f"{proposed}/confirm", proposed)
    assert access(store) != before
    if form == "credentials":
        [password] = re.findall(r'id="new-password">([^<]+)<', done.text)
        with store.read() as tx:
            assert partners.by_password(tx, NAME, password) is not None
    if fields.get("do") in ("add", "link"):
        [secret] = re.findall(r"/welcome/([A-Za-z0-9_-]+)", done.text)
        with store.read() as tx:
            assert users.of_link(tx, secret).name == fields["person"]
    assert done.headers["Cache-Control"] == "no-store"
    assert "welcome/" not in second.get(proposed).text
    with store.read() as tx:
        steps = {(entry.event.method, entry.event.remote) for entry in audit.tail(tx, 40)}
        told = [notice.code for notice in notices.latest(tx, NAME, 10)]
    assert {("PROPOSE", admin.name), ("CONFIRM", second.name)} <= steps
    assert len(told) == 2, told


def test_access_of_other_partners_needs_one_person(admin: Visitor, store: Store) -> None:
    join(store)
    for form, fields in ISSUES[1:]:
        before = access(store)
        assert "proposals" not in send(admin, form, fields)
        assert access(store) != before


def test_recently_revoked_powers_still_need_two_persons(admin: Visitor, store: Store) -> None:
    join(store, trusted=True)
    assert send(admin, "change", {"kind": "bank", "country": "TH"}) == PLACE
    with store.read() as tx:
        assert not partners.get(tx, NAME).has_powers
    assert send(admin, "credentials", {}).startswith("/console/proposals/")
    with store.begin() as tx:
        tx.exec_driver_sql("UPDATE partners SET powers_ended = powers_ended - 31 * 86400000000")
    assert "proposals" not in send(admin, "credentials", {})


@pytest.mark.parametrize("powers", [*POWERS, {"vouched": True}], ids=lambda powers: next(iter(powers)))
def test_granting_powers_needs_two_persons_and_revoking_one(
    admin: Visitor, second: Visitor, store: Store, powers: Mapping[str, object]
) -> None:
    join(store)
    [(name, value)] = powers.items()
    field = "yes" if value is True else value[0]
    given = {"kind": "bank", "country": "SG", name: str(field)}
    proposed = send(admin, "change", given)
    with store.read() as tx:
        found = partners.get(tx, NAME)
    assert (found.country, found.has_powers) == ("SG", False)
    assert "1 sets of credentials" in second.get(proposed).text
    assert admin.send(f"{proposed}/confirm", proposed).status_code == 409
    assert second.send(f"{proposed}/confirm", proposed).status_code == 303
    with store.read() as tx:
        assert getattr(partners.get(tx, NAME), name) == value
    assert send(admin, "change", {"kind": "bank", "country": "SG"}) == PLACE
    with store.read() as tx:
        assert not partners.get(tx, NAME).has_powers


def test_former_partner_with_powers_returns_under_dual_control(admin: Visitor, second: Visitor, store: Store) -> None:
    join(store, trusted=True)
    assert admin.send(f"{PLACE}/leave", name=NAME).status_code == 303
    proposed = admin.send(f"{PLACE}/restore", PLACE).headers["Location"]
    with store.read() as tx:
        assert NAME in partners.departed_partners(tx)
    done = second.send(f"{proposed}/confirm", proposed)
    assert "new-password" in done.text
    with store.read() as tx:
        assert NAME not in partners.departed_partners(tx)


def test_new_partner_with_powers_needs_two_persons(app: Flask, admin: Visitor, second: Visitor, store: Store) -> None:
    given = {"name": "Police", "kind": "government", "authority": "domain", "sheet_language": "en"}
    answer = admin.send(
        "/console/partners/new", **given, read="takedown", contact="desk@police.example", function="prosecution"
    )
    proposed = answer.headers["Location"]
    assert "new-password" not in answer.text
    with store.read() as tx:
        assert "Police" not in {partner.name for partner in partners.all_partners(tx)}
    approver = visitor_of(app, OperatorRole.APPROVER)
    assert approver.send(f"{proposed}/confirm", "/console/proposals").status_code == 403
    done = second.send(f"{proposed}/confirm", proposed)
    assert "new-password" in done.text
    with store.read() as tx:
        assert partners.get(tx, "Police").authority == ("domain",)


def test_partner_reads_access_changes_in_both_languages(
    app: Flask, admin: Visitor, second: Visitor, store: Store
) -> None:
    join(store, trusted=True)
    proposed = send(admin, "credentials", {})
    second.send(f"{proposed}/confirm", proposed)
    reader = visitor_of(app, PartnerRole.READER, NAME)
    assert "/partner/access" in reader.get("/partner/").text
    page = reader.get("/partner/access?lang=en").text
    assert "An operator proposed new credentials" in page
    assert "issued new credentials for your programs" in page
    assert "ออกข้อมูลรับรองชุดใหม่" in reader.get("/partner/access?lang=th").text
    assert admin.name not in page
    other = visitor_of(app, PartnerRole.READER, "First Bank")
    assert "new credentials" not in other.get("/partner/access?lang=en").text
