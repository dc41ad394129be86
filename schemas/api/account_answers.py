"""The JSON in which a keeper answers for what it keeps, and is told what became of each answer."""

from typing import Annotated

import msgspec

from schemas.api.lookup import RefusedValue
from schemas.qualification import QualificationCode

MOST_ANSWERS = 100
_CODES = "One of: " + ", ".join(QualificationCode) + "."


class AccountAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An answer about a ``value`` in any spelling that a report may have, or about a ``listing``, by its id.

    ``details`` are the columns of the value's kind, as ``bank``. ``note`` is for the hub's operator, and names no
    person.
    """

    code: Annotated[str, msgspec.Meta(max_length=40, description=_CODES)]
    value: str | None = None
    kind: str | None = None
    details: dict[str, str] = {}
    listing: str | None = None
    note: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None
    reference: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class AccountAnswersRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers of one request."""

    answers: Annotated[list[AccountAnswer], msgspec.Meta(min_length=1, max_length=MOST_ANSWERS)]


class AccountAnswerResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one answer: it counts, unless there is an ``error`` or it is ``held`` for a person."""

    code: str
    listing: str | None = None
    answer: str | None = None
    held: str | None = None
    error: RefusedValue | None = None


class AccountAnswersResponse(msgspec.Struct, frozen=True):
    """The results in the order in which the answers were given."""

    answers: list[AccountAnswerResult]
