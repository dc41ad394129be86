"""The account-holding bank sees every report of its accounts, and its finding applies everywhere."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mappers import extension, ids, records
from schemas import tabular, timestamp
from schemas.partner import Partner, institution_keys
from schemas.vocabulary import QualificationCode
from server.features.findings import keeping
from server.features.findings.answering import GivenAnswer, answer_all
from server.features.partners import membership
from server.features.partners.properties import Properties, changed_partner
from server.features.reports.delistings import DELIST
from server.features.reviews.contradictions import DECIDE
from server.features.reviews.of_reviews import actions_of
from server.operations import dual_control, registry
from server.release import batches
from server.release.fuse.statements import CONTRADICTED, DISPUTED, WITHHELD
from server.release.results import Results
from server.release.review import DualControlRequired, decide, summaries
from server.store import Store, collections, hub_identity, listings, partners, quotas, reviews
from server.store.database.times import now
from server.store.providers import kept_accounts
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

ACCOUNT = {"value": "4567890123", "kind": "bank-account", "bank": "KBANK", "country": "TH"}
SUBJECT = "bank-account:TH:KASITHBK:4567890123"

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Room = Callable[..., dict[str, dict[str, Any]]]
Kept = Callable[[], list[dict[str, Any]]]
Grade = Callable[[], tuple[str, bool] | None]
Answers = Callable[..., dict[str, Any]]
SAID = text_ago(days=31)


@pytest.fixture
def provider(joins: Joins) -> Partner:
    return joins("Keeping Bank", institutions=("KASITHBK",))


@pytest.fixture
def reader(joins: Joins) -> Partner:
    return joins("Reader", reads=["mule-accounts"])


def _british(letters: str) -> str:
    """Return a British IBAN with these letters, sort code and number, and correct check digits."""
    number = int("".join(str(int(char, 36)) for char in letters + "GB00"))
    return f"GB{98 - number % 97:02d}{letters}"


def _live(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [obj for obj in objects.values() if obj["type"] == "indicator" and not obj.get("revoked")]


@pytest.fixture
def kept(own_room: Room, provider: Partner) -> Kept:
    """Return the active listings in the provider's collection."""
    return lambda: _live(own_room(provider, "accounts"))


@pytest.fixture
def grade(held_by: Callable[[str], dict[str, dict[str, Any]]]) -> Grade:
    """Return the grade of the only listing in mule-accounts, and whether it is disputed."""

    def find() -> tuple[str, bool] | None:
        listed = _live(held_by("mule-accounts"))
        if not listed:
            return None
        [context] = map(extension.context_of, listed)
        return context["grade"], context.get("disputed", False)

    return find


@pytest.fixture
def answers(records_of: Callable[..., dict[str, Any]], provider: Partner) -> Answers:
    """Let the provider report a finding on a listing."""

    def answer(listing: dict[str, Any], code: str, at: str = SAID, by: Partner = provider) -> Any:
        return records_of(by, "qualification", of=listing["id"], code=code, reported_at=at)

    return answer


@pytest.mark.parametrize(
    "limits",
    [{"tlp": "green"}, {"tlp": "amber+strict"}, {"tlp": "red"}, {"tlp": "amber", "only_countries": "SG"}],
    ids=str,
)
def test_provider_reads_every_report_of_its_accounts(
    bank: Partner, reports: Reports, kept: Callable[[], list[dict[str, Any]]], limits: dict[str, str]
) -> None:
    reports(bank, **ACCOUNT, **limits, description="told by the desk", reference="FB-1", scam_type="investment")
    [listing] = kept()
    context = extension.context_of(listing)
    assert context["reporters"] == 1
    assert context["reporter_kinds"] == ["bank"]
    assert context["scam_type"] == "investment"
    assert "told by the desk" not in str(listing)
    assert "FB-1" not in str(listing)


