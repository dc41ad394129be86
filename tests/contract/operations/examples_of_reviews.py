"""Examples of the operations on reviews."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from server.features.reviews.operations import ApproveReviews, DecideEnds, RejectReviews
from server.operations.operation import Act
from server.release.fuse.statements import DOUBTED, DOUBTS
from server.release.hub import Hub
from server.release.retract import retract_all
from server.store import listings, partners, reviews
from server.store.reviews import HeldObject
from tests import operators_desk as desk


def _review(hub: Hub) -> str:
    """Return the id of the open review of a dispute."""
    with hub.store.read() as tx:
        return next(review.object_id for review in reviews.all_reviews(tx, "open") if review.subject)


def _ends(hub: Hub) -> Act[Any]:
    """Let a program send more ends than the organisation may, and return their confirmation by a person."""
    values = [f"end{number}.example.net" for number in range(3)]
    for value in values:
        desk.report(hub, value)
    with hub.store.begin() as tx:
        partner = partners.get(tx, desk.REPORTER)
        retract_all(replace(hub, ends_per_day=1), tx, values, partner, "wrong", waiting=[])
    return DecideEnds(partner=partner, state="approved")


def _harmless(hub: Hub) -> Act[Any]:
    desk.report(hub, "google.com")
    with hub.store.read() as tx:
        held = [review.object_id for review in reviews.all_reviews(tx, "open") if not review.subject]
    return ApproveReviews(ids=tuple(held))


def _doubted(hub: Hub) -> Act[Any]:
    """Return the rejection of a dispute of a value that is still listed."""
    subject = f"domain:{desk.OBJECTED}"
    with hub.store.begin() as tx:
        [listing] = listings.ids(tx, subject)
        reviews.dispute(tx, subject, desk.DOUBTER, HeldObject(listing, None, DOUBTED, "doubted"), DOUBTS)
    return RejectReviews(ids=(listing,))


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "end decide": _ends,
    "review approve": lambda hub: ApproveReviews(ids=(_review(hub),)),
    "review reject": lambda hub: RejectReviews(ids=(_review(hub),)),
}

NEED_SECOND_PERSON: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "review approve": _harmless,
    "review reject": _doubted,
}
