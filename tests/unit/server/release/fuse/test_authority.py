"""Only opinions with standing count for or against a listing. Others lower it by one grade, and a person reviews it."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from mappers import extension
from schemas.partner import Partner
from server.release import review
from server.release.guard import volume
from server.release.guard.stix_properties import MAX_REFERENCES
from server.release.results import Results
from server.store import Store, quotas, reviews
from server.store.inbox import object_id
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Reports = Callable[..., dict[str, Any]]

# Three times the daily limit of disputes of an organisation, with both numbers ten times smaller than in production.
MANY = 30
A_DAY = 10
SAID = text_ago(days=30)
_numbers = count()


def word(by: Partner, refs: list[str], outcome: str | None = "false-positive", **more: Any) -> dict[str, Any]:
    """Return one opinion about many objects, or an outcome if one is named."""
    ours = {extension.ID: {"extension_type": "property-extension", "outcome": outcome}} if outcome else {}
    return {
        "type": "opinion",
        "spec_version": "2.1",
        "id": f"opinion--00000000-0000-4000-8000-{next(_numbers):012d}",
        "created_by_ref": by.identity,
        "created": SAID,
        "modified": SAID,
        "opinion": "strongly-disagree",
        "object_refs": refs,
        **({"extensions": ours} if ours else {}),
        **more,
    }


def not_seen(by: Partner, ref: str) -> dict[str, Any]:
    """Return a sighting which states that a value was looked for and not seen."""
    head = {name: each for name, each in word(by, [ref]).items() if name in ("created_by_ref", "created", "modified")}
    id_ = f"sighting--00000000-0000-4000-8000-{next(_numbers):012d}"
    return {"type": "sighting", "spec_version": "2.1", "id": id_, **head, "sighting_of_ref": ref, "count": 0}


def ibans(many: int) -> Iterator[str]:
    """Yield this many valid accounts of a German bank."""
    for number in range(many):
        bban = f"37040044{number:010d}"
        yield f"DE{98 - int(bban + '131400') % 97:02d}{bban}"


@pytest.fixture(autouse=True)
def a_smaller_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "DOUBTS_OF_OTHERS", A_DAY)


@pytest.fixture
def police(joins: Joins) -> Partner:
    return joins("Police", "government", ["mule-accounts", "takedown"], authority=("bank-account", "domain"))


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["mule-accounts", "takedown"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", reads=["mule-accounts", "takedown"])


@pytest.fixture
def newspaper(joins: Joins) -> Partner:
    return joins("Newspaper", "research", ["public"])


@pytest.fixture
def outsider(joins: Joins) -> Partner:
    return joins("Outsider", "research")


def grades(held: dict[str, dict[str, Any]]) -> list[str]:
    live = [obj for obj in held.values() if obj["type"] == "indicator" and not obj.get("revoked")]
    return [extension.context_of(obj)["grade"] for obj in live]


def waiting(store: Store) -> list[reviews.Review]:
    with store.read() as tx:
        return reviews.all_reviews(tx, "open", limit=None)


@pytest.fixture
def blocked(stix: Stix, post: Post, first: Partner, joins: Joins, listed: Listed) -> list[str]:
    """List accounts as ``block`` through two banks, and return the ids of the listings."""
    third = joins("Third Bank")
    said = [stix(value, "bank-account", reporter=first.name, confidence="80")[1] for value in ibans(MANY)]
    post(*said, by=first)
    post(*(stix(value, "bank-account", reporter=third.name, confidence="80")[1] for value in ibans(MANY)), by=third)
    return [listed(each) for each in said]


@pytest.mark.parametrize("how", ["four objects", "an object each", "opinions", "two logins"])
def test_reader_cannot_delist_all_listings_in_a_day(
    store: Store, joins: Joins, post: Post, held_by: Held, blocked: list[str], second: Partner, how: str
) -> None:
    assert grades(held_by("mule-accounts")) == ["block"] * MANY
    app = joins("Second Bank App", reads=["mule-accounts"], organisation="Second Bank")
    size = {"four objects": 8, "two logins": 8}.get(how, 1)
    batches = [blocked[start : start + size] for start in range(0, MANY, size)]
    for number, batch in enumerate(batches):
        by = app if how == "two logins" and number % 2 else second
        post(word(by, batch, None if how == "opinions" else "false-positive"), by=by)
    after = grades(held_by("mule-accounts"))
    lowered = sum(each != "block" for each in after)
    assert 0 < lowered <= A_DAY
    assert set(after) <= {"block", "step-up"}
    assert sum(each.rule == "doubted" for each in waiting(store)) == lowered


def test_references_of_one_object_are_limited(post: Post, blocked: list[str], second: Partner) -> None:
    """One opinion object with 300 references lowered all 300 from ``block`` to ``investigate``."""
    (failed,) = post(word(second, blocked * 10), by=second).failed
    assert str(MAX_REFERENCES["opinion"]) in failed.message
    assert not post(word(second, (blocked * 10)[: MAX_REFERENCES["opinion"]], "blocked"), by=second).failed


def test_disputes_above_the_daily_limit_wait_for_a_review(
    store: Store, post: Post, held_by: Held, blocked: list[str], second: Partner
) -> None:
    post(word(second, blocked[:A_DAY]), by=second)
    (pending,) = post(word(second, blocked[A_DAY : A_DAY + 5]), by=second).pending
    assert f"more than {A_DAY}" in pending.message
    # Annotations that accuse no value pass.
    assert not post(word(second, blocked[20:], "blocked"), by=second).pending
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [pending.id], "approved", "operator")
    assert sum(each != "block" for each in grades(held_by("mule-accounts"))) == A_DAY + 5


def test_references_count_for_the_brake_like_reports(
    store: Store, post: Post, blocked: list[str], second: Partner
) -> None:
    post(word(second, blocked, "blocked"), word(second, blocked[:4]), by=second)
    with store.read() as tx:
        (today,) = quotas.daily_volumes(tx, [second.name], 0)[second.name].values()
    assert (today.received, today.doubts) == (MANY + 4, 4)


def test_bank_clears_any_number_of_its_own_accounts_at_once(
    joins: Joins, post: Post, held_by: Held, blocked: list[str]
) -> None:
    provider = joins("Keeping Bank", reads=["mule-accounts"], institutions=("DE2137040044",))
    assert not post(word(provider, blocked), by=provider).pending
    assert grades(held_by("mule-accounts")) == ["investigate"] * MANY


@pytest.mark.parametrize("how", ["outcome", "opinion", "disagrees", "no action", "not seen", "reports it first"])
@pytest.mark.parametrize("doubters", [1, 2])
def test_public_reader_lowers_a_police_listing_by_at_most_one_grade_with_a_review(
    store: Store,
    joins: Joins,
    stix: Stix,
    post: Post,
    held_by: Held,
    listed: Listed,
    police: Partner,
    how: str,
    doubters: int,
) -> None:
    """An untrusted newspaper lowered a police listing from 95 to 50, silently and permanently."""
    said = stix("bad.example.com", reporter=police.name, confidence="95", tlp="clear")[1]
    post(said, by=police)
    before = held_by("takedown")[listed(said)]
    for number in range(doubters):
        newspaper = joins(f"Newspaper {number}", "research", ["public"])
        if how == "reports it first":
            post(stix("bad.example.com", reporter=newspaper.name, confidence="1")[1], by=newspaper)
        outcomes = {"opinion": None, "disagrees": None, "no action": "no-action"}
        opinion = "disagree" if how == "disagrees" else "strongly-disagree"
        spoken = word(newspaper, [listed(said)], outcomes.get(how, "false-positive"), opinion=opinion)
        post(not_seen(newspaper, listed(said)) if how == "not seen" else spoken, by=newspaper)
    after = held_by("takedown")[listed(said)]
    assert (before["confidence"], extension.context_of(before)["grade"]) == (95, "block")
    assert after["confidence"] == 95
    assert extension.context_of(after)["grade"] == ("block" if how == "not seen" else "warn")
    assert len(waiting(store)) == (0 if how == "not seen" else 1)


def test_partner_without_access_cannot_annotate_a_value(
    store: Store, stix: Stix, post: Post, held_by: Held, listed: Listed, first: Partner, outsider: Partner
) -> None:
    said = stix(reporter=first.name, confidence="80")[1]
    post(said, by=first)
    before = held_by("takedown")[listed(said)]
    post(word(outsider, [listed(said)]), word(outsider, [said["id"]], None), by=outsider)
    seen = not_seen(outsider, listed(said)) | {"count": 9, "last_seen": SAID}
    post(seen, by=outsider)
    assert held_by("takedown")[listed(said)] == before
    assert waiting(store) == []


def test_sighting_by_a_public_reader_raises_no_confidence_and_no_end(
    stix: Stix, post: Post, held_by: Held, listed: Listed, first: Partner, second: Partner, newspaper: Partner
) -> None:
    said = stix(reporter=first.name, tlp="clear")[1]
    post(said, by=first)
    before = held_by("takedown")[listed(said)]
    post(not_seen(newspaper, listed(said)) | {"count": 9, "last_seen": SAID}, by=newspaper)
    assert held_by("takedown")[listed(said)] == before
    post(not_seen(second, listed(said)) | {"count": 9, "last_seen": SAID}, by=second)
    assert held_by("takedown")[listed(said)]["confidence"] == 60


def test_two_disputes_of_one_organisation_count_once(
    joins: Joins, stix: Stix, post: Post, held_by: Held, listed: Listed, first: Partner, second: Partner
) -> None:
    said = stix(reporter=first.name, confidence="80")[1]
    post(said, by=first)
    post(word(second, [listed(said)]), by=second)
    once = held_by("takedown")[listed(said)]
    app = joins("Second Bank App", reads=["takedown"], organisation="Second Bank")
    post(word(app, [listed(said)]), by=app)
    assert held_by("takedown")[listed(said)] == once


ACCOUNT = "DE89370400440532013000"


@pytest.fixture
def accounts(stix: Stix, post: Post, police: Partner) -> list[dict[str, Any]]:
    """List accounts as ``block`` by a police report."""
    said = [stix(value, "bank-account", reporter=police.name, confidence="90")[1] for value in ibans(MANY)]
    post(*said, by=police)
    return said


@pytest.mark.parametrize("confidence", ["1", "99"])
@pytest.mark.parametrize("also", ["nothing else", "an opinion", "two logins"])
def test_claim_of_coercion_without_standing_delists_no_account(
    store: Store,
    joins: Joins,
    stix: Stix,
    post: Post,
    held_by: Held,
    own_room: Own,
    listed: Listed,
    accounts: list[dict[str, Any]],
    first: Partner,
    outsider: Partner,
    confidence: str,
    also: str,
) -> None:
    """200 outcomes at confidence 1 removed 200 accounts from the shared collection; one more opinion, to the end."""
    logins = [outsider, joins("Outsider App", "research", organisation="Outsider")]
    for number, value in enumerate(ibans(MANY)):
        by = logins[number % 2] if also == "two logins" else outsider
        columns = {"reporter": by.name, "confidence": confidence, "holder_status": "coerced"}
        sign = stix(value, "bank-account", **columns)[1]
        post(sign, by=by)
        if also == "an opinion" and number < 5:
            post(word(by, [sign["id"]]), word(by, [listed(sign)]), by=by)
    shared = held_by("mule-accounts")
    assert len(grades(shared)) == MANY
    assert set(grades(shared)) <= {"block", "hold", "step-up"}
    assert grades(shared).count("block") >= MANY - A_DAY
    assert not any("holder_status" in extension.context_of(obj) for obj in shared.values())
    rules = [each.rule for each in waiting(store)]
    assert rules.count("coerced") + rules.count("many-doubts") >= MANY


@pytest.mark.parametrize("who", ["police", "first"])
def test_partner_with_standing_delists_an_account_at_once(
    request: pytest.FixtureRequest, stix: Stix, post: Post, held_by: Held, own_room: Own, first: Partner, who: str
) -> None:
    by: Partner = request.getfixturevalue(who)
    other: Partner = request.getfixturevalue("second")
    post(stix(ACCOUNT, "bank-account", reporter=other.name, confidence="90")[1], by=other)
    post(stix(ACCOUNT, "bank-account", reporter=by.name, holder_status="coerced")[1], by=by)
    assert grades(held_by("mule-accounts")) == []
    # It gets no feedback on its own reports.
    assert grades(own_room(other)) == ["warn"]


def test_opinion_with_low_confidence_delists_nothing(
    stix: Stix, post: Post, held_by: Held, first: Partner, police: Partner
) -> None:
    post(stix(ACCOUNT, "bank-account", reporter=police.name, confidence="90")[1], by=police)
    post(stix(ACCOUNT, "bank-account", reporter=first.name, confidence="1", holder_status="coerced")[1], by=first)
    assert grades(held_by("mule-accounts")) == ["hold"]


@pytest.mark.parametrize(("state", "shared"), [("approved", []), ("rejected", ["block"])])
def test_reviewed_sign_of_coercion_counts_or_is_dropped(
    store: Store,
    stix: Stix,
    post: Post,
    held_by: Held,
    own_room: Own,
    police: Partner,
    outsider: Partner,
    state: reviews.ReviewState,
    shared: list[str],
) -> None:
    post(stix(ACCOUNT, "bank-account", reporter=police.name, confidence="90")[1], by=police)
    sign = stix(ACCOUNT, "bank-account", reporter=outsider.name, holder_status="coerced")[1]
    post(sign, by=outsider)
    assert grades(held_by("mule-accounts")) == ["hold"]
    assert [(object_id(each.object_id), each.rule) for each in waiting(store)] == [(sign["id"], "coerced")]
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [sign["id"]], state, "operator")
    assert grades(held_by("mule-accounts")) == shared
