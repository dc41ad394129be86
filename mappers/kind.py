"""Base classes of the kinds' spellings in STIX and MISP, and ``user-account`` for kinds without a STIX type."""

from abc import ABC, abstractmethod
from typing import ClassVar

from mappers import ids, misp_terms
from mappers.misp_terms import MispTerms
from mappers.pattern import Terms
from schemas.kind import Normal

_USER_ACCOUNT = "user-account"


class KindMapper(ABC):
    """Spelling of one kind: two inverse methods, ``terms`` and ``normal``.

    Each file of ``mappers/kinds`` defines one subclass; the file's presence registers it.

    ``kind`` is the name of the kind in ``schemas``; ``types`` the observable types that its terms may have;
    ``new_sco`` the id of the extension definition that introduces a type which STIX itself lacks; ``phase`` the phase
    of the Fight Fraud Framework (``mitre-f3``) in which scammers use such a value.
    """

    kind: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    new_sco: ClassVar[str | None] = None
    phase: ClassVar[str]

    @abstractmethod
    def terms(self, normal: Normal) -> Terms:
        """Return the observable's type and the properties that identify it."""

    @abstractmethod
    def normal(self, terms: Terms) -> Normal | None:
        """Return the normal form that ``terms`` spell, None if they spell nothing of this kind."""

    def observable_id(self, terms: Terms) -> str:
        """Return the observable's id, by the specification's rule unless that would give two things one id."""
        return f"{terms.type}--{ids.in_oasis(terms.properties)}"

    def opencti(self, normal: Normal) -> Terms:
        """Return terms that OpenCTI can store, for kinds whose own terms it cannot."""
        return self.terms(normal)

    def misp(self, normal: Normal) -> MispTerms | None:
        """Return the value as MISP spells it, by default by the observable's type; None if MISP has no type for it."""
        return misp_terms.misp_terms_of(self.terms(normal))


class ValueMapper(KindMapper):
    """Spelling of a kind whose observable has one identifying property, ``value``: ``[domain-name:value = 'x']``.

    The first of ``types`` is written, all of them are read.
    """

    def terms(self, normal: Normal) -> Terms:
        """Return the value as the property ``value``."""
        return Terms(self.types[0], {"value": normal.value})

    def normal(self, terms: Terms) -> Normal | None:
        """Return the property ``value``, None if there are other properties."""
        return Normal(terms.properties["value"]) if terms.properties.keys() == {"value"} else None


def user_account(account_type: str, user_id: str) -> Terms:
    """Return the terms of an account by type and id."""
    return Terms(_USER_ACCOUNT, {"account_type": account_type, "user_id": user_id})


def read_user_account(terms: Terms) -> tuple[str, str] | None:
    """Return type and id of an account that these two alone identify, None for any other thing."""
    if terms.type != _USER_ACCOUNT or terms.properties.keys() != {"account_type", "user_id"}:
        return None
    return terms.properties["account_type"], terms.properties["user_id"]
