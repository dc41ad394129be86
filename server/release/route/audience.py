"""The audience of a contribution: its TLP level, the shared collections, and with limits the private collections."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import marking
from schemas.fields import Sharing
from schemas.partner import Partner, PartnerKind
from schemas.vocabulary import SharingPurpose, Tlp
from server.release.route.policy import PUBLIC, SHARED, ConsensusFacts, Policy, ReportFacts
from server.store.partners import Registry

# The purposes for which partners of a kind use reports.
PURPOSES: dict[PartnerKind, frozenset[str]] = {
    PartnerKind.BANK: frozenset({SharingPurpose.FRAUD_PREVENTION}),
    PartnerKind.PLATFORM: frozenset({SharingPurpose.FRAUD_PREVENTION}),
    PartnerKind.EXCHANGE: frozenset({SharingPurpose.FRAUD_PREVENTION}),
    PartnerKind.TELECOM: frozenset({SharingPurpose.FRAUD_PREVENTION}),
    PartnerKind.GOVERNMENT: frozenset(
        {SharingPurpose.FRAUD_PREVENTION, SharingPurpose.LAW_ENFORCEMENT, SharingPurpose.VICTIM_PROTECTION}
    ),
    PartnerKind.NGO: frozenset({SharingPurpose.VICTIM_PROTECTION}),
    PartnerKind.RESEARCH: frozenset({SharingPurpose.RESEARCH}),
}
# Partners that can protect the holder of an account used under coercion.
_PROTECTING = frozenset({PartnerKind.BANK, PartnerKind.EXCHANGE, PartnerKind.GOVERNMENT})
_NOBODY: frozenset[str] = frozenset()
_UNLIMITED = Sharing()
_NO_LEVELS: Mapping[str, Tlp] = MappingProxyType({})
_UNVERSIONED_NEUTRAL = frozenset({"marking-definition", "extension-definition", "identity"})


class Audience(NamedTuple):
    """The possible readers of one contribution.

    ``shared`` are the shared collections that it may enter, as aliases without ``-full``. ``private`` are partners that
    get it in their private collections, instead of the shared collections ``in_place_of`` which they read. ``named``
    are the private readers that the contributor names, regardless of their collections.
    """

    shared: frozenset[str] = _NOBODY
    private: frozenset[str] = _NOBODY
    named: frozenset[str] = _NOBODY
    in_place_of: frozenset[str] = _NOBODY

    def readers(self, registry: Registry) -> frozenset[str]:
        """Return the names of all partners that may read it, as far as the contribution alone decides."""
        return self.private.union(*(registry.readers.get(alias, _NOBODY) for alias in self.shared))

    def includes(self, name: str, registry: Registry) -> bool:
        """Return whether a partner may read it, in its private collection or in a shared one."""
        return name in self.private or any(name in registry.readers.get(alias, _NOBODY) for alias in self.shared)


def audience_of(
    kind: str,
    tlp: Tlp,
    sharing: Sharing | None,
    reporter: Partner,
    registry: Registry,
    policy: Policy,
    *,
    coerced: bool = False,
) -> Audience:
    """Return the audience of a report of a value of ``kind`` with the level ``tlp``.

    Without limits, the report may enter the shared collections of the policy. With limits it enters none of them.
    Instead, partners that would read it there, or that it names, get it in private collections if every limit admits
    them. ``coerced``: the holder is reported to act under coercion, which is a limit too.
    """
    homes = policy.aliases(ReportFacts(kind, tlp, reporter.kind))
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
    """Return the audience of an object that would enter the shared collections ``homes`` without limits."""
    limits = sharing or _UNLIMITED
    if tlp in SHARED and not limits.limited and not coerced:
        return Audience(shared=homes)
    return _limited(homes, tlp, limits, reporter.name, registry, coerced=coerced)


# The rows of a file have one contributor and mostly the same limits.
@lru_cache(maxsize=1024)
def _limited(
    homes: frozenset[str], tlp: Tlp, limits: Sharing, reporter: str, registry: Registry, *, coerced: bool
) -> Audience:
    if not registry.called.issuperset(limits.not_to_partners):
        return Audience()  # it is unknown whom that should exclude
    candidates = [
        partner
        for partner in registry.partners.values()
        if partner.name != reporter and _admits(limits, partner, registry.names[partner.name])
    ]
    named = frozenset(partner.name for partner in candidates if limits.only_partners)
    if limits.only_partners or tlp not in SHARED:
        return Audience(private=named, named=named)
    if coerced:
        homes -= {PUBLIC}
        candidates = [partner for partner in candidates if partner.kind in _PROTECTING]
    reading = _NOBODY.union(*(registry.readers.get(alias, _NOBODY) for alias in homes))
    private = frozenset(partner.name for partner in candidates if partner.name in reading)
    return Audience(private=private, in_place_of=homes)


def admits_privately(
    name: str,
    audiences: Iterable[Audience],
    facts: ConsensusFacts,
    sources: Collection[ReportFacts],
    registry: Registry,
    policy: Policy,
) -> bool:
    """Return whether a value enters a partner's private collection, through reports with these ``audiences``.

    It does if one of the reports names the partner, or if the policy admits the value to a shared collection that the
    private one replaces.
    """
    return any(
        name in audience.named
        or any(
            name in registry.readers.get(alias, _NOBODY) and policy.admits(alias, facts, sources)
            for alias in audience.in_place_of
        )
        for audience in audiences
        if name in audience.private
    )


def _admits(limits: Sharing, partner: Partner, names: frozenset[str]) -> bool:
    """Return whether every limit admits a partner with these ``names``; an unknown country is not admitted."""
    if partner.peer:
        return False  # a peer reads hub reports
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


def effective_tlp(obj: Mapping[str, Any], others: Mapping[str, Tlp] = _NO_LEVELS) -> Tlp:
    """Return the level that applies to an object: the narrowest of its markings, AMBER if it has none.

    Observables and definitions without a marking are CLEAR: by themselves they accuse no person. ``others`` has the
    levels of markings that are not TLP's own, by id.
    """
    neutral = "created" not in obj or obj["type"] in _UNVERSIONED_NEUTRAL
    return marking.tlp_of(obj, others) or (Tlp.CLEAR if neutral else Tlp.AMBER)


def narrower_tlp(first: Tlp, second: Tlp) -> Tlp:
    """Return the narrower of two levels."""
    return marking.narrowest((first, second)) or Tlp.RED
