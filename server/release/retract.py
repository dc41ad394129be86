"""Taking back what was said about a value: reports are revoked, and with them what the hub made of them, everywhere."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from server.release.guard.allowlists.hub_values import delist
from server.release.publish.collections import revoked
from server.release.query.lookup import lookup
from server.release.reconsider import Again, Wrong
from server.store import inbox, listings, value_index
from server.store.engine import Tx
from server.store.inbox import is_key, key, object_id
from server.store.item import Item

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
    where one is no value of any kind, or an id of several partners.
    """
    if not ids_or_values:
        return []
    again = Again(tx)
    ids = {each for each in ids_or_values if object_id(each).startswith("indicator--")}
    keys, listed = _meant(again, ids, partner)
    meant = listed | {
        value_index.subject_of(known.kind, known.value)
        for value in set(ids_or_values) - ids
        for known in lookup(tx, value)
    }
    subjects = again.subjects(keys) | meant
    about = value_index.find(tx, subjects)
    again.loading.read({key for of_one in about.values() for key in of_one})
    asked = keys | {key for subject in meant for key in about.get(subject, ())}
    if partner is not None:
        asked = {key for key in asked if again.scene.contributor(key).name == partner.name}
    known = again.loading.known
    gone = [key for key in sorted(asked & known.keys()) if known[key].get("revoked") is not True]
    if not gone:
        return []
    before = again.values(subjects)
    _revoke(again, gone)
    if partner is None:
        for value in before:
            again.find_wrong(value, _WRONG, set(gone))
    after = again.values(subjects)
    if partner is None:
        delist(tx, after)
    again.say(after, reason)
    return [Retracted(object_id(key), again.scene.contributor(key).name) for key in gone]


def _meant(again: Again, ids: set[str], partner: Partner | None) -> tuple[set[str], set[str]]:
    """Give the keys that these ids mean, and the values that are listed under those that are the hub's own.

    A partner's own come first where one is given, else the hub's. Raises ``Rejected`` where an id is several partners'.
    """
    scene = again.scene
    listed = listings.subjects(scene.tx, ids)
    spaces = [scene.registry.spaces[partner.name]] if partner else sorted(scene.registry.spaces.values())
    keys = set()
    for id_ in ids if partner else ids - listed.keys():
        candidates = {id_} if is_key(id_) else {key(space, id_) for space in spaces}
        again.loading.read(candidates)
        found = candidates & again.loading.known.keys()
        if len(found) > 1:
            names = ", ".join(sorted(scene.contributor(each).name for each in found))
            raise Rejected("id-of-several", f"several partners contributed under {id_}, say whose is meant: {names}")
        keys |= found
    own = {object_id(each) for each in keys}
    return keys, {subject for id_, subject in listed.items() if id_ not in own}


def _revoke(again: Again, gone: Iterable[str]) -> None:
    last = [(each, revoked(again.loading.known[each], timestamp.now())) for each in gone]
    inbox.append(again.scene.tx, again.scene.inbox, [(each, Item.of(obj)) for each, obj in last])
    for each, obj in last:
        again.loading.take(each, obj, None)
