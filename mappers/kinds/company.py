"""Companies in STIX: ``user-account``, the entry that a company has in a register."""

from typing import ClassVar

from mappers import kind
from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal

_TYPE = "company-register"


class CompanyMapper(KindMapper):
    """``[user-account:account_type = 'company-register' AND user-account:user_id = 'GB:00000006']``."""

    kind: ClassVar[str] = "company"
    types: ClassVar[tuple[str, ...]] = ("user-account",)
    phase: ClassVar[str] = "resource-development"

    def terms(self, normal: Normal) -> Terms:
        """Spell register and number."""
        return kind.user_account(_TYPE, normal.value)

    def normal(self, terms: Terms) -> Normal | None:
        """Read register and number; an account of any other type is none."""
        account = kind.read_user_account(terms)
        return Normal(account[1]) if account and account[0] == _TYPE else None
