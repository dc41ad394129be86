"""The partners as they are registered: those who take part, and those who did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Select, select, update

from mappers import ids
from schemas.partner import Partner
from server.store.collections import Collection
from server.store.store import Tx
from server.store.tables import collections, grants, partners
from server.store.times import now


class NameTaken(ValueError):
    """A partner of this name, or with this identity, is registered already."""


class UnknownPartner(LookupError):
    """No partner of this name is registered."""


class PartnerLeft(UnknownPartner):
    """The partner is registered, for what it said before, and takes part no more."""


@dataclass(frozen=True, eq=False)
class Registry:
    """Who takes part and who reads what, at one moment.

    ``partners`` are those who take part, by name; ``gone`` those who left; ``readers`` the names of those who read a
    released collection or its ``-full`` twin, by its alias without that. ``spaces`` says by name, of all who ever were
    partners, the number under which what each contributes is kept.
    """

    partners: Mapping[str, Partner]
    readers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gone: Mapping[str, Partner] = field(default_factory=dict)
    spaces: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_identity(self) -> Mapping[str, Partner]:
        """Give all who ever were partners by their identities: what those who left said is still theirs."""
        return {each.identity: each for each in (*self.gone.values(), *self.partners.values())}

    @cached_property
    def by_space(self) -> Mapping[int, Partner]:
        """Give all who ever were partners by the space in which what they contribute is kept."""
        return {self.spaces[each.name]: each for each in self.by_identity.values() if each.name in self.spaces}

    @cached_property
    def called(self) -> frozenset[str]:
        """Give the names and identities by which one may speak of any who ever was a partner."""
        return frozenset().union(*self.names.values())

    @cached_property
    def names(self) -> Mapping[str, frozenset[str]]:
        """Give by name what each who ever was a partner goes by."""
        return {each.name: names_of(each) for each in self.by_identity.values()}


def load(tx: Tx) -> Registry:
    """Give the registry as it is now."""
    here: dict[str, Partner] = {}
    gone: dict[str, Partner] = {}
    spaces: dict[str, int] = {}
    for *row, space, moment in tx.execute(columns(partners.c.space, partners.c.left)):
        found = read(*row)
        spaces[found.name] = space
        (here if moment is None else gone)[found.name] = found
    reading = (
        select(collections.c.alias, grants.c.partner)
        .join_from(grants, collections)
        .where(grants.c.can_read, collections.c.kind == "released")
    )
    readers: dict[str, set[str]] = {}
    for alias, name in tx.execute(reading):
        if name in here:
            readers.setdefault(alias.removesuffix("-full"), set()).add(name)
    return Registry(here, {alias: frozenset(names) for alias, names in readers.items()}, gone, spaces)


def readers(tx: Tx, collection: Collection) -> set[str]:
    """Return the names of those who may read a collection."""
    mine = (grants.c.collection == collection.number, grants.c.can_read)
    return set(tx.execute(select(grants.c.partner).where(*mine)).scalars())


def names_of(partner: Partner) -> frozenset[str]:
    """Give what a partner goes by: its name, its identity, and the identity that follows from its name."""
    return frozenset({partner.name, partner.identity, ids.identity(partner.name)})


def every(tx: Tx) -> list[Partner]:
    """List all who ever were partners, by name: what those who left said is still theirs."""
    return [read(*row) for row in tx.execute(columns().order_by(partners.c.name))]


def present(tx: Tx) -> list[Partner]:
    """List the partners that take part, by name."""
    return [read(*row) for row in tx.execute(columns().where(partners.c.left.is_(None)).order_by(partners.c.name))]


def left(tx: Tx) -> dict[str, int]:
    """Say, by name, when partners left that take part no more (microseconds)."""
    asked = select(partners.c.name, partners.c.left).where(partners.c.left.is_not(None))
    return {row[0]: row[1] for row in tx.execute(asked)}


def get(tx: Tx, name: str, *, gone: bool = False) -> Partner:
    """Find a partner by its name; one that left only where ``gone``. Raises ``UnknownPartner``."""
    found = tx.execute(columns(partners.c.left).where(partners.c.name == name)).first()
    if found is None:
        raise UnknownPartner(f"there is no partner {name!r}")
    if found[-1] is not None and not gone:
        raise PartnerLeft(f"the partner {name!r} has left; what it said is kept, and nothing more is taken from it")
    return read(*found[:-1])


def change(tx: Tx, partner: Partner) -> None:
    """Keep what ``partner`` says in place of what is registered under its name. Raises ``UnknownPartner``."""
    get(tx, partner.name)
    tx.execute(update(partners).where(partners.c.name == partner.name).values(**row_of(partner)))
    touch(tx, partner.name)


def touch(tx: Tx, name: str) -> None:
    """Note that something that is said of the partner has changed: its identity has a new version."""
    mine = partners.c.name == name
    before = tx.execute(select(partners.c.modified).where(mine)).scalar_one()
    tx.execute(update(partners).where(mine).values(modified=max(now(), before + 1000)))


def moments(tx: Tx) -> dict[str, tuple[int, int]]:
    """Say, by name, when each partner was registered and when what is said of it last changed (microseconds)."""
    asked = select(partners.c.name, partners.c.created, partners.c.modified)
    return {row[0]: (row[1], row[2]) for row in tx.execute(asked)}


def columns(*more: Any) -> Select[*tuple[Any, ...]]:
    """Select what ``read`` takes, and ``more``."""
    return select(*(partners.c[name] for name in Partner.model_fields), *more)


def row_of(partner: Partner) -> dict[str, Any]:
    """Give the columns that a partner is kept in."""
    said = partner.model_dump(mode="json")
    return {name: json.dumps(each) if isinstance(each, list) else each for name, each in said.items()}


@lru_cache(maxsize=1024)
def read(*row: Any) -> Partner:
    """Give the partner that the columns of a row say."""
    said = dict(zip(Partner.model_fields, row, strict=True))
    return Partner(**{**said, **{name: json.loads(said[name]) for name in _LISTS}})


_LISTS = ("authority", "institutions")
