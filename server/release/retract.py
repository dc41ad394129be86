"""Retract a value: revoke the reports of it, and with them its listings in every collection."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from schemas import timestamp
from schemas.errors import Rejected
from schemas.feedback import Feedback
from schemas.partner import Partner
from server.release.fuse.statements import indicator_subject
from server.release.guard.allowlists.hub_values import delist
from server.release.hub import Hub
from server.release.publish.collections import revoked
from server.release.query import lookup
from server.release.session import FOUND_WRONG, Refutation, ReleaseSession
from server.store import listings, value_index
from server.store.database.engine import Tx
from server.store.inbox import is_key, key, object_id
from server.store.item import Item

RETRACTED = "retracted"
_FOUND_WRONG = Refutation(RETRACTED, "this hub found it wrong and took it back")


@dataclass(frozen=True)
class Retracted:
    """One indicator that was revoked, and its contributor's name."""

    indicator: str
    partner: str


def retract(
    hub: Hub, tx: Tx, id_or_value: str, partner: Partner | None = None, reason: str = RETRACTED
) -> list[Retracted]:
    """Revoke the reports of one value or of one id, as ``retract_all`` does."""
    return retract_all(hub, tx, [id_or_value], partner, reason)


def retract_all(
    hub: Hub,
    tx: Tx,
    ids_or_values: Collection[str],
    partner: Partner | None = None,
    reason: str = RETRACTED,
    feedback: Feedback = FOUND_WRONG,
) -> list[Retracted]:
    """Revoke the reports of these values and ids; ``partner``'s alone where one is given.

    Without a partner the hub finds them wrong: whoever reports the value again is held for review. The id of one of
    the hub's listings means all reports of its value. ``reason`` stands on the receipts, ``feedback`` is what reporters
    read whom the hub finds wrong. Raises ``Rejected`` where a
    text is no value of any kind, or an id is that of several partners' indicators.
    """
    if not ids_or_values:
        return []
    session, (keys, subjects) = ReleaseSession.open_locked(
        hub, tx, lambda session: _find_reports(session, ids_or_values, partner)
    )
    known = session.loader.known
    revoking = [key for key in sorted(keys & known.keys()) if known[key].get("revoked") is not True]
    if not revoking:
        return []
    before = session.load(subjects)
    _revoke(session, revoking)
    if partner is None:
        session.refute(before, _FOUND_WRONG, set(revoking), feedback)
    after = session.load(subjects)
    if partner is None:
        delist(tx, after)
    session.release(after, reason)
    return [Retracted(object_id(key), session.context.contributor(key).name) for key in revoking]


def _find_reports(
    session: ReleaseSession, ids_or_values: Collection[str], partner: Partner | None
) -> tuple[tuple[set[str], set[str]], set[str]]:
    """Return the keys of the reports meant, with the subjects of all values concerned, and these; reads both."""
    tx = session.context.tx
    ids = {text for text in ids_or_values if object_id(text).startswith("indicator--")}
    keys, listed = _keys_of_ids(session, ids, partner)
    meant = listed | lookup.subjects(tx, set(ids_or_values) - ids)
    subjects = session.subjects(keys) | meant
    keys_by_subject = value_index.find(tx, subjects)
    session.loader.read({key for keys_of_value in keys_by_subject.values() for key in keys_of_value})
    keys |= {key for subject in meant for key in keys_by_subject.get(subject, ())}
    if partner is not None:
        keys = {key for key in keys if session.context.contributor(key).name == partner.name}
    return (keys, subjects), subjects


def _keys_of_ids(session: ReleaseSession, ids: set[str], partner: Partner | None) -> tuple[set[str], set[str]]:
    """Return the keys of the contributions of these ids, and the subjects of the hub's listings of these ids.

    Where a partner is given its own objects come first, else the hub's listings. Raises ``Rejected`` where an id is
    that of several partners' objects.
    """
    context = session.context
    listed = listings.subjects(context.tx, ids)
    spaces = [context.registry.spaces[partner.name]] if partner else sorted(context.registry.spaces.values())
    keys = set()
    candidates_of = {
        id_: {id_} if is_key(id_) else {key(space, id_) for space in spaces}
        for id_ in (ids if partner else ids - listed.keys())
    }
    session.loader.read(candidate for candidates in candidates_of.values() for candidate in candidates)
    for id_, candidates in candidates_of.items():
        found = candidates & session.loader.known.keys()
        if len(found) > 1:
            names = ", ".join(sorted(context.contributor(candidate).name for candidate in found))
            raise Rejected("id-of-several", f"several partners contributed under {id_}, say whose is meant: {names}")
        keys |= found
    own = {object_id(own_key) for own_key in keys}
    return keys, {subject for id_, subject in listed.items() if id_ not in own}


def _revoke(session: ReleaseSession, keys: Iterable[str]) -> None:
    last = [(own_key, revoked(session.loader.known[own_key], timestamp.now())) for own_key in keys]
    session.publication.contribute(
        Item.of(obj)._replace(id=own_key, subject=indicator_subject(obj)) for own_key, obj in last
    )
    for own_key, obj in last:
        session.loader.replace(own_key, obj, None)
