"""The pages of takedown requests in Chromium, in both languages and widths."""

import os
from pathlib import Path

import pytest

from mappers import ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestAnswer, RequestReason
from server.features.dispatch import outbox
from server.features.requests import desk, hub_requests, records as requests
from server.release.hub import Hub
from server.store import collections, partners
from server.store.database.times import now
from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import BrowsedHub, start_session
from tests.browser.screens import Screen

PLATFORM, POLICE = "Asked Platform", "Ordering Police"
# A Cyrillic letter, a Thai digit, and letters that look alike.
LOCATION = "https://shop.example.com/lI1|0O/а/๑?pay=1"  # look-alikes on purpose


@pytest.fixture(scope="module")
def asked(hub: BrowsedHub) -> str:
    """Register a platform and a police unit with an order, and return the order's id."""
    with hub.store.begin() as tx:
        for name, kind, authority in (
            (PLATFORM, PartnerKind.PLATFORM, ()),
            (POLICE, PartnerKind.GOVERNMENT, ("url",)),
        ):
            partners.add(tx, Partner(name=name, kind=kind, identity=ids.identity(name), authority=authority))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    given = {"reporter": POLICE, "reported_at": timestamp.now(), "asks": "take-down", "basis": "order"}
    more = {"of": LOCATION, "addressee": PLATFORM, "reference": "C-7", "explanation": ["obtains-money"]}
    law = {"authority": "Criminal Court", "legal_basis": "court-order", "legal_reference": "DES-117"}
    with hub.store.begin() as tx:
        content = Request.model_validate({**given, **more, **law, "evidence": [{"sha256": "ab" * 32}]})
        id_ = desk.send(Hub(hub.store), tx, partners.get(tx, POLICE), content).view.id
    with hub.store.begin() as tx:
        done = desk.send(
            Hub(hub.store),
            tx,
            partners.get(tx, POLICE),
            Request.model_validate({**given, **more, "basis": "notice", "reference": "C-8"}),
        ).view
        answer = {"reporter": PLATFORM, "reported_at": timestamp.now(), "request": done.id, "response": "removed"}
        desk.send(Hub(hub.store), tx, partners.get(tx, PLATFORM), RequestAnswer.model_validate(answer))
        found = requests.find(tx, [done.id]).values()
        hub_requests.restore(Hub(hub.store), tx, found, "RETRACTED", RequestReason.LISTING_ENDED)
        mail = outbox.DispatchMail(
            id="cd" * 16,
            purpose="correction",
            address="abuse@registrar.example",
            country=None,
            follows="ab" * 16,
            about="ab" * 16,
            made=now() - 90_000_000_000,
            state="failed",
        )
        outbox.put(tx, mail)
    return id_


def test_pages_keep_the_rules(screen_of_each: Screen, hub: BrowsedHub, asked: str) -> None:
    seen = screen_of_each
    start_session(seen, hub, PartnerRole.ADMIN, PLATFORM)
    of_partner = (
        "/partner/takedowns",
        f"/partner/requests/{asked}",
        "/partner/takedowns/new",
        "/partner/takedowns/statistics",
    )
    for number, path in enumerate(of_partner):
        take(seen, path, f"takedown-{number}")
    assert seen.wrong == []


def test_pages_of_operators_keep_the_rules(screen_of_each: Screen, hub: BrowsedHub, asked: str) -> None:
    seen = screen_of_each
    start_session(seen, hub, OperatorRole.ANALYST)
    for name in ("requests/statistics", "receipts", "policy"):
        take(seen, f"/console/{name}", name.replace("/", "-"))
    assert seen.wrong == []


def take(seen: Screen, path: str, name: str) -> None:
    """Open a page, and store its picture in the folder of pictures, if there is one."""
    seen.open(path)
    if folder := os.environ.get("PICTURES"):
        width = (seen.page.viewport_size or {}).get("width")
        seen.page.screenshot(path=Path(folder) / f"{name}-{seen.language}-{width}.png", full_page=True)
