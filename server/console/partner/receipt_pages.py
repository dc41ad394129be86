"""The page of a partner's open receipts: what was taken back, of which the hub does not know that the partner knows."""

from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from flask import Response

from mappers import opinion
from mappers.indicator import from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.record import Outcome
from schemas.subject import Subject
from schemas.vocabulary import OutcomeWord, Tlp
from server.console.operator.trail import note
from server.console.partner.own import PAGE, asked, link, own_partner, place_of, quotas_of, refusal_of
from server.console.visit import PageRefused, Visit
from server.console.words import Translatable, mark
from server.release.contribute import contribute
from server.release.query.feedback import OwnValue
from server.store import collections, log, retractions
from server.store.collections import UnknownCollection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import Item
from server.store.retractions import Receipt, ReceiptPlace
from server.taxii import auth
from server.taxii.errors import TaxiiError

_PATH = "/partner/receipts"
_SECOND = 1_000_000
_MOST_AT_ONCE = 100
_NONE_CHOSEN = mark("Choose at least one, and at most a hundred, and what you did.")
_NOT_OPEN = mark("One of these is not open any more. Nothing was sent. Open the list again.")
# What a partner states of something that was taken back, by which its receipt closes.
STATEMENTS: dict[OutcomeWord, Translatable] = {
    OutcomeWord.RESTORED: mark("We had acted on it, and have given it back"),
    OutcomeWord.NO_ACTION: mark("We know, and had done nothing about it"),
}


class OpenReceipt(NamedTuple):
    """An open receipt, the value that was taken back, None where it cannot be read, and how late it is."""

    receipt: Receipt
    value: OwnValue | None
    seconds_left: float


def show(visit: Visit) -> Response:
    """Show a page of open receipts, by collection, what was taken back first before the rest."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = retractions.open_of(tx, partner.name, after=_place(visit), limit=PAGE + 1)
        shown = [receipt for receipt, _ in found[:PAGE]]
        values = _values(tx, shown)
    due = now() - int(visit.site.settings.retraction_target.total_seconds() * _SECOND)
    following = ""
    if len(found) > PAGE:
        place = found[PAGE - 1][1]
        following = link(_PATH, after=f"{place.revoked_at}~{place.collection}~{place.object_id}")
    return visit.page(
        "partner/receipts.html",
        receipts=[
            OpenReceipt(receipt, values.get(receipt.object_id), (receipt.opened - due) / _SECOND) for receipt in shown
        ],
        target=visit.site.settings.retraction_target.total_seconds(),
        statements=STATEMENTS,
        following=following,
    )


def confirm(visit: Visit) -> Response:
    """State what was done about those that are ticked, as an outcome that a program would send; that closes them."""
    ids, word = list(dict.fromkeys(visit.request.form.getlist("id"))), visit.field("outcome")
    if not 0 < len(ids) <= _MOST_AT_ONCE or word not in STATEMENTS:
        raise PageRefused(422, _NONE_CHOSEN)
    user = visit.known_user
    with visit.site.hub.store.begin() as tx:
        partner = own_partner(visit, tx)
        if not retractions.are_open(tx, partner.name, ids):
            raise PageRefused(409, _NOT_OPEN)
        try:
            auth.writable(tx, partner, "inbox")
            quotas_of(visit).charge_objects(tx, partner.name, len(ids))
        except TaxiiError as error:
            raise refusal_of(error) from None
        items = [Item.of(_statement(partner.name, id_, OutcomeWord(word))) for id_ in ids]
        done = contribute(visit.site.hub, tx, partner, items)
        note(tx, "RECEIPT", "receipts", user, None, objects=len(ids) - len(done.failed))
    return visit.page("partner/confirmed.html", count=len(ids) - len(done.failed), failed=done.failed)


def _statement(partner: str, listing: str, word: OutcomeWord) -> dict[str, Any]:
    at = timestamp.now()
    made = Outcome(reporter=partner, reported_at=at, tlp=Tlp.AMBER_STRICT, of=Subject(ref=listing), outcome=word)
    return opinion.to_stix(made)


def _values(tx: Tx, shown: list[Receipt]) -> dict[str, OwnValue]:
    """Return what the objects that were taken back are about, as the partner was given them."""
    found: dict[str, OwnValue] = {}
    for alias in sorted({receipt.collection for receipt in shown}):
        with suppress(UnknownCollection):
            ids = [receipt.object_id for receipt in shown if receipt.collection == alias]
            for id_, item in log.latest(tx, collections.get(tx, alias), ids).items():
                with suppress(Rejected):
                    report = from_stix(msgspec.json.decode(item.body))
                    found[id_] = OwnValue(str(report.kind), report.value)
    return found


def _place(visit: Visit) -> ReceiptPlace | None:
    parts = place_of(asked(visit, "after"), 3)
    return None if parts is None else ReceiptPlace(parts[1], int(parts[0]), parts[2])
