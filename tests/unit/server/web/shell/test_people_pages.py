"""The pages of people: an administrator adds, changes and removes operators, and takes over no confirming account."""

import re

import pytest
from flask import Flask

from server.store import Store, audit
from server.store.operators import users
from server.store.operators.users import OperatorRole, User
from server.store.proposals import proposals
from tests.unit.server.web.shell.people import PASSWORD, Visitor, visitor_of

PEOPLE = "/console/people"


@pytest.fixture
def admin(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ADMIN, name="Somsri P.")


def operator(store: Store, name: str) -> User | None:
    with store.read() as tx:
        return users.find(tx, name)


def add(admin: Visitor, name: str, role: str, email: str = "") -> str:
    return admin.send(f"{PEOPLE}/add", PEOPLE, name=name, role=role, email=email).text


def test_analyst_is_added_with_a_link_that_works_once(app: Flask, store: Store, admin: Visitor) -> None:
    page = add(admin, "Anong S.", "analyst", "anong@hub.example")
    link = re.findall(r"/welcome/[\w-]+", page)[0]
    added = operator(store, "Anong S.")
    assert added is not None
    assert (added.role, added.email, added.created_by) == ("analyst", "anong@hub.example", "Somsri P.")
    visitor = Visitor(app.test_client())
    answer = visitor.send(link, password=PASSWORD, again=PASSWORD)
    assert answer.headers["Location"] == "/login/second-factor"
    assert "Anong S." in admin.get(PEOPLE).text
    with store.read() as tx:
        assert ("ADD", "user") in {(entry.event.method, entry.event.route) for entry in audit.tail(tx, 50)}


@pytest.mark.parametrize(
    ("name", "role", "email", "words"),
    [
        ("", "analyst", "", "1 to 60 letters"),
        ("Anong", "", "", "Choose the role"),
        ("Anong", "owner", "", "Choose the role"),
        ("Anong", "viewer", "nobody", "no e-mail address"),
        ("Somsri P.", "viewer", "", "is in use"),
        ('"><script>', "viewer", "", "shown only once"),
    ],
)
def test_form_says_what_is_wrong_and_keeps_its_content(
    admin: Visitor, store: Store, name: str, role: str, email: str, words: str
) -> None:
    answer = admin.send(f"{PEOPLE}/add", PEOPLE, name=name, role=role, email=email)
    assert answer.status_code in (200, 422)
    assert words in answer.text
    assert "<script>" not in answer.text
    if answer.status_code == 422:
        assert f'value="{email}"' in answer.text
        with store.read() as tx:
            assert len(users.all_users(tx)) == 1


@pytest.mark.parametrize("role", ["approver", "admin"])
def test_confirming_role_needs_a_second_person(app: Flask, store: Store, admin: Visitor, role: str) -> None:
    add(admin, "Boon T.", role)
    assert operator(store, "Boon T.") is None
    with store.read() as tx:
        [proposed] = proposals.all_proposals(tx)
    second = visitor_of(app, OperatorRole.ADMIN, name="Chai")
    page = second.send(f"/console/proposals/{proposed.id}/confirm", f"/console/proposals/{proposed.id}").text
    assert "/welcome/" in page
    made = operator(store, "Boon T.")
    assert made is not None
    assert made.role == role


def test_role_changes_and_rises_by_two(app: Flask, store: Store, admin: Visitor) -> None:
    add(admin, "Anong S.", "analyst")
    person = operator(store, "Anong S.")
    assert person is not None
    place = f"{PEOPLE}/{person.id}"
    assert admin.send(f"{place}/role", place, role="viewer").status_code == 303
    proposed = admin.send(f"{place}/role", place, role="approver")
    assert proposed.headers["Location"].startswith("/console/proposals/")
    changed = operator(store, "Anong S.")
    assert changed is not None
    assert changed.role == "viewer"
    assert "becomes an approver" in admin.get(proposed.headers["Location"]).text
    assert admin.send(f"{place}/role", place, role="viewer").status_code == 422


def test_nobody_takes_over_a_confirming_account_alone(app: Flask, store: Store, admin: Visitor) -> None:
    approver = visitor_of(app, OperatorRole.APPROVER, name="Boon T.")
    person = operator(store, "Boon T.")
    assert person is not None
    place = f"{PEOPLE}/{person.id}"
    assert "Issue a new link" not in admin.get(place).text
    assert admin.send(f"{place}/link", place).status_code == 409
    assert approver.get("/console/").status_code == 200


def test_own_account_is_changed_by_another_administrator(store: Store, admin: Visitor) -> None:
    own = operator(store, "Somsri P.")
    assert own is not None
    place = f"{PEOPLE}/{own.id}"
    assert "Another administrator" in admin.get(place).text
    assert admin.send(f"{place}/role", place, role="viewer").status_code == 409
    assert admin.send(f"{place}/remove", place).status_code == 409
    assert admin.send(f"{place}/email", place, email="somsri@hub.example").status_code == 303


def test_removed_operator_is_logged_out_at_once(app: Flask, store: Store, admin: Visitor) -> None:
    analyst = visitor_of(app, OperatorRole.ANALYST, name="Anong S.")
    person = operator(store, "Anong S.")
    assert person is not None
    place = f"{PEOPLE}/{person.id}"
    assert "/welcome/" in admin.send(f"{place}/link", place).text
    assert analyst.get("/console/").status_code == 303
    assert admin.send(f"{place}/remove", place).headers["Location"] == PEOPLE
    assert operator(store, "Anong S.") is None
    assert admin.get(place).status_code == 404


def test_users_of_partners_are_no_operators(app: Flask, store: Store, admin: Visitor) -> None:
    with store.begin() as tx:
        users.add(tx, "Malee K.", users.PartnerRole.WRITER, "test", "First Bank")
        malee = users.get(tx, "Malee K.")
    assert admin.get(f"{PEOPLE}/{malee.id}").status_code == 404
    assert "Malee K." in admin.get(f"{PEOPLE}?words=first").text
    assert "Malee K." not in admin.get(f"{PEOPLE}?words=second").text
    assert visitor_of(app, OperatorRole.ANALYST).get(PEOPLE).status_code == 403
