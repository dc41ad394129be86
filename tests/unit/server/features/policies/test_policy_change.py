"""Two persons change the release rules, and first read the effects on real reports."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas import timestamp
from schemas.partner import Partner
from server.features.policies import change, history
from server.features.policies.operations import ProposePolicy
from server.features.policies.trial import try_policy
from server.operations import dual_control
from server.operations.operation import Actor
from server.operations.run import run
from server.operations.sentences import english
from server.release import republish
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.query.active import indicators
from server.release.republish import NAME_OF_CHANGE
from server.release.route.policy import BadPolicy, Policy, parse_policy, policy_to_toml
from server.release.trial import MOST_EXAMPLES, PRIVATE, TrialResult
from server.store import Store, audit_search, collections, hub_identity, jobs
from server.store.item import Item
from server.store.policies import policies
from server.store.proposals import proposals
from tests.unit.server.release.hubs import NOBODY_NEW

Stix = Callable[..., list[dict[str, Any]]]
STRICT = '[[rule]]\ncollection = "takedown"\nkinds = ["domain"]\nleast_reporters = 2\n'
OPEN = '[[rule]]\ncollection = "takedown"\nkinds = ["domain", "url"]\n'


@pytest.fixture
def hub(store: Store) -> Hub:
    return Hub(store, Policy(newcomers=NOBODY_NEW))


def report(hub: Hub, partner: Partner, objects: list[dict[str, Any]]) -> None:
    with hub.store.begin() as tx:
        contribute(hub, tx, partner, [Item.of(obj) for obj in objects])


def listed(hub: Hub, alias: str = "takedown") -> int:
    with hub.store.read() as tx:
        return len(list(indicators(tx, collections.get(tx, alias), timestamp.now())))


def propose(hub: Hub, text: str, by: str = "Anong") -> str:
    return run(hub, ProposePolicy.tried(hub, text, "fewer mistakes"), Actor.system(by)).id


def confirm(hub: Hub, id_: str, by: str = "Boon") -> str:
    with hub.store.begin() as tx:
        return dual_control.confirm(hub, tx, {change.NAME: change.ACTION}, id_, by).proposal.state


def tried(hub: Hub, text: str, **limits: Any) -> TrialResult:
    with hub.store.read() as tx:
        return try_policy(hub, tx, parse_policy(text), **limits)


def test_confirmed_rules_apply_from_the_next_report(hub: Hub, bank: Partner, stix: Stix) -> None:
    assert confirm(hub, propose(hub, STRICT)) == "confirmed"
    report(hub, bank, stix("one.example.com"))
    assert listed(hub) == 0
    assert confirm(hub, propose(hub, OPEN)) == "confirmed"
    report(hub, bank, stix("two.example.com"))
    assert listed(hub) == 1


def test_another_process_uses_the_confirmed_rules_too(hub: Hub, bank: Partner, stix: Stix) -> None:
    elsewhere = Hub(hub.store, Policy(newcomers=NOBODY_NEW))
    report(elsewhere, bank, stix("one.example.com"))
    confirm(hub, propose(hub, STRICT))
    report(elsewhere, bank, stix("two.example.com"))
    assert listed(hub) == 1


def test_existing_listings_follow_by_background_work(hub: Hub, bank: Partner, stix: Stix) -> None:
    report(hub, bank, stix("one.example.com"))
    assert listed(hub) == 1
    confirm(hub, propose(hub, STRICT))
    with hub.store.read() as tx:
        [job] = jobs.unfinished(tx)
    assert job.name == NAME_OF_CHANGE
    assert republish.resume(hub, idle_since=job.saved + 1) == 1
    assert listed(hub) == 0


def test_proposal_shows_changed_lines_and_their_effects(hub: Hub, bank: Partner, stix: Stix) -> None:
    report(hub, bank, stix("one.example.com"))
    confirm(hub, propose(hub, OPEN))
    id_ = propose(hub, STRICT)
    with hub.store.read() as tx:
        lines = english(proposals.find(tx, id_).effects)
    assert "+least_reporters = 2" in lines
    assert any(line.startswith("-kinds") for line in lines)
    assert "takedown: 1 listings, then 0" in lines


def test_a_proposal_is_void_once_other_rules_are_in_force(hub: Hub) -> None:
    first, second = propose(hub, STRICT), propose(hub, OPEN)
    assert confirm(hub, second) == "confirmed"
    assert confirm(hub, first) == "void"


def test_person_cannot_confirm_the_own_proposal(hub: Hub) -> None:
    with pytest.raises(dual_control.NotAllowed):
        confirm(hub, propose(hub, STRICT, "Anong"), "anong ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no \\[\\[rule\\]\\] table"),
        ("[[rule]", "not TOML"),
        ('title = "mine"\n' + OPEN, "title: a policy has"),
        ('[[rule]]\ncollection = "missing"\n', "there is no shared collection 'missing'"),
        ('[[rule]]\ncollection = "public"\ntlp = "green"\n', "only tlp clear"),
        ("#" * 70_000, "65536 characters"),
    ],
)
def test_malformed_policy_cannot_be_proposed(hub: Hub, text: str, why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        propose(hub, text)


def test_the_rules_in_force_cannot_be_proposed_again(hub: Hub) -> None:
    with pytest.raises(BadPolicy, match="in force"):
        propose(hub, policy_to_toml(Policy()))


def test_configured_rules_apply_and_others_cannot_be_proposed(store: Store, bank: Partner, stix: Stix) -> None:
    confirm(Hub(store), propose(Hub(store), OPEN))
    configured = Hub(store, parse_policy(STRICT))
    report(configured, bank, stix("one.example.com"))
    assert listed(configured) == 0
    with pytest.raises(BadPolicy, match="configuration"):
        propose(configured, OPEN)


def test_a_trial_counts_before_and_after_and_changes_nothing(hub: Hub, bank: Partner, stix: Stix) -> None:
    for number in range(30):
        report(hub, bank, stix(f"shop{number}.example.com"))
    result = tried(hub, STRICT)
    assert (result.reports, result.values, result.changed, result.is_whole) == (30, 30, 30, True)
    assert (result.before, result.after) == ({"takedown": 30}, {})
    assert len(result.examples) == MOST_EXAMPLES
    assert result.examples[0].before.shared["takedown"]
    assert not result.examples[0].after.shared
    assert listed(hub) == 30


def test_a_trial_counts_private_collections_together(hub: Hub, bank: Partner, other: Partner, stix: Stix) -> None:
    with hub.store.begin() as tx:
        collections.grant(tx, other.name, collections.get(tx, "takedown"), read=True)
    objects = stix("one.example.com", only_countries="TH")
    report(hub, bank, objects)
    result = tried(hub, STRICT)
    assert (result.before, result.after) == ({PRIVATE: 1}, {})
    assert list(result.examples[0].before.private) == [other.name]


def test_trial_warns_of_kinds_without_a_sample(hub: Hub, bank: Partner, stix: Stix) -> None:
    report(hub, bank, stix("one.example.com"))
    wallets = OPEN + '[[rule]]\ncollection = "wallets"\nkinds = ["wallet", "domain"]\n'
    confirm(hub, propose(hub, OPEN))
    assert list(tried(hub, wallets).unseen) == ["wallet"]
    assert not tried(hub, OPEN).unseen
    id_ = propose(hub, wallets)
    with hub.store.read() as tx:
        lines = english(proposals.find(tx, id_).effects)
    assert "none of them was about wallet: the effect of the rules on these kinds is unknown" in lines


def test_others_write_while_a_proposal_is_tried(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def tried_slowly(*given: Any, **limits: Any) -> TrialResult:
        with hub.store.begin() as tx:  # a writer would wait forever for a transaction that had begun to write
            hub_identity.note_warning(tx, hub_identity.NO_FOCAL_POINT)
        return try_policy(*given, **limits)

    monkeypatch.setattr(change, "try_policy", tried_slowly)
    assert confirm(hub, propose(hub, STRICT)) == "confirmed"


def test_trial_ends_with_its_time_or_its_reports(hub: Hub, bank: Partner, stix: Stix) -> None:
    for number in range(3):
        report(hub, bank, stix(f"shop{number}.example.com"))
    assert tried(hub, STRICT, most=2).values == 2
    late = tried(hub, STRICT, seconds=-1.0)
    assert (late.values, late.is_whole) == (0, False)


def test_the_same_rules_change_nothing(hub: Hub, bank: Partner, stix: Stix) -> None:
    report(hub, bank, stix("one.example.com"))
    result = tried(hub, policy_to_toml(Policy()))
    assert result.changed == 0
    assert result.before == result.after


def test_history_names_each_policy_with_its_persons(hub: Hub) -> None:
    assert history.note_now(hub)
    assert not history.note_now(hub)
    confirm(hub, propose(hub, STRICT))
    assert not history.note_now(hub)
    assert history.note_now(Hub(hub.store, parse_policy(OPEN)))
    with hub.store.read() as tx:
        found = history.history(tx)
        [event] = [entry.event for entry in audit_search.search(tx)[0] if entry.event.route == "policy"]
    assert [change.policy.source for change in found] == ["configuration", "decided", "default"]
    decided = found[1].policy
    assert (decided.proposed_by, decided.confirmed_by, decided.note) == ("Anong", "Boon", "fewer mistakes")
    assert "+least_reporters = 2" in found[1].diff
    assert event.reference == "policy 2"


def test_history_is_paged(hub: Hub) -> None:
    for text in (STRICT, OPEN, STRICT):
        confirm(hub, propose(hub, text))
    with hub.store.read() as tx:
        [last] = history.history(tx, limit=1)
        [before] = history.history(tx, before=last.policy.number, limit=1)
        assert policies.get(tx, 1).rules == last.policy.rules
    assert "-least_reporters = 2" in before.diff
