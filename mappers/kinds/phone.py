"""Telephone numbers in STIX: dogesec's ``phone-number``, which OpenCTI has too."""

from typing import ClassVar

from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal


class PhoneMapper(KindMapper):
    """``[phone-number:value = '+66…']``; numbers from elsewhere may lack the plus."""

    kind: ClassVar[str] = "phone"
    types: ClassVar[tuple[str, ...]] = ("phone-number",)
    new_sco: ClassVar[str | None] = "extension-definition--14a97ee2-e666-5ada-a6bd-b7177f79e211"
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Spell the number with its plus."""
        return Terms("phone-number", {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the number, with or without its plus."""
        if terms.properties.keys() != {"value"}:
            return None
        return Normal("+" + terms.properties["value"].removeprefix("+"))
