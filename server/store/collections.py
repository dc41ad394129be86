"""The collections, which partners may read and write them, and each partner's private ones."""

import hashlib
import re
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schemas.partner import OWN_ALIASES
from server.store import partners
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import database_time
from server.store.database.times import now
from server.store.objects.parts import FULL, PLAIN
from server.store.sandbox import certificates
from server.store.tables import collections, grants

CollectionKind = Literal["inbox", "released", "exchange", "private"]

DEFAULTS: tuple[tuple[str, CollectionKind, str, str], ...] = (
    ("inbox", "inbox", "Inbox", "What partners contribute. Write only: the release rules decide who may read it."),
    (
        "takedown",
        "released",
        "Takedown",
        "Domains, URLs, social accounts and phone numbers of scams, for platforms and telecoms.",
    ),
    ("mule-accounts", "released", "Mule accounts", "Bank accounts and payment aliases that scams use, for banks."),
    ("wallets", "released", "Wallets", "Wallets that scams use, for exchanges and banks."),
    ("sightings", "released", "Sightings", "Where indicators were seen, and by whom."),
    ("public", "released", "Public", "What anybody may know (TLP:CLEAR)."),
)


_FULL = "-full"
_SANDBOX = "sandbox"


class UnknownCollection(LookupError):
    """There is no collection of this id or alias."""


class CertificateNeeded(ValueError):
    """The collection asks for a certificate, and the partner's client has none."""


class CollectionExists(ValueError):
    """The alias or the title is taken."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. ``id`` is its UUIDv4, ``created`` microseconds since the epoch.

    By its ``kind``, an inbox takes contributions and is not read, a released one is filled by the release rules, a
    private one by the same rules for one reader, an exchange is read and written by its members directly.
    ``last_added`` is the last ``date_added`` at the moment it was looked up. ``owner`` is the partner that a private
    one belongs to, ``use`` the purpose of it. ``log`` is the number of the collection whose log has its objects: its
    own, or of the full variant of a shared one that of the plain one; ``part`` is its bit there. ``granted`` is the
    place in the log at which the partner that it was looked up for was let read it: what was withdrawn up to there is
    not for that partner.
    """

    number: int
    id: str
    alias: str
    title: str
    description: str
    kind: CollectionKind
    created: int
    last_added: int = field(default=0, compare=False)
    owner: str | None = None
    use: str | None = None
    log: int = 0
    part: int = PLAIN
    granted: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        """Set a log of its own for a collection without variants."""
        if not self.log:
            object.__setattr__(self, "log", self.number)

    @property
    def is_sandbox(self) -> bool:
        """Return whether it holds what one partner rehearses with."""
        return self.use == _SANDBOX

    @property
    def filled_by_release(self) -> bool:
        """Return whether the release rules fill the collection, and no partner writes to it."""
        return self.kind in ("released", "private")


# So often a collection is added anew that somebody else had taken the number of.
_TRIES = 20
# The numbers of private collections leave gaps of this size at most.
_GAP = 1_000

# In the order of Collection's fields.
COLUMNS = (
    collections.c.number,
    collections.c.id,
    collections.c.alias,
    collections.c.title,
    collections.c.description,
    collections.c.kind,
    collections.c.created,
    collections.c.last_added,
    collections.c.owner,
    collections.c.use,
    collections.c.log,
    collections.c.part,
)


def add(
    tx: Tx,
    alias: str,
    title: str,
    *,
    kind: CollectionKind = "exchange",
    description: str = "",
    owner: str | None = None,
    use: str | None = None,
) -> Collection:
    """Add a collection; a private one belongs to its ``owner``, for one ``use``.

    Raises ``CollectionExists`` when its alias or its title is taken, ``ValueError`` when the alias begins like those of
    private collections, or that of an exchange ends like those of full variants.
    """
    if kind not in get_args(CollectionKind):
        raise ValueError(f"a collection is one of {', '.join(get_args(CollectionKind))}")
    if (kind == "private" or use == _SANDBOX) != (owner is not None):
        raise ValueError("a private collection has an owner, and no other has one")
    if owner is None and alias.startswith(OWN_ALIASES):
        raise ValueError(f"{' and '.join(OWN_ALIASES)} begin the aliases of partners' own collections")
    if kind == "exchange" and alias.endswith(_FULL):
        raise ValueError(f"{_FULL} ends the aliases of full variants, whose digests are counted in another way")
    clash = select(collections.c.number).where(or_(collections.c.alias == alias, collections.c.title == title))
    made = Collection(0, str(uuid.uuid4()), alias, title, description, kind, now(), owner=owner, use=use)
    for _ in range(_TRIES):
        if tx.execute(clash).first() is not None:
            raise CollectionExists(f"the alias {alias!r} or the title {title!r} is taken")
        number = tx.execute(select(func.coalesce(func.max(collections.c.number), 0) + 1)).scalar_one()
        # Who needs private collections of two partners first at the same time does not wait for the other's number.
        number += secrets.randbelow(_GAP) if owner else 0
        log, part = _place(tx, alias, kind, number)
        made = replace(made, number=number, log=log, part=part)
        # Somebody else may take the number, or make the same collection, in the same moment.
        with suppress(IntegrityError), tx.begin_nested():
            tx.execute(insert(collections), {column.name: getattr(made, column.name) for column in COLUMNS})
            return made
    raise CollectionExists("others make collections all the time; try again")


