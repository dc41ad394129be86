"""Who may hear one contribution: each rule by an example."""

import pytest

from mappers import ids
from schemas.partner import PartnerKind
from schemas.sharing import Sharing
from schemas.vocabulary import Action, Tlp
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts, Policy, PolicyRule, ReportFacts
from server.store.partners import Registry
from tests.unit.server.release.route.registry_examples import partner, registry

BANK = partner("First Bank")
KHMER = partner("Khmer Bank", country="KH")
STATELESS = partner("Stateless Bank", country=None)
POLICE = partner("Police", PartnerKind.GOVERNMENT)
SHELTER = partner("Shelter", PartnerKind.NGO)
NEWCOMER = partner("Newcomer")
GONE = partner("Gone Bank")
READERS = {"mule-accounts": ["First Bank", "Khmer Bank", "Stateless Bank", "Police", "Shelter"], "public": ["Shelter"]}
HERE = registry([BANK, KHMER, STATELESS, POLICE, SHELTER, NEWCOMER], READERS, [GONE])
REPORTER = NEWCOMER


def of(tlp: Tlp = Tlp.AMBER, *, coerced: bool = False, here: Registry = HERE, **limits: object) -> Audience:
    said = Sharing.model_validate(limits) if limits else None
    return audience.audience_of("bank-account", tlp, said, REPORTER, here, Policy(), coerced=coerced)


def why(tlp: Tlp = Tlp.AMBER, *, coerced: bool = False, policy: Policy | None = None, **limits: object) -> str:
    said = Sharing.model_validate(limits) if limits else None
    return audience.why_nowhere("bank-account", tlp, said, REPORTER, HERE, policy, coerced=coerced)


@pytest.mark.parametrize("tlp", [Tlp.GREEN, Tlp.AMBER])
def test_without_limits_it_enters_the_room_of_its_kind(tlp: Tlp) -> None:
    assert of(tlp) == Audience(shared=frozenset({"mule-accounts"}))


def test_what_is_clear_enters_the_public_room_too() -> None:
    assert of(Tlp.CLEAR).shared == {"mule-accounts", "public"}


@pytest.mark.parametrize("tlp", [Tlp.AMBER_STRICT, Tlp.RED])
def test_what_names_nobody_at_the_narrow_levels_reaches_nobody(tlp: Tlp) -> None:
    assert of(tlp) == Audience()
    assert "names nobody" in why(tlp)


@pytest.mark.parametrize("tlp", Tlp)
@pytest.mark.parametrize("entry", ["Police", ids.identity("Police")])
def test_whom_it_names_gets_it_whatever_they_read(tlp: Tlp, entry: str) -> None:
    alone = registry([BANK, POLICE])
    assert of(tlp, here=alone, only_partners=[entry]).readers(alone) == {"Police"}


@pytest.mark.parametrize(
    ("limits", "readers"),
    [
        ({"not_to_countries": ["KH"]}, {"First Bank", "Police", "Shelter"}),
        ({"only_countries": ["KH"]}, {"Khmer Bank"}),
        ({"not_to_partners": ["First Bank"]}, {"Khmer Bank", "Stateless Bank", "Police", "Shelter"}),
        ({"only_partner_kinds": ["government", "ngo"]}, {"Police", "Shelter"}),
        ({"purposes": ["law-enforcement"]}, {"Police"}),
        ({"purposes": ["victim-protection"]}, {"Police", "Shelter"}),
        ({"onward": False}, {"First Bank", "Khmer Bank", "Stateless Bank", "Police", "Shelter"}),
        ({"only_partners": ["Police", "Khmer Bank"], "not_to_countries": ["KH"]}, {"Police"}),
    ],
    ids=lambda given: str(sorted(given)),
)
def test_with_limits_it_reaches_those_of_the_readers_whom_all_of_them_admit(
    limits: dict[str, object], readers: set[str]
) -> None:
    found = of(**limits)
    assert found.shared == set()
    assert found.personal == readers


def test_it_is_not_sent_back_to_who_says_it() -> None:
    assert of(only_partners=["Newcomer"]) == Audience()
    assert "Newcomer" not in of(not_to_countries=["KH"]).personal


def test_who_left_hears_nothing_even_where_named() -> None:
    assert of(only_partners=["Gone Bank"]) == Audience()


def test_to_keep_out_who_left_keeps_nobody_else_out() -> None:
    assert of(not_to_partners=["Gone Bank"]).personal == set(READERS["mule-accounts"])


def test_to_keep_out_a_stranger_keeps_everybody_out() -> None:
    assert of(not_to_partners=["First Bnak"]) == Audience()
    assert "no partner here" in why(not_to_partners=["First Bnak"])


def test_an_account_used_under_coercion_reaches_those_who_can_protect_its_holder() -> None:
    found = of(Tlp.CLEAR, coerced=True)
    assert found.shared == set()
    assert found.personal == {"First Bank", "Khmer Bank", "Stateless Bank", "Police"}


def test_limits_hold_under_coercion_too() -> None:
    assert of(coerced=True, not_to_countries=["KH"]).personal == {"First Bank", "Police"}
    assert of(coerced=True, only_partners=["Shelter"]).personal == {"Shelter"}
    assert of(Tlp.RED, coerced=True) == Audience()


def test_every_way_to_reach_nobody_has_its_reason() -> None:
    closed = Policy([PolicyRule(collection="wallets", kinds=("wallet",))])
    assert "no rule of this hub" in why(policy=closed)
    assert "whom only_partners names" in why(only_partners=["Gone Bank"])
    assert "admitted by all its limits" in why(only_countries=["MM"])
    assert "under coercion" in why(coerced=True)


def test_a_rule_about_all_reports_holds_for_own_rooms_too() -> None:
    policy = Policy([PolicyRule(collection="mule-accounts", least_reporters=2)])
    source = ReportFacts("bank-account", Tlp.AMBER, PartnerKind.BANK)
    limited = audience.audience_of("bank-account", Tlp.AMBER, Sharing(not_to_countries=("KH",)), REPORTER, HERE, policy)
    named = audience.audience_of("bank-account", Tlp.RED, Sharing(only_partners=("Police",)), REPORTER, HERE, policy)
    alone, together = ConsensusFacts(Action.HOLD, reporters=1), ConsensusFacts(Action.HOLD, reporters=2)
    assert not audience.admits_privately("First Bank", [limited], alone, [source], HERE, policy)
    assert audience.admits_privately("First Bank", [limited], together, [source], HERE, policy)
    assert audience.admits_privately("Police", [limited, named], alone, [source], HERE, policy)
    assert not audience.admits_privately("First Bank", [named], together, [source], HERE, policy)
