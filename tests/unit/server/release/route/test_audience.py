"""The audience of one contribution: an example of each rule."""

import pytest

from mappers import ids
from schemas.fields import Sharing
from schemas.partner import PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import Action, HolderStatus, Tlp
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.explain import explain_report
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
ACCOUNT = ReportReader({"reporter": "Newcomer", "reported_at": "2026-05-01T08:00:00.000Z"}).report(
    {"kind": "bank-account", "value": "GB33BUKB20201555555555"}
)


def of(tlp: Tlp = Tlp.AMBER, *, coerced: bool = False, here: Registry = HERE, **limits: object) -> Audience:
    sharing = Sharing.model_validate(limits) if limits else None
    return audience.audience_of("bank-account", tlp, sharing, REPORTER, here, Policy(), coerced=coerced)


def why(tlp: Tlp = Tlp.AMBER, *, coerced: bool = False, policy: Policy | None = None, **limits: object) -> str:
    sharing = Sharing.model_validate(limits) if limits else None
    status = HolderStatus.COERCED if coerced else None
    report = ACCOUNT.model_copy(update={"sharing": sharing, "holder_status": status})
    return explain_report(report, tlp, REPORTER, HERE, policy or Policy()).message


@pytest.mark.parametrize("tlp", [Tlp.GREEN, Tlp.AMBER])
def test_without_limits_it_enters_the_collection_of_its_kind(tlp: Tlp) -> None:
    assert of(tlp) == Audience(shared=frozenset({"mule-accounts"}))


def test_a_clear_report_enters_public_too() -> None:
    assert of(Tlp.CLEAR).shared == {"mule-accounts", "public"}


@pytest.mark.parametrize("tlp", [Tlp.AMBER_STRICT, Tlp.RED])
def test_narrow_report_without_named_partners_has_no_audience(tlp: Tlp) -> None:
    assert of(tlp) == Audience()
    assert "names none" in why(tlp)


@pytest.mark.parametrize("tlp", Tlp)
@pytest.mark.parametrize("entry", ["Police", ids.identity("Police")])
def test_named_partner_gets_it_regardless_of_grants(tlp: Tlp, entry: str) -> None:
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
def test_limited_report_reaches_readers_admitted_by_every_limit(limits: dict[str, object], readers: set[str]) -> None:
    found = of(**limits)
    assert found.shared == set()
    assert found.private == readers


def test_it_is_not_sent_back_to_its_reporter() -> None:
    assert of(only_partners=["Newcomer"]) == Audience()
    assert "Newcomer" not in of(not_to_countries=["KH"]).private


def test_former_partner_gets_nothing_even_if_named() -> None:
    assert of(only_partners=["Gone Bank"]) == Audience()


def test_excluding_a_former_partner_excludes_no_other() -> None:
    assert of(not_to_partners=["Gone Bank"]).private == set(READERS["mule-accounts"])


def test_excluding_an_unknown_partner_excludes_all() -> None:
    assert of(not_to_partners=["First Bnak"]) == Audience()
    assert "not a partner here" in why(not_to_partners=["First Bnak"])


def test_a_coerced_account_is_for_partners_that_can_protect_its_holder() -> None:
    found = of(Tlp.CLEAR, coerced=True)
    assert found.shared == set()
    assert found.private == {"First Bank", "Khmer Bank", "Stateless Bank", "Police"}


def test_limits_hold_under_coercion_too() -> None:
    assert of(coerced=True, not_to_countries=["KH"]).private == {"First Bank", "Police"}
    assert of(coerced=True, only_partners=["Shelter"]).private == {"Shelter"}
    assert of(Tlp.RED, coerced=True) == Audience()


def test_every_empty_audience_has_its_reason() -> None:
    closed = Policy([PolicyRule(collection="wallets", kinds=("wallet",))])
    assert "no rule of this hub" in why(policy=closed)
    assert "of the partners named in only_partners" in why(only_partners=["Gone Bank"])
    assert "within all its limits" in why(only_countries=["MM"])
    assert "under coercion" in why(coerced=True)


def test_a_rule_about_the_consensus_holds_for_private_collections_too() -> None:
    policy = Policy([PolicyRule(collection="mule-accounts", least_reporters=2)])
    source = ReportFacts("bank-account", Tlp.AMBER, PartnerKind.BANK)
    limited = audience.audience_of("bank-account", Tlp.AMBER, Sharing(not_to_countries=("KH",)), REPORTER, HERE, policy)
    named = audience.audience_of("bank-account", Tlp.RED, Sharing(only_partners=("Police",)), REPORTER, HERE, policy)
    alone, together = ConsensusFacts(Action.HOLD, reporters=1), ConsensusFacts(Action.HOLD, reporters=2)
    assert not audience.admits_privately("First Bank", [limited], alone, [source], HERE, policy)
    assert audience.admits_privately("First Bank", [limited], together, [source], HERE, policy)
    assert audience.admits_privately("Police", [limited, named], alone, [source], HERE, policy)
    assert not audience.admits_privately("First Bank", [named], together, [source], HERE, policy)
