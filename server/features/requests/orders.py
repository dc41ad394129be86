"""Orders of authorities as legal bases: the partners that may send them, and the hops that do not carry them."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.partner import Partner, PartnerKind
from schemas.request import LegalBasis, Request
from schemas.takedown import TakedownBasis

# The legal bases that are orders, each with the kinds of partner that may send it. The partner also needs authority for
# the kind of the value. Any institution may use every other basis.
ORDERS: Mapping[LegalBasis, frozenset[PartnerKind]] = MappingProxyType(
    {
        LegalBasis.COURT_ORDER: frozenset({PartnerKind.GOVERNMENT}),
        LegalBasis.POLICE_ORDER: frozenset({PartnerKind.GOVERNMENT}),
        LegalBasis.PROSECUTOR_ORDER: frozenset({PartnerKind.GOVERNMENT}),
        LegalBasis.FIU_ORDER: frozenset({PartnerKind.GOVERNMENT}),
    }
)


_ANY_ORDER = frozenset({PartnerKind.GOVERNMENT})


def orderers(request: Request) -> frozenset[PartnerKind] | None:
    """Return the kinds of partner that may send a request; None if it is no order, which any institution may send."""
    if request.basis is TakedownBasis.ORDER:
        return _ANY_ORDER
    return None if request.legal_basis is None else ORDERS.get(request.legal_basis)


def is_authority_known(sender: Partner | None, request: Request) -> bool | None:
    """Return whether the hub knows that the sender may give the order; None if the legal basis is not an order.

    ``sender`` is None if it is not a partner, or no longer one.
    """
    kinds = orderers(request)
    if kinds is None:
        return None
    return sender is not None and sender.kind in kinds and str(request.of.kind) in sender.authority


def needs_confirmation(sender: PartnerKind, request: Request) -> bool:
    """Return whether an authority has to confirm a hop of its request before it reaches an addressee in its name."""
    return request.legal_basis in ORDERS or sender is PartnerKind.GOVERNMENT