def test_a_cleared_account_is_neither_blocked_nor_held_anywhere(
    bank: Partner,
    other: Partner,
    reports: Reports,
    kept: Callable[[], list[dict[str, Any]]],
    grade: Callable[[], tuple[str, bool] | None],
    answers: Callable[..., dict[str, Any]],
    feedback_of: Callable[[Partner], list[dict[str, Any]]],
) -> None:
    first = reports(bank, **ACCOUNT, confidence="90")
    reports(other, **ACCOUNT, confidence="90")
    assert grade() == ("block", False)
    answers(kept()[0], "genuine")
    assert grade() == ("investigate", True)
    assert extension.context_of(kept()[0])["grade"] == "investigate"
    assert {"event": "qualified", "by_kind": "bank", "refs": [first["id"]]} in feedback_of(bank)


@pytest.fixture
def two_reports(bank: Partner, other: Partner, provider: Partner, reports: Reports) -> None:
    """Let two partners report the account, so that it is blocked."""
    for partner in (bank, other):
        reports(partner, **ACCOUNT, confidence="90")


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("fraud", ("block", False)),
        ("identity-stolen", ("hold", False)),
        ("closed", None),
        ("genuine", ("investigate", True)),
        ("merchant", ("warn", False)),
        ("unknown", ("block", False)),
        ("misattributed", ("investigate", True)),
        ("not-found", None),
        ("regularised", ("investigate", True)),
    ],
)
def test_each_finding_has_its_effect(
    two_reports: None, kept: Kept, grade: Grade, answers: Answers, code: str, left: Any
) -> None:
    answers(kept()[0], code)
    assert grade() == left
    assert bool(kept()) == (left is not None)


def test_a_stolen_identity_protects_the_holder(two_reports: None, kept: Kept, answers: Answers) -> None:
    answers(kept()[0], "identity-stolen")
    context = extension.context_of(kept()[0])
    assert context["holder_status"] == "deceived"
    assert context["reporters"] == 3


def test_one_report_confirmed_by_the_provider_suffices(
    bank: Partner, reports: Reports, kept: Kept, grade: Grade, answers: Answers
) -> None:
    reports(bank, **ACCOUNT, confidence="80")
    assert grade() == ("hold", False)
    answers(kept()[0], "fraud")
    assert grade() == ("block", False)


def test_later_finding_replaces_the_earlier(two_reports: None, kept: Kept, grade: Grade, answers: Answers) -> None:
    answers(kept()[0], "genuine")
    answers(kept()[0], "fraud", at=text_ago(days=30, hours=23))
    assert grade() == ("block", False)


def test_a_closed_account_is_listed_again_by_a_later_report(
    bank: Partner, two_reports: None, reports: Reports, kept: Kept, grade: Grade, answers: Answers
) -> None:
    before = kept()[0]["id"]
    answers(kept()[0], "closed")
    assert grade() is None
    reports(bank, **ACCOUNT, confidence="90", reported_at=text_ago(days=30), scam_type="romance")
    assert grade() is not None
    assert kept()[0]["id"] != before


def test_cleared_account_stays_cleared_after_new_reports(
    joins: Joins, two_reports: None, reports: Reports, kept: Kept, grade: Grade, answers: Answers, store: Store
) -> None:
    answers(kept()[0], "genuine")
    reports(joins("Third Bank"), **ACCOUNT, confidence="99")
    assert grade() == ("investigate", True)
    with store.read() as tx:
        assert not reviews.all_reviews(tx, "open", rule=CONTRADICTED)


def test_a_cleared_account_stays_cleared_when_its_bank_leaves(
    joins: Joins,
    two_reports: None,
    reports: Reports,
    kept: Kept,
    grade: Grade,
    answers: Answers,
    provider: Partner,
    store: Store,
) -> None:
    answers(kept()[0], "genuine")
    with store.begin() as tx:
        partners.remove(tx, provider.name)
    reports(joins("Third Bank"), **ACCOUNT, confidence="99")
    assert grade() == ("investigate", True)


