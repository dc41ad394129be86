"""What reaches far is proposed by one person and done by another: allowlisted values, delistings, administrators."""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.partner import Partner
from server.console.operator.effect_texts import EFFECT_TEXTS
from server.release import batches, two_persons
from server.release.by_two_persons.admins import ADMIN_LINK, MAKE_ADMIN, arguments
from server.release.by_two_persons.delistings import CLEAR, RETRACT
from server.release.by_two_persons.departures import RETRACT_REPORTS, leave
from server.release.by_two_persons.of_reviews import actions_of, propose_all
from server.release.by_two_persons.sentences import SENTENCES, english
from server.release.hub import Hub
from server.release.results import Results
from server.release.two_person_actions import ACTIONS
from server.release.two_persons import TwoPersonAction
from server.store import Store, partners, reviews
from server.store.database.times import now
from server.store.objections import objections
from server.store.objections.objections import Objection
from server.store.operators import users
from server.store.operators.users import NameInUse, OperatorRole, PartnerRole
from server.store.proposals.proposals import Effect, Proposal
from server.store.reviews import ReviewState
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
VALUE = "bad.example.com"


def propose(hub: Hub, state: ReviewState) -> list[Proposal]:
    """Propose what two persons decide of all open reviews."""
    with hub.store.begin() as tx:
        found = reviews.all_reviews(tx, "open")
        actions = actions_of(hub, tx, found, state)
        shown = {review.object_id: Effect("review", {"id": review.object_id}) for review in found}
        return propose_all(hub, tx, actions, state, "Anong", None, shown)


def confirm(hub: Hub, made: Proposal) -> Sequence[Effect]:
    with hub.store.begin() as tx:
        found, done = two_persons.confirm(hub, tx, ACTIONS, made.id, "Boon")
    assert found.state == "confirmed"
    return done


def live(held: dict[str, dict[str, Any]]) -> int:
    return sum(obj["type"] == "indicator" and not obj.get("revoked") for obj in held.values())


def test_the_pages_have_a_sentence_for_each_line_with_the_same_fields() -> None:
    fields = {code: set(re.findall(r"{(\w+)}", text)) for code, text in SENTENCES.items()}
    assert fields == {code: set(re.findall(r"%\((\w+)\)s", text)) for code, text in EFFECT_TEXTS.items()}


def test_a_line_without_a_known_code_is_its_own_text() -> None:
    assert english([Effect("a {line} of before")]) == ["a {line} of before"]


def test_two_persons_approve_what_a_list_has_as_harmless(
    store: Store, bank: Partner, stix: Callable[..., list[dict[str, Any]]], post: Callable[..., Results], held_by: Held
) -> None:
    hub = hub_on(store)
    post(*stix("google.com"), by=bank)
    [made] = propose(hub, "approved")
    lines = english(made.effects)
    assert made.action == "approve-allowlisted"
    assert any("google.com" in line and "Example Bank" in line for line in lines)
    assert lines[-1].startswith("review: ")
    assert live(held_by("takedown")) == 0
    confirm(hub, made)
    assert live(held_by("takedown")) == 1
    assert propose(hub, "rejected") == []


@pytest.mark.parametrize(("most", "tlp", "by_two"), [(0, "green", True), (5, "green", False), (5, "clear", True)])
def test_two_persons_take_back_what_many_read_of_a_partner_that_leaves(
    store: Store, joins: Joins, reports: Reports, held_by: Held, most: int, tlp: str, by_two: bool
) -> None:
    hub = Hub(store, hub_on(store).policy, most_readers_by_one=most)
    leaver = joins("Leaving Bank", reads=["takedown"])
    reports(leaver, VALUE, tlp=tlp)
    joins("Reader", reads=["takedown"])
    with store.begin() as tx:
        done = leave(hub, tx, leaver, "it was not who it said", "Anong")
        assert "Leaving Bank" in partners.departed_partners(tx)
    assert (done.proposal is not None) == by_two
    list(batches.run(hub, done.leaving.job))
    assert live(held_by("takedown")) == by_two
    if done.proposal is not None:
        assert "it was not who it said" in english(done.proposal.effects)[0]
        confirm(hub, done.proposal)
        with store.begin() as tx:
            assert leave(hub, tx, leaver, "again", "Anong").proposal is None
        assert RETRACT_REPORTS.finish is not None
        RETRACT_REPORTS.finish(hub)
    assert live(held_by("takedown")) == 0


@pytest.mark.parametrize(("most", "by_two"), [(0, True), (9, False)])
def test_two_persons_confirm_coercion_where_many_read_of_the_account(
    store: Store, joins: Joins, reports: Reports, held_by: Held, most: int, by_two: bool
) -> None:
    hub = Hub(store, hub_on(store).policy, most_readers_by_one=most)
    account = {"value": "DE89370400440532013000", "kind": "bank-account"}
    joins("First Bank", reads=["mule-accounts"])
    police = joins("Police", "government", ["mule-accounts"], authority=("bank-account",))
    reports(police, **account, confidence="99")
    reports(joins("Stranger", "telecom"), **account, holder_status="coerced")
    made = propose(hub, "approved")
    assert [proposal.action for proposal in made] == ["approve-coerced"] * by_two
    if by_two:
        lines = english(made[0].effects)
        assert any("mule-accounts" in line and "2 partners" in line for line in lines)
        assert live(held_by("mule-accounts")) == 1
        confirm(hub, made[0])
        assert live(held_by("mule-accounts")) == 0
        assert propose(hub, "rejected") == []


