"""Hold many reports of partners until a person decides, and let held ones count again."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set

from server.release import review as reviewing
from server.release.fuse.statements import MANY_BLOCKS, indicator_subject
from server.release.guard.volume import HELD_BY_PERSONS, NEW_PARTNER, THROTTLE_MESSAGES
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.session import ReleaseSession
from server.store import reviews
from server.store.database.engine import Tx
from server.store.reviews import HeldObject

# The rules about the sender, whose reports are released as a group without a look at each value.
RELEASED_AS_GROUP = frozenset((*HELD_BY_PERSONS, MANY_BLOCKS, NEW_PARTNER, *THROTTLE_MESSAGES))


def hold_all(hub: Hub, tx: Tx, keys: Collection[str], why: Reason, reason: str) -> set[str]:
    """Hold the active reports with these keys, and delist the values that no other report lists.

    Return the keys of the reports that are held from now on; revoked, held and rejected ones are left out. ``reason``
    appears on the receipts of the delistings.
    """
    session, subjects = _open(hub, tx, keys)
    session.loader.look_up_reviews(keys)
    found = {
        key
        for key in keys
        if (obj := session.loader.known.get(key)) and obj.get("revoked") is not True and _may_hold(session, key, why)
    }
    by_partner: dict[str, list[HeldObject]] = defaultdict(list)
    for key in sorted(found):
        by_partner[session.context.contributor(key).name].append(HeldObject(key, None, why.code, why.text()))
    for partner, held in by_partner.items():
        reviews.hold(tx, partner, held, again=True)
    if found:
        session.release(session.load(subjects), reason)
    return found


def _may_hold(session: ReleaseSession, key: str, why: Reason) -> bool:
    """Return whether a report counts now; the hub also takes over what the partner itself holds."""
    review = session.loader.states.get(key)
    is_partners = review is not None and review.state == "open" and review.rule == Reason.HELD_BY_PARTNER.code
    return not session.loader.is_held(key) or (is_partners and why is Reason.HELD_BY_HUB)


def release_all(hub: Hub, tx: Tx, keys: Collection[str], rules: Set[str], by: str, note: str) -> set[str]:
    """Let the reports with these keys count again that one of the ``rules`` holds, and return their keys."""
    _open(hub, tx, keys)
    found = {key for key, review in reviews.states(tx, keys).items() if review.state == "open" and review.rule in rules}
    if found:
        reviews.decide_all(tx, found, "approved", by, note)
        reviewing.release_decided(hub, tx, found)
    return found


def close_reviews(tx: Tx, keys: Iterable[str], by: str, note: str) -> None:
    """Reject the open reviews of reports that are retracted: there is nothing left to decide."""
    still = [key for key, review in reviews.states(tx, keys).items() if review.state == "open"]
    reviews.decide_all(tx, still, "rejected", by, note)


def states_of(tx: Tx, keys: Iterable[str]) -> Mapping[str, str]:
    """Return by key the rules that hold these reports; the others are active."""
    return {key: review.rule for key, review in reviews.states(tx, keys).items() if review.state != "approved"}


def _open(hub: Hub, tx: Tx, keys: Collection[str]) -> tuple[ReleaseSession, set[str]]:
    """Open a session that has locked the values of these reports, and return it with the values."""

    def find(session: ReleaseSession) -> tuple[set[str], set[str]]:
        session.loader.read(keys)
        known = (session.loader.known[key] for key in keys if key in session.loader.known)
        subjects = {subject for obj in known if (subject := indicator_subject(obj)) is not None}
        return subjects, subjects

    return ReleaseSession.open_locked(hub, tx, find)
