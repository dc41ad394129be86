"""Every state of a contribution is explained in one response that reveals nothing about other partners."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers.consensus import origin_references
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.vocabulary import Action, OutcomeWord
from server.release import review
from server.release.explain import ContributionExplanation, explain
from server.release.hub import Hub
from server.release.results import Results
from server.release.retract import retract
from server.release.route.policy import Policy, PolicyRule
from server.store import Store, quotas
from server.store.database.times import now
from tests.times import text_ago
from tests.unit.server.release.hubs import NOBODY_NEW, hub_on

Reports = Callable[..., dict[str, Any]]
Post = Callable[..., Results]
Stix = Callable[..., list[dict[str, Any]]]
Explains = Callable[..., ContributionExplanation]
VALUE = "bad.example.com"


@pytest.fixture
def explains(store: Store) -> Explains:
    def ask(id_or_value: str = VALUE, partner: Partner | None = None, hub: Hub | None = None) -> Any:
        with store.read() as tx:
            (found,) = explain(hub or hub_on(store), tx, id_or_value, partner)
        return found

    return ask


def decided_by(found: ContributionExplanation) -> tuple[str, str]:
    return found.checks[-1].rule, found.checks[-1].verdict


def test_a_published_report_is_explained_with_its_collections(
    reports: Reports, bank: Partner, explains: Explains
) -> None:
    indicator = reports(bank)
    for name in (VALUE, "BAD[.]example[.]com", indicator["id"]):
        found = explains(name)
        assert (found.result, found.partner) == ("published", bank.name)
        assert [check.rule for check in found.checks] == [
            "stored",
            "guard",
            "marking",
            "validity",
            "audience",
            "policy",
        ]
        assert [(place.collection, place.grade, place.readers) for place in found.published] == [
            ("takedown", "warn", 0)
        ]


def test_a_listings_id_means_the_reports_of_its_value(
    reports: Reports, bank: Partner, explains: Explains, listed: Callable[..., str]
) -> None:
    assert explains(listed(reports(bank))).value == VALUE


def test_report_held_by_an_allowlist_names_the_list_and_the_remedy(post: Post, stix: Stix, explains: Explains) -> None:
    post(stix("google.com")[1])
    found = explains("google.com")
    assert found.result == "held for review"
    assert decided_by(found) == ("guard", "held")
    assert "scamfeed review show indicator--" in found.checks[-1].action


def test_a_refused_report_is_not_stored(post: Post, stix: Stix, explains: Explains) -> None:
    obj = {**stix()[1], "description": "the victim's card is 4111 1111 1111 1111"}
    assert post(obj).failed
    with pytest.raises(Rejected, match="response to its contribution gave the reason"):
        explains(obj["id"])


def test_posts_of_a_throttled_partner_are_held(
    store: Store, reports: Reports, bank: Partner, post: Post, stix: Stix, explains: Explains
) -> None:
    with store.begin() as tx:
        quotas.throttle(tx, bank.name, "unusual-volume", now())
    post(stix()[1])
    assert decided_by(explains()) == ("guard", "held")
    assert "unusual-volume" in explains().checks[-1].message


def test_red_report_without_named_partners_is_explained(reports: Reports, bank: Partner, explains: Explains) -> None:
    reports(bank, tlp="red")
    found = explains()
    assert (found.result, *decided_by(found)) == ("kept, not published", "audience", "stopped")
    assert "only_partners" in found.checks[-1].action


def test_red_report_is_in_the_private_collection_of_the_named_partner(
    reports: Reports, bank: Partner, other: Partner, explains: Explains
) -> None:
    reports(bank, tlp="red", only_partners=other.name)
    (place,) = explains().published
    assert (place.collection.startswith("for-"), place.readers) == (True, 1)
    assert explains(partner=bank).published == []


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        (PolicyRule(collection="takedown", least_reporters=2), "least_reporters 2"),
        (PolicyRule(collection="takedown", grades=(Action.BLOCK,)), "grades block"),
        (PolicyRule(collection="takedown", least_confidence=90), "least_confidence 90"),
    ],
    ids=["reporters", "grade", "confidence"],
)
def test_policy_refusal_names_the_required_conditions(
    store: Store,
    reports: Reports,
    bank: Partner,
    explains: Explains,
    policies: list[Policy],
    rule: PolicyRule,
    asked: str,
) -> None:
    policies.append(Policy([rule], NOBODY_NEW))
    reports(bank)
    found = explains(hub=hub_on(store, policies[-1]))
    assert (found.result, *decided_by(found)) == ("kept, not published", "policy", "stopped")
    assert asked in found.checks[-2].message


def test_kind_without_a_rule_is_explained(
    store: Store, reports: Reports, bank: Partner, explains: Explains, policies: list[Policy]
) -> None:
    policies.append(Policy([PolicyRule(collection="wallets", kinds=("wallet",))], NOBODY_NEW))
    reports(bank)
    assert decided_by(explains(hub=hub_on(store, policies[-1]))) == ("audience", "stopped")


def test_delisted_value_is_explained_as_refused(
    store: Store, reports: Reports, bank: Partner, post: Post, stix: Stix, explains: Explains
) -> None:
    indicator = reports(bank)
    with store.begin() as tx:
        retract(hub_on(store), tx, VALUE)
    found = explains(indicator["id"])
    assert (found.result, *decided_by(found)) == ("refused", "guard", "refused")


def test_revoked_and_expired_reports_are_explained(
    reports: Reports, bank: Partner, other: Partner, withdraws: Callable[..., None], explains: Explains
) -> None:
    indicator = reports(bank)
    withdraws(bank, indicator)
    assert decided_by(explains(indicator["id"])) == ("revoked", "stopped")
    old = reports(other, "worse.example.com", valid_until=text_ago(days=59))
    assert decided_by(explains(old["id"])) == ("validity", "stopped")


def test_repeat_is_shown_to_the_operator_only(
    store: Store,
    reports: Reports,
    bank: Partner,
    post: Post,
    stix: Stix,
    joins: Callable[..., Partner],
    listed: Callable[..., str],
    explains: Explains,
) -> None:
    listing = listed(reports(bank))
    peer = joins("Peer", "government", reads=["takedown"], forwards=True)
    obj = stix(reporter=peer.name)[1]
    post({**obj, "external_references": origin_references([listing])}, by=peer)
    assert "repeat" in [check.rule for check in explains(obj["id"]).checks]
    assert "repeat" not in [check.rule for check in explains(obj["id"], peer).checks]


def test_disputed_value_is_explained(
    store: Store,
    reports: Reports,
    bank: Partner,
    joins: Callable[..., Partner],
    records_of: Callable[..., Any],
    explains: Explains,
    listed: Callable[..., str],
) -> None:
    indicator = reports(bank)
    trusted = joins("Trusted", "platform", reads=["takedown"], trusted=True)
    records_of(trusted, "outcome", of=listed(indicator), outcome=OutcomeWord.FALSE_POSITIVE.value)
    assert decided_by(explains()) == ("dispute", "stopped")
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [listed(indicator)], "approved", "operator")
    assert explains().result == "published"


def test_hidden_and_absent_objects_get_the_same_response(
    store: Store, reports: Reports, bank: Partner, other: Partner, listed: Callable[..., str], explains: Explains
) -> None:
    indicator = reports(bank)
    messages = set()
    for name in (
        VALUE,
        indicator["id"],
        listed(indicator),
        "never.example.com",
        "indicator--" + 8 * "0" + "-0000-4000-8000-" + 12 * "0",
    ):
        with pytest.raises(Rejected) as refusal:
            explains(name, other)
        messages.add(refusal.value.message)
    assert len(messages) == 1


def test_a_partner_reads_nothing_of_others_reports(
    reports: Reports, bank: Partner, other: Partner, explains: Explains
) -> None:
    own = reports(bank, confidence="80")
    before = explains(own["id"], bank)
    reports(other, confidence="90")
    assert explains(own["id"], bank) == before
    assert explains(VALUE, bank).partner == bank.name


def test_a_partner_does_not_learn_that_others_report_a_holder_as_coerced(
    reports: Reports, joins: Callable[..., Partner], explains: Explains
) -> None:
    police = joins("Police", "government", ["mule-accounts"], authority=("bank-account",))
    telecom = joins("Telecom", "telecom")
    coerced = {"kind": "bank-account", "holder_status": "coerced"}
    alone = reports(telecom, "DE89370400440532013000", **coerced)
    reports(police, "DE75512108001245126199", **coerced)
    confirmed = reports(telecom, "DE75512108001245126199", **coerced)
    assert "coerced" in str(explains(alone["id"]).checks)
    assert explains(confirmed["id"], telecom).checks == explains(alone["id"], telecom).checks


def test_a_partner_does_not_learn_of_a_sighting_that_is_hidden_from_it(
    reports: Reports,
    bank: Partner,
    joins: Callable[..., Partner],
    records_of: Callable[..., Any],
    explains: Explains,
    listed: Callable[..., str],
) -> None:
    named = joins("Named", "platform", reads=["takedown"])
    seer = joins("Seer", "platform", reads=["takedown"])
    indicator = reports(bank, valid_until=text_ago(days=41))
    seen = text_ago(days=43)
    sighting = {"first_seen": seen, "last_seen": seen, "reported_at": text_ago(days=30)}
    before = explains(indicator["id"], bank)
    assert decided_by(before) == ("validity", "stopped")
    records_of(seer, "sighting", of=listed(indicator), tlp="red", only_partners=named.name, **sighting)
    assert decided_by(explains(indicator["id"])) != ("validity", "stopped")
    assert explains(indicator["id"], bank) == before


def test_report_of_a_coerced_holder_looks_published_to_its_partner(
    reports: Reports, joins: Callable[..., Partner], explains: Explains
) -> None:
    police = joins("Police", "government", ["mule-accounts"], authority=("bank-account",))
    telecom = joins("Telecom", "telecom")
    indicator = reports(telecom, "DE89370400440532013000", kind="bank-account")
    before = explains(indicator["id"], telecom)
    assert before.result == "published"
    reports(police, "DE89370400440532013000", kind="bank-account", holder_status="coerced")
    assert explains(indicator["id"], telecom) == before


def test_a_partner_does_not_learn_by_its_annotation_that_others_report_the_same(
    reports: Reports, bank: Partner, joins: Callable[..., Partner], records_of: Callable[..., Any], explains: Explains
) -> None:
    telecom = joins("Telecom", "telecom")
    cases = []
    for value in (VALUE, "worse.example.com"):
        own = reports(telecom, value, only_countries="NZ")
        if value == VALUE:
            reports(bank, value)
        cases.append(records_of(telecom, "case", name=value, members=own["id"]))
    of_both, of_own = cases
    assert (explains(of_both["id"]).result, explains(of_own["id"]).result) == ("published", "kept, not published")
    assert explains(of_both["id"], telecom).checks == explains(of_own["id"], telecom).checks


def test_a_partner_reads_that_its_annotation_is_published(
    reports: Reports, bank: Partner, records_of: Callable[..., Any], explains: Explains
) -> None:
    sighting = records_of(bank, "sighting", of=reports(bank)["id"])
    assert explains(sighting["id"], bank).result == "published"
