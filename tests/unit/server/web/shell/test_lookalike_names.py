"""Partners and users cannot get a name that looks like another's on the pages. Existing lookalikes keep working."""

import pytest
from flask import Flask
from sqlalchemy import insert, select

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, partners
from server.store.operators import tables, users
from server.store.operators.users import NameInUse, OperatorRole
from server.store.partners import NameTaken
from tests.unit.server.web.shell.people import Visitor, visitor_of

# Cyrillic letters, a Greek one, wide ones, a digit, punctuation, blanks, and invisible characters.
OF_FIRST_BANK = (
    *("F\u0456rst Bank", "First B\u03b1nk", "\uff26irst Bank", "F1rst Bank", "First-Bank.", "FIRST  BANK"),
    *("First\u00a0Bank", "FirstBank"),
)
OF_SCAMFEED = ("\u0405camfeed", "scam-feed", "SCAMFEED")
NEW = {"kind": "bank", "country": "th", "sheet_language": "en", "function": "prevention"}


@pytest.fixture
def admin(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ADMIN, name="Somsri Promsuk")


@pytest.mark.parametrize("name", OF_FIRST_BANK + OF_SCAMFEED, ids=ascii)
def test_a_partner_gets_no_name_that_looks_like_anothers(admin: Visitor, store: Store, name: str) -> None:
    assert admin.send("/console/partners/new", **NEW, name=name).status_code == 422
    assert admin.send("/console/partners/new", **NEW, name=name, trusted="yes").status_code in (409, 422)
    with store.read() as tx:
        assert {partner.name for partner in partners.all_partners(tx)} == {"First Bank", "Second Bank"}


def test_name_of_a_former_partner_stays_reserved(admin: Visitor, store: Store) -> None:
    with store.begin() as tx:
        partners.remove(tx, "First Bank")
    assert admin.send("/console/partners/new", **NEW, name="F\u0456rst Bank").status_code == 422


def test_lookalike_organisation_counts_as_the_same(app: Flask, admin: Visitor, store: Store) -> None:
    place = f"/console/partners/{ids.identity('Second Bank')}"
    given = {"kind": "bank", "country": "th"}
    assert admin.send(f"{place}/change", place, **given, organisation="F\u0456rst Bank").status_code == 422
    proposed = admin.send(f"{place}/change", place, **given, organisation="FIRST BANK").headers["Location"]
    second = visitor_of(app, OperatorRole.ADMIN, name="Boon Mee")
    assert second.send(f"{proposed}/confirm", proposed).status_code == 303
    assert admin.send("/console/partners/new", **NEW, name="Third", organisation="F1rst Bank").status_code == 422
    with store.read() as tx:
        assert partners.get(tx, "Second Bank").counts_as == "first bank"


@pytest.mark.parametrize(
    "name", ["S\u043emsri Promsuk", "Somsri-Promsuk", "SOMSRI PROMSUK", "Somsri Promsu\u03ba"], ids=ascii
)
def test_a_user_gets_no_name_that_looks_like_anothers(admin: Visitor, store: Store, name: str) -> None:
    place = f"/console/partners/{ids.identity('First Bank')}"
    assert admin.send(f"{place}/people", place, do="add", person=name, role="reader").status_code == 422
    assert admin.send("/console/people/add", "/console/people", name=name, role="admin").status_code == 422
    for email in (None, "somsri@hub.example"):
        with store.begin() as tx, pytest.raises(NameInUse):
            users.add_by_subject(tx, "issuer 1", name, OperatorRole.VIEWER, email)
    with store.read() as tx:
        assert [user.name for user in users.all_users(tx)] == [admin.name]


def test_existing_lookalike_names_keep_working(app: Flask, store: Store, admin: Visitor) -> None:
    with store.begin() as tx:
        [row] = tx.execute(select(tables.users)).mappings()
        tx.execute(
            insert(tables.users),
            [{**row, "id": "x", "name": "S\u043emsri Promsuk", "plain_name": "s\u043emsripromsuk"}],
        )
        [first] = tx.execute(select(partners.partners).where(partners.partners.c.name == "First Bank")).mappings()
        twin = {"name": "F\u0456rst Bank", "identity": ids.identity("F\u0456rst Bank"), "space": 99}
        tx.execute(insert(partners.partners), [{**first, **twin}])
    assert "F\u0456rst Bank" in admin.get("/console/partners").text
    with store.begin() as tx:
        assert partners.rotate(tx, "F\u0456rst Bank").user == "F\u0456rst Bank"
        users.renew_link(tx, "S\u043emsri Promsuk", "root")
    place = f"/console/partners/{ids.identity('First Bank')}"
    assert admin.send(f"{place}/change", place, kind="exchange", country="sg").status_code == 303


def test_lookalike_names_are_never_both_added(either_app: Flask) -> None:
    store: Store = either_app.extensions["scamfeed-store"]
    given = {"kind": PartnerKind.BANK, "country": "TH"}
    for name in ("Third Bank", "Th\u0456rd Bank"):
        with store.begin() as tx:
            if name == "Third Bank":
                partners.add(tx, Partner(name=name, identity=ids.identity(name), **given))
                users.add(tx, name, OperatorRole.VIEWER, "root")
                continue
            with pytest.raises(NameTaken):
                partners.add(tx, Partner(name=name, identity=ids.identity(name), **given))
            with pytest.raises(NameInUse):
                users.add(tx, name, OperatorRole.VIEWER, "root")
    with store.read() as tx:
        assert [partner.name for partner in partners.all_partners(tx)] == ["Third Bank"]
