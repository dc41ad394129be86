"""Aliases of payment systems in STIX: ``user-account``, the system as its type and the alias as its id."""

from typing import ClassVar

from mappers import kind
from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal
from schemas.reference.aliases.systems import SYSTEMS


class PaymentAliasMapper(KindMapper):
    """``[user-account:account_type = 'promptpay' AND user-account:user_id = '+66…']``."""

    kind: ClassVar[str] = "payment-alias"
    types: ClassVar[tuple[str, ...]] = ("user-account",)
    phase: ClassVar[str] = "monetization"

    def terms(self, normal: Normal) -> Terms:
        """Spell system and alias."""
        system, _, alias = normal.value.partition(":")
        return kind.user_account(system, alias)

    def normal(self, terms: Terms) -> Normal | None:
        """Read system and alias; an account of any other type is none."""
        account = kind.read_user_account(terms)
        return Normal(":".join(account)) if account and account[0] in SYSTEMS else None
