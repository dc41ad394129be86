"""Apps in STIX: ``software``, by a name that says the system too."""

from typing import ClassVar

from mappers import misp_terms
from mappers.kind import KindMapper
from mappers.misp_terms import MispTerms
from mappers.pattern import Terms
from schemas.kind import Normal
from schemas.reference import stores


class AppMapper(KindMapper):
    """``[software:name = 'android:com.example.app']``.

    One property says it all: two would be taken apart by readers that look at one term at a time, and a package's
    name without its system is another app's. ``[app:id = 'x']``, as lists of spyware have it, is read where it says
    the system.
    """

    kind: ClassVar[str] = "app"
    types: ClassVar[tuple[str, ...]] = ("software", "app")
    phase: ClassVar[str] = "initial-access"

    def terms(self, normal: Normal) -> Terms:
        """Spell the app."""
        return Terms("software", {"name": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Read the app; software that is named for people is none of ours."""
        key = "name" if terms.type == "software" else "id"
        if terms.properties.keys() != {key}:
            return None
        value = terms.properties[key]
        if key == "name" and (":" not in value or stores.find(value.partition(":")[0]) is None):
            return None
        return Normal(value)

    def misp(self, normal: Normal) -> MispTerms | None:
        """Spell a package for Android; MISP has no place where the system of others would be said."""
        system, _, name = normal.value.partition(":")
        return misp_terms.android_app(name) if system == "android" else None
