"""Relists indicators that a source withdrew and lists again: as new objects, because a revocation is final.

STIX 2.1 §3.6 does not allow a revoked object to become active again. An indicator retracted at this hub is not
relisted: a source that keeps listing it has not withdrawn it.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from feeds.connector import Gone
from feeds.mapping.batches import named_after, origin_of
from mappers import ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from server.release.hub import Hub
from server.release.query.lookup import lookup
from server.release.retract import Retracted, retract_all
from server.store import Tx, feed_state, inbox, partners
from server.store.database.times import micros
from server.store.item import Item

logger = logging.getLogger(__name__)

_Object = dict[str, Any]
_Objects = Sequence[_Object]

# Ignore a source that lists and withdraws a value more often than this.
_MOST = 1000


class _Last(NamedTuple):
    """The last listing: its ``number``; its ``item``, None if it would be new; and the listing ``before`` it.

    ``withdrawn`` is when the one before was withdrawn (microseconds).
    """

    number: int
    item: Item | None
    before: Item | None
    withdrawn: int


class Relisting:
    """The listings of one source's values, in one transaction.

    The first listing has the id derived from the source's object, each later one the next id. The feed stores when the
    source withdrew each listing, by the source's clock.
    """

    def __init__(self, hub: Hub, tx: Tx, feed: str, partner: Partner) -> None:
        """Work on the contributions of ``partner``, and on the withdrawals stored for ``feed``."""
        self._hub, self._tx, self._feed, self._partner = hub, tx, feed, partner
        self._space = partners.space(tx, partner.name)

    def renamed(self, items: Sequence[_Objects], gone: Sequence[str | Gone] = ()) -> list[_Objects]:
        """Return ``items``; an indicator that the source withdrew and lists again gets its next id.

        Objects around such an indicator are left out, because release creates them. ``gone`` are the source's
        withdrawals in the same batch: an indicator dated before its withdrawal is not a new listing.
        """
        named = [obj["id"] for objects in items for obj in objects if _is_active(obj)]
        revoked = {id_: item for id_, item in self._latest(named).items() if item.revoked}
        if not revoked:
            return list(items)
        until = {withdrawal.subject: micros(_moment(withdrawal.at)) for withdrawal in map(_as_gone, gone)}
        return [self._renamed(objects, revoked, until) for objects in items]

    def retract(self, gone: Sequence[str | Gone]) -> int:
        """Revoke the listings withdrawn by the source, unless it relisted them; return the number of retracted reports.

        Withdrawals beyond the partner's daily limit wait for a person.

        A text that is not a value of any kind was never contributed, and is ignored.
        """
        withdrawals = list(map(_as_gone, gone))
        first = self._latest({gone.subject for gone in withdrawals if _is_id(gone.subject)})
        revoking: list[str] = []
        withdrawn: dict[str, str] = {}
        for withdrawal in withdrawals:
            at = _moment(withdrawal.at)
            subject = withdrawal.subject
            for item in self._by_id(first.get(subject)) if _is_id(subject) else self._by_value(subject):
                if withdrawal.at and item.version is not None and micros(at) < item.version:
                    continue
                if not item.revoked:
                    revoking.append(item.id)
                withdrawn[_digest(item.id)] = timestamp.text(at)
        feed_state.record_files(self._tx, self._feed, withdrawn)
        waiting: list[Retracted] = []
        retracted = retract_all(self._hub, self._tx, revoking, self._partner, waiting=waiting)
        if waiting:
            logger.warning(
                "withdrawals wait for a person feed=%s partner=%s reports=%d do=scamfeed review list --rule many-ends",
                self._feed,
                self._partner.identity,
                len(waiting),
            )
        return len(retracted)

    def _renamed(self, objects: _Objects, revoked: dict[str, Item], until: dict[str, int]) -> _Objects:
        for obj in objects:
            if not _is_active(obj) or obj["id"] not in revoked:
                continue
            version = Item.of(obj).version or 0
            last = self._last(revoked[obj["id"]], obj)
            is_later = version >= last.withdrawn and version > until.get(obj["id"], 0)
            if last.number and (last.item is not None or is_later):
                return [self._listing(obj, last.number)]
        return objects

    def _by_id(self, found: Item | None) -> list[Item]:
        """Return the listings to revoke in the series that begins with this one."""
        if found is None:
            return []
        last = self._last(found, msgspec.json.decode(found.body))
        standing = last.item or last.before
        return [standing] if standing is not None and self._is_ours(standing) else []

    def _by_value(self, value: str) -> list[Item]:
        try:
            known = lookup(self._tx, value)
        except Rejected:
            return []
        items = [Item.of(indicator) for value in known for indicator in value.indicators]
        return [item for item in items if self._is_ours(item)]

    def _last(self, first: Item, obj: _Object) -> _Last:
        """Return the first listing that the source has not withdrawn, and the one before."""
        item: Item | None = first
        before, withdrawn = None, 0
        for number in range(_MOST):
            if number:
                id_ = self._listing(obj, number)["id"]
                item = self._latest([id_]).get(id_)
            if item is None:
                return _Last(number, None, before, withdrawn)
            if self._is_ours(item):
                at = feed_state.file_name_of(self._tx, self._feed, _digest(item.id)) if item.revoked else None
                if at is None:
                    return _Last(number, item, before, withdrawn)
                before, withdrawn = item, micros(timestamp.parse(at))
        return _Last(0, None, before, withdrawn)

    def _listing(self, obj: _Object, number: int) -> _Object:
        """Return an indicator as one of its later listings."""
        creator = self._partner.identity
        if obj["id"] == ids.indicator(creator, obj["pattern"]):
            anew = {**obj, "id": ids.indicator(creator, obj["pattern"], number)}
        else:
            anew = named_after(f"{origin_of(obj)}/{number}", creator, obj)
        return {**anew, "created": obj["modified"]}

    def _latest(self, ids: Iterable[str]) -> dict[str, Item]:
        """Return the newest versions of the partner's contributions with these ids."""
        return inbox.of_partner(self._tx, self._space, ids)

    def _is_ours(self, item: Item) -> bool:
        creator: str | None = msgspec.json.decode(item.body).get("created_by_ref")
        return creator == self._partner.identity


