"""The statement of notice: the publications about a value for one partner, and when the partner read them.

It contains nothing about other partners: no report, no reporter, no other reader.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from mappers import extension
from mappers.record_reader import read_opinions
from schemas import timestamp
from schemas.api.lookup import ValueReading, readings
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Outcome
from schemas.tlog.signatures import canonical
from server.features.requests import records as requests
from server.features.requests.desk import views_of
from server.store import (
    audit,
    collections,
    deliveries,
    hub_identity,
    inbox,
    listings,
    log,
    partners,
    read_progress,
    retractions,
    value_index,
)
from server.store.audit import AuditEntry
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.item import Item
from server.store.objects.query import EVERY, Query
from server.store.providers import kept_accounts
from server.store.reads import read_steps
from server.store.reads.read_steps import ReadStep

TYPE = "scamfeed-notice/1"
_NO_LISTING = f"indicator--{uuid.UUID(int=0)}"
# Maximum number of versions in one collection, and of rows in each list.
_MOST_ROWS = 1_000
_MOST_REQUESTS = 5
_MINUTE = 60_000_000


class SeveralValues(ValueError):
    """A text means several values; the message names each."""


class _Reader(NamedTuple):
    """A partner's access to a collection: the place in the log from which it reads, and how far it has read."""

    collection: Collection
    may_read: bool
    read_up_to: int | None
    asked: int | None


def value_of(text: str, kind: str | None = None, details: Mapping[str, str] | None = None) -> ValueReading:
    """Return the value that a text means, written as in a report. Raises ``Rejected`` and ``SeveralValues``.

    The result depends only on the text, not on the hub's data.
    """
    found = readings(text, kind, details or {})
    if len({reading.name for reading in found}) > 1:
        named = ", ".join(f"{reading.kind}:{reading.normal}" for reading in found)
        raise SeveralValues(f"the text may mean several values; name the kind: {named}")
    return found[0]


def statement(tx: Tx, value: ValueReading, partner: Partner) -> dict[str, Any]:
    """Return this hub's statement about a value and a partner."""
    subject = value.name
    hub = hub_identity.load(tx)
    ids = sorted(listings.ids(tx, subject))[:_MOST_ROWS]
    readers, issued = list(_readers(tx, partner)), partners.issued(tx, partner.name)
    published = [row for reader in readers for row in _published(tx, reader, partner.name, ids, issued)]
    own = sorted({row["id"] for row in published})
    stated = {
        "type": TYPE,
        "hub": {"id": hub.identity, "name": hub.name},
        "partner": {"id": partner.identity, "name": partner.name, "kind": partner.kind.value},
        "value": {"kind": value.kind, "value": value.normal},
        "made": stamp(now()),
        "published": sorted(published, key=lambda row: (row["date_added"], row["collection"]))[:_MOST_ROWS],
        "delivered": _delivered(tx, partner.name, own),
        "receipts": _receipts(tx, partner.name, own),
        "answers": _answers(tx, partner.name, subject),
        "outcomes": _outcomes(tx, partner, subject, own),
        "requests": _requests(tx, partner.name, subject),
    }
    return stated | {"not_known": _not_known(stated)}


def _readers(tx: Tx, partner: Partner) -> Iterator[_Reader]:
    """Yield the collections that the partner may read, or has read."""
    positions = read_progress.of_partner(tx, partner.name)
    rights = collections.rights(tx, partner.name)
    for id_ in sorted(rights.keys() | positions.keys()):
        right = collections.right(tx, partner.name, id_)
        may_read = right is not None and right[1]
        collection = right[0] if right is not None else _collection(tx, id_)
        if collection is not None and collection.filled_by_release and (may_read or id_ in positions):
            yield _Reader(collection, may_read, *positions.get(id_, (None, None)))


def _collection(tx: Tx, id_: str) -> Collection | None:
    try:
        return collections.get(tx, id_)
    except collections.UnknownCollection:
        return None


