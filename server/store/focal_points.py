"""Focal points: contacts for prevention, prosecution, protection and partnership, at each partner and at the hub."""

from typing import NamedTuple

from sqlalchemy import delete, insert, select

from schemas.partner import FocalFunction, PartnerKind
from server.store.database.engine import Tx
from server.store.release_tables import focal_points
from server.store.tables import columns_of, partners

# The name of the hub's own focal points, which no partner can have.
HUB = ""


class FocalPoint(NamedTuple):
    """The contact of a partner or the hub for a function: a role's address, page or hotline, never a person."""

    partner: str
    function: FocalFunction
    contact: str


def put(tx: Tx, partner: str, function: FocalFunction, contact: str) -> None:
    """Set the partner's focal point for a function, replacing an earlier one."""
    remove(tx, partner, function)
    tx.execute(insert(focal_points).values(partner=partner, function=function.value, contact=contact))


def remove(tx: Tx, partner: str, function: FocalFunction) -> bool:
    """Remove the partner's focal point for a function, and return whether there was one."""
    mine = (focal_points.c.partner == partner, focal_points.c.function == function.value)
    return bool(tx.execute(delete(focal_points).where(*mine)).rowcount)


def of(tx: Tx, partner: str) -> list[FocalPoint]:
    """Return the focal points of a partner, or of the hub, by function."""
    return [point for point in every(tx) if point.partner == partner]


def every(tx: Tx) -> list[FocalPoint]:
    """Return all focal points by partner and function, the hub's first."""
    asked = select(*columns_of(FocalPoint, focal_points)).order_by(focal_points.c.partner, focal_points.c.function)
    return [FocalPoint(partner, FocalFunction(function), contact) for partner, function, contact in tx.execute(asked)]


def serves(tx: Tx, function: FocalFunction) -> bool:
    """Return whether the hub or any current partner has a focal point for a function."""
    asked = (
        select(focal_points.c.partner)
        .join_from(focal_points, partners, focal_points.c.partner == partners.c.name, isouter=True)
        .where(focal_points.c.function == function.value, partners.c.left.is_(None))
        .limit(1)
    )
    return tx.execute(asked).first() is not None


def of_country(tx: Tx, country: str | None, function: FocalFunction) -> FocalPoint | None:
    """Find a country's focal point for a function: its government's, else another partner's, else the hub's."""
    candidates = focal_points.c.partner == HUB
    if country is not None:
        candidates |= partners.c.country == country
    asked = (
        select(focal_points, partners.c.kind)
        .join_from(focal_points, partners, focal_points.c.partner == partners.c.name, isouter=True)
        .where(focal_points.c.function == function.value, candidates, partners.c.left.is_(None))
    )
    found = sorted(tx.execute(asked), key=lambda row: (row[0] == HUB, row[3] != PartnerKind.GOVERNMENT, row[0]))
    return FocalPoint(found[0][0], function, found[0][2]) if found else None
