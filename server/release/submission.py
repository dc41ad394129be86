"""Contributed objects, read once: parsed, checked by the guard as far as that needs no store, and read as a report."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mappers import common_objects, extension, request_note
from mappers.grammar import TOO_COSTLY, PatternBudget
from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.reference import currencies
from schemas.report import Report
from schemas.request import Request, RequestAnswer
from server.release.guard import stix_properties
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.guard.allowlists.lookup import Allowlists
from server.release.guard.personal_data import objects
from server.release.reasons import Reason
from server.release.results import Unpublished
from server.release.route import annotation_targets
from server.store import value_index
from server.store.item import Item

logger = logging.getLogger(__name__)

# Ids of objects that the hub itself publishes in every collection.
RESERVED = common_objects.reserved_ids()
TRANSLATION = "language-content"
MARKING = "marking-definition"
_NOTHING: dict[str, Any] = {}


@dataclass(slots=True)
class Submission:
    """An object version as it was contributed; ``report`` is an indicator's report, or the refusal to read one.

    ``match`` is the allowlist entry that the report's value is on, ``subject`` names the value, None where the object
    reports no single one. ``key`` is the object's key in the inbox. ``refs`` are the ids of the objects that it is
    about.
    """

    item: Item
    obj: dict[str, Any]
    report: Report | Rejected | None = None
    match: AllowlistMatch | None = None
    subject: str | None = None
    key: str = ""
    refs: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Read the objects that it is about, once."""
        self.refs = annotation_targets.refs(self.obj)

    @property
    def size(self) -> int:
        """Return its size in a partner's volume: 1, or the number of its references for an opinion or sighting."""
        return max(1, len(self.refs)) if self.obj["type"] in ("opinion", "sighting") else 1


class RequestNote(NamedTuple):
    """A note by which a partner sends a request to another institution, or answers one; never kept as it came."""

    item: Item
    obj: dict[str, Any]
    content: Request | RequestAnswer


@dataclass
class Prepared:
    """The objects that could be read, and those refused: all that takes time and needs no store."""

    submissions: list[Submission] = field(default_factory=list)
    failed: list[Unpublished] = field(default_factory=list)
    request_notes: list[RequestNote] = field(default_factory=list)


def prepare(items: Sequence[Item], allowlists: Allowlists, budget: PatternBudget | None = None) -> Prepared:
    """Read ``items`` and match their values with ``allowlists``; one that is wrong never stops the others.

    Patterns are read as far as ``budget`` allows.
    """
    prepared = Prepared()
    for item in items:
        submission = _read(item, prepared, allowlists, budget)
        if submission is not None:
            prepared.submissions.append(submission)
    return prepared


def _read(item: Item, prepared: Prepared, allowlists: Allowlists, budget: PatternBudget | None) -> Submission | None:
    try:
        obj = stix_properties.read(item)
        if item.type == "note" and request_note.told_by(obj):
            _add_request_note(prepared, item, obj)
            return None
        _refuse_unknown_currencies(obj)
        report = _read_report(obj, budget)
        if not item.revoked and item.id not in RESERVED and item.type != TRANSLATION:
            objects.refuse_personal_data(obj, report if isinstance(report, Report) else None)
        if not isinstance(report, Report):
            return Submission(item, obj, report)
        return Submission(
            item, obj, report, allowlists.match(report), value_index.subject_of(report.kind, report.value)
        )
    except Rejected as refusal:
        prepared.failed.append(Unpublished(item.id, item.version, refusal.message))
    except (KeyError, TypeError, AttributeError, ValueError):
        # Partners send objects of every shape; one of a shape that nobody foresaw must not stop the others.
        logger.exception("object not understood id=%s", item.id)
        message = "not understood: a property is not as STIX 2.1 has it"
        prepared.failed.append(Unpublished(item.id, item.version, message))
    return None


def _refuse_unknown_currencies(obj: dict[str, Any]) -> None:
    """Refuse an amount, of a flow, an outcome or a hold, in a currency that nobody knows.

    What is in the inbox already is read whatever its currency: the currencies that are known change with the years.
    """
    context = obj.get("extensions", _NOTHING).get(extension.ID)
    if isinstance(context, dict):
        currencies.refuse_unknown("currency", context.get("currency"))
        hold = context.get("hold")
        if isinstance(hold, dict):
            currencies.refuse_unknown("hold.currency", hold.get("currency"))


def _add_request_note(prepared: Prepared, item: Item, obj: dict[str, Any]) -> None:
    """Add a request or an answer, or why it is refused; those tell the reason by its code, too."""
    try:
        prepared.request_notes.append(_read_request_note(item, obj))
    except Rejected as refusal:
        prepared.failed.append(Unpublished(item.id, item.version, refusal.message, refusal.reason))


def _read_request_note(item: Item, obj: dict[str, Any]) -> RequestNote:
    """Return a request or an answer. Raises ``Rejected`` also where one of its numbers could be a person's."""
    content = request_note.from_stix(obj)
    currencies.refuse_unknown("currency", content.currency)
    if isinstance(content, Request):
        for name in ("reference", "legal_reference", "end_to_end_id"):
            text = getattr(content, name)
            if text is not None and objects.could_be_personal_number(text):
                raise Reason.PERSONAL_NUMBER.rejected(name=name)
    return RequestNote(item, obj, content)


def _read_report(obj: dict[str, Any], budget: PatternBudget | None) -> Report | Rejected | None:
    """Return an indicator's report, or the refusal to read one; None for other objects.

    Raises ``Rejected`` for a pattern that takes more than ``budget`` has left.
    """
    if obj["type"] != "indicator":
        return None
    try:
        return from_stix(obj, budget=budget)
    except Rejected as refusal:
        if refusal.reason == TOO_COSTLY:
            raise
        return without_traceback(refusal)


def without_traceback(refusal: Rejected) -> Rejected:
    """Return the refusal without its traceback, which holds all that was read where it was raised."""
    return refusal.with_traceback(None)
