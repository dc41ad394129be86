"""The pages of takedown requests: exact locations with marks, overdue lists, orders and bulk responses."""

from datetime import date
from typing import Any

import pytest
from flask import Flask

from mappers import ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.request import Request, RequestReason
from schemas.takedown import ServedBy, marked, scripts_of
from server.features.dispatch import outbox
from server.features.requests import desk, hub_requests, records as requests, serving
from server.release.hub import Hub
from server.store import Store, collections, partners
from server.store.database.times import now
from server.store.operators.users import OperatorRole, PartnerRole
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

PLATFORM, POLICE = "Example Platform", "Cyber Police"
LOCATION = "https://shop.example.com/lI/а"  # a Cyrillic letter on purpose
HOUR = 3_600_000_000


@pytest.fixture(autouse=True)
def _parties(store: Store) -> None:
    with store.begin() as tx:
        for name, kind, authority in (
            (PLATFORM, PartnerKind.PLATFORM, ()),
            (POLICE, PartnerKind.GOVERNMENT, ("url",)),
        ):
            partners.add(tx, Partner(name=name, kind=kind, identity=ids.identity(name), authority=authority))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)


def ask(store: Store, location: str = LOCATION, served_ago: int | None = None, **columns: Any) -> str:
    given = {"reporter": POLICE, "reported_at": timestamp.now(), "asks": "take-down", "basis": "notice"}
    more = {
        "of": location,
        "addressee": PLATFORM,
        "reference": "C-7",
        "explanation": ["obtains-money"],
        "allowed": "2h",
    }
    with store.begin() as tx:
        view = desk.send(
            Hub(store), tx, partners.get(tx, POLICE), Request.model_validate({**given, **more, **columns})
        ).view
    if served_ago is not None:
        with store.begin() as tx:
            stored = requests.find(tx, [view.id])[view.id]
            requests.change(tx, stored._replace(opened=stored.opened - served_ago, changed=stored.changed - served_ago))
            serving.served(tx, [view.id], ServedBy.MAIL, now() - served_ago)
    return view.id


def stored(store: Store, id_: str) -> requests.StoredRequest:
    with store.read() as tx:
        return requests.find(tx, [id_])[id_]


def post(visitor: Visitor, path: str, **fields: Any) -> Any:
    return visitor.client.post(path, data={"token": token_of(visitor.get("/me").text), **fields})


def test_characters_that_look_alike_are_marked() -> None:
    parts = marked(LOCATION)
    assert "".join(part.text for part in parts) == LOCATION
    assert [part.name for part in parts if part.name] == [
        *("letter l", "letter l", "capital I", "cyrillic small letter a (U+0430)")
    ]
    assert scripts_of(LOCATION) == ("Cyrillic", "Latin")
    assert [part.name for part in marked("๑")] == ["thai digit one (U+0E51)"]


def test_page_shows_the_exact_location_and_starts_the_clock(app: Flask, store: Store) -> None:
    id_ = ask(store)
    police = visitor_of(app, PartnerRole.WRITER, POLICE)
    page = police.get(f"/partner/requests/{id_}").text
    assert "cyrillic small letter a (U+0430)" in page
    assert "letters of several scripts: Cyrillic, Latin" in page
    assert stored(store, id_).served_at is None
    platform = visitor_of(app, PartnerRole.WRITER, PLATFORM)
    assert "Read on the page" in platform.get(f"/partner/requests/{id_}").text
    assert stored(store, id_).served_by == "page"
    stranger = visitor_of(app, PartnerRole.WRITER, "First Bank")
    assert stranger.get(f"/partner/requests/{id_}").status_code == 404
    assert "C-7" not in stranger.get("/partner/takedowns").text


def test_overdue_order_is_on_three_pages_and_in_the_metrics(app: Flask, store: Store) -> None:
    ask(store, served_ago=2 * HOUR + 1_000_000)
    on_time = ask(store, "https://shop.example.com/other", served_ago=HOUR)
    for role, name, path in (
        (PartnerRole.WRITER, POLICE, "/partner/takedowns?role=sender&state=overdue"),
        (PartnerRole.WRITER, PLATFORM, "/partner/takedowns?state=overdue"),
    ):
        page = visitor_of(app, role, name).get(path).text
        assert page.count("C-7") == 1
        assert on_time not in page
        assert " late" in page
    operator = visitor_of(app, OperatorRole.ANALYST)
    assert " late" in operator.get("/console/requests").text
    with store.read() as tx:
        assert requests.current(tx, now()).overdue == 1
    assert "scamfeed_requests_overdue 1.0" in operator.get("/metrics").text


def test_platform_responds_to_several_at_once(app: Flask, store: Store) -> None:
    ids_ = [ask(store, f"https://shop.example.com/{n}") for n in range(2)]
    platform = visitor_of(app, PartnerRole.WRITER, PLATFORM)
    assert platform.get("/partner/takedowns").text.count('name="id"') == 2
    absent = "00000000-0000-4000-8000-000000000000"
    done = post(platform, "/partner/takedowns/respond", id=[*ids_, absent], response="removed", reference="T-1")
    assert "Responses sent: 2" in done.text
    assert absent in done.text
    assert {stored(store, id_).response for id_ in ids_} == {"removed"}
    assert post(platform, "/partner/takedowns/respond", id=ids_).status_code == 422
    reader = visitor_of(app, PartnerRole.READER, PLATFORM)
    assert post(reader, "/partner/takedowns/respond", id=ids_, response="removed").status_code == 403


