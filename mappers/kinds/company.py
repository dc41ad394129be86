"""Companies in STIX: ``user-account``, the company's entry in a register."""

from typing import ClassVar

from mappers.kind import KindMapper, read_user_account, user_account
from mappers.pattern import Terms
from schemas.kind import Normal

_TYPE = "company-register"


class CompanyMapper(KindMapper):
    """``[user-account:account_type = 'company-register' AND user-account:user_id = 'GB:00000006']``."""

    kind: ClassVar[str] = "company"
    types: ClassVar[tuple[str, ...]] = ("user-account",)
    phase: ClassVar[str] = "resource-development"

    def terms(self, normal: Normal) -> Terms:
        """Return register and number as the id of the entry."""
        return user_account(_TYPE, normal.value)

    def normal(self, terms: Terms) -> Normal | None:
        """Return register and number, None for an account of another type."""
        account = read_user_account(terms)
        return Normal(account[1]) if account and account[0] == _TYPE else None
