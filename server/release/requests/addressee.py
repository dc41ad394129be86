"""The addressee of a request: the partner that is named, or that keeps the account."""

from collections.abc import Iterable

from schemas.partner import Partner, PartnerKind
from schemas.subject import Subject
from server.release.fuse import grade
from server.store.partners import Registry

# Partners that requests go to and come from.
INSTITUTIONS = frozenset(
    {PartnerKind.BANK, PartnerKind.EXCHANGE, PartnerKind.PLATFORM, PartnerKind.TELECOM, PartnerKind.GOVERNMENT}
)


def named(registry: Registry, name_or_identity: str) -> Partner | None:
    """Return the partner of that name or identity that takes part, None where there is none."""
    if (partner := registry.partners.get(name_or_identity)) is not None:
        return partner
    found = registry.by_identity.get(name_or_identity)
    if found is None:
        found = next(
            (partner for partner in registry.partners.values() if name_or_identity in registry.names[partner.name]),
            None,
        )
    return found if found is not None and found.name in registry.partners else None


def addressee(registry: Registry, to: str | None, of: Subject) -> Partner | None:
    """Return the institution that a request is for: the one that it names, else the keeper; None where none is here."""
    found = keeper(registry, of) if to is None else named(registry, to)
    return found if found is not None and found.kind in INSTITUTIONS else None


def keeper(registry: Registry, of: Subject) -> Partner | None:
    """Return the partner that keeps an account; None where none does, or it is not known which of several."""
    found = _keepers(registry, of)
    if len({partner.counts_as for partner in found}) != 1:
        return None
    return min(found, key=lambda partner: partner.name)


def not_asked(registry: Registry, of: Subject, parties: Iterable[Partner]) -> list[Partner]:
    """Return the partners that keep an account and are of none of the parties' organisations."""
    asked = {partner.counts_as for partner in parties}
    return [partner for partner in _keepers(registry, of) if partner.counts_as not in asked]


def _keepers(registry: Registry, of: Subject) -> list[Partner]:
    return [
        partner for partner in registry.partners.values() if grade.keeps_account(partner, str(of.kind), str(of.value))
    ]
