"""Dual control of far-reaching decisions: allowlisted values, delistings, administrators."""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.partner import Partner
from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.features.partners.depart import Departure
from server.features.partners.departures import RETRACT_REPORTS
from server.features.partners.operations import RemovePartner
from server.features.people.admins import ADMIN_LINK, MAKE_ADMIN, arguments
from server.features.proposals.effect_texts import EFFECT_TEXTS
from server.features.reports.delistings import CLEAR, RETRACT
from server.features.reviews.of_reviews import actions_of, propose_all
from server.operations import dual_control, registry
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor
from server.operations.run import run
from server.operations.sentences import SENTENCES, english
from server.release import batches
from server.release.hub import Hub
from server.release.results import Results
from server.store import Store, partners, reviews
from server.store.database.times import now
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
    """Propose a decision on all open reviews under dual control."""
    with hub.store.begin() as tx:
        found = reviews.all_reviews(tx, "open")
        actions = actions_of(hub, tx, found, state)
        shown = {review.object_id: Effect("review", {"id": review.object_id}) for review in found}
        return propose_all(hub, tx, actions, state, "Anong", None, shown)


def confirm(hub: Hub, made: Proposal) -> Sequence[Effect]:
    with hub.store.begin() as tx:
        found, done = dual_control.confirm(hub, tx, registry.actions(), made.id, "Boon")
    assert found.state == "confirmed"
    return done


def live(held: dict[str, dict[str, Any]]) -> int:
    return sum(obj["type"] == "indicator" and not obj.get("revoked") for obj in held.values())


def test_the_pages_have_a_sentence_for_each_line_with_the_same_fields() -> None:
    fields = {code: set(re.findall(r"{(\w+)}", text)) for code, text in SENTENCES.items()}
    assert fields == {code: set(re.findall(r"%\((\w+)\)s", text)) for code, text in EFFECT_TEXTS.items()}


def test_a_line_without_a_known_code_is_its_own_text() -> None:
    assert english([Effect("a {line} of before")]) == ["a {line} of before"]


def test_approving_an_allowlisted_value_needs_two_persons(
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
def test_retracting_widely_read_reports_of_a_leaving_partner_needs_two_persons(
    store: Store, joins: Joins, reports: Reports, held_by: Held, most: int, tlp: str, by_two: bool
) -> None:
    hub = Hub(store, hub_on(store).policy, most_readers_by_one=most)
    leaver = joins("Leaving Bank", reads=["takedown"])
    reports(leaver, VALUE, tlp=tlp)
    joins("Reader", reads=["takedown"])
    anong = Actor("Anong", "admin")
    proposed = run(hub, RemovePartner(partner=leaver, reason="it was not who it said"), anong)
    with store.read() as tx:
        assert "Leaving Bank" in partners.departed_partners(tx)
    assert (proposed is not None) == by_two
    list(batches.run(hub, Departure(hub, "Leaving Bank")))
    assert live(held_by("takedown")) == by_two
    if proposed is not None:
        assert "it was not who it said" in english(proposed.effects)[0]
        confirm(hub, proposed)
        assert run(hub, RemovePartner(partner=leaver, reason="again"), anong) is None
        assert RETRACT_REPORTS.finish is not None
        RETRACT_REPORTS.finish(hub)
    assert live(held_by("takedown")) == 0


@pytest.mark.parametrize(("most", "by_two"), [(0, True), (9, False)])
def test_confirming_coercion_of_a_widely_read_account_needs_two_persons(
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
def test_delisting_a_widely_read_value_in_dispute_needs_two_persons(
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


def test_clearing_an_objection_needs_two_persons_and_ends_it(
    store: Store, joins: Joins, reports: Reports, held_by: Held
) -> None:
    hub = hub_on(store)
    reports(joins("First Bank", reads=["takedown"]), VALUE)
    with store.begin() as tx:
        objections.add(tx, Objection("o1", "domain", "own-business", None, None, now(), now()), [f"domain:{VALUE}"])
        made = dual_control.propose(hub, tx, CLEAR, {"id": "o1"}, "Anong")
    assert any("takedown" in line and "1 partners" in line for line in english(made.effects))
    confirm(hub, made)
    assert live(held_by("takedown")) == 0
    with store.read() as tx:
        assert (objections.find(tx, "o1").answer, objections.find(tx, "o1").decided_by) == ("cleared", "Boon")
    with pytest.raises(ValueError, match="has ended"), store.begin() as tx:
        dual_control.propose(hub, tx, CLEAR, {"id": "o1"}, "Anong")


@pytest.mark.parametrize(
    ("action", "given"), [(CLEAR, {"id": "o1"}), (RETRACT, {"subjects": [f"domain:{VALUE}"]})], ids=["clear", "retract"]
)
def test_another_reporter_voids_a_delisting_and_a_repeat_does_not(
    store: Store, joins: Joins, reports: Reports, stix: Any, post: Any, held_by: Held, action: DualControlAction,
    given: dict[str, Any],
) -> None:  # fmt: skip
    hub, bank = hub_on(store), joins("First Bank", reads=["takedown"])
    reports(bank, VALUE)
    with store.begin() as tx:
        objections.add(tx, Objection("o1", "domain", "own-business", None, None, now(), now()), [f"domain:{VALUE}"])

    def decided_after(reporter: Partner) -> str:
        with store.begin() as tx:
            made = dual_control.propose(hub, tx, action, given, "Anong")
        anew = stix(VALUE, reporter=reporter.name)[1] | {"id": f"indicator--{uuid.uuid4()}"}
        assert not post(anew, by=reporter).failed
        with store.begin() as tx:
            return dual_control.confirm(hub, tx, registry.actions(), made.id, "Boon").proposal.state

    assert decided_after(joins("Police", "government", authority=("domain",))) == "void"
    assert live(held_by("takedown")) == 1
    assert decided_after(bank) == "confirmed"
    assert live(held_by("takedown")) == 0


def test_adding_an_administrator_needs_two_persons(store: Store) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        made = dual_control.propose(hub, tx, MAKE_ADMIN, arguments("Chai"), "Anong")
        assert users.find(tx, "Chai") is None
    [line] = confirm(hub, made)
    assert line.code == ADMIN_LINK
    with store.read() as tx:
        assert users.of_link(tx, str(line.values["path"]).removeprefix("/welcome/")).role == OperatorRole.ADMIN
        assert not any("welcome" in str(effect) for effect in made.effects)


def test_operator_promotion_needs_two_persons_and_partner_users_are_excluded(store: Store, bank: Partner) -> None:
    hub = hub_on(store)
    with store.begin() as tx:
        users.add(tx, "Dao", OperatorRole.ANALYST, "test")
        users.add(tx, "Ek", PartnerRole.ADMIN, "test", bank.name)
        made = dual_control.propose(hub, tx, MAKE_ADMIN, arguments("Dao"), "Anong")
        with pytest.raises(NameInUse):
            dual_control.propose(hub, tx, MAKE_ADMIN, arguments("Ek"), "Anong")
    assert confirm(hub, made) == []
    with store.read() as tx:
        assert users.get(tx, "Dao").role == OperatorRole.ADMIN


@pytest.mark.parametrize("name", ["", "\u200b", "x" * 61, "a\nb"])
def test_malformed_name_cannot_become_administrator(name: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        arguments(name)
