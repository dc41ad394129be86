"""Annotations are published with their targets, and only if their author has access to the targets."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import common_objects, extension, ids, marking
from mappers.records import to_stix
from schemas import tabular
from schemas.partner import Partner
from schemas.vocabulary import Tlp
from server.release.query.lookup import lookup
from server.release.reasons import Reason
from server.release.republish import republish
from server.release.results import Results
from server.release.route import references
from server.release.route.policy import Policy
from server.release.route.withdrawn import AnnotationWithdrawal
from server.store import Store, collections
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]

RELEASED = [
    name + full for name in ("takedown", "mule-accounts", "wallets", "sightings", "public") for full in ("", "-full")
]
SIGHTINGS = {"sightings", "sightings-full"}
PUBLIC = {"public", "public-full"}
ACCOUNT, OTHER_ACCOUNT = "DE89370400440532013000", "GB29NWBK60161331926819"
SAID, LATER = text_ago(days=61), text_ago(days=60)


def said(which: str, /, by: str = "Other Bank", **columns: Any) -> dict[str, Any]:
    defaults = {"reporter": by, "reported_at": SAID, "tlp": "clear"}
    return to_stix(tabular.read_record(which, columns, defaults))[-1]


def note(by: Partner, *refs: str) -> dict[str, Any]:
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": by.identity,
        "created": SAID,
        "modified": SAID,
        "content": "Seen in three campaigns.",
        "object_refs": list(refs),
        "object_marking_refs": [marking.ref(Tlp.CLEAR)],
    }


@pytest.fixture
def reads(store: Store) -> Callable[..., None]:
    def grant(partner: Partner, *aliases: str) -> None:
        with store.begin() as tx:
            for alias in aliases:
                collections.grant(tx, partner.name, collections.get(tx, alias), read=True)

    return grant


@pytest.fixture
def where(held_by: Held, published: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], set[str]]:
    def find(obj: dict[str, Any]) -> set[str]:
        id_ = published(obj)
        return {name for name in RELEASED if held_by(name).get(id_, {"revoked": True}).get("revoked") is not True}

    return find


Reads = Callable[..., None]
Where = Callable[[dict[str, Any]], set[str]]


@pytest.mark.parametrize(("tlp", "places"), [("clear", SIGHTINGS | PUBLIC), ("green", SIGHTINGS), ("red", set())])
def test_outcome_enters_sightings_within_the_audience_of_its_indicator(
    stix: Stix,
    post: Post,
    other: Partner,
    reads: Reads,
    where: Where,
    bank: Partner,
    listed: Listed,
    tlp: str,
    places: set[str],
) -> None:
    indicator = stix(tlp=tlp)[1]
    post(indicator)
    reads(other, "takedown")
    by = other if tlp != "red" else bank  # no other partner sees a red indicator
    known_as = listed(indicator) if by == other else indicator["id"]
    outcome = said("outcome", by=by.name, of=known_as, outcome="blocked")
    post(outcome, by=by)
    assert where(outcome) == places


@pytest.mark.parametrize("which", ["outcome", "opinion", "note", "case"])
def test_a_partner_that_does_not_see_an_indicator_cannot_annotate_it(
    stix: Stix, post: Post, other: Partner, reads: Reads, where: Where, held_by: Held, which: str
) -> None:
    """The response is the same for an absent object, so it reveals nothing."""
    indicator, unknown = stix()[1], "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"
    post(indicator)

    def about(ref: str) -> dict[str, Any]:
        return {
            "outcome": lambda: said("outcome", of=ref, outcome="false-positive"),
            "opinion": lambda: said("opinion", of=ref, opinion="disagree"),
            "note": lambda: note(other, ref),
            "case": lambda: said("case", name="Example", members=[ref]),
        }[which]()

    speech = about(indicator["id"])
    another = speech["id"][:-1] + ("1" if speech["id"].endswith("0") else "0")
    answers = [post(each, by=other).pending for each in (speech, about(unknown) | {"id": another})]
    assert len({answer[0].message for answer in answers}) == 1
    assert where(speech) == set()
    assert speech["id"] in held_by("inbox")


def test_a_partner_may_annotate_its_own_indicator_without_reading_anything(
    stix: Stix, post: Post, bank: Partner, where: Where
) -> None:
    indicator = stix()[1]
    outcome = said("outcome", by=bank.name, of=indicator["id"], outcome="taken-down")
    assert not post(outcome, indicator).pending
    assert where(outcome) == SIGHTINGS


@pytest.mark.parametrize("limits", ["nobody", 7, {"only_partners": "Other Bank"}, ["Other Bank"]])
def test_annotation_with_unreadable_limits_is_stored_and_not_published(
    stix: Stix, post: Post, bank: Partner, where: Where, limits: Any
) -> None:
    indicator = stix()[1]
    post(indicator)
    limited = {**note(bank, indicator["id"]), "extensions": {extension.ID: {**extension.build(), "sharing": limits}}}
    (kept,) = post(limited).pending
    assert "cannot be kept" in kept.message
    assert where(limited) == set()


def test_a_note_enters_the_collection_of_sightings(
    stix: Stix, post: Post, other: Partner, reads: Reads, where: Where, listed: Listed
) -> None:
    indicator = stix()[1]
    post(indicator)
    reads(other, "takedown-full")
    assert not post(note(other, listed(indicator)), by=other).pending
    assert where(note(other)) == SIGHTINGS


def test_partner_cannot_send_the_outcome_of_another(
    stix: Stix, post: Post, bank: Partner, other: Partner, where: Where
) -> None:
    indicator = stix()[1]
    outcome = said("outcome", by=bank.name, of=indicator["id"], outcome="blocked")
    assert [result.id for result in post(indicator, by=bank).accepted] == [indicator["id"]]
    assert [result.id for result in post(outcome, by=other).failed] == [outcome["id"]]
    assert where(outcome) == set()


def test_a_narrower_marking_revokes_copies(stix: Stix, post: Post, bank: Partner, where: Where) -> None:
    indicator = stix(tlp="clear")[1]
    for which, columns in (
        ("outcome", {"of": indicator["id"], "outcome": "blocked"}),
        ("sighting", {"of": indicator["id"]}),
        ("case", {"name": "Example", "members": [indicator["id"]]}),
    ):
        wide = said(which, by=bank.name, **columns)
        post(indicator, wide)
        assert where(wide) > PUBLIC
        post(said(which, by=bank.name, **columns, tlp="amber", reported_at=LATER))
        assert not PUBLIC & where(wide)
        assert where(wide) >= SIGHTINGS


def test_a_revoked_opinion_is_revoked_wherever_it_is_published(
    stix: Stix, post: Post, bank: Partner, where: Where
) -> None:
    indicator = stix()[1]
    outcome = said("outcome", by=bank.name, of=indicator["id"], outcome="false-positive")
    post(indicator, outcome)
    post({**outcome, "modified": LATER, "revoked": True})
    assert where(outcome) == set()


def test_case_is_published_with_all_its_members(stix: Stix, post: Post, bank: Partner, where: Where) -> None:
    domain, account = stix()[1], stix(ACCOUNT, kind="bank-account")[1]
    of_one = said("case", by=bank.name, name="One", members=[account["id"]])
    of_both = said("case", by=bank.name, name="Both", members=[account["id"], domain["id"]])
    post(of_both, of_one, domain, account)
    assert where(of_one) == SIGHTINGS | {"mule-accounts", "mule-accounts-full"}
    assert where(of_both) == SIGHTINGS


def test_a_case_with_members_that_stix_lacks_is_in_full_collections_only(
    stix: Stix, post: Post, bank: Partner, reads: Reads, where: Where
) -> None:
    observable, indicator, relationship = stix(ACCOUNT, kind="bank-account")
    reads(bank, "mule-accounts")
    case = said("case", by=bank.name, name="One", members=[observable["id"], indicator["id"]])
    post(observable, indicator, relationship, case)
    assert where(case) == {"sightings-full", "mule-accounts-full"}


def flow(by: str = "Example Bank", **columns: Any) -> list[dict[str, Any]]:
    ends = {"source": f"bank-account:{ACCOUNT}", "target": f"bank-account:{OTHER_ACCOUNT}"}
    defaults = {"reporter": by, "reported_at": SAID, "tlp": "green"}
    return to_stix(tabular.read_record("flow", {**ends, **columns}, defaults))


def test_flow_is_published_with_both_its_ends(
    stix: Stix, post: Post, bank: Partner, reads: Reads, where: Where
) -> None:
    post(stix(ACCOUNT, kind="bank-account")[1], stix(OTHER_ACCOUNT, kind="bank-account")[1])
    reads(bank, "mule-accounts")
    assert not post(*flow()).pending
    assert where(flow()[-1]) == {"mule-accounts-full"}


def test_flow_reveals_no_unreadable_account(
    stix: Stix, post: Post, bank: Partner, other: Partner, reads: Reads, where: Where, held_by: Held
) -> None:
    post(stix(ACCOUNT, kind="bank-account")[1])
    reads(bank, "mule-accounts")
    (pending,) = post(*flow()).pending
    assert where(flow()[-1]) == set()
    assert flow()[1]["id"] not in held_by("mule-accounts-full")
    post(stix(OTHER_ACCOUNT, kind="bank-account")[1])
    (blind,) = post(*flow(by=other.name), by=other).pending
    assert pending.message == blind.message


def test_clear_flow_of_limited_accounts_is_not_public(
    stix: Stix, post: Post, bank: Partner, reads: Reads, where: Where
) -> None:
    post(stix(ACCOUNT, kind="bank-account", tlp="clear")[1], stix(OTHER_ACCOUNT, kind="bank-account")[1])
    reads(bank, "mule-accounts", "public")
    post(*flow(tlp="clear"))
    assert where(flow()[-1]) == {"mule-accounts-full"}


def test_sighting_is_published_with_its_country(stix: Stix, post: Post, bank: Partner, held_by: Held) -> None:
    indicator = stix()[1]
    sighting = said("sighting", by=bank.name, of=indicator["id"], countries="TH")
    post(indicator, common_objects.location_object("TH"), sighting)
    assert held_by("sightings")[ids.location("TH")] == common_objects.location_object("TH")


def test_value_refers_to_the_readable_listing_or_the_own_indicator(
    store: Store, stix: Stix, post: Post, listed: Listed, bank: Partner, other: Partner, reads: Reads
) -> None:
    ours, theirs = stix()[1], stix(reporter=other.name)[1]
    post(ours)
    post(theirs, by=other)

    def seen(by: Partner) -> list[str]:
        with store.read() as tx:
            return references.referable_indicators(tx, by, [("domain", "bad.example.com")])["domain", "bad.example.com"]

    assert (seen(bank), seen(other)) == ([ours["id"]], [theirs["id"]])
    reads(bank, "takedown")
    assert seen(bank) == [listed(ours)]
    post({**ours, "modified": LATER, "revoked": True})
    assert seen(bank) == [listed(ours)]
    post({**theirs, "modified": LATER, "revoked": True}, by=other)
    assert (seen(bank), seen(other)) == ([], [])


def test_outcome_is_found_with_its_value(store: Store, stix: Stix, post: Post, bank: Partner) -> None:
    indicator = stix()[1]
    outcome = said("outcome", by=bank.name, of=indicator["id"], outcome="blocked")
    sighting = said("sighting", by=bank.name, of=indicator["id"])
    post(indicator, outcome, sighting, note(bank, indicator["id"]))
    with store.read() as tx:
        known = next(each for each in lookup(tx, "bad.example.com") if each.kind == "domain")
    assert [each["id"] for each in known.opinions] == [outcome["id"]]
    assert [each["id"] for each in known.sightings] == [sighting["id"]]


@pytest.mark.parametrize(
    "change",
    [
        {"object_refs": None},
        {"object_refs": []},
        {"object_refs": "x"},
        {"object_refs": [1]},
        {"type": "opinion"},
        {"type": "grouping"},
        {"content": 5},
    ],
    ids=str,
)
def test_malformed_annotations_are_refused(post: Post, bank: Partner, held_by: Held, change: dict[str, Any]) -> None:
    changed = {**note(bank, "indicator--2c4125de-07a4-58ff-80f6-00aa533a88a7"), **change}
    bad = {name: value for name, value in changed.items() if value is not None}
    bad["id"] = f"{bad['type']}--ee20065d-2555-424f-ad9e-0f8428623c75"
    assert len(post(bad).failed) == 1
    assert bad["id"] not in held_by("inbox")


def test_annotation_is_delisted_with_its_listing(
    stix: Stix, post: Post, other: Partner, reads: Reads, where: Where, held_by: Held, listed: Listed
) -> None:
    gone, kept = stix(tlp="clear")[1], stix("kept.example.com", tlp="clear")[1]
    post(gone, kept)
    reads(other, "takedown", "sightings")
    sighting = said("sighting", of=listed(gone))
    of_both = said("case", name="Both", members=[listed(gone), listed(kept)])
    of_one = said("outcome", of=listed(gone), outcome="blocked")
    about_it = note(other, sighting["id"])
    post(sighting, of_both, of_one, by=other)
    post(about_it, by=other)
    assert all(where(obj) for obj in (sighting, of_both, of_one, about_it))
    post({**gone, "modified": LATER, "revoked": True})
    assert [where(obj) for obj in (sighting, of_one, about_it)] == [set(), set(), set()]
    assert where(of_both) == SIGHTINGS | PUBLIC | {"takedown", "takedown-full"}
    standing = [obj for obj in held_by("sightings").values() if not obj.get("revoked")]
    assert listed(kept) in str(standing)
    assert listed(gone) not in str(standing)


def test_later_annotation_of_a_withdrawn_value_is_not_published(
    stix: Stix, post: Post, other: Partner, reads: Reads, where: Where, listed: Listed
) -> None:
    gone = stix(tlp="clear")[1]
    post(gone)
    reads(other, "takedown")
    post({**gone, "modified": LATER, "revoked": True})
    outcome = said("outcome", of=listed(gone), outcome="blocked")
    (pending,) = post(outcome, by=other).pending
    assert (where(outcome), pending.id) == (set(), outcome["id"])
    assert pending.message.startswith(Reason.TARGET_WITHDRAWN.explain().message)


def test_flow_is_delisted_with_either_of_its_ends(
    stix: Stix, post: Post, bank: Partner, other: Partner, reads: Reads, where: Where
) -> None:
    ends = stix(ACCOUNT, kind="bank-account")[1], stix(OTHER_ACCOUNT, kind="bank-account")[1]
    post(*ends)
    for partner in (bank, other):
        reads(partner, "mule-accounts")
    post(*flow())
    assert where(flow()[-1]) == {"mule-accounts-full"}
    post({**ends[1], "modified": LATER, "revoked": True})
    assert where(flow()[-1]) == set()
    # The response is the same as for an end that was never listed.
    later = flow(by=other.name), flow(by=other.name, target="bank-account:FR1420041010050500013M02606")
    answers = [post(*objects, by=other).pending for objects in later]
    assert [[pending.message for pending in answer] for answer in answers[:1]] == [
        [pending.message for pending in answer] for answer in answers[1:]
    ]
    assert [pending.id for pending in answers[0]] == [later[0][-1]["id"]]
    assert where(later[0][-1]) == set()


def test_republishing_revokes_leftovers_of_an_earlier_release(
    store: Store,
    stix: Stix,
    post: Post,
    bank: Partner,
    where: Where,
    policies: list[Policy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = stix(tlp="clear")[1]
    sighting = said("sighting", by=bank.name, of=gone["id"])
    post(gone, sighting)
    with monkeypatch.context() as patched:
        patched.setattr(AnnotationWithdrawal, "withdraw", lambda *_, **__: None)
        post({**gone, "modified": LATER, "revoked": True})
    assert where(sighting) == SIGHTINGS | PUBLIC
    for _ in republish(hub_on(store, policies[-1])):
        pass
    assert where(sighting) == set()