def test_one_response_on_the_page_of_a_request(app: Flask, store: Store) -> None:
    id_ = ask(store)
    platform = visitor_of(app, PartnerRole.WRITER, PLATFORM)
    refused = post(platform, f"/partner/requests/{id_}/step", response="rejected")
    assert refused.status_code == 422
    assert post(platform, f"/partner/requests/{id_}/step", response="rejected", reason="not-illegal").status_code == 303
    assert "Not illegal" in platform.get(f"/partner/requests/{id_}").text


def test_order_form_sends_a_request_for_each_line(app: Flask, store: Store) -> None:
    police = visitor_of(app, PartnerRole.WRITER, POLICE)
    assert police.get("/partner/requests/new?asks=take-down").status_code == 303
    assert 'spellcheck="false"></textarea>' in police.get("/partner/takedowns/new").text
    fields = {"asks": "take-down", "reference": "C-8", "basis": "notice", "explanation": "obtains-money"}
    text = f"{LOCATION}\r\nhttps://shop.example.com/2\r\nnot a place"
    done = post(police, "/partner/takedowns/new", **fields, addressee=PLATFORM, locations=text)
    assert "Requests sent: 2" in done.text
    assert "line 3" in done.text
    listed = visitor_of(app, PartnerRole.WRITER, PLATFORM).get("/partner/takedowns.csv").text
    assert LOCATION in listed
    refused = post(police, "/partner/takedowns/new", **fields, locations="a,b\nc")
    assert refused.status_code == 422
    assert "a,b\nc</textarea>" in refused.text


def test_console_shows_a_takedown_request(app: Flask, store: Store) -> None:
    id_ = ask(store)
    operator = visitor_of(app, OperatorRole.ANALYST)
    assert "not received yet" in operator.get("/console/requests").text
    assert "cyrillic small letter a" in operator.get(f"/console/requests/{id_}").text


def test_figures_are_shown_to_operators_and_to_the_host_itself(app: Flask, store: Store) -> None:
    ask(store, served_ago=3 * HOUR)
    operator = visitor_of(app, OperatorRole.VIEWER)
    assert PLATFORM in operator.get("/console/requests/statistics").text
    lines = operator.get("/console/requests/statistics.csv?months=3").text.splitlines()
    assert lines[0].startswith("addressee,month,asks,requests,served,answered,in_time,late")
    month, row = lines[1].split(",")[1], lines[1].split(",")
    assert [row[0], *row[2:8]] == [PLATFORM, "take-down", "1", "1", "0", "0", "1"]
    for name, is_about_it in ((PLATFORM, True), (POLICE, False), ("First Bank", False)):
        partner = visitor_of(app, PartnerRole.READER, name)
        assert (
            f"{date.fromisoformat(f'{month}-15'):%B %Y}" in partner.get("/partner/takedowns/statistics").text
        ) is is_about_it
        assert len(partner.get("/partner/takedowns/statistics.csv").text.splitlines()) == 1 + is_about_it


def test_host_can_ask_for_the_attached_evidence(app: Flask, store: Store) -> None:
    digest = "ab" * 32
    id_ = ask(store, evidence=[{"sha256": digest}])
    button = 'action="/partner/evidence/file"'
    platform = visitor_of(app, PartnerRole.WRITER, PLATFORM)
    assert platform.get(f"/partner/requests/{id_}").text.count(button) == 1
    # This hub stores no files.
    assert post(platform, "/partner/evidence/file", sha256=digest, request=id_).status_code == 404
    assert button not in visitor_of(app, PartnerRole.WRITER, POLICE).get(f"/partner/requests/{id_}").text


def test_open_restores_and_unsent_withdrawals_are_on_the_page_of_receipts(app: Flask, store: Store) -> None:
    id_ = ask(store)
    with store.begin() as tx:
        requests.change(tx, stored(store, id_)._replace(state="done", response="removed"))
    with store.begin() as tx:
        [undo] = hub_requests.restore(Hub(store), tx, [stored(store, id_)], "RETRACTED", RequestReason.LISTING_ENDED)
        for number, state in enumerate(("failed", "waiting", "sent")):
            mail = outbox.DispatchMail(
                id=f"{number:032x}",
                purpose="correction",
                address=f"abuse{number}@registrar.example",
                country=None,
                follows="f" * 32,
                about="e" * 32,
                made=now(),
                state=state,
            )
            outbox.put(tx, mail)
    viewer = visitor_of(app, OperatorRole.VIEWER)
    assert "Requests to restore without an answer" in viewer.get("/console/").text
    assert "scamfeed_restores_open 1.0" in viewer.get("/metrics").text
    page = viewer.get("/console/receipts").text
    assert f"/console/requests/{undo.id}" in page
    assert [f"abuse{number}@" in page for number in range(3)] == [True, True, False]
    assert page.count("given up") == 1