def test_finding_of_the_next_provider_replaces_that_of_the_former(
    joins: Joins,
    two_reports: None,
    kept: Kept,
    grade: Grade,
    answers: Answers,
    provider: Partner,
    own_room: Room,
    store: Store,
) -> None:
    answers(kept()[0], "genuine")
    with store.begin() as tx:
        partners.remove(tx, provider.name)
    follower = joins("Following Bank")
    _set_institutions(store, follower, ("KASITHBK",))
    assert grade() == ("investigate", True)
    [listing] = _live(own_room(follower, "accounts"))
    answers(listing, "fraud", by=follower)
    assert grade() == ("block", False)


def test_cleared_account_stays_cleared_under_a_new_provider(
    joins: Joins,
    two_reports: None,
    reports: Reports,
    kept: Kept,
    grade: Grade,
    answers: Answers,
    provider: Partner,
    own_room: Room,
    store: Store,
) -> None:
    answers(kept()[0], "genuine")
    follower, hub = joins("Following Bank"), hub_on(store)

    def change(name: str, **given: Any) -> None:
        with store.begin() as tx:
            before = partners.get(tx, name)
            changed = changed_partner(before, Properties(**given))
            membership.change(hub, tx, before, changed, "Anong")
        assert list(batches.run(hub, keeping.Keeping(hub, name)))

    change(provider.name, institutions=[])
    change(follower.name, institutions=["KASITHBK"])
    reports(joins("Third Bank"), **ACCOUNT, confidence="99")
    assert grade() == ("investigate", True)
    assert _live(own_room(provider, "accounts")) == []
    [listing] = _live(own_room(follower, "accounts"))
    # The current provider may report otherwise, and the operator may decide that the former one had no say.
    change(provider.name, drops_answers=True)
    assert grade() == ("block", False)
    answers(listing, "genuine", by=follower)
    assert grade() == ("investigate", True)


@pytest.fixture
def contradicted(joins: Joins, two_reports: None, reports: Reports, kept: Kept, answers: Answers, store: Store) -> str:
    """Let a partner with authority report a cleared value again, and return the id of the review."""
    answers(kept()[0], "genuine")
    reports(joins("Police", kind="government", authority=("bank-account",)), **ACCOUNT, confidence="99")
    with store.read() as tx:
        [review] = reviews.all_reviews(tx, "open", rule=CONTRADICTED)
    return review.object_id


def test_authority_against_the_provider_needs_two_persons(
    contradicted: str, grade: Grade, store: Store, provider: Partner, feedback_of: Callable[[Partner], Any]
) -> None:
    hub = hub_on(store)
    assert grade() == ("investigate", True)
    with pytest.raises(DualControlRequired), store.begin() as tx:
        decide(hub, tx, [contradicted], "approved", "Anna")
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, DECIDE, {"id": contradicted, "state": "approved"}, "Anna")
    with pytest.raises(dual_control.NotAllowed), store.begin() as tx:
        dual_control.confirm(hub, tx, registry.actions(), made.id, "anna")
    assert grade() == ("investigate", True)
    with store.begin() as tx:
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").done
    assert grade() == ("block", False)
    assert "overruled" in [event["event"] for event in feedback_of(provider)]


def test_repeated_clearing_after_a_decision_opens_a_review(
    contradicted: str, grade: Grade, kept: Kept, store: Store, provider: Partner
) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, DECIDE, {"id": contradicted, "state": "approved"}, "Anna")
    with store.begin() as tx:
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").done
        assert not reviews.all_reviews(tx, "open")
    with store.begin() as tx:
        [done] = answer_all(hub, tx, provider, [GivenAnswer(kept()[0]["id"], QualificationCode.GENUINE)])
    assert done.refused is None
    assert grade() == ("investigate", True)
    with store.begin() as tx:
        [review] = reviews.all_reviews(tx, "open", rule=CONTRADICTED)
        made = dual_control.propose(hub, tx, DECIDE, {"id": review.object_id, "state": "approved"}, "Anna")
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").done
    assert grade() == ("block", False)