def _published(
    tx: Tx, reader: _Reader, partner: str, ids: Sequence[str], issued: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield the versions of listings that a collection has for the partner, each with the time when it was given.

    Each collection is queried even without listings, so that the response time reveals no hidden listings.
    """
    collection = reader.collection
    asked = Query(limit=_MOST_ROWS, ids=tuple(ids) or (_NO_LISTING,), versions=EVERY, granted=collection.granted)
    records = log.manifest(tx, collection, asked).records
    items = {(item.id, item.version): item for item in map(Item.of_bytes, log.page(tx, collection, asked).bodies)}
    for record in records:
        # In a collection that it may no longer read, the partner knows what it had read.
        if reader.may_read or record.date_added <= (reader.read_up_to or 0):
            yield {
                "collection": collection.alias,
                "collection_id": collection.id,
                "id": record.id,
                "version": stamp(record.version),
                "date_added": stamp(record.date_added),
                **_object(items.get((record.id, record.version))),
                "given": _given(tx, reader, partner, record.date_added, issued),
            }


def _object(item: Item | None) -> dict[str, Any]:
    """Return the facts of a published object, and the digest of its canonical form."""
    if item is None:
        return {"revoked": None, "action": None, "valid_until": None, "sha256": None}
    obj = msgspec.json.decode(item.body)
    return {
        "revoked": item.revoked,
        "action": extension.context_of(obj).get("grade"),
        "valid_until": obj.get("valid_until"),
        "sha256": hashlib.sha256(canonical(obj)).hexdigest(),
    }


def _given(tx: Tx, reader: _Reader, partner: str, added: int, issued: Mapping[str, int]) -> dict[str, Any] | None:
    """Return when, and to which login, a page gave the object added at ``added``, and the requests of that minute."""
    if reader.read_up_to is None or reader.read_up_to < added or reader.asked is None:
        return None
    collection = reader.collection.id
    step = read_steps.first_after(tx, collection, partner, added)
    by, up_to = (reader.asked, reader.read_up_to) if step is None else (step.at, step.read_up_to)
    found = [] if step is None else audit.reads(tx, partner, collection, by - _MINUTE, by, _MOST_REQUESTS)
    return {
        "by": stamp(by),
        "read_up_to": stamp(up_to),
        "last_asked": stamp(reader.asked),
        "login": None if step is None else _login(step, issued),
        "requests": [_request(entry) for entry in found],
    }


def _login(step: ReadStep, issued: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the credential used by the partner, and when it was issued if it still exists."""
    if step.login is None:
        return None
    created = issued.get(step.login)
    return {"by": step.login_by, "id": step.login, "issued": None if created is None else stamp(created)}


def _request(entry: AuditEntry) -> dict[str, Any]:
    """Return the entry of the audit trail for equal requests within a minute."""
    event = entry.event
    return {
        "first": stamp(event.first),
        "last": stamp(event.last),
        "requests": event.requests,
        "objects": event.objects,
        "address": event.remote,
        "route": event.route,
        "audit": {"chain": entry.chain, "number": entry.number, "hash": entry.hash} if entry.number > 0 else None,
    }


def _delivered(tx: Tx, partner: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": delivery.object_id,
            "version": None if delivery.version is None else stamp(delivery.version),
            "feed": delivery.feed,
            "at": timestamp.text(delivery.delivered),
            "attempts": delivery.attempts,
            "accepted": not delivery.answer.startswith("failed"),
            "answer": delivery.answer,
        }
        for delivery in deliveries.to_partner(tx, partner, ids)[:_MOST_ROWS]
    ]


def _receipts(tx: Tx, partner: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": receipt.object_id,
            "collection": receipt.collection,
            "feed": receipt.channel or None,
            "revoked_at": stamp(receipt.revoked_at),
            "opened": stamp(receipt.opened),
            "closed": None if receipt.closed is None else stamp(receipt.closed),
            "how": receipt.how,
        }
        for receipt in retractions.of_objects(tx, partner, ids)[:_MOST_ROWS]
    ]