def _place(tx: Tx, alias: str, kind: CollectionKind, number: int) -> tuple[int, int]:
    """Return the log of a new collection, and its bit there: a full variant shares that of the plain one."""
    columns = collections.c
    if kind == "released" and alias.endswith(_FULL):
        asked = select(columns.number).where(columns.alias == alias.removesuffix(_FULL), columns.kind == kind)
        if (plain := tx.execute(asked).scalar()) is not None:
            return plain, FULL
    return number, PLAIN


def add_released(tx: Tx, alias: str, title: str, description: str = "") -> tuple[Collection, Collection]:
    """Add a collection that the release rules fill, and its full variant with observables and relationships.

    Raises ``CollectionExists``.
    """
    plain, full = (
        add(tx, a, t, kind="released", description=d) for a, t, d in _with_full_variant(alias, title, description)
    )
    return plain, full


def get(tx: Tx, id_or_alias: str) -> Collection:
    """Find a collection by its UUID or by its alias. Raises ``UnknownCollection``."""
    row = tx.execute(
        select(*COLUMNS).where(or_(collections.c.id == id_or_alias, collections.c.alias == id_or_alias))
    ).first()
    if row is None:
        raise UnknownCollection(f"there is no collection {id_or_alias!r}")
    return _read(row)


def all_collections(tx: Tx) -> list[Collection]:
    """List all collections, the oldest first."""
    return [_read(row) for row in tx.execute(select(*COLUMNS).order_by(collections.c.number))]


def create_defaults(tx: Tx) -> list[Collection]:
    """Add the collections of every hub that are missing; returns those it added."""
    existing = {collection.alias for collection in all_collections(tx)}
    made = []
    for alias, kind, title, description in DEFAULTS:
        own = (alias, title, description)
        wanted = _with_full_variant(*own) if kind == "released" else (own,)
        made += [add(tx, a, t, kind=kind, description=d) for a, t, d in wanted if a not in existing]
    return made


def _with_full_variant(alias: str, title: str, description: str) -> tuple[tuple[str, str, str], ...]:
    """Return alias, title and description of a released collection, and of its full variant."""
    fuller = f"{description} With observables and relationships.".strip()
    return (alias, title, description), (f"{alias}{_FULL}", f"{title} (full)", fuller)


def _read(row: Row[*tuple[Any, ...]]) -> Collection:
    return Collection(*row)


def grant(tx: Tx, name: str, collection: Collection, *, read: bool = False, write: bool = False) -> None:
    """Let ``name`` read or write the collection, or both, from its next request on; rights that it has stay.

    A right to read that it had before goes on: what was revoked meanwhile is served to it, as it may have read that.
    Raises ``UnknownPartner``, ``UnknownCollection`` for what belongs to another partner alone, and
    ``CertificateNeeded`` where the collection asks for a certificate that the partner's client does not have.
    """
    partners.get(tx, name)
    if collection.owner not in (None, name):
        raise UnknownCollection(f"{collection.alias} is one partner's own collection, which nobody else reads")
    key = (grants.c.partner == name, grants.c.collection == collection.number)
    had = tx.execute(select(grants.c.can_read, grants.c.can_write, grants.c.granted).where(*key)).first()
    if read and not (had and had.can_read) and certificates.is_missing(tx, name, collection.number):
        raise CertificateNeeded(
            f"{collection.alias} asks for a certificate of the partner's client: "
            f'start its sandbox with scamfeed sandbox start "{name}", and grant it when that is passed'
        )
    tx.execute(delete(grants).where(*key))
    rights = {"can_read": read or bool(had and had.can_read), "can_write": write or bool(had and had.can_write)}
    if any(rights.values()):
        granted = had.granted if had and had.can_read else partners.began_before(tx, name, collection.number)
        granted = log_place(tx, collection.number) if granted is None else granted
        tx.execute(insert(grants).values(partner=name, collection=collection.number, granted=granted, **rights))


def log_place(tx: Tx, number: int) -> int:
    """Return a place in the log of a collection, by its number, after all that was added before, and not in future."""
    last = tx.execute(select(collections.c.last_added).where(collections.c.number == number)).scalar() or 0
    return max(int(last), database_time(tx))


def revoke(tx: Tx, name: str, collection: Collection, *, read: bool = True, write: bool = True) -> None:
    """Withdraw the right to ``read`` the collection, or to ``write`` it, from the partner's next request on.

    A partner without either right cannot tell that the collection exists. Raises ``UnknownPartner``.
    """
    partners.get(tx, name)
    mine = (grants.c.partner == name, grants.c.collection == collection.number)
    if read:
        partners.note_former_grants(tx, name, collection.number)
    withdrawn = {"can_read": False} if read else {}
    withdrawn |= {"can_write": False} if write else {}
    tx.execute(update(grants).where(*mine).values(**withdrawn))
    tx.execute(delete(grants).where(*mine, ~grants.c.can_read, ~grants.c.can_write))


