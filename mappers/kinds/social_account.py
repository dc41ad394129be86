"""Accounts on platforms in STIX: ``user-account`` with one identifier."""

from typing import ClassVar

from mappers.kind import KindMapper, user_account
from mappers.pattern import Terms
from schemas.kind import Normal
from schemas.reference.sites import PLATFORMS

_OWN_NUMBER = "id="


class SocialAccountMapper(KindMapper):
    """``[user-account:account_type = 'telegram' AND user-account:account_login = 'x']``, or with ``user_id``.

    The observable's id is made of type, id and login, so only one of the latter two is ever written: a handle as login,
    the platform's own number as id.
    """

    kind: ClassVar[str] = "social-account"
    types: ClassVar[tuple[str, ...]] = ("user-account",)
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Return platform and account."""
        platform, _, account = normal.value.partition(":")
        if account.startswith(_OWN_NUMBER):
            return user_account(platform, account.removeprefix(_OWN_NUMBER))
        return Terms("user-account", {"account_type": platform, "account_login": account})

    def normal(self, terms: Terms) -> Normal | None:
        """Return platform and account; of both id and login the login, by which people know the account."""
        properties = terms.properties
        platform = PLATFORMS.find(properties.get("account_type", ""))
        if platform is None:
            return None
        if login := properties.get("account_login"):
            return Normal(f"{platform.name}:{login}")
        if number := properties.get("user_id"):
            if "id" in platform.groups and not number.startswith("+"):
                return Normal(f"{platform.name}:{_OWN_NUMBER}{number}")
            return Normal(f"{platform.name}:{'+' * number.isdecimal()}{number}")  # a telephone number
        return None