def test_two_persons_can_uphold_the_provider(contradicted: str, grade: Grade, store: Store) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, DECIDE, {"id": contradicted, "state": "rejected"}, "Anna")
        dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris")
    assert grade() is None


@pytest.fixture
def disputed_too(contradicted: str, joins: Joins, records_of: Callable[..., dict[str, Any]], store: Store) -> list[str]:
    """Let a trusted partner dispute a value pending under dual control, and return the ids of both reviews."""
    bank = joins("Trusted Bank", reads=["mule-accounts"], trusted=True)
    with store.read() as tx:
        [listing] = listings.find(tx, [SUBJECT])[SUBJECT][""][-1:]
    records_of(bank, "outcome", of=listing, outcome="false-positive")
    with store.read() as tx:
        found = reviews.all_reviews(tx, "open")
    assert [(review.rule, review.partner) for review in found] == [(CONTRADICTED, "Police"), (DISPUTED, "Trusted Bank")]
    return [review.object_id for review in found]


def test_dispute_does_not_replace_a_dual_control_review(disputed_too: list[str], grade: Grade, store: Store) -> None:
    contradicted, disputed = disputed_too
    hub = hub_on(store)
    assert grade() is None
    with pytest.raises(DualControlRequired), store.begin() as tx:
        decide(hub, tx, [disputed], "rejected", "Anna")
    with store.begin() as tx:
        decide(hub, tx, [disputed], "approved", "Anna")
    assert grade() == ("investigate", True)
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, DECIDE, {"id": contradicted, "state": "approved"}, "Anna")
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").done
        assert not reviews.all_reviews(tx, "open")
    assert grade() == ("block", False)


def test_the_decision_of_two_persons_leaves_a_trusted_partners_dispute_open(
    disputed_too: list[str], grade: Grade, store: Store
) -> None:
    contradicted, disputed = disputed_too
    hub = hub_on(store)
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, DECIDE, {"id": contradicted, "state": "approved"}, "Anna")
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").done
        assert [review.object_id for review in reviews.all_reviews(tx, "open")] == [disputed]
        [case] = summaries(hub, tx, reviews.all_reviews(tx, "open"))
        assert case.case is not None
        assert [dispute.partner for dispute in case.case.doubts] == ["Trusted Bank"]
    assert grade() is None
    with store.begin() as tx:
        decide(hub, tx, [disputed], "approved", "Anna")
    assert grade() == ("block", False)


def test_decision_against_the_listing_by_two_persons_ends_both_reviews(
    disputed_too: list[str], grade: Grade, store: Store
) -> None:
    _, disputed = disputed_too
    hub = hub_on(store)
    with store.begin() as tx:
        [review] = [review for review in reviews.all_reviews(tx, "open") if review.object_id == disputed]
        assert actions_of(hub, tx, [review], "rejected") == {disputed: DELIST}
        made = dual_control.propose(hub, tx, DELIST, {"ids": [disputed]}, "Anna")
        assert "keeper-confirmed" in [line.code for line in made.effects]
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").done
        assert not reviews.all_reviews(tx, "open")
    assert grade() is None


def test_change_voids_the_proposal(contradicted: str, joins: Joins, reports: Reports, store: Store) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, DECIDE, {"id": contradicted, "state": "approved"}, "Anna")
    reports(joins("Fourth Bank"), **ACCOUNT)
    with store.begin() as tx:
        assert dual_control.confirm(hub, tx, registry.actions(), made.id, "Boris").proposal.state == "void"


