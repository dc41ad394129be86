"""Retract a value: revoke its reports, and with them its listings in every collection."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Feedback, FeedbackReason
from server.release.fuse.police_holds import are_held
from server.release.fuse.statements import ReportedValue, indicator_subject
from server.release.guard.allowlists.hub_values import delist
from server.release.guard.ends import EndBrake
from server.release.hub import Hub
from server.release.publish.collections import revoked
from server.release.query import lookup
from server.release.session import FOUND_WRONG, Refutation, ReleaseSession
from server.store import listings, partners, value_index
from server.store.database.engine import Tx
from server.store.inbox import is_key, key, object_id
from server.store.item import Item

RETRACTED = "retracted"
_FOUND_WRONG = Refutation(RETRACTED, "this hub found it wrong and retracted it")
BY_OBJECTION = Refutation(RETRACTED, "this hub found it wrong after an objection and retracted it")


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
    spared: set[str] | None = None,
    waiting: list[Retracted] | None = None,
    told: Feedback | None = None,
) -> list[Retracted]:
    """Revoke the reports of these values and ids; only ``partner``'s if one is given.

    - Without a partner the hub finds them wrong: later reports of the value are held for review, and the reports of
      other hubs no longer count here. These are returned with the names of their hubs.
    - The id of one of the hub's listings means all reports of its value.
    - ``reason`` appears on the receipts; ``feedback`` is shown to reporters that the hub finds wrong.
    - With ``spared``, values that police hold do not change, and their subjects are added to it.
    - ``told`` is the feedback to ``partner`` about its retracted reports, if another retracts them in its name.
    - With ``waiting``, reports beyond the daily limit of ``partner``'s organisation stay until a second person confirms
      their end, and are added to it.

    Raises ``Rejected`` if a text is not a value of any kind, or an id is that of several partners' indicators.
    """
    if not ids_or_values:
        return []
    _lock_ends(tx, partner, waiting)
    session, (keys, subjects) = ReleaseSession.open_locked(
        hub, tx, lambda session: _find_reports(session, ids_or_values, partner, hub.country)
    )
    revoking = _in_force(session, keys)
    if not revoking and (partner is not None or not session.context.peers):
        return []
    # The statements before the retraction count only where the hub decides on all of a value.
    before = session.load(subjects) if partner is None or spared is not None else []
    if spared is not None:
        before, revoking = _spare_held(session, before, revoking, spared)
        subjects = subjects - spared
    revoking = _set_waiting(hub, session, partner, revoking, waiting)
    elsewhere = _elsewhere(before) if partner is None else []
    if not revoking and not elsewhere:
        return []
    _revoke(session, revoking)
    if partner is None:
        refutation = BY_OBJECTION if feedback.reason is FeedbackReason.OBJECTION else _FOUND_WRONG
        session.refute(before, refutation, set(revoking), feedback)
        left = _delisted(session, subjects)
    else:
        left = session.load(subjects)
        _tell(session, partner, told, revoking)
    session.release(left, reason)
    return [Retracted(object_id(key), session.context.contributor(key).name) for key in revoking] + elsewhere


def _tell(session: ReleaseSession, partner: Partner, told: Feedback | None, keys: Iterable[str]) -> None:
    if told is None:
        return
    for own_key in keys:
        session.feedback.add(partner.name, told, own_key)


def _lock_ends(tx: Tx, partner: Partner | None, waiting: list[Retracted] | None) -> None:
    """Lock the organisation if its ends are counted, unless the values are locked already: it is locked before them."""
    if partner is not None and waiting is not None and not value_index.locked(tx):
        partners.lock(tx, [partner.name], organisations_of=[partner.name])


def _delisted(session: ReleaseSession, subjects: set[str]) -> list[ReportedValue]:
    """Return values that this hub finds wrong, without the reports of other hubs, and note that they are delisted."""
    values = session.load(subjects)
    for value in values:
        value.statements = value.own
    delist(session.context.tx, values)
    return values


def _set_waiting(
    hub: Hub, session: ReleaseSession, partner: Partner | None, revoking: list[str], waiting: list[Retracted] | None
) -> list[str]:
    """Add a partner's reports beyond the daily limit to ``waiting`` if given, and return the keys of the others."""
    if partner is None or waiting is None:
        return revoking
    session.loader.look_up_reviews(revoking)
    held = _hold(hub, session, partner, revoking)
    waiting += [Retracted(object_id(key), partner.name) for key in revoking if key in held]
    return [key for key in revoking if key not in held]


