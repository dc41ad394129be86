"""URLs in STIX: ``url``."""

from typing import ClassVar

from mappers.kind import ValueMapper


class UrlMapper(ValueMapper):
    """``[url:value = 'x']``."""

    kind: ClassVar[str] = "url"
    types: ClassVar[tuple[str, ...]] = ("url",)
    phase: ClassVar[str] = "initial-access"
