"""Tricks and accidents of partners cannot keep a value listed, publish one, or reveal one."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension, ids, marking
from mappers.consensus import ORIGIN
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.release import review
from server.release.guard import volume
from server.release.results import Results
from server.store import Store, partners, quotas, reviews
from server.store.database.times import now
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Withdraws = Callable[[Partner, dict[str, Any]], None]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]

SAID = text_ago(days=30)
_DAY = 24 * 3600 * 1_000_000


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["takedown"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", reads=["takedown"])


@pytest.fixture
def police(joins: Joins) -> Partner:
    return joins("Police", "government")


def live(held: dict[str, dict[str, Any]]) -> set[str]:
    return {id_ for id_, obj in held.items() if obj["type"] == "indicator" and not obj.get("revoked")}


def speaking(by: Partner, type_: str, **properties: Any) -> dict[str, Any]:
    id_ = f"{type_}--{ids.in_scamfeed({'by': by.name, 'says': str(properties)})}"
    said = {"type": type_, "spec_version": "2.1", "id": id_, "created_by_ref": by.identity}
    return {**said, "created": SAID, "modified": SAID, **properties}


def false_positive(by: Partner, id_: str) -> dict[str, Any]:
    ours = {extension.ID: {"extension_type": "property-extension", "outcome": "false-positive"}}
    return speaking(by, "opinion", opinion="strongly-disagree", object_refs=[id_], extensions=ours)


def decide_all(store: Store, state: reviews.ReviewState) -> None:
    with store.begin() as tx:
        review.decide(
            hub_on(store), tx, [each.object_id for each in reviews.all_reviews(tx, "open")], state, "operator"
        )


def test_private_collection_of_a_former_partner_keeps_nothing_listed(
    store: Store,
    first: Partner,
    second: Partner,
    police: Partner,
    reports: Reports,
    withdraws: Withdraws,
    held_by: Held,
) -> None:
    said = []
    for number in range(8):
        value = f"bad{number}.example.com"
        said.append((first, reports(first, value)))
        said.append((second, reports(second, value, tlp="red", only_partners="Police")))
    with store.begin() as tx:
        partners.remove(tx, police.name)
    for by, indicator in said:
        withdraws(by, indicator)
    assert live(held_by("takedown")) == set()


def test_claimed_next_id_of_a_private_collection_keeps_nothing_listed(
    stix: Stix,
    post: Post,
    first: Partner,
    second: Partner,
    police: Partner,
    reports: Reports,
    withdraws: Withdraws,
    own_room: Own,
    listed: Listed,
) -> None:
    target = stix(reporter=first.name)[1]
    post({**stix("elsewhere.example.com", reporter=second.name)[1], "id": listed(target, to=police)}, by=second)
    said = reports(first, tlp="red", only_partners="Police")
    assert live(own_room(police)) == {listed(target, to=police)}
    withdraws(first, said)
    assert live(own_room(police)) == set()


@pytest.mark.parametrize("state", ["open", "approved", "rejected"])
def test_review_of_one_value_publishes_no_other(
    store: Store, stix: Stix, post: Post, held_by: Held, state: reviews.ReviewState
) -> None:
    looked_at = stix("google.com")[1]
    post(looked_at)
    if state != "open":
        decide_all(store, state)
    another = {**stix("youtube.com", reported_at=SAID)[1], "id": looked_at["id"], "created": looked_at["created"]}
    (failed,) = post(another).failed
    assert "the other value" in failed.message
    decide_all(store, "approved")
    assert not any("youtube" in obj.get("pattern", "") for obj in held_by("takedown").values())


@pytest.mark.parametrize("where", ["said by another", "listed for another"])
def test_echoed_id_reveals_nothing(
    stix: Stix,
    post: Post,
    first: Partner,
    second: Partner,
    police: Partner,
    reports: Reports,
    held_by: Held,
    listed: Listed,
    where: str,
) -> None:
    """A guessed id named as a source gives the same response as an absent one."""
    hidden = reports(first, tlp="red", only_partners="Police")
    origin = hidden["id"] if where == "said by another" else listed(hidden, to=police)
    guess = {
        **stix(reporter=second.name)[1],
        "external_references": [{"source_name": ORIGIN, "external_id": origin}],
    }
    answer = post(guess, by=second)
    assert [each.id for each in answer.accepted] == [guess["id"]]
    assert live(held_by("takedown")) == {listed(hidden)}


def test_repeated_old_version_is_no_new_listing(store: Store, stix: Stix, post: Post, held_by: Held) -> None:
    said = stix()[1]
    post(said)
    post({**said, "modified": SAID, "revoked": True})
    (pending,) = post(said).pending
    assert "later" in pending.message
    assert live(held_by("takedown")) == set()
    with store.read() as tx:
        assert reviews.all_reviews(tx) == []


def test_repeats_and_revocations_do_not_throttle_their_sender(
    store: Store, stix: Stix, post: Post, bank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "_MIN_UNUSUAL", 20)
    with store.begin() as tx:
        for day in range(1, 7):
            quotas.count_contributed(tx, bank.name, received=1, held=0, moment=now() - day * _DAY)
    said = [stix(f"bad{number}.example.com")[1] for number in range(15)]
    post(*said)
    post(*said)
    post(*({**each, "modified": SAID, "revoked": True} for each in said))
    with store.read() as tx:
        assert quotas.last_throttle(tx, bank.name) is None
    more = [stix(f"worse{number}.example.com")[1] for number in range(6)]
    assert len(post(*more).pending) == 6


def test_outsider_cannot_judge_a_value(
    first: Partner, police: Partner, reports: Reports, post: Post, held_by: Held, listed: Listed
) -> None:
    """Ids are derived from names and values, so they can be guessed."""
    said = reports(first, confidence="90")
    before = held_by("takedown")[listed(said)]
    post(false_positive(police, said["id"]), false_positive(police, listed(said)), by=police)
    assert held_by("takedown")[listed(said)] == before


def test_reader_cannot_annotate_a_listing_by_the_id_of_a_report(
    first: Partner, joins: Joins, reports: Reports, post: Post, held_by: Held, listed: Listed
) -> None:
    trusted = joins("Trusted Bank", reads=["takedown"], trusted=True)
    said = reports(first, confidence="90")
    before = held_by("takedown")[listed(said)]
    by_report, by_nothing = (
        post(false_positive(trusted, id_), by=trusted).pending[0].message
        for id_ in (said["id"], "indicator--11111111-2222-4333-8444-555555555555")
    )
    assert by_report == by_nothing
    assert held_by("takedown")[listed(said)] == before


def test_settled_dispute_has_no_effect(
    store: Store, first: Partner, joins: Joins, reports: Reports, post: Post, held_by: Held, listed: Listed
) -> None:
    trusted = joins("Trusted Bank", reads=["takedown"], trusted=True)
    said = reports(first, confidence="90")
    post(false_positive(trusted, listed(said)), by=trusted)
    assert live(held_by("takedown")) == set()
    decide_all(store, "approved")
    (again,) = live(held_by("takedown"))
    assert extension.context_of(held_by("takedown")[again])["grade"] == "block"


@pytest.mark.parametrize(
    "columns",
    [
        {"not_to_countries": "TH"},
        {"value": "DE89370400440532013000", "kind": "bank-account", "holder_status": "coerced"},
    ],
    ids=["limited", "coerced"],
)
def test_sighting_of_an_unpublished_value_is_not_published(
    joins: Joins, reports: Reports, post: Post, held_by: Held, columns: dict[str, str]
) -> None:
    reporter = joins("Platform", "platform", reads=["takedown", "mule-accounts", "sightings"])
    said = reports(reporter, **columns)
    seen = {"sighting_of_ref": said["id"], "last_seen": SAID, "object_marking_refs": [marking.ref(Tlp.GREEN)]}
    post(speaking(reporter, "sighting", **seen), by=reporter)
    assert not any(obj["type"] == "sighting" for obj in held_by("sightings").values())
