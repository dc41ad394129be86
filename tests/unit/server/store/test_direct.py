"""Statements sent directly to the driver behave like SQLAlchemy's, and the next statement sees their effects."""

import pytest
from sqlalchemy import BigInteger, bindparam, insert, select, text

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, StoreUnavailable, collections, partners
from server.store.database.direct import fetch, send
from server.store.database.sql import among, versions_of_facts
from server.store.tables import collections as table, quotas, statuses

_ALL = select(*table.c).where(table.c.kind.in_(("released", "inbox")), table.c.number > 0).order_by(table.c.number)
_SOME = select(table.c.alias, table.c.part).where(among(table.c.alias, "aliases")).order_by(table.c.alias)
_ADD = insert(quotas)
_USED = select(quotas.c.used).where(quotas.c.partner == bindparam("of_partner"))
_STATUS = insert(statuses)
_BODIES = select(statuses.c.body)
_GRANTS = text("SELECT CAST(:number AS BIGINT)").bindparams(bindparam("number", type_=BigInteger))


@pytest.fixture
def filled(store: Store) -> Store:
    with store.begin() as tx:
        collections.create_defaults(tx)
        partners.add(tx, Partner(name="Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Bank")))
    return store


def test_rows_equal_those_of_sqlalchemy(filled: Store) -> None:
    with filled.read() as tx:
        assert fetch(tx, _ALL) == [tuple(row) for row in tx.execute(_ALL)] != []
        given = {"aliases": ["public", "inbox", "nothing of the kind"]}
        assert fetch(tx, _SOME, given) == [tuple(row) for row in tx.execute(_SOME, given)]
        assert [row[0] for row in fetch(tx, _SOME, given)] == ["inbox", "public"]
        assert fetch(tx, _GRANTS, {"number": 1 << 40}) == [(1 << 40,)]


def test_bytes_are_returned_unchanged(filled: Store) -> None:
    row = {"api_root": "feed", "id": "1", "partner": "Bank", "created": 1, "body": b"\x00\xff"}
    with filled.begin() as tx:
        assert fetch(tx, _STATUS, row) == []
        assert fetch(tx, _BODIES) == [(b"\x00\xff",)]


@pytest.mark.parametrize("by", ["fetch", "SQLAlchemy", "the commit"])
def test_sent_statements_are_visible_to_the_next_one(filled: Store, by: str) -> None:
    given = {"of_partner": "Bank"}
    with filled.begin() as tx:
        send(tx, _ADD, {"partner": "Bank", "unit": "objects", "began": 1, "used": 7})
        if by == "fetch":
            assert fetch(tx, _USED, given) == [(7,)]
        if by == "SQLAlchemy":
            assert tx.execute(_USED, given).scalar_one() == 7
    with filled.read() as tx:
        assert fetch(tx, _USED, given) == [(7,)]


def test_failing_sent_statement_undoes_the_transaction(filled: Store) -> None:
    row = {"partner": "Bank", "unit": "objects", "began": 1, "used": 7}
    with pytest.raises(Exception, match=r"(?i)unique"), filled.begin() as tx:  # noqa: PT012 - sent, and then raised
        send(tx, _ADD, row)
        send(tx, _ADD, row)
        versions_of_facts(tx)
    with filled.read() as tx:
        assert fetch(tx, _USED, {"of_partner": "Bank"}) == []


def test_exception_undoes_everything_sent(filled: Store) -> None:
    with pytest.raises(StoreUnavailable), filled.begin() as tx:  # noqa: PT012 - sent, and never run
        send(tx, _ADD, {"partner": "Bank", "unit": "objects", "began": 1, "used": 7})
        raise StoreUnavailable
    with filled.begin() as tx:
        assert fetch(tx, _USED, {"of_partner": "Bank"}) == []
