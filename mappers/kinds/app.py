"""Apps in STIX: ``software``, by a name that contains the operating system or store."""

from typing import ClassVar

from mappers.kind import KindMapper, MispTerms, misp_android_app
from mappers.pattern import Terms
from schemas.kind import Normal
from schemas.reference.sites import STORES


class AppMapper(KindMapper):
    """``[software:name = 'android:com.example.app']``.

    One property identifies the app: readers that look at one term at a time would take two apart, and a package name
    without its system may be another app's. ``[app:id = 'x']``, as lists of spyware have it, is read if the id names
    the system.
    """

    kind: ClassVar[str] = "app"
    types: ClassVar[tuple[str, ...]] = ("software", "app")
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Return the app as the name of its software."""
        return Terms("software", {"name": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Return the app, None for software whose name is only the one that people read."""
        key = "name" if terms.type == "software" else "id"
        if terms.properties.keys() != {key}:
            return None
        value = terms.properties[key]
        if key == "name" and (":" not in value or STORES.find(value.partition(":")[0]) is None):
            return None
        return Normal(value)

    def misp(self, normal: Normal) -> MispTerms | None:
        """Return the package of an Android app, None for other apps: MISP has no place for their system."""
        system, _, name = normal.value.partition(":")
        return misp_android_app(name) if system == "android" else None