def latest_withdrawals(items: Sequence[_Objects], gone: Sequence[str | Gone]) -> list[Gone]:
    """Return the withdrawals in ``gone`` that no later listing in ``items`` overrides."""
    if not gone:
        return []
    versions = {obj["id"]: Item.of(obj).version or 0 for objects in items for obj in objects if _is_active(obj)}
    return [
        withdrawal
        for withdrawal in map(_as_gone, gone)
        if not withdrawal.at or versions.get(withdrawal.subject, 0) <= micros(_moment(withdrawal.at))
    ]


def own_revocations(items: Sequence[_Objects]) -> list[Gone]:
    """Return the indicators that arrive as revoked: their later listings are revoked with them."""
    return [
        Gone(obj["id"], str(obj.get("modified", "")))
        for objects in items
        for obj in objects
        if obj.get("type") == "indicator" and obj.get("revoked") is True
    ]


def _is_active(obj: _Object) -> bool:
    return obj.get("type") == "indicator" and obj.get("revoked") is not True and "modified" in obj and "pattern" in obj


def _is_id(subject: str) -> bool:
    return subject.startswith("indicator--")


def _as_gone(gone: str | Gone) -> Gone:
    return Gone(gone) if isinstance(gone, str) else gone


def _moment(text: str) -> datetime:
    """Parse a moment; return now if the text is invalid or in the future."""
    now = timestamp.now()
    try:
        return min(now, timestamp.parse(text))
    except Rejected:
        return now


def _digest(id_: str) -> str:
    """Return the key under which the feed stores that a source withdrew an indicator."""
    return sha256(f"taken-back:{id_}".encode()).hexdigest()