@pytest.mark.parametrize(("most", "tlp", "by_two"), [(0, "green", True), (5, "green", False), (5, "clear", True)])
def test_two_persons_decide_a_dispute_against_what_many_read(
    store: Store, joins: Joins, reports: Reports, records_of: Any, listed: Any, held_by: Held, most: int, tlp: str,
    by_two: bool,
) -> None:  # fmt: skip
    hub = Hub(store, hub_on(store).policy, most_readers_by_one=most)
    first, second = joins("First Bank", reads=["takedown", "public"]), joins("Second Bank", reads=["takedown"])
    said = reports(first, VALUE, tlp=tlp, confidence="90")
    police = joins("Police", "government", authority=("domain",))
    reports(police, VALUE, tlp=tlp, confidence="90")
    records_of(second, "outcome", of=listed(said), outcome="false-positive", reason="holder-verified")
    made = propose(hub, "rejected")
    assert bool(made) is by_two
    if by_two:
        assert any("takedown" in line and VALUE in line for line in english(made[0].effects))
        confirm(hub, made[0])
        assert live(held_by("takedown")) == 0


def test_two_persons_clear_an_objection_and_who_comes_later_finds_it_over(
    store: Store, joins: Joins, reports: Reports, held_by: Held
) -> None:
    hub = hub_on(store)
    reports(joins("First Bank", reads=["takedown"]), VALUE)
    with store.begin() as tx:
        objections.add(tx, Objection("o1", "domain", "own-business", None, None, now(), now()), [f"domain:{VALUE}"])
        made = two_persons.propose(hub, tx, CLEAR, {"id": "o1"}, "Anong")
    assert any("takedown" in line and "1 partners" in line for line in english(made.effects))
    confirm(hub, made)
    assert live(held_by("takedown")) == 0
    with store.read() as tx:
        assert (objections.find(tx, "o1").answer, objections.find(tx, "o1").decided_by) == ("cleared", "Boon")
    with pytest.raises(ValueError, match="has ended"), store.begin() as tx:
        two_persons.propose(hub, tx, CLEAR, {"id": "o1"}, "Anong")


@pytest.mark.parametrize(
    ("action", "given"), [(CLEAR, {"id": "o1"}), (RETRACT, {"subjects": [f"domain:{VALUE}"]})], ids=["clear", "retract"]
)
def test_another_reporter_makes_a_delisting_void_and_the_same_one_again_does_not(
    store: Store, joins: Joins, reports: Reports, stix: Any, post: Any, held_by: Held, action: TwoPersonAction,
    given: dict[str, Any],
) -> None:  # fmt: skip
    hub, bank = hub_on(store), joins("First Bank", reads=["takedown"])
    reports(bank, VALUE)
    with store.begin() as tx:
        objections.add(tx, Objection("o1", "domain", "own-business", None, None, now(), now()), [f"domain:{VALUE}"])

    def decided_after(reporter: Partner) -> str:
        with store.begin() as tx:
            made = two_persons.propose(hub, tx, action, given, "Anong")
        anew = stix(VALUE, reporter=reporter.name)[1] | {"id": f"indicator--{uuid.uuid4()}"}
        assert not post(anew, by=reporter).failed
        with store.begin() as tx:
            return two_persons.confirm(hub, tx, ACTIONS, made.id, "Boon").proposal.state

    assert decided_after(joins("Police", "government", authority=("domain",))) == "void"
    assert live(held_by("takedown")) == 1
    assert decided_after(bank) == "confirmed"
    assert live(held_by("takedown")) == 0


def test_two_persons_make_an_administrator(store: Store) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        made = two_persons.propose(hub, tx, MAKE_ADMIN, arguments("Chai"), "Anong")
        assert users.find(tx, "Chai") is None
    [line] = confirm(hub, made)
    assert line.code == ADMIN_LINK
    with store.read() as tx:
        assert users.of_link(tx, str(line.values["path"]).removeprefix("/welcome/")).role == OperatorRole.ADMIN
        assert not any("welcome" in str(effect) for effect in made.effects)


def test_an_operator_is_promoted_by_two_persons_and_a_partners_user_never(store: Store, bank: Partner) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        users.add(tx, "Dao", OperatorRole.ANALYST, "test")
        users.add(tx, "Ek", PartnerRole.ADMIN, "test", bank.name)
        made = two_persons.propose(hub, tx, MAKE_ADMIN, arguments("Dao"), "Anong")
        with pytest.raises(NameInUse):
            two_persons.propose(hub, tx, MAKE_ADMIN, arguments("Ek"), "Anong")
    assert confirm(hub, made) == []
    with store.read() as tx:
        assert users.get(tx, "Dao").role == OperatorRole.ADMIN


@pytest.mark.parametrize("name", ["", "\u200b", "x" * 61, "a\nb"])
def test_what_is_no_name_becomes_no_administrator(name: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        arguments(name)
