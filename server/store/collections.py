"""The collections, the partners that may read and write them, and each partner's private collections."""

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from schemas.partner import OWN_ALIASES
from server.store import partners
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import chunks, database_time
from server.store.database.times import now
from server.store.item import FULL, PLAIN
from server.store.objects import seen_dates
from server.store.sandbox import certificates
from server.store.tables import collections, columns_of, grants

CollectionKind = Literal["inbox", "released", "exchange", "private"]

# The alias of the collection that partners contribute to.
INBOX = "inbox"
DEFAULTS: tuple[tuple[str, CollectionKind, str, str], ...] = (
    (INBOX, "inbox", "Inbox", "What partners contribute. Write only: the release rules decide who may read it."),
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
# The collection of published figures, made with the first of them: its alias, title and description.
TRENDS = ("trends", "Trends", "Figures of each month, small cells left out. Partners read it by grant.")
# The collection of the open hub reports, made with the first peer: its alias, title and description.
HUB_REPORTS = (
    "hub-reports",
    "Hub reports",
    "Reports of this hub's partners and of other hubs, signed, for other hubs.",
)


_FULL = "-full"
# Suffixes of the title and description of a full variant.
FULL_TEXTS = ("(full)", "With observables and relationships.")
_SANDBOX = "sandbox"


class UnknownCollection(LookupError):
    """There is no collection with this id or alias."""


class CertificateNeeded(ValueError):
    """The collection requires a certificate, and the partner's client has none."""


class CollectionExists(ValueError):
    """The alias or the title is taken."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. ``id`` is its UUIDv4, ``created`` microseconds since the epoch.

    ``kind``: an inbox takes contributions and is not readable. The release rules fill a released collection, and a
    private one for one reader. Members read and write an exchange directly.

    ``last_added`` is the last ``date_added`` when the collection was looked up. ``owner`` is the partner of a private
    collection, ``use`` its purpose. ``log`` is the number of the collection whose log stores the objects. It is the
    collection's own, except that a full variant uses the log of its plain one. ``part`` is its bit there. ``granted``
    is the place in the log where the access of the looking-up partner began. Objects withdrawn up to there are hidden
    from it.
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
        """Give a collection without variants its own log."""
        if not self.log:
            object.__setattr__(self, "log", self.number)

    @property
    def is_sandbox(self) -> bool:
        """Return whether the collection holds one partner's rehearsal data."""
        return self.use == _SANDBOX

    @property
    def filled_by_release(self) -> bool:
        """Return whether the release rules fill the collection, and no partner writes to it."""
        return self.kind in ("released", "private")


# How often adding a collection is retried when another process took its number.
_TRIES = 20
# The largest gap between the numbers of private collections.
_GAP = 1_000

COLUMNS = columns_of(Collection, collections, without=("granted",))


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
    """Add a collection. A private one belongs to its ``owner``, for one ``use``.

    Raises ``CollectionExists`` if its alias or title is taken. Raises ``ValueError`` if the alias has the prefix of
    private collections, or, for an exchange, the suffix of full variants.
    """
    if kind not in get_args(CollectionKind):
        raise ValueError(f"a collection must be one of {', '.join(get_args(CollectionKind))}")
    if (kind == "private" or use == _SANDBOX) != (owner is not None):
        raise ValueError("a private collection must have an owner, and no other may have one")
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
        # Random, so that two concurrent new private collections rarely wait for the same number.
        number += secrets.randbelow(_GAP) if owner else 0
        log, part = _place(tx, alias, kind, number)
        made = replace(made, number=number, log=log, part=part)
        # Another process may take the number, or make the same collection, at the same moment.
        with suppress(IntegrityError), tx.begin_nested():
            tx.execute(insert(collections), {column.name: getattr(made, column.name) for column in COLUMNS})
            return made
    raise CollectionExists("other processes are adding collections; try again")


def _place(tx: Tx, alias: str, kind: CollectionKind, number: int) -> tuple[int, int]:
    """Return the log of a new collection, and its bit there. A full variant shares the log of the plain one."""
    columns = collections.c
    if kind == "released" and alias.endswith(_FULL):
        asked = select(columns.number).where(columns.alias == alias.removesuffix(_FULL), columns.kind == kind)
        if (plain := tx.execute(asked).scalar()) is not None:
            return plain, FULL
    return number, PLAIN


def add_released(tx: Tx, alias: str, title: str, description: str = "") -> tuple[Collection, Collection]:
    """Add a released collection, and its full variant with observables and relationships.

    Raises ``CollectionExists``.
    """
    plain, full = (
        add(tx, a, t, kind="released", description=d) for a, t, d in _with_full_variant(alias, title, description)
    )
    return plain, full


def get(tx: Tx, id_or_alias: str) -> Collection:
    """Return a collection by its UUID or alias. Raises ``UnknownCollection``."""
    row = tx.execute(
        select(*COLUMNS).where(or_(collections.c.id == id_or_alias, collections.c.alias == id_or_alias))
    ).first()
    if row is None:
        raise UnknownCollection(f"there is no collection {id_or_alias!r}")
    return Collection(*row)


def all_collections(tx: Tx) -> list[Collection]:
    """List all collections, the oldest first."""
    return [_seen(tx, Collection(*row)) for row in tx.execute(select(*COLUMNS).order_by(collections.c.number))]


def _seen(tx: Tx, collection: Collection) -> Collection:
    """Note the end of a collection's log, which a reader may learn of, and return the collection."""
    seen_dates.note(tx, collection.log, collection.last_added)
    return collection


def create_defaults(tx: Tx) -> list[Collection]:
    """Add the missing default collections of a hub, and return them."""
    existing = {collection.alias for collection in all_collections(tx)}
    made = []
    for alias, kind, title, description in DEFAULTS:
        own = (alias, title, description)
        wanted = _with_full_variant(*own) if kind == "released" else (own,)
        made += [add(tx, a, t, kind=kind, description=d) for a, t, d in wanted if a not in existing]
    return made


def _with_full_variant(alias: str, title: str, description: str) -> tuple[tuple[str, str, str], ...]:
    """Return alias, title and description of a released collection, and of its full variant."""
    full_title, full_description = FULL_TEXTS
    fuller = f"{description} {full_description}".strip()
    return (alias, title, description), (f"{alias}{_FULL}", f"{title} {full_title}", fuller)


def hub_reports(tx: Tx) -> Collection:
    """Return the collection of the open hub reports. Add it when it is first needed.

    Raises ``CollectionExists`` if an operator has given its alias or title to a collection of another kind, or another
    process adds it at this moment.
    """
    alias, title, description = HUB_REPORTS
    try:
        found = get(tx, alias)
    except UnknownCollection:
        return add(tx, alias, title, description=description)
    if found.kind != "exchange":
        raise CollectionExists(f"the alias {alias!r} is taken")
    return found


def grant(tx: Tx, name: str, collection: Collection, *, read: bool = False, write: bool = False) -> None:
    """Let ``name`` read or write the collection, or both, from its next request on. Existing rights stay.

    A right to read that was revoked earlier continues from its old start. The partner may have read listings withdrawn
    since, so it sees their revocations. Raises ``UnknownPartner``, ``UnknownCollection`` for another partner's
    collection, and ``CertificateNeeded`` if the partner's client lacks a required certificate.
    """
    partners.get(tx, name)
    if collection.owner not in (None, name):
        raise UnknownCollection(
            f"{collection.alias} is another partner's own collection, which only that partner can read"
        )
    key = (grants.c.partner == name, grants.c.collection == collection.number)
    had = tx.execute(select(grants.c.can_read, grants.c.can_write, grants.c.granted).where(*key)).first()
    if read and not (had and had.can_read) and certificates.is_missing(tx, name, collection.number):
        raise CertificateNeeded(
            f"{collection.alias} requires a certificate of the partner's client: "
            f'start its sandbox with scamfeed sandbox start "{name}", and grant access when it is passed'
        )
    tx.execute(delete(grants).where(*key))
    rights = {"can_read": read or bool(had and had.can_read), "can_write": write or bool(had and had.can_write)}
    if any(rights.values()):
        granted = had.granted if had and had.can_read else partners.began_before(tx, name, collection.number)
        granted = log_place(tx, collection.number) if granted is None else granted
        tx.execute(insert(grants).values(partner=name, collection=collection.number, granted=granted, **rights))


def log_place(tx: Tx, number: int) -> int:
    """Return a place in a collection's log after all existing objects and before all future ones."""
    last = tx.execute(select(collections.c.last_added).where(collections.c.number == number)).scalar() or 0
    return max(int(last), database_time(tx))


def last_places(tx: Tx, ids: Iterable[str]) -> dict[str, int]:
    """Return the last ``date_added`` of each of the collections that exists, by id (microseconds)."""
    places: dict[str, int] = {}
    for some in chunks(ids):
        found = tx.execute(select(collections.c.id, collections.c.last_added).where(collections.c.id.in_(some)))
        places |= {row.id: row.last_added or 0 for row in found}
    return places


def revoke(tx: Tx, name: str, collection: Collection, *, read: bool = True, write: bool = True) -> None:
    """Revoke the right to ``read`` the collection, or to ``write`` it, from the partner's next request on.

    A partner without either right cannot tell that the collection exists. Raises ``UnknownPartner``.
    """
    partners.get(tx, name)
    mine = (grants.c.partner == name, grants.c.collection == collection.number)
    if read:
        partners.note_former_grants(tx, name, collection.number)
    withdrawn = {"can_read": False} if read else {}
    withdrawn |= {"can_write": False} if write else {}
    if withdrawn:
        tx.execute(update(grants).where(*mine).values(**withdrawn))
    tx.execute(delete(grants).where(*mine, ~grants.c.can_read, ~grants.c.can_write))


def rights(tx: Tx, name: str) -> dict[str, tuple[bool, bool]]:
    """Return by collection id whether the partner may read and write. Other collections are hidden from it."""
    asked = (
        select(collections.c.id, grants.c.can_read, grants.c.can_write)
        .join_from(grants, collections)
        .where(grants.c.partner == name)
    )
    return {id_: (can_read, can_write) for id_, can_read, can_write in tx.execute(asked)}


def readable(tx: Tx, name: str) -> list[Collection]:
    """Return the collections that a partner may read."""
    own = rights(tx, name)
    return [found for found in all_collections(tx) if own.get(found.id, (False, False))[0]]


def right(tx: Tx, name: str, id_or_alias: str) -> tuple[Collection, bool, bool] | None:
    """Return a collection with the partner's rights to read and to write, or None without a right or a collection."""
    found = fetch(tx, _RIGHT, {"name": name, "ref": id_or_alias})
    if not found:
        return None
    can_read, can_write, *collection = found[0]
    return _seen(tx, Collection(*collection)), can_read, can_write


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

PrivateUse = Literal["for", "outcomes", "accounts", "requests", "sandbox", "hub-reports"]

PRIVATE_TEXTS: dict[PrivateUse, tuple[str, str]] = {
    "for": ("For {}", "Reports that only this partner may read, by the sharing limits of their contributors."),
    "outcomes": ("Outcomes of {}", "Outcomes of the reports that this partner contributed."),
    "accounts": ("Accounts at {}", "Reports of the accounts that this partner keeps, for its answer."),
    "requests": ("Requests of {}", "Requests between institutions that this partner sent, is asked by, or may follow."),
    "hub-reports": ("Hub reports for {}", "Reports of this hub's partners for this hub alone, signed."),
    "sandbox": (
        "Sandbox of {}",
        "Synthetic listings to rehearse with: none is real, and nothing sent here is released.",
    ),
}
_PLAIN_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")


def find_private(tx: Tx, partner: str, use: PrivateUse) -> Collection | None:
    """Return a partner's private collection, or None if it was not needed yet."""
    row = tx.execute(_OWN, {"of_partner": partner, "for_use": use}).first()
    if row is None:
        return None
    return Collection(*row)


def private_collection(tx: Tx, partner: str, use: PrivateUse) -> Collection:
    """Return a partner's private collection, which only this partner reads. Add it when it is first needed.

    A concurrent transaction that needs it waits, and then finds it.
    """
    return find_private(tx, partner, use) or _add_private(tx, partner, use)


def _add_private(tx: Tx, partner: str, use: PrivateUse) -> Collection:
    title, description = PRIVATE_TEXTS[use]
    names = _private_alias(partner, use), title.format(partner)
    # The release rules do not fill the sandbox.
    kind: CollectionKind = "exchange" if use == _SANDBOX else "private"
    try:
        made = add(tx, *names, kind=kind, description=description, owner=partner, use=use)
    except CollectionExists:
        if found := find_private(tx, partner, use):
            return found
        # Another collection has the same alias: a random word distinguishes them.
        word = secrets.token_hex(6)
        alias, title = f"{names[0]}-{word}", f"{names[1]} ({word})"
        made = add(tx, alias, title, kind=kind, description=description, owner=partner, use=use)
    grant(tx, partner, made, read=True, write=use == _SANDBOX)
    return made


def _private_alias(partner: str, use: PrivateUse) -> str:
    """Return a readable alias: the partner's name, plus part of its hash if characters are lost."""
    if _PLAIN_NAME.fullmatch(partner) and len(partner) <= 60:
        return f"{use}-{partner}"
    digest = hashlib.sha256(partner.encode()).hexdigest()[:8]
    return "-".join(filter(None, (use, _OTHER_CHARACTERS.sub("-", partner.lower()).strip("-")[:40].strip("-"), digest)))


_OWN = select(*COLUMNS).where(collections.c.owner == bindparam("of_partner"), collections.c.use == bindparam("for_use"))
