"""E-mail addresses in STIX: ``email-addr``."""

from typing import ClassVar

from mappers.kind import ValueMapper


class EmailMapper(ValueMapper):
    """``[email-addr:value = 'x']``."""

    kind: ClassVar[str] = "email"
    types: ClassVar[tuple[str, ...]] = ("email-addr",)
    phase: ClassVar[str] = "initial-access"