@pytest.mark.parametrize(("code", "disputed"), [("genuine", True), ("closed", False), ("not-found", False)])
def test_hold_by_authority_outlives_the_finding(
    joins: Joins, reports: Reports, kept: Kept, grade: Grade, answers: Answers, code: str, disputed: bool
) -> None:
    police = joins("Police", kind="government", authority=("bank-account",))
    until = timestamp.text(timestamp.now() + timedelta(hours=12))
    reports(police, **ACCOUNT, hold_until=until, hold_amount="5000", hold_currency="THB")
    answers(kept()[0], code)
    assert grade() == ("hold", disputed)


class TestHostile:
    """Limits of a provider, and of a partner that only claims to be one."""

    def test_only_the_provider_reports_findings(
        self, joins: Joins, two_reports: None, post: Callable[..., Results], held_by: Room, grade: Grade
    ) -> None:
        reader = joins("Other Keeper", reads=["mule-accounts"], institutions=("BKKBTHBK",))
        [listing] = _live(held_by("mule-accounts"))
        [failed] = post(_answer(reader, listing["id"], "genuine"), by=reader).failed
        assert "only the provider of the account" in failed.message
        assert grade() == ("block", False)

    def test_hidden_and_absent_listings_get_the_same_response(
        self, joins: Joins, bank: Partner, reports: Reports, kept: Kept, post: Callable[..., Results], provider: Partner
    ) -> None:
        stranger = joins("Stranger", institutions=("BKKBTHBK",))
        reports(bank, **ACCOUNT, tlp="red")
        hidden, absent = kept()[0]["id"], "indicator--00000000-0000-4000-8000-000000000001"
        for asker in (stranger, provider):
            answered = [post(_answer(stranger, id_, "closed"), by=stranger) for id_ in (hidden, absent)]
            assert len({(len(done.failed), len(done.held), *[k.message for k in done.kept]) for done in answered}) == 1
            assert asker
        assert kept()

    def test_finding_before_any_report_has_no_effect(
        self,
        bank: Partner,
        reports: Reports,
        post: Callable[..., Results],
        provider: Partner,
        store: Store,
        grade: Grade,
    ) -> None:
        with store.read() as tx:
            secret = hub_identity.secret(tx, "ids")
        track = listings.track_of_provider(provider.name)
        guessed = ids.of_hub(secret, "indicator", "listing", SUBJECT, track, 0)
        assert post(_answer(provider, guessed, "genuine"), by=provider).kept
        reports(bank, **ACCOUNT, confidence="90")
        assert grade() == ("hold", False)

    def test_a_spelling_of_another_banks_account_gives_no_power(
        self, joins: Joins, bank: Partner, reports: Reports, own_room: Room
    ) -> None:
        # The same sort code and number, with another bank's letters and correct check digits.
        evil = joins("Evil Bank", institutions=("GB00EVIL", "EVILGB2L"))
        reports(bank, _british("EVIL60161331926819"), "bank-account")
        assert own_room(evil, "accounts") == {}

    def test_a_spelling_of_another_banks_account_gives_no_authority(
        self, joins: Joins, reports: Reports, grade: Grade
    ) -> None:
        evil = joins("Evil Bank", institutions=("GB00EVIL", "EVILGB2L"))
        reports(evil, _british("EVIL60161331926819"), "bank-account", confidence="95")
        assert grade() == ("hold", False)

    def test_the_bank_of_the_sort_code_has_authority(self, joins: Joins, reports: Reports, grade: Grade) -> None:
        owner = joins("British Bank", institutions=("GB:6016",))
        reports(owner, _british("NWBK60161331926819"), "bank-account", confidence="95")
        assert grade() == ("block", False)

    def test_revoked_institution_voids_its_findings(
        self, two_reports: None, kept: Kept, grade: Grade, answers: Answers, provider: Partner, store: Store
    ) -> None:
        answers(kept()[0], "genuine")
        _set_institutions(store, provider, ())
        assert grade() == ("block", False)
        assert not kept()

    def test_finding_cannot_be_revoked(
        self, two_reports: None, kept: Kept, answers: Answers, provider: Partner, post: Callable[..., Results]
    ) -> None:
        said = answers(kept()[0], "genuine")
        gone = {**said, "revoked": True, "modified": text_ago(days=29)}
        assert "a finding cannot be revoked" in post(gone, by=provider).failed[0].message
        plain = {**said, "extensions": {}, "modified": text_ago(days=29)}
        assert "a finding cannot be revoked" in post(plain, by=provider).failed[0].message

    def test_unknown_code_is_refused(
        self, two_reports: None, kept: Kept, provider: Partner, post: Callable[..., Results]
    ) -> None:
        wrong = _answer(provider, kept()[0]["id"], "genuine")
        wrong["extensions"][extension.ID]["qualification"] = "innocent"
        assert "not a known finding" in post(wrong, by=provider).failed[0].message

    def test_finding_is_not_published(
        self, two_reports: None, kept: Kept, answers: Answers, held_by: Room, store: Store
    ) -> None:
        answers(kept()[0], "genuine")
        with store.read() as tx:
            aliases = [known.alias for known in collections.all_collections(tx) if known.kind != "inbox"]
        found = [obj for alias in aliases for obj in held_by(alias).values() if obj["type"] == "opinion"]
        assert found == []

    def test_findings_of_a_throttled_provider_wait_for_review(
        self, two_reports: None, kept: Kept, grade: Grade, provider: Partner, post: Callable[..., Results], store: Store
    ) -> None:
        with store.begin() as tx:
            quotas.throttle(tx, provider.name, "unusual-volume", now())
        said = _answer(provider, kept()[0]["id"], "genuine")
        assert [result.id for result in post(said, by=provider).pending] == [said["id"]]
        assert grade() == ("block", False)
        with store.read() as tx:
            assert [waiting.answered for waiting in kept_accounts.find(tx)] == [None]


