"""Stored notices to partners. The latest are shown on the partner's pages."""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import delete, func, insert, select

from server.features.partners.tables import partner_notices
from server.store.database.engine import Tx
from server.store.database.times import now

_PAGE = 1_000
_n = partner_notices.c


class PartnerNotice(NamedTuple):
    """One change of a partner's access: when (microseconds), the code of its sentence, and the inserted values."""

    at: int
    code: str
    values: Mapping[str, Any]


def add(tx: Tx, partner: str, code: str, values: Mapping[str, Any]) -> None:
    """Record a change of access for a partner, by name."""
    row = {"id": secrets.token_hex(8), "partner": partner, "at": now(), "code": code, "details": orjson.dumps(values)}
    tx.execute(insert(partner_notices), [row])


def latest(tx: Tx, partner: str, most: int) -> list[PartnerNotice]:
    """Return the latest notices of a partner, the newest first."""
    asked = select(_n.at, _n.code, _n.details).where(_n.partner == partner)
    rows = tx.execute(asked.order_by(_n.at.desc(), _n.id).limit(most))
    return [PartnerNotice(row.at, row.code, orjson.loads(row.details)) for row in rows]


def count_since(tx: Tx, partner: str, since: int) -> int:
    """Return the number of a partner's notices since a moment (microseconds)."""
    asked = select(func.count()).select_from(partner_notices).where(_n.partner == partner, _n.at >= since)
    found: int = tx.execute(asked).scalar_one()
    return found


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred notices from ``before`` (microseconds), and return their number."""
    over = select(_n.id).where(_n.at < before).limit(_PAGE)
    return tx.execute(delete(partner_notices).where(_n.id.in_(over))).rowcount
