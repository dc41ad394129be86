"""Takedown requests by the rules of a hub: who may send one, its location, its responses, its clock."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mappers.notes import RequestView
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.records import Subject
from schemas.request import Request, RequestAnswer
from schemas.takedown import TakedownResponse
from server.features.requests import desk, records as requests
from server.features.requests.addressee import provider
from server.features.requests.ageing import age
from server.features.requests.assign import assign
from server.features.requests.limits import SERVICE_DAYS
from server.release.hub import Hub
from server.release.route.deadlines import PolicyDeadline
from server.release.route.policy import Policy, default_rules
from server.store import Store
from server.store.database.times import now
from tests.unit.server.features.requests.test_requests import notes, registered, sent
from tests.unit.server.release.hubs import hub_on

DAY = 86_400_000_000
# An l for an I, a Cyrillic a, Thai digits, capitals and a percent sign: none of it may change on the way.
LOCATION = "https://shop.example.com/lI1|0O/%D0%B0/Аа?q=๑๒๓&b=%7e"


@pytest.fixture
def hub(store: Store) -> Hub:
    return hub_on(store)


@pytest.fixture
def police(store: Store) -> Partner:
    return registered(store, "Cyber Police", PartnerKind.GOVERNMENT, authority=("url", "domain"))


@pytest.fixture
def platform(store: Store) -> Partner:
    return registered(store, "Example Platform", PartnerKind.PLATFORM, institutions=("social-account:line",))


def asked(**columns: Any) -> Request:
    given = {
        "reporter": "Cyber Police",
        "reported_at": timestamp.now(),
        "asks": "take-down",
        "of": LOCATION,
        "addressee": "Example Platform",
        "reference": "CASE-1",
        "basis": "order",
        "authority": "Criminal Court",
        "legal_basis": "court-order",
        "legal_reference": "DES-2026-117",
        "explanation": ["obtains-money"],
        "scam_type": "merchandise",
    }
    return Request.model_validate({name: value for name, value in {**given, **columns}.items() if value is not None})


def notice(**columns: Any) -> Request:
    nothing = {"authority": None, "legal_basis": None, "legal_reference": None}
    return asked(basis="notice", **{**nothing, **columns})


def answered(id_: str, response: str | None = None, **columns: Any) -> RequestAnswer:
    given = {"reporter": "Example Platform", "reported_at": timestamp.now(), "request": id_, "response": response}
    return RequestAnswer.model_validate({name: value for name, value in {**given, **columns}.items() if value})


def stored(hub: Hub, id_: str) -> requests.StoredRequest:
    with hub.store.read() as tx:
        return requests.find(tx, [id_])[id_]


def opened(hub: Hub, police: Partner, **columns: Any) -> RequestView:
    return sent(hub, police, asked(**columns)).view


def test_parties_read_the_name_of_an_addressee_that_the_sender_named(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    opened(hub, police)
    for partner in (police, platform):
        [note] = notes(hub, partner)
        assert note["addressee"] == "Example Platform"


def test_location_reaches_the_addressee_byte_for_byte(hub: Hub, police: Partner, platform: Partner) -> None:
    opened(hub, police)
    [note] = notes(hub, platform)
    assert note["location"].encode() == LOCATION.encode()
    assert note["location_sha256"] == hashlib.sha256(LOCATION.encode()).hexdigest()
    assert note["of"]["kind"] == "url"
    told = ("asks", "basis", "authority", "legal_basis", "legal_reference", "explanation", "scam_type")
    assert [note[name] for name in told] == [
        *("take-down", "order", "Criminal Court", "court-order", "DES-2026-117", ["obtains-money"], "merchandise")
    ]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"location": "https://shop.example.com/x "}, "bad-location"),
        ({"location": "https://shop.example.com/x\u0000"}, "bad-location"),
        ({"of": "bank-account:TH:KASITHBK:1234567890"}, "wrong-kind"),
        ({"of": "+66812345678"}, "wrong-kind"),
        ({"amount": "1", "currency": "THB"}, "field-of-money"),
        ({"basis": None}, "bad-basis"),
        ({"explanation": None}, "bad-explanation"),
        ({"explanation": ["because"]}, "bad-explanation"),
        ({"legal_basis": None}, "bad-legal-basis"),
        ({"legal_basis": "scheme-rules"}, "bad-legal-basis"),
        ({"basis": "terms"}, "bad-legal-basis"),
        ({"deadline": "5m"}, "bad-allowed"),
        ({"deadline": "91d"}, "bad-allowed"),
        ({"restores": "346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"}, "bad-restores"),
        ({"asks": "freeze", "of": "bank-account:TH:KASITHBK:1234567890"}, "field-of-takedown"),
        ({"description": "a text"}, "no-free-text"),
    ],
)
def test_malformed_takedown_is_refused(columns: dict[str, Any], reason: str) -> None:
    with pytest.raises((Rejected, ValidationError)) as refused:
        asked(**columns)
    if isinstance(refused.value, Rejected):
        assert refused.value.reason == reason
    else:
        assert reason.removeprefix("bad-") in str(refused.value).replace("_", "-")


def test_location_of_another_value_is_refused(hub: Hub, police: Partner, platform: Partner) -> None:
    with pytest.raises(Rejected) as refused:
        sent(hub, police, asked(location="https://honest.example.com/"))
    assert refused.value.reason == "wrong-location"


def test_order_needs_authority_for_the_kind(hub: Hub, police: Partner, platform: Partner) -> None:
    with pytest.raises(Rejected) as refused:
        sent(hub, police, asked(asks="suspend", of="email:seller@shop.example.com"))
    assert refused.value.reason == "no-authority"


@pytest.mark.parametrize("legal_basis", ["court-order", "statute"])
def test_a_bank_sends_no_order(hub: Hub, platform: Partner, legal_basis: str) -> None:
    bank = registered(hub.store, "Victims Bank", authority=("url",))
    with pytest.raises(Rejected) as refused:
        sent(hub, bank, asked(legal_basis=legal_basis))
    assert refused.value.reason == "no-authority"
    assert sent(hub, bank, notice()).view.state == "open"


def test_time_allowed_begins_when_the_request_is_served(hub: Hub, police: Partner, platform: Partner) -> None:
    view = opened(hub, police, deadline="2h")
    before = stored(hub, view.id)
    assert (before.allowed, before.served_at, view.due, view.overdue) == (2 * 3_600_000_000, None, None, False)
    sent(hub, platform, answered(view.id, state="acknowledged"))
    after = stored(hub, view.id)
    assert after.served_at is not None
    assert (after.deadline - after.served_at, after.served_by) == (2 * 3_600_000_000, "response")


@pytest.mark.parametrize(("basis", "hours"), [("order", 24), ("notice", 72), ("terms", 168)])
def test_basis_sets_the_default_time(hub: Hub, police: Partner, platform: Partner, basis: str, hours: int) -> None:
    nothing = {} if basis == "order" else {"authority": None, "legal_basis": None, "legal_reference": None}
    view = opened(hub, police, basis=basis, **nothing)
    assert stored(hub, view.id).allowed == hours * 3_600_000_000


def test_request_that_nobody_received_is_closed_and_never_overdue(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police, deadline="2h").id
    age(hub, now() + (SERVICE_DAYS - 1) * DAY)
    assert stored(hub, id_).state == "open"
    age(hub, now() + (SERVICE_DAYS + 1) * DAY)
    with hub.store.read() as tx:
        view = desk.show(tx, police, id_)
    assert (view.state, view.steps[-1].reason, view.overdue) == ("closed", "unanswered", False)


def test_response_sets_the_state(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police).id
    sent(hub, platform, answered(id_, "more-needed", reason="facts-not-shown"))
    view = sent(hub, platform, answered(id_, "restricted", territory="TH", reference="T-77")).view
    assert (view.state, view.response) == ("done", "restricted")
    step = view.steps[-1].written()
    assert (step["response"], step["territory"], step["reference"]) == ("restricted", ["TH"], "T-77")
    first = stored(hub, id_).responded_at
    restored = sent(hub, platform, answered(id_, "restored")).view
    assert (restored.state, restored.response, stored(hub, id_).responded_at) == ("done", "restored", first)


def test_platform_may_act_after_it_rejected(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police).id
    assert sent(hub, platform, answered(id_, "rejected", reason="not-illegal")).view.state == "disagreed"
    assert sent(hub, platform, answered(id_, "removed")).view.state == "done"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"state": "done"}, "response-needed"),
        ({"state": "agreed"}, "wrong-step"),
        ({"response": "restored"}, "wrong-response"),
    ],
)
def test_unfitting_response_is_refused(
    hub: Hub, police: Partner, platform: Partner, given: dict[str, str], reason: str
) -> None:
    id_ = opened(hub, police).id
    with pytest.raises(Rejected) as refused:
        sent(hub, platform, answered(id_, **given))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "given",
    [
        {"response": "removed", "state": "disagreed"},
        {"response": "removed", "territory": "TH"},
        {"response": "restricted"},
        {"response": "rejected"},
        {"response": "rejected", "reason": "no-funds"},
        {"response": "removed", "right_addressee": "Another"},
        {"response": "removed", "amount": "1", "currency": "THB"},
        {"response": "deleted"},
    ],
)
def test_malformed_response_is_refused(given: dict[str, str]) -> None:
    with pytest.raises((Rejected, ValidationError)):
        answered("346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1", **given)


def test_restore_names_an_earlier_request_of_its_sender(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police).id
    sent(hub, platform, answered(id_, "removed"))
    restore = {"asks": "restore", "explanation": None, "reference": "CASE-2"}
    view = sent(hub, police, asked(**restore, restores=id_)).view
    responses = set(TakedownResponse)
    assert sent(hub, platform, answered(view.id, "restored")).view.state == "done"
    other = registered(hub.store, "Other Police", PartnerKind.GOVERNMENT, authority=("url",))
    for sender, earlier in ((other, id_), (police, "346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1")):
        with pytest.raises(Rejected) as refused:
            sent(hub, sender, asked(**restore | {"reference": "CASE-3"}, restores=earlier))
        assert refused.value.reason == "nothing-to-restore"
    assert responses


def test_the_same_order_twice_opens_nothing_though_its_time_is_a_duration(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    first = sent(hub, police, asked(deadline="4h", reported_at=timestamp.now() - timedelta(hours=1)))
    assert sent(hub, police, asked(deadline="4h")).view.id == first.view.id


@pytest.mark.parametrize(
    ("columns", "hours"),
    [
        ({}, 12),
        ({"deadline": "4h"}, 4),
        ({"deadline": "30d"}, 12),
        ({"asks": "block-page"}, 24),
        ({"asks": "block-page", "deadline": "30d"}, 720),
    ],
)
def test_policy_bounds_the_time_for_a_response(
    hub: Hub, police: Partner, platform: Partner, columns: dict[str, Any], hours: int
) -> None:
    elsewhere = PolicyDeadline(countries=("SG",), time="1h")
    deadlines = [elsewhere, PolicyDeadline(basis=("order",), asks=("take-down",), countries=("TH",), time="12h")]
    bound = Hub(hub.store, Policy(default_rules(), deadlines=deadlines))
    view = sent(bound, police, asked(**columns)).view
    assert stored(hub, view.id).allowed == hours * DAY // 24


def test_assigned_request_has_the_time_of_its_addressee(hub: Hub, police: Partner, platform: Partner) -> None:
    bound = Hub(hub.store, Policy(default_rules(), deadlines=[PolicyDeadline(countries=("TH",), time="6h")]))
    view = sent(bound, police, notice(addressee=None)).view
    assert stored(hub, view.id).allowed == 3 * DAY
    with hub.store.begin() as tx:
        assign(bound, tx, view.id, platform)
    assert stored(hub, view.id).allowed == DAY // 4


def test_repeated_response_changes_nothing_and_different_ones_are_bounded(
    hub: Hub, police: Partner, platform: Partner
) -> None:
    view = opened(hub, police)
    for _ in range(3):
        sent(hub, platform, answered(view.id, "removed", reference="T-1"))
    changed = stored(hub, view.id).changed
    for response, number in (("removed", 1), ("labelled", 1), ("removed", 2)):
        sent(hub, platform, answered(view.id, response, reference=f"T-{number}"))
    with hub.store.read() as tx:
        steps = requests.steps(tx, [view.id])[view.id]
    assert [step.response for step in steps] == [None, "removed", "labelled", "removed"]
    assert stored(hub, view.id).changed > changed
    for number in range(47):
        sent(hub, platform, answered(view.id, "removed", reference=f"N-{number}"))
    with pytest.raises(Rejected, match="50 different responses"):
        sent(hub, platform, answered(view.id, "removed", reference="N-47"))
    with hub.store.read() as tx:
        assert len(requests.steps(tx, [view.id])[view.id]) == 51


def test_takedowns_have_limits_of_their_own(hub: Hub, police: Partner, platform: Partner) -> None:
    from server.release.hub import RequestLimits

    limited = Hub(hub.store, request_limits=RequestLimits(per_day=1, takedowns_per_day=2))
    for case in ("A", "B"):
        sent(limited, police, asked(reference=case))
    with pytest.raises(Rejected) as refused:
        sent(limited, police, asked(reference="C"))
    assert refused.value.reason == "too-many-requests"


@pytest.fixture
def hosts(store: Store) -> None:
    registered(store, "Book of Faces", PartnerKind.PLATFORM, institutions=("social-account:facebook",))
    registered(store, "Toots", PartnerKind.PLATFORM, institutions=("social-account:mastodon",))
    registered(store, "Play Store", PartnerKind.PLATFORM, institutions=("app:Google Play",))
    registered(store, "Fruit Store", PartnerKind.PLATFORM, institutions=("app:itunes",))


@pytest.mark.parametrize(
    ("of", "addressee"),
    [
        ("https://www.facebook.com/events/1234", "Book of Faces"),
        ("https://m.facebook.com/events/1234", "Book of Faces"),
        ("url:https://fb.watch/abcd/", "Book of Faces"),
        ("url:https://facebook.com.shop.example.com/events/1", None),
        ("url:https://notfacebook.com/events/1", None),
        ("url:https://facebook.com@shop.example.com/events/1", None),
        ("url:https://mastodon.social/about", None),
        ("domain:shop.example.com", None),
        ("https://play.google.com/store/apps/dev?id=5700313618786177705", "Play Store"),
        ("https://play.google.com/store/apps/details?id=com.example.scam", "Play Store"),
        ("app:android:com.example.scam", None),
        ("app:app-store:123456789", "Fruit Store"),
    ],
)
def test_page_and_app_are_for_the_platform_at_their_address(
    hub: Hub, police: Partner, hosts: None, of: str, addressee: str | None
) -> None:
    view = sent(hub, police, notice(of=of, addressee=None)).view
    assert stored(hub, view.id).addressee == addressee


@pytest.mark.parametrize("asks", ["suspend", "block-page"])
def test_domain_hold_is_not_for_the_platform(hub: Hub, police: Partner, hosts: None, asks: str) -> None:
    view = sent(hub, police, notice(of="domain:shop.facebook.com", asks=asks, addressee=None)).view
    assert stored(hub, view.id).addressee is None


def test_page_at_a_platform_of_two_organisations_waits(hub: Hub, police: Partner, hosts: None) -> None:
    registered(hub.store, "Faces of Asia", PartnerKind.PLATFORM, institutions=("social-account:facebook",))
    view = sent(hub, police, notice(of="url:https://fb.watch/abcd/", addressee=None)).view
    assert stored(hub, view.id).addressee is None


def test_hosting_gives_no_finding(hub: Hub, police: Partner, hosts: None) -> None:
    with hub.store.read() as tx:
        registry = hub.facts.at(tx).registry
    assert provider(registry, Subject.model_validate("url:https://fb.watch/abcd/")) is None
    assert provider(registry, Subject.model_validate("app:app-store:123456789")) is None


def test_restore_goes_to_the_earlier_addressee(hub: Hub, police: Partner, platform: Partner) -> None:
    id_ = opened(hub, police).id
    view = sent(hub, police, notice(asks="restore", explanation=None, restores=id_, addressee=None)).view
    assert stored(hub, view.id).addressee == "Example Platform"


def test_sender_reads_the_same_of_known_and_of_unknown_partners(hub: Hub, police: Partner, platform: Partner) -> None:
    unknown = "Unknown Platform"
    named = {name: sent(hub, police, asked(addressee=name, also_to=[name])) for name in (platform.name, unknown)}
    read = {name: one.view.written() for name, one in named.items()}
    for name, one in named.items():
        assert (read[name]["addressee"], read[name]["also_to"], read[name]["state"]) == (name, [name], "open")
        assert one.message == named[unknown].message.replace(named[unknown].view.id, one.view.id)
    own = ("id", "chain", "opened", "changed", "steps", "addressee", "also_to", "reported_at")
    common = [{key: value for key, value in one.items() if key not in own} for one in read.values()]
    assert common[0] == common[1]
    assert all(one.keys() == read[unknown].keys() for one in read.values())
    # Sending it once more is sending the same.
    assert sent(hub, police, asked(addressee=unknown, also_to=[unknown])).view.id != ""
