"""Taking back what was said about a value: reports are revoked, and with them what the hub made of them, everywhere."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from schemas import timestamp
from schemas.partner import Partner
from server.release.delisting import delist
from server.release.lookup import lookup
from server.release.reconsider import Again, Wrong
from server.release.revoke import revoked
from server.store import log, mentions
from server.store.item import Item
from server.store.store import Tx

RETRACTED = "retracted"
_WRONG = Wrong(RETRACTED, "this hub found it wrong and took it back")


@dataclass(frozen=True)
class Retracted:
    """One indicator that is revoked, and whose it was."""

    indicator: str
    partner: str


def retract(tx: Tx, id_or_value: str, partner: Partner | None = None, reason: str = RETRACTED) -> list[Retracted]:
    """Revoke the reports of one value, or that of one id, as ``retract_all`` does of many."""
    return retract_all(tx, [id_or_value], partner, reason)


def retract_all(
    tx: Tx, ids_or_values: Collection[str], partner: Partner | None = None, reason: str = RETRACTED
) -> list[Retracted]:
    """Revoke the reports of these values, or those of these ids; ``partner``'s alone where one is given.

    Without a partner the hub finds them wrong: what anybody says of the value again is held for review. The id of
    a listing of the hub's own means all reports of its value. ``reason`` stands on the receipts. Raises ``Rejected``
    where one is no value of any kind.
    """
    if not ids_or_values:
        return []
    again = Again(tx)
    wanted = {each for each in ids_or_values if each.startswith("indicator--")}
    subjects = again.subjects(wanted)
    listings = wanted - again.loading.known.keys()
    meant = again.subjects(listings) | {
        mentions.subject(known.kind, known.value)
        for value in set(ids_or_values) - wanted
        for known in lookup(tx, value)
    }
    about = mentions.of(tx, subjects | meant)
    again.loading.read({id_ for ids in about.values() for id_ in ids})
    asked = wanted | {id_ for subject in meant for id_ in about.get(subject, ())}
    gone = [again.loading.known[id_] for id_ in sorted(asked & again.loading.known.keys())]
    gone = [obj for obj in gone if obj.get("revoked") is not True and _may_take_back(again, obj, partner)]
    if not gone:
        return []
    before = again.values(about)
    _revoke(again, gone)
    if partner is None:
        for value in before:
            again.find_wrong(value, _WRONG, {obj["id"] for obj in gone})
    after = again.values(about)
    if partner is None:
        delist(tx, after)
    again.say(after, reason)
    names = {each.identity: each.name for each in again.scene.registry.by_identity.values()}
    return [Retracted(obj["id"], names.get(obj["created_by_ref"], obj["created_by_ref"])) for obj in gone]


def _may_take_back(again: Again, obj: dict[str, Any], partner: Partner | None) -> bool:
    who: str | None = obj.get("created_by_ref")
    if not again.loading.is_partner(str(who)):
        who = again.loading.passed_on_by(obj["id"])
    return who is not None if partner is None else who == partner.identity


def _revoke(again: Again, gone: Iterable[dict[str, Any]]) -> None:
    last = [revoked(obj, timestamp.now()) for obj in gone]
    log.append(again.scene.tx, again.scene.inbox, [Item.of(obj) for obj in last])
    for obj in last:
        again.loading.take(obj["id"], obj, None)
