"""The base class of a kind's STIX and MISP spelling, and ``user-account`` for kinds without a STIX type."""

from abc import ABC, abstractmethod
from typing import ClassVar

from mappers import ids, misp_terms
from mappers.misp_terms import MispTerms
from mappers.pattern import Terms
from schemas.kind import Normal

_USER_ACCOUNT = "user-account"


class KindMapper(ABC):
    """One kind's spelling. A file of ``mappers/kinds`` defines one subclass, and is found by itself.

    ``kind`` is the name of the kind in ``schemas``; ``types`` the observable types that its terms may have;
    ``new_sco`` the id of the extension definition that introduces a type which STIX itself lacks; ``phase`` the phase
    of the Fight Fraud Framework (``mitre-f3``) at which such a thing is used.
    """

    kind: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    new_sco: ClassVar[str | None] = None
    phase: ClassVar[str]

    @abstractmethod
    def terms(self, normal: Normal) -> Terms:
        """Give the observable's type and the properties that identify it."""

    @abstractmethod
    def normal(self, terms: Terms) -> Normal | None:
        """Give back the normal form that ``terms`` spell, or None where they are none of this kind's."""

    def observable_id(self, terms: Terms) -> str:
        """Give the observable's id: by the specification's rule, unless that rule would join different things."""
        return f"{terms.type}--{ids.in_oasis(terms.properties)}"

    def opencti(self, normal: Normal) -> Terms:
        """Give the terms that OpenCTI can store, where ours are not."""
        return self.terms(normal)

    def misp(self, normal: Normal) -> MispTerms | None:
        """Give what says the value in MISP, by default for the observable's type; None where MISP has nothing."""
        return misp_terms.of(self.terms(normal))


def user_account(account_type: str, user_id: str) -> Terms:
    """Give the terms of an account by type and id."""
    return Terms(_USER_ACCOUNT, {"account_type": account_type, "user_id": user_id})


def read_user_account(terms: Terms) -> tuple[str, str] | None:
    """Give type and id of an account that is named by these two alone, None of any other thing."""
    if terms.type != _USER_ACCOUNT or terms.properties.keys() != {"account_type", "user_id"}:
        return None
    return terms.properties["account_type"], terms.properties["user_id"]
