"""Wallets in STIX: ``cryptocurrency-wallet``, introduced by dogesec and known to OpenCTI too."""

from typing import ClassVar

from mappers.kind import MispTerms, ValueMapper, misp_coin
from schemas.kind import Normal


class WalletMapper(ValueMapper):
    """``[cryptocurrency-wallet:value = 'x']``; the type has no property for the chain, our extension carries it."""

    kind: ClassVar[str] = "wallet"
    types: ClassVar[tuple[str, ...]] = ("cryptocurrency-wallet",)
    new_sco: ClassVar[str | None] = "extension-definition--be78509e-6958-51b1-8b26-d17ee0eba2d7"
    phase: ClassVar[str] = "monetization"

    def misp(self, normal: Normal) -> MispTerms:
        """Return the address with its chain, for which MISP has a place."""
        return misp_coin(normal.value, normal.details.get("chain"))
