"""A queue of forty with ten traps: approving everything shows each trap and approves none of them."""

import re
from html import unescape

from flask import Flask

from server.store import Store, reviews
from server.store.operators.users import OperatorRole
from server.store.proposals import proposals
from tests.review_queue import TRAPS, fill, is_approved
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of


def boxes(page: str, *, checked: bool) -> list[str]:
    """Return the ids with ticked boxes, or those without."""
    found = re.findall(r'<input type="checkbox" name="id" value="([^"]+)"( checked)?', page)
    return [unescape(id_) for id_, tick in found if bool(tick) is checked]


def test_forty_are_cleared_and_no_trap_is_approved(app: Flask) -> None:
    store: Store = app.extensions["scamfeed-store"]
    traps = fill(hub_on(store))
    visitor = visitor_of(app, OperatorRole.ANALYST)
    queue = visitor.get("/console/reviews").text
    while following := re.search(r'href="([^"]+)">Next page', queue.rpartition("</form>")[2]):
        queue += visitor.get(unescape(following[1])).text
    everything = boxes(queue, checked=False)
    assert len(everything) == 40
    assert queue.count('class="cautions"') == len(TRAPS)
    preview = send(visitor, "/console/reviews/preview", queue, everything, "approve")
    assert sorted(boxes(preview, checked=False)) == sorted(traps.values())
    assert "Something speaks against 10 of these" in preview
    basis = re.findall(r'name="basis" value="([^"]+)"', preview)
    send(visitor, "/console/reviews/decide", preview, boxes(preview, checked=True), "approve", basis)
    with store.read() as tx:
        assert {review.object_id for review in reviews.all_reviews(tx, "open")} == set(traps.values())
    for what, id_ in traps.items():
        assert "Look twice" in visitor.get(f"/console/review/{id_}").text, what
    # Overriding a list, a partner or an operator that calls a value harmless needs a second person.
    preview = send(visitor, "/console/reviews/preview", queue, list(traps.values()), "approve")
    basis = re.findall(r'name="basis" value="([^"]+)"', preview)
    send(visitor, "/console/reviews/decide", preview, list(traps.values()), "approve", basis)
    with store.read() as tx:
        [proposal] = proposals.all_proposals(tx)
    by_two = {"a bank's domain", "a shared host", "a site that everybody uses", "an address that many share"}
    by_two |= {"a hotline", "a wallet of an exchange", "a partner's own shop"}
    assert {what for what, id_ in traps.items() if not is_approved(store, id_)} == by_two
    assert set(proposal.arguments["ids"]) == {traps[what] for what in by_two}


def send(visitor: Visitor, path: str, page: str, ids: list[str], decision: str, basis: list[str] | None = None) -> str:
    fields = {"token": token_of(page), "id": ids, "decision": decision, "basis": basis or []}
    answer = visitor.client.post(path, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.text