class TestWithheld:
    """A report that requests not to notify the provider."""

    @pytest.fixture
    def excluding(self, bank: Partner, provider: Partner, reports: Reports) -> dict[str, Any]:
        return reports(bank, **ACCOUNT, not_to_partners=provider.name)

    def test_operator_decides_before_the_provider_is_notified(
        self, excluding: dict[str, Any], kept: Kept, store: Store
    ) -> None:
        assert kept() == []
        with store.read() as tx:
            [review] = reviews.all_reviews(tx, "open", rule=WITHHELD)
            assert kept_accounts.find(tx) == []
            [summary] = summaries(hub_on(store), tx, [review])
        assert (summary.kind, summary.value) == ("bank-account", "TH:KASITHBK:4567890123")

    def test_operator_can_allow_the_notice_to_the_provider(
        self, excluding: dict[str, Any], kept: Kept, store: Store, bank: Partner, feedback_of: Callable[[Partner], Any]
    ) -> None:
        before = feedback_of(bank)
        with store.begin() as tx:
            [review] = reviews.all_reviews(tx, "open", rule=WITHHELD)
            decide(hub_on(store), tx, [review.object_id], "approved", "Anna")
        assert len(kept()) == 1
        assert feedback_of(bank) == before

    def test_report_hidden_from_the_provider_stays_in_force(
        self, excluding: dict[str, Any], other: Partner, reports: Reports, kept: Kept, grade: Grade, store: Store
    ) -> None:
        with store.begin() as tx:
            [review] = reviews.all_reviews(tx, "open", rule=WITHHELD)
            decide(hub_on(store), tx, [review.object_id], "rejected", "Anna")
        reports(other, **ACCOUNT)
        assert extension.context_of(kept()[0])["reporters"] == 1
        with store.read() as tx:
            assert not reviews.all_reviews(tx, "open", rule=WITHHELD)