def rights(tx: Tx, name: str) -> dict[str, tuple[bool, bool]]:
    """Return, by collection id, whether the partner may read and may write; all others are hidden from it."""
    asked = (
        select(collections.c.id, grants.c.can_read, grants.c.can_write)
        .join_from(grants, collections)
        .where(grants.c.partner == name)
    )
    return {id_: (can_read, can_write) for id_, can_read, can_write in tx.execute(asked)}


def right(tx: Tx, name: str, id_or_alias: str) -> tuple[Collection, bool, bool] | None:
    """Find a collection with the partner's right to read and to write it; None where it has none, or there is none."""
    found = fetch(tx, _RIGHT, {"name": name, "ref": id_or_alias})
    if not found:
        return None
    can_read, can_write, *collection = found[0]
    return Collection(*collection), can_read, can_write


_RIGHT = (
    select(grants.c.can_read, grants.c.can_write, *COLUMNS, grants.c.granted)
    .join_from(grants, collections)
    .where(grants.c.partner == bindparam("name"))
    .where(or_(collections.c.id == bindparam("ref"), collections.c.alias == bindparam("ref")))
)


def readers(tx: Tx, collection: Collection) -> set[str]:
    """Return the names of the partners that may read a collection."""
    mine = (grants.c.collection == collection.number, grants.c.can_read)
    return set(tx.execute(select(grants.c.partner).where(*mine)).scalars())


def writers(tx: Tx) -> dict[str, frozenset[str]]:
    """Return by alias the names of the partners that may write a collection."""
    found: dict[str, set[str]] = {}
    for alias, name in tx.execute(_WRITERS):
        found.setdefault(alias, set()).add(name)
    return {alias: frozenset(names) for alias, names in found.items()}


_WRITERS = select(collections.c.alias, grants.c.partner).join_from(grants, collections).where(grants.c.can_write)

PrivateUse = Literal["for", "outcomes", "accounts", "requests", "sandbox"]

_PRIVATE_TEXTS: dict[PrivateUse, tuple[str, str]] = {
    "for": ("For {}", "Reports that only this partner may read, by the sharing limits of their contributors."),
    "outcomes": ("Outcomes of {}", "Outcomes of the reports that this partner contributed."),
    "accounts": ("Accounts at {}", "Reports of the accounts that this partner keeps, for its answer."),
    "requests": ("Requests of {}", "Requests between institutions that this partner sent, is asked by, or may follow."),
    "sandbox": (
        "Sandbox of {}",
        "Synthetic listings to rehearse with: none is real, and nothing sent here is released.",
    ),
}
_PLAIN_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")


def find_private(tx: Tx, partner: str, use: PrivateUse) -> Collection | None:
    """Find a partner's private collection; None where none was needed yet."""
    row = tx.execute(_OWN, {"of_partner": partner, "for_use": use}).first()
    if row is None:
        return None
    [*columns] = row
    return Collection(*columns)


def private_collection(tx: Tx, partner: str, use: PrivateUse) -> Collection:
    """Return a partner's private collection, which only it reads; adds it when it is first needed.

    Another transaction that needs it first in the same moment waits, and finds it.
    """
    return find_private(tx, partner, use) or _add_private(tx, partner, use)


def _add_private(tx: Tx, partner: str, use: PrivateUse) -> Collection:
    title, description = _PRIVATE_TEXTS[use]
    names = _private_alias(partner, use), title.format(partner)
    # What partners rehearse with is nothing that the release rules know of.
    kind: CollectionKind = "exchange" if use == _SANDBOX else "private"
    try:
        made = add(tx, *names, kind=kind, description=description, owner=partner, use=use)
    except CollectionExists:
        if found := find_private(tx, partner, use):
            return found
        # Another collection looks like this one: a random word tells them apart.
        word = secrets.token_hex(6)
        alias, title = f"{names[0]}-{word}", f"{names[1]} ({word})"
        made = add(tx, alias, title, kind=kind, description=description, owner=partner, use=use)
    grant(tx, partner, made, read=True, write=use == _SANDBOX)
    return made


def _private_alias(partner: str, use: PrivateUse) -> str:
    """Return an alias that a person can read: the partner's name, with a part of its hash where characters are lost."""
    if _PLAIN_NAME.fullmatch(partner) and len(partner) <= 60:
        return f"{use}-{partner}"
    digest = hashlib.sha256(partner.encode()).hexdigest()[:8]
    return "-".join(filter(None, (use, _OTHER_CHARACTERS.sub("-", partner.lower()).strip("-")[:40].strip("-"), digest)))


_OWN = select(*COLUMNS).where(collections.c.owner == bindparam("of_partner"), collections.c.use == bindparam("for_use"))
