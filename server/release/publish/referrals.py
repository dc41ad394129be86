"""Referrals of coerced account holders: recorded, answered, and published only to the parties."""

from collections.abc import Iterator

from mappers.notes import ReferralView, referral_note
from schemas.vocabulary import ReferralAnswer, Tlp
from server.release.context import ReleaseContext, open_context
from server.release.hub import Hub
from server.release.publish.collections import Publication
from server.store import log
from server.store.database.engine import Tx
from server.store.database.times import moment
from server.store.referrals import referrals
from server.store.referrals.referrals import StoredReferral

_MILLISECOND = 1_000


def refer(hub: Hub, tx: Tx, listing: str, referred_to: str, by: str, partner: str | None = None) -> StoredReferral:
    """Record once that the holder of a listed account was referred, and publish it to the parties.

    ``referred_to`` is the partner with the focal point, empty for the hub's own; ``partner`` made the referral.
    """
    stored = referrals.add(tx, listing, referred_to, by, partner)
    _publish(hub, tx, stored)
    return stored


def answer(hub: Hub, tx: Tx, id_: str, word: ReferralAnswer, by: str) -> StoredReferral:
    """Record the focal point's response, and publish it to the parties. Raises ``UnknownReferral``."""
    stored = referrals.answer(tx, id_, word, by)
    _publish(hub, tx, stored)
    return stored


def _publish(hub: Hub, tx: Tx, stored: StoredReferral) -> None:
    """Add the note of a referral to the collections ``requests-…`` of the referring and the receiving partner."""
    context = open_context(hub, tx)
    concerned = {stored.partner or "": "referrer", stored.referred_to: "focal-point"}
    publication = Publication(context)
    for name, role in concerned.items():
        if name in context.registry.partners:
            note = referral_note(_view(context, stored, name, role), context.identity.identity)
            publication.enter(context.private_collection(name, "requests"), note, Tlp.AMBER_STRICT)
    publication.write("")


def _view(context: ReleaseContext, stored: StoredReferral, reader: str, role: str) -> ReferralView:
    # Milliseconds, as in STIX; a response is a version of its own.
    at = stored.referred // _MILLISECOND * _MILLISECOND
    answered = max(stored.answered // _MILLISECOND * _MILLISECOND, at + _MILLISECOND) if stored.answered else None
    return ReferralView(
        id=stored.id,
        role=role,
        organisation=stored.referred_to or context.identity.name,
        at=moment(at),
        listing=stored.listing if any(_places(context, stored.listing, reader)) else None,
        answer=stored.answer,
        answered=moment(answered) if answered else None,
    )


def _places(context: ReleaseContext, listing: str, reader: str) -> Iterator[bool]:
    """Yield whether each collection that the reader reads has the listing."""
    for alias, collection in sorted(context.collections.items()):
        if context.reads(reader, alias):
            found = log.latest(context.tx, collection, [listing]).get(listing)
            yield found is not None and not found.revoked
