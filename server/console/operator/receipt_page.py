"""The page of retraction receipts: who was given what was taken back, and does not know yet."""

from urllib.parse import urlencode

from flask import Response

from server.console.visit import Visit
from server.release.query.receipts import age
from server.store import retractions
from server.store.database.times import now
from server.store.retractions import ReceiptPlace

_PAGE = 100


def show(visit: Visit) -> Response:
    """Show how many receipts are open by partner, and those of one partner, page by page."""
    partner = visit.request.args.get("partner", "")[:200]
    with visit.site.hub.store.read() as tx:
        totals = retractions.open_by_partner(tx)
        found = []
        if partner:
            after = _place(visit.request.args.get("after", ""))
            found = retractions.open_of(tx, partner, after=after, limit=_PAGE + 1)
    following = ""
    if len(found) > _PAGE:
        place = found[_PAGE - 1][1]
        after_that = f"{place.revoked_at}.{place.collection}.{place.object_id}"
        following = "/console/receipts?" + urlencode({"partner": partner, "after": after_that})
    at, target = now(), visit.site.settings.retraction_target.total_seconds()
    return visit.page(
        "operator/receipts.html",
        totals=[(total, age(total.oldest, None, at), age(total.oldest, None, at) > target) for total in totals],
        rows=[(receipt, age(receipt.opened, None, at)) for receipt, _ in found[:_PAGE]],
        partner=partner,
        target=target,
        following=following,
    )


def _place(given: str) -> ReceiptPlace | None:
    """Read where the page before ended, None for what is none."""
    revoked_at, _, rest = given[:500].partition(".")
    collection, dot, object_id = rest.partition(".")
    is_place = dot and revoked_at.isascii() and revoked_at.isdecimal() and len(revoked_at) < 18
    return ReceiptPlace(collection, int(revoked_at), object_id) if is_place else None
