"""Domains in STIX: ``domain-name``."""

from typing import ClassVar

from mappers.kind import ValueMapper


class DomainMapper(ValueMapper):
    """``[domain-name:value = 'x']``."""

    kind: ClassVar[str] = "domain"
    types: ClassVar[tuple[str, ...]] = ("domain-name",)
    phase: ClassVar[str] = "resource-development"
