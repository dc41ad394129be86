"""The audience of a contribution: its TLP level, the shared collections, and with limits the private collections."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import marking
from schemas.partner import Partner, PartnerKind
from schemas.sharing import Sharing
from schemas.vocabulary import Purpose, Tlp
from server.release.route.policy import PUBLIC, SHARED, ConsensusFacts, Policy, ReportFacts, in_force
from server.store.partners import Registry

# What a partner of a kind uses reports for; for other purposes there is nobody.
PURPOSES: dict[PartnerKind, frozenset[str]] = {
    PartnerKind.BANK: frozenset({Purpose.FRAUD_PREVENTION}),
    PartnerKind.PLATFORM: frozenset({Purpose.FRAUD_PREVENTION}),
    PartnerKind.EXCHANGE: frozenset({Purpose.FRAUD_PREVENTION}),
    PartnerKind.TELECOM: frozenset({Purpose.FRAUD_PREVENTION}),
    PartnerKind.GOVERNMENT: frozenset({Purpose.FRAUD_PREVENTION, Purpose.LAW_ENFORCEMENT, Purpose.VICTIM_PROTECTION}),
    PartnerKind.NGO: frozenset({Purpose.VICTIM_PROTECTION}),
    PartnerKind.RESEARCH: frozenset({Purpose.RESEARCH}),
}
# Who can protect the holder of an account that is used under coercion.
_PROTECTING = frozenset({PartnerKind.BANK, PartnerKind.EXCHANGE, PartnerKind.GOVERNMENT})
_NOBODY: frozenset[str] = frozenset()
_UNLIMITED = Sharing()


class Audience(NamedTuple):
    """Where one contribution may be heard.

    ``shared`` are aliases without ``-full``. ``personal`` are names of partners, each with a room of its own, in
    place of the shared rooms ``instead``, which these partners read; ``named`` are those of them whom the contributor
    names, whatever they read.
    """

    shared: frozenset[str] = _NOBODY
    personal: frozenset[str] = _NOBODY
    named: frozenset[str] = _NOBODY
    instead: frozenset[str] = _NOBODY

    def readers(self, registry: Registry) -> frozenset[str]:
        """Give the names of all partners who may hear it, where nothing but itself is looked at."""
        return self.personal.union(*(registry.readers.get(alias, _NOBODY) for alias in self.shared))

    def reaches(self, name: str, registry: Registry) -> bool:
        """Tell whether that partner may hear it, in its own room or in a shared one that it reads."""
        return name in self.personal or any(name in registry.readers.get(alias, _NOBODY) for alias in self.shared)


def audience_of(
    kind: str,
    tlp: Tlp,
    sharing: Sharing | None,
    reporter: Partner,
    registry: Registry,
    policy: Policy | None = None,
    *,
    coerced: bool = False,
) -> Audience:
    """Give the rooms for what ``reporter`` says of a value of ``kind``, at the level ``tlp``.

    Without limits it enters the shared rooms that the policy gives. With limits it enters none, ever: it reaches the
    partners who would read it there, or whom it names, and whom every limit admits. ``coerced``: somebody says that
    the holder acts under coercion, which is a limit of its own.
    """
    homes = (policy or in_force()).aliases(ReportFacts(kind, tlp, reporter.kind))
    return audience_within(homes, tlp, sharing, reporter, registry, coerced=coerced)


def audience_within(
    homes: frozenset[str],
    tlp: Tlp,
    sharing: Sharing | None,
    reporter: Partner,
    registry: Registry,
    *,
    coerced: bool = False,
) -> Audience:
    """Give the rooms for what would enter the shared rooms ``homes`` if nothing limited it."""
    limits = sharing or _UNLIMITED
    if tlp in SHARED and not limits.limited and not coerced:
        return Audience(shared=homes)
    return _limited(homes, tlp, limits, reporter.name, registry, coerced=coerced)


# A file is of one contributor and has the same limits in each row.
@lru_cache(maxsize=1024)
def _limited(
    homes: frozenset[str], tlp: Tlp, limits: Sharing, reporter: str, registry: Registry, *, coerced: bool
) -> Audience:
    if not registry.called.issuperset(limits.not_to_partners):
        return Audience()  # whom that would keep out is not known
    candidates = [
        each
        for each in registry.partners.values()
        if each.name != reporter and _admits(limits, each, registry.names[each.name])
    ]
    named = frozenset(each.name for each in candidates if limits.only_partners)
    if limits.only_partners or tlp not in SHARED:
        return Audience(personal=named, named=named)
    if coerced:
        homes -= {PUBLIC}
        candidates = [each for each in candidates if each.kind in _PROTECTING]
    reading = _NOBODY.union(*(registry.readers.get(alias, _NOBODY) for alias in homes))
    return Audience(personal=frozenset(each.name for each in candidates if each.name in reading), instead=homes)


def admits_privately(
    name: str,
    rooms: Iterable[Audience],
    facts: ConsensusFacts,
    sources: Collection[ReportFacts],
    registry: Registry,
    policy: Policy,
) -> bool:
    """Tell whether a value enters the own room of a partner, which contributions with these ``rooms`` may enter.

    It does where one of them names the partner, or where a shared room in whose place that is would take it.
    """
    return any(
        name in each.named
        or any(
            name in registry.readers.get(alias, _NOBODY) and policy.admits(alias, facts, sources)
            for alias in each.instead
        )
        for each in rooms
        if name in each.personal
    )


def why_nowhere(
    kind: str,
    tlp: Tlp,
    sharing: Sharing | None,
    reporter: Partner,
    registry: Registry,
    policy: Policy | None = None,
    *,
    coerced: bool = False,
) -> str:
    """Say why a contribution for which ``of`` gives no rooms reaches nobody, and what to change."""
    limits = sharing or _UNLIMITED
    if not registry.called.issuperset(limits.not_to_partners):
        return "not_to_partners names somebody who is no partner here: write names or identities as registered"
    if tlp not in SHARED and not limits.only_partners:
        return f"TLP:{tlp.value.upper()} reaches only whom it names, and it names nobody: add only_partners"
    if limits.only_partners:
        return "nobody whom only_partners names takes part here and is admitted by the other limits"
    if not (policy or in_force()).aliases(ReportFacts(kind, tlp, reporter.kind)):
        return f"no rule of this hub lets a {kind} of this level and origin into any collection"
    if coerced:
        return "its holder acts under coercion: no bank, exchange or government that may hear it reads its collection"
    return "nobody who reads its collection is admitted by all its limits"


def _admits(limits: Sharing, partner: Partner, names: frozenset[str]) -> bool:
    """Tell whether every limit admits the partner that goes by ``names``; what is not known of it speaks against it."""
    if limits.only_partners and names.isdisjoint(limits.only_partners):
        return False
    if limits.not_to_partners and not names.isdisjoint(limits.not_to_partners):
        return False
    if limits.only_partner_kinds and partner.kind not in limits.only_partner_kinds:
        return False
    if limits.only_countries and partner.country not in limits.only_countries:
        return False
    if limits.not_to_countries and (partner.country is None or partner.country in limits.not_to_countries):
        return False
    return not limits.purposes or not PURPOSES[partner.kind].isdisjoint(limits.purposes)


UNKNOWN_MARKING = (
    "it bears a marking that this hub does not know as a level of TLP: contribute its marking-definition, with the "
    "level in its content, or mark it with TLP itself"
)
_NO_LEVELS: Mapping[str, Tlp] = MappingProxyType({})
_UNVERSIONED_NEUTRAL = frozenset({"marking-definition", "extension-definition", "identity"})


def effective_tlp(obj: Mapping[str, Any], others: Mapping[str, Tlp] = _NO_LEVELS) -> Tlp:
    """Give the level an object is treated at: the narrowest it is marked with, AMBER where it bears none.

    Observables, which say nothing about anybody by themselves, and definitions are CLEAR where they bear none.
    ``others`` are levels by the ids of markings that are not those of TLP itself.
    """
    neutral = "created" not in obj or obj["type"] in _UNVERSIONED_NEUTRAL
    return marking.tlp_of(obj, others) or (Tlp.CLEAR if neutral else Tlp.AMBER)


def narrower_tlp(one: Tlp, other: Tlp) -> Tlp:
    """Give the narrower of two levels."""
    return marking.narrowest((one, other)) or Tlp.RED
