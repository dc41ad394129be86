"""The pages of receipts: those of all partners for operators, and a partner's own, which it confirms."""

from contextlib import suppress
from typing import NamedTuple

import msgspec
from flask import Response

from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.vocabulary import OutcomeWord
from server.features.dispatch import outbox
from server.features.receipts.operations import ConfirmReceipts
from server.features.reports.feedback import OwnValue
from server.features.requests import records as requests
from server.features.requests.records import OUTSIDE
from server.operations.rights import PARTNERS, VIEWERS
from server.release.query.receipts import age
from server.store import collections, log, retractions
from server.store.collections import UnknownCollection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.retractions import Receipt, ReceiptPlace
from server.web.shell.forms import contribute, own_partner
from server.web.shell.lists import PAGE, asked, page_of, place_of
from server.web.shell.routes import FORM, MEMBERS, RECORDS, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_SECOND = 1_000_000
_MOST_AT_ONCE = 100
_NONE_CHOSEN = mark("Choose 1 to 100 objects, and the action you took.")
_NOT_OPEN = mark("One of these is no longer open. Nothing was sent. Open the list again.")
# The statements of a partner about a withdrawn object, each of which closes its receipt.
STATEMENTS: dict[OutcomeWord, Translatable] = {
    OutcomeWord.RESTORED: mark("We had acted on it, and reversed our action"),
    OutcomeWord.NO_ACTION: mark("We know, and had not acted on it"),
}
_PAGE_OF_ALL = 100


class OpenReceipt(NamedTuple):
    """An open receipt, the withdrawn value (None if it is unreadable), and the time left."""

    receipt: Receipt
    value: OwnValue | None
    seconds_left: float


def show(visit: Visit) -> Response:
    """Show a page of open receipts by collection, the oldest delisting first."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        found = retractions.open_of(tx, partner.name, after=_place(visit), limit=PAGE + 1)
        rows, following = page_of(visit, found, PAGE, lambda last: last[1])
        # An object that several channels brought is one to confirm.
        shown = list({(receipt.collection, receipt.object_id): receipt for receipt, _ in rows}.values())
        values = _values(tx, shown)
    due = now() - int(visit.site.settings.retraction_target.total_seconds() * _SECOND)
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
    """Send an outcome for each ticked object, which closes its receipt."""
    ids, word = list(dict.fromkeys(visit.request.form.getlist("id"))), visit.field("outcome")
    if not 0 < len(ids) <= _MOST_AT_ONCE or word not in STATEMENTS:
        raise PageRefused(422, _NONE_CHOSEN)
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    operation = ConfirmReceipts(partner=partner, ids=tuple(ids), outcome=OutcomeWord(word))
    done = contribute(visit, operation, partner, len(ids), {Rejected: (409, _NOT_OPEN)})
    return visit.page("partner/confirmed.html", count=len(ids) - len(done.failed), failed=done.failed)


def _values(tx: Tx, shown: list[Receipt]) -> dict[str, OwnValue]:
    """Return the values of the withdrawn objects, as the partner received them."""
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
    return place_of(visit, ReceiptPlace, str, int, str, str)


def show_all(visit: Visit) -> Response:
    """Show how many receipts are open by partner, and those of one partner, page by page."""
    partner = asked(visit, "partner")
    with visit.site.hub.store.read() as tx:
        totals = retractions.open_by_partner(tx)
        restores = requests.open_restores(tx, _PAGE_OF_ALL)
        mails = outbox.open_corrections(tx, _PAGE_OF_ALL)
        found = []
        if partner:
            found = retractions.open_of(tx, partner, after=_place(visit), limit=_PAGE_OF_ALL + 1)
    shown, following = page_of(visit, found, _PAGE_OF_ALL, lambda last: last[1], partner=partner)
    at, target = now(), visit.site.settings.retraction_target.total_seconds()
    return visit.page(
        "operator/receipts.html",
        totals=[(total, age(total.oldest, None, at), age(total.oldest, None, at) > target) for total in totals],
        rows=[(receipt, age(receipt.opened, None, at)) for receipt, _ in shown],
        restores=[(one, (one.addressee or "").removeprefix(OUTSIDE), age(one.opened, None, at)) for one in restores],
        mails=[(mail, age(mail.made, None, at)) for mail in mails],
        partner=partner,
        target=target,
        following=following,
    )


ROUTES = (
    Route("/partner/receipts", PARTNERS, show, tab=Tab(RECORDS, 4, mark("Delisted"))),
    Route("/partner/receipts/confirm", may_run(ConfirmReceipts), confirm, methods=FORM),
    Route("/console/receipts", VIEWERS, show_all, tab=Tab(MEMBERS, 2, mark("Receipts"))),
)
