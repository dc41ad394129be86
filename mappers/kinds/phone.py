"""Telephone numbers in STIX: ``phone-number`` (dogesec, OpenCTI); short codes and sender names: ``user-account``."""

from typing import ClassVar

from mappers.kind import KindMapper, read_user_account, user_account
from mappers.pattern import Terms
from schemas.kind import Normal

_SHORT_CODE, _SENDER = "short-code", "sms-sender"
_ACCOUNTS = {_SHORT_CODE, _SENDER}


class PhoneMapper(KindMapper):
    """``[phone-number:value = '+66…']``; numbers from elsewhere may lack the plus.

    A short code or sender name is not a number, and the same one belongs to another sender in another country:
    ``[user-account:account_type = 'sms-sender' AND user-account:user_id = 'TH:KBANK']``, and ``short-code`` likewise.
    """

    kind: ClassVar[str] = "phone"
    types: ClassVar[tuple[str, ...]] = ("phone-number", "user-account")
    new_sco: ClassVar[str | None] = "extension-definition--14a97ee2-e666-5ada-a6bd-b7177f79e211"
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Return the number with its plus, or the short code or sender name with its country."""
        if normal.value.startswith("+"):
            return Terms("phone-number", {"value": normal.value})
        account_type = _SHORT_CODE if normal.value[3:].isdecimal() else _SENDER
        return user_account(account_type, normal.value)

    def normal(self, terms: Terms) -> Normal | None:
        """Return the number, given with or without its plus, or the short code or sender name."""
        if account := read_user_account(terms):
            return Normal(account[1]) if account[0] in _ACCOUNTS else None
        if terms.type != "phone-number" or terms.properties.keys() != {"value"}:
            return None
        return Normal("+" + terms.properties["value"].removeprefix("+"))
