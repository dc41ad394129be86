"""Wallets in STIX: dogesec's ``cryptocurrency-wallet``, which OpenCTI has too."""

from typing import ClassVar

from mappers import misp_terms
from mappers.kind import KindMapper
from mappers.misp_terms import MispTerms
from mappers.pattern import Terms
from schemas.kind import Normal


class WalletMapper(KindMapper):
    """``[cryptocurrency-wallet:value = 'x']``; the type has no property for the chain, so our extension says it."""

    kind: ClassVar[str] = "wallet"
    types: ClassVar[tuple[str, ...]] = ("cryptocurrency-wallet",)
    new_sco: ClassVar[str | None] = "extension-definition--be78509e-6958-51b1-8b26-d17ee0eba2d7"
    phase: ClassVar[str] = "monetization"

    def terms(self, normal: Normal) -> Terms:
        """Spell the address."""
        return Terms("cryptocurrency-wallet", {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the address."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None

    def misp(self, normal: Normal) -> MispTerms:
        """Spell the address, in MISP with its chain."""
        return misp_terms.coin(normal.value, normal.details.get("chain"))
