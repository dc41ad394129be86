"""The subject of a record: an object by its id, or a value, which stands for its indicators."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import Reporter
from schemas.refang import refang
from schemas.report import MAX_VALUE

_ID_FORM = "[a-z][a-z0-9-]{2,60}--[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
ID = re.compile(_ID_FORM)
StixId = Annotated[str, Field(pattern=rf"^{_ID_FORM}$", max_length=100)]


class Subject(BaseModel):
    """An object by its id in ``ref``, or a ``value`` of a ``kind`` in its normal form.

    ``reporter`` names the partner whose indicator of the value is meant; without it, all indicators of the value.
    Written as one text, a subject is the id, or the value, alone or behind its kind: ``domain:shop.example.com``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: StixId | None = None
    kind: str | None = None
    value: Annotated[str | None, Field(max_length=MAX_VALUE)] = None
    details: Mapping[str, str] = {}
    reporter: Annotated[Reporter | None, Field(description="whose indicator of the value is meant")] = None

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, data: Any) -> Any:
        """Read a text, and bring a value into its kind's normal form."""
        fields = subject_of_text(data) if isinstance(data, str) else data
        if not isinstance(fields, Mapping) or not isinstance(fields.get("value"), str):
            return fields
        kind_name = fields.get("kind")
        details: Any = fields.get("details") or {}
        if not isinstance(kind_name, str | None) or not _are_texts(details):
            return fields  # the field's own check says so, with its name
        raw = refang(fields["value"][: MAX_VALUE + 1])
        kind = kinds.actual_kind(kinds.get(kind_name), raw) if kind_name else kinds.recognise(raw)
        normal = kind.normalise(raw, details)
        return {**fields, "kind": kind.name, "value": normal.value, "details": normal.details}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.ref is None) == (self.value is None):
            raise Rejected("no-subject", "the subject is missing: give the indicator's id, or a value and its kind")
        if self.ref is not None and (self.kind or self.reporter or self.details):
            raise Rejected("subject-twice", "the id names the object: leave out kind, details and reporter")
        return self


def _are_texts(details: Any) -> bool:
    return isinstance(details, Mapping) and all(isinstance(text, str) for text in details.values())


def subject_of_text(text: str) -> dict[str, str]:
    """Return a subject's fields from one text: an id, or a value, alone or behind its kind and a colon."""
    text = text.strip()
    if ID.fullmatch(text):
        return {"ref": text}
    kind, value = kinds.split(text)
    return {"kind": kind, "value": value} if kind else {"value": text}
