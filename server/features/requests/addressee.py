"""The addressee of a request: the named partner, the value's provider, or the platform or store that hosts it."""

from collections.abc import Iterable

from schemas.partner import Partner, PartnerKind, hosting_institution, store_institution
from schemas.records import Subject
from schemas.reference.hosts import split_address
from schemas.request import Request, RequestWord
from server.release.fuse import grade
from server.store.partners import Registry

# Partners that can send and receive requests.
INSTITUTIONS = frozenset(
    {PartnerKind.BANK, PartnerKind.EXCHANGE, PartnerKind.PLATFORM, PartnerKind.TELECOM, PartnerKind.GOVERNMENT}
)


def named(registry: Registry, name_or_identity: str) -> Partner | None:
    """Return the active partner with that name or identity, if there is one; a peer is no party of a request."""
    found = registry.partners.get(name_or_identity) or registry.by_identity.get(name_or_identity)
    if found is None:
        found = next(
            (partner for partner in registry.partners.values() if name_or_identity in registry.names[partner.name]),
            None,
        )
    return found if found is not None and found.name in registry.partners and not found.peer else None


def addressee(registry: Registry, request: Request, to: str | None = None) -> Partner | None:
    """Return the institution that a request is for; None if there is none here, or if several are possible.

    It is the partner ``to``, else the named one, else the value's provider. A ``take-down`` of a page or an app is for
    the partner that is the platform or store at its address.
    """
    to = to or request.addressee
    if to is not None:
        found = named(registry, to)
    elif request.asks == RequestWord.TAKE_DOWN and (host := _host(request)):
        found = _only(partner for partner in registry.partners.values() if host in partner.institutions)
    else:
        found = provider(registry, request.of)
    return found if found is not None and found.kind in INSTITUTIONS else None


def _host(request: Request) -> str | None:
    """Return the platform or store that hosts a page or an app, as an institution; None for other values."""
    kind, value = str(request.of.kind), str(request.of.value)
    if kind == "domain":
        return hosting_institution(value)
    if kind == "url":
        address = split_address(value)
        return None if address is None else hosting_institution(address.host)
    if kind != "app":
        return None
    if (address := split_address(request.location or "")) is not None and (found := hosting_institution(address.host)):
        return found
    return store_institution(value.partition(":")[0])


def provider(registry: Registry, of: Subject) -> Partner | None:
    """Return the provider of an account; None if there is none, or if several are possible."""
    return _only(_providers(registry, of))


def _only(partners: Iterable[Partner]) -> Partner | None:
    """Return the first partner by name; None if there is none, or if they belong to several organisations."""
    found = sorted((partner for partner in partners if not partner.peer), key=lambda partner: partner.name)
    return found[0] if len({partner.counts_as for partner in found}) == 1 else None


def not_asked(registry: Registry, of: Subject, parties: Iterable[Partner]) -> list[Partner]:
    """Return the providers of an account that belong to none of the parties' organisations."""
    asked = {partner.counts_as for partner in parties}
    return [partner for partner in _providers(registry, of) if partner.counts_as not in asked]


def _providers(registry: Registry, of: Subject) -> list[Partner]:
    return [
        partner
        for partner in registry.partners.values()
        if not partner.peer and grade.keeps_account(partner, str(of.kind), str(of.value))
    ]