def _elsewhere(values: Iterable[ReportedValue]) -> list[Retracted]:
    """Return the reports of other hubs, each once."""
    found = {(object_id(known.key), known.hub) for value in values for known in value.statements if known.hub}
    return [Retracted(*report) for report in sorted(found)]


def _in_force(session: ReleaseSession, keys: set[str]) -> list[str]:
    """Return the keys of those reports that are not revoked, sorted."""
    known = session.loader.known
    return [key for key in sorted(keys & known.keys()) if known[key].get("revoked") is not True]


def _spare_held(
    session: ReleaseSession, values: Sequence[ReportedValue], revoking: Sequence[str], spared: set[str]
) -> tuple[list[ReportedValue], list[str]]:
    """Return the values that police do not hold, and the reports to revoke that are not about held ones."""
    spared |= are_held(values, session.context.at)
    of_held = {key for value in values if value.subject in spared for key in value.ids}
    left = [value for value in values if value.subject not in spared]
    return left, [key for key in revoking if key not in of_held]


def subjects_meant(hub: Hub, tx: Tx, ids_or_values: Collection[str]) -> set[str]:
    """Return the subjects of all values that ``retract_all`` would find for these ids and values.

    Raises ``Rejected`` as ``retract_all`` does.
    """
    session = ReleaseSession.open(hub, tx)
    _, subjects = _find_reports(session, ids_or_values, None, hub.country)
    return subjects


def _hold(hub: Hub, session: ReleaseSession, partner: Partner, revoking: Iterable[str]) -> set[str]:
    """Return the keys of the reports that ``partner`` may not retract today; their revocations wait."""
    brake, loader = EndBrake(session.context, partner, hub.ends_per_day), session.loader
    held = set()
    for own_key in revoking:
        obj = loader.known[own_key]
        subject = None if loader.is_held(own_key) else indicator_subject(obj)
        item = Item.of(revoked(obj, timestamp.now()))
        if subject is not None and brake.take(own_key, item, {subject}, again=False):
            held.add(own_key)
    brake.write()
    return held


def _find_reports(
    session: ReleaseSession, ids_or_values: Collection[str], partner: Partner | None, country: str
) -> tuple[tuple[set[str], set[str]], set[str]]:
    """Return the keys of the reports to retract, the subjects of all values concerned, and these; reads both."""
    tx = session.context.tx
    ids = {text for text in ids_or_values if object_id(text).startswith("indicator--")}
    keys, listed = _keys_of_ids(session, ids, partner)
    meant = listed | lookup.subjects(tx, set(ids_or_values) - ids, country)
    subjects = session.subjects(keys) | meant
    keys_by_subject = value_index.find(tx, subjects)
    session.loader.read({key for keys_of_value in keys_by_subject.values() for key in keys_of_value})
    keys |= {key for subject in meant for key in keys_by_subject.get(subject, ())}
    if partner is not None:
        keys = {key for key in keys if session.context.contributor(key).name == partner.name}
    return (keys, subjects), subjects


def _keys_of_ids(session: ReleaseSession, ids: set[str], partner: Partner | None) -> tuple[set[str], set[str]]:
    """Return the keys of the contributions with these ids, and the subjects of the hub's listings with these ids.

    If a partner is given, its own objects take precedence over the hub's listings. Raises ``Rejected`` if an id is that
    of several partners' objects.
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
            raise Rejected("id-of-several", f"several partners contributed under {id_}; name one of them: {names}")
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