def _requests(tx: Tx, partner: str, subject: str) -> list[dict[str, Any]]:
    """Return the takedown requests about the value to the partner, with the moment when each was served."""
    found = [stored for stored in requests.takedowns_of_subject(tx, subject) if stored.addressee == partner]
    views = views_of(tx, [(stored, "addressee") for stored in found[:_MOST_ROWS]])
    names = (
        *("id", "asks", "basis", "authority", "legal_basis", "legal_reference", "sender", "location"),
        *("location_sha256", "opened", "served_at", "served_by", "due_at", "state", "response", "overdue"),
    )
    rows = [(view, view.written()) for view in views]
    return [
        {name: written.get(name) for name in names}
        | {"overdue": view.overdue}
        | {"responses": [step.written() for step in view.steps if step.response is not None]}
        for view, written in rows
    ]


def _answers(tx: Tx, partner: str, subject: str) -> list[dict[str, Any]]:
    """Return the partner's findings as the value's provider."""
    return [
        {
            "asked": stamp(kept.since),
            "code": kept.code,
            "answered": None if kept.answered is None else stamp(kept.answered),
        }
        for kept in kept_accounts.find(tx, partner, every=True, values=[subject])
    ]


def _outcomes(tx: Tx, partner: Partner, subject: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return the outcomes and opinions that the partner stated about the value, the oldest first."""
    space = partners.space(tx, partner.name)
    reports = value_index.find(tx, [subject]).get(subject, set())
    names = {*ids, *(key for key in reports if inbox.space(key) == space)}
    found = {key for keys in value_index.find(tx, names).values() for key in keys}
    mine = {key for key in found if inbox.space(key) == space and inbox.object_id(key).startswith("opinion--")}
    received = log.first_added(tx, collections.get(tx, "inbox"), mine)
    rows = [
        {"received": stamp(received[key]), "withdrawn": item.revoked, **stated}
        for key, item in inbox.latest(tx, mine).items()
        for stated in _stated(msgspec.json.decode(item.body), names)
    ]
    return sorted(rows, key=lambda row: (row["received"], row["id"]))[:_MOST_ROWS]


def _stated(opinion: Mapping[str, Any], names: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the facts that an opinion states about the value, without the partner's wording."""
    known = {inbox.object_id(name) if inbox.is_key(name) else name for name in names}
    try:
        records = read_opinions(opinion)
    except Rejected:
        return
    for record in records:
        if record.of.ref in known or len(records) == 1:
            yield {
                "id": opinion["id"],
                "about": record.of.ref,
                "stated": timestamp.text(record.reported_at),
                "outcome": record.outcome if isinstance(record, Outcome) else None,
                "reason": record.reason if isinstance(record, Outcome) else None,
                "opinion": None if isinstance(record, Outcome) else record.opinion.value,
                "effective_from": _time(record, "effective_from"),
                "effective_until": _time(record, "effective_until"),
            }


def _time(record: Any, name: str) -> str | None:
    moment = getattr(record, name, None)
    return None if moment is None else timestamp.text(moment)


def _not_known(stated: Mapping[str, Any]) -> list[str]:
    """Return the keys of facts that this hub does not know, each explained in docs/notice.md."""
    given = [row["given"] for row in stated["published"] if row["given"] is not None]
    return [
        *(["filters"] if given else []),
        *(["login"] if any(row["login"] is None for row in given) else []),
        *(["looked-up"]),
        *(["understood"] if given or stated["delivered"] else []),
        *(["time-of-reading"] if any(not row["requests"] for row in given) else []),
        *(["never-read"] if stated["published"] and not given and not stated["delivered"] else []),
    ]


def digest_of(stated: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a statement's canonical form, which identifies it in the audit trail."""
    return hashlib.sha256(canonical(stated)).hexdigest()
