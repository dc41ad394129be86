"""Payment aliases in STIX: ``user-account`` with the payment system as its type and the alias as its id."""

from typing import ClassVar

from mappers.kind import KindMapper, read_user_account, user_account
from mappers.pattern import Terms
from schemas.kind import Normal
from schemas.reference.aliases import SYSTEMS


class PaymentAliasMapper(KindMapper):
    """``[user-account:account_type = 'promptpay' AND user-account:user_id = '+66…']``."""

    kind: ClassVar[str] = "payment-alias"
    types: ClassVar[tuple[str, ...]] = ("user-account",)
    phase: ClassVar[str] = "monetization"

    def terms(self, normal: Normal) -> Terms:
        """Return the system as account type and the alias as its id."""
        system, _, alias = normal.value.partition(":")
        return user_account(system, alias)

    def normal(self, terms: Terms) -> Normal | None:
        """Return system and alias, None for an account of another type."""
        account = read_user_account(terms)
        return Normal(":".join(account)) if account and account[0] in SYSTEMS else None