class TestClock:
    """The period from the provider's listing to its finding."""

    def test_period_runs_from_the_listing_to_the_finding(
        self, two_reports: None, kept: Kept, answers: Answers, provider: Partner, store: Store
    ) -> None:
        with store.read() as tx:
            [waiting] = kept_accounts.find(tx)
        assert (waiting.partner, waiting.subject, waiting.answered) == (provider.name, SUBJECT, None)
        answers(kept()[0], "unknown")
        with store.read() as tx:
            assert kept_accounts.find(tx) == []
            [done] = kept_accounts.find(tx, provider.name, every=True)
            [counts] = kept_accounts.counts(tx, 10**15, waiting.since, 0)
        assert (done.code, done.since) == ("unknown", waiting.since)
        assert counts == (provider.name, 0, 0, None, 1, 1)

    def test_period_stops_without_active_reports(
        self,
        bank: Partner,
        reports: Reports,
        withdraws: Callable[..., None],
        store: Store,
        provider: Partner,
        kept: Kept,
    ) -> None:
        said = reports(bank, **ACCOUNT)
        withdraws(bank, said)
        assert kept() == []
        with store.read() as tx:
            assert kept_accounts.find(tx) == []

    def test_period_restarts_for_a_closed_account_reported_again(
        self, two_reports: None, bank: Partner, reports: Reports, kept: Kept, answers: Answers, store: Store
    ) -> None:
        answers(kept()[0], "closed")
        reports(bank, **ACCOUNT, reported_at=text_ago(days=30), scam_type="romance")
        with store.read() as tx:
            [waiting] = kept_accounts.find(tx)
        assert (waiting.code, waiting.left) == (None, None)


def test_new_institution_sees_existing_listings(
    bank: Partner, reports: Reports, joins: Joins, store: Store, own_room: Room
) -> None:
    late = joins("Late Bank")
    reports(bank, **ACCOUNT, tlp="red")
    reports(bank, "9876543210", "bank-account", bank="SCB", country="TH")
    _set_institutions(store, late, ("TH:004",))
    assert len(_live(own_room(late, "accounts"))) == 1
    _set_institutions(store, late, ())
    assert _live(own_room(late, "accounts")) == []


def test_report_of_the_provider_alone_is_not_listed_for_it(provider: Partner, reports: Reports, kept: Kept) -> None:
    reports(provider, **ACCOUNT)
    assert kept() == []


def test_coerced_holder_is_shown_to_the_provider(joins: Joins, reports: Reports, kept: Kept) -> None:
    police = joins("Police", kind="government", authority=("bank-account",))
    reports(police, **ACCOUNT, holder_status="coerced")
    context = extension.context_of(kept()[0])
    assert context["holder_status"] == "coerced"
    assert context["sharing"] == {"onward": False}


def test_platforms_and_wallets_have_their_providers(
    bank: Partner, joins: Joins, reports: Reports, own_room: Room
) -> None:
    kept_by = {
        "Messenger": ("social-account:line", "line:example-seller", "social-account"),
        "Wallet": ("payment-alias:truemoney", "truemoney:0812345678", "payment-alias"),
        "Telecom": ("phone:+6681", "+66812345678", "phone"),
    }
    partners_by_name = {name: joins(name, institutions=(what[0],)) for name, what in kept_by.items()}
    for _, value, kind in kept_by.values():
        reports(bank, value, kind)
    assert [len(_live(own_room(partner, "accounts"))) for partner in partners_by_name.values()] == [1, 1, 1]


def _answer(by: Partner, listing: str, code: str) -> dict[str, Any]:
    columns = {"of": listing, "code": code}
    defaults = {"reporter": by.name, "reported_at": SAID}
    return records.to_stix(tabular.read_record("qualification", columns, defaults))[-1]


def _set_institutions(store: Store, partner: Partner, institutions: tuple[str, ...]) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        before = partners.get(tx, partner.name)
        partners.change(tx, Partner(**{**before.model_dump(), "institutions": institutions}))
        changed = {*before.institutions, *institutions}
        job = keeping.begin(hub, tx, partner.name, frozenset(key for one in changed for key in institution_keys(one)))
    assert list(batches.run(hub, job))
