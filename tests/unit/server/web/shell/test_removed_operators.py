"""A removed operator's proposals are void, and a second account of the same person cannot confirm them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from schemas import timestamp
from server.features.partners.users import changes as partner_users
from server.features.people.admins import MAKE_ADMIN, arguments
from server.operations import dual_control, registry
from server.operations.dual_control import NotASecondPerson
from server.store import Store, audit, partners
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import OperatorRole, PartnerRole
from server.store.proposals import proposals
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.people import visitor_of

ADDRESS = "anong@hub.example"
Step = Callable[[Tx], object]


def propose(store: Store, by: str) -> str:
    with store.begin() as tx:
        return dual_control.propose(hub_on(store), tx, MAKE_ADMIN, arguments("Chai"), by).id


def confirm(store: Store, id_: str, by: str) -> str:
    with store.begin() as tx:
        return dual_control.confirm(hub_on(store), tx, registry.actions(), id_, by).proposal.state


def state(store: Store, id_: str) -> str:
    with store.read() as tx:
        return proposals.find(tx, id_).state


def local(tx: Tx, name: str, email: str | None = None) -> None:
    users.add(tx, name, OperatorRole.APPROVER, "root", email=email)


def provided(tx: Tx, name: str, email: str | None = None, subject: str = "17") -> None:
    users.add_by_subject(tx, f"issuer {subject}", name, OperatorRole.APPROVER, email)


def long_ago(tx: Tx) -> None:
    with timestamp.frozen_at(timestamp.now() - timedelta(days=100)):
        local(tx, "Boon", ADDRESS)
        users.set_email(tx, "Boon", "boon@hub.example")


# Origin of the second account while the proposal of the first one was open.
SAME_PERSON: dict[str, tuple[Step, ...]] = {
    "same-address": (lambda tx: local(tx, "Boon", ADDRESS),),
    "the-first-changed-its-address": (
        lambda tx: users.set_email(tx, "Anong", "another@hub.example"),
        lambda tx: local(tx, "Boon", ADDRESS),
    ),
    "the-first-has-no-address-any-more": (
        lambda tx: users.set_email(tx, "Anong", None),
        lambda tx: provided(tx, "Boon", ADDRESS),
    ),
    "the-second-changed-its-address": (
        lambda tx: local(tx, "Boon", ADDRESS),
        lambda tx: users.set_email(tx, "Boon", "boon@hub.example"),
    ),
    "the-second-changed-its-address-long-ago": (long_ago,),
    "the-second-was-removed-and-added-again": (
        lambda tx: local(tx, "Boon", ADDRESS),
        lambda tx: users.remove(tx, "Boon"),
        lambda tx: local(tx, "Boon", "boon@hub.example"),
    ),
    "the-second-came-by-the-provider-again": (
        lambda tx: provided(tx, "Boon", ADDRESS),
        lambda tx: users.remove(tx, "Boon"),
        lambda tx: provided(tx, "Somebody else", "boon@hub.example"),
    ),
    "the-provider-names-another-address": (
        lambda tx: provided(tx, "Boon", ADDRESS),
        lambda tx: provided(tx, "Boon", "boon@hub.example"),
    ),
}


@pytest.mark.parametrize("steps", SAME_PERSON.values(), ids=SAME_PERSON.keys())
def test_a_second_account_of_the_same_person_never_confirms(either_app: Flask, steps: tuple[Step, ...]) -> None:
    store: Store = either_app.extensions["scamfeed-store"]
    with store.begin() as tx:
        local(tx, "Anong", ADDRESS)
    id_ = propose(store, "Anong")
    for step in steps:
        with store.begin() as tx:
            step(tx)
    with store.read() as tx:
        second = next(user.name for user in users.all_users(tx) if user.name not in ("Anong", "Chai"))
    with pytest.raises(NotASecondPerson):
        confirm(store, id_, second)
    assert state(store, id_) == "open"
    with store.begin() as tx:
        local(tx, "Dao", "dao@hub.example")
    assert confirm(store, id_, "Dao") == "confirmed"


def test_no_address_is_stored_with_a_proposal_or_kept_of_a_removed_account(store: Store) -> None:
    with store.begin() as tx:
        local(tx, "Anong", ADDRESS)
    propose(store, "Anong")
    with store.begin() as tx:
        users.remove(tx, "Anong")
        asked = ("SELECT proposer FROM proposals", "SELECT * FROM former_identities")
        rows = [row for statement in asked for row in tx.exec_driver_sql(statement)]
    assert len(rows) == 2
    assert ADDRESS not in repr(rows)


def test_proposals_of_an_operator_made_a_viewer_are_void(app: Flask, store: Store) -> None:
    admin = visitor_of(app, OperatorRole.ADMIN)
    second = visitor_of(app, OperatorRole.ADMIN, name="Second Admin")
    path = admin.send("/console/people/add", "/console/people", name="Chai", role="admin").headers["Location"]
    with store.begin() as tx:
        users.change_role(tx, admin.name, OperatorRole.VIEWER)
    second.send(f"{path}/confirm", path)
    assert state(store, path.rpartition("/")[2]) == "void"
    with store.read() as tx:
        assert users.find(tx, "Chai") is None


def test_page_voids_proposals_of_removed_persons(app: Flask, store: Store) -> None:
    admin = visitor_of(app, OperatorRole.ADMIN)
    second = visitor_of(app, OperatorRole.ADMIN, name="Second Admin")
    path = admin.send("/console/people/add", "/console/people", name="Chai", role="admin").headers["Location"]
    with store.begin() as tx:
        users.remove(tx, admin.name)
    second.send(f"{path}/confirm", path)
    assert state(store, path.rpartition("/")[2]) == "void"


def test_proposals_of_a_removed_user_of_a_partner_are_void(store: Store, app: Flask) -> None:
    with store.begin() as tx:
        bank = partners.get(tx, "First Bank")
        partner_users.add(tx, bank, "Malee", PartnerRole.ADMIN, "root")
    id_ = propose(store, "Malee")
    with store.begin() as tx:
        partner_users.remove(hub_on(store), tx, bank, "Malee", "Root")
    assert state(store, id_) == "void"
    with store.read() as tx:
        steps = [(entry.event.method, entry.event.remote, entry.event.reference) for entry in audit.tail(tx, 20)]
    assert ("VOID", "Root", id_) in steps
