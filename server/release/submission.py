"""Contributed objects, read once: parsed, checked by the guard without the store, and read as a report."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mappers import common_objects, extension
from mappers.pattern import TOO_COSTLY, PatternBudget
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.reference.numbers import refuse_unknown_currency
from schemas.report import Report
from server.release.guard import stix_properties
from server.release.guard.allowlists.catalogue import AllowlistMatch
from server.release.guard.allowlists.lookup import Allowlists
from server.release.guard.personal_data import objects
from server.release.hooks import ContributionHandler, HandledObject, handler_of
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

    ``match`` is the allowlist entry that the report's value is on. ``subject`` names the value, None unless the object
    reports exactly one. ``key`` is the object's key in the inbox. ``refs`` are the ids of the objects that it is about.
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


@dataclass
class Prepared:
    """The readable objects, and those refused: the slow part of the work that needs no store."""

    submissions: list[Submission] = field(default_factory=list)
    failed: list[Unpublished] = field(default_factory=list)
    # The objects for contribution handlers, by handler.
    handled: dict[ContributionHandler, list[HandledObject]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the number of its objects, including those that cannot be read."""
        return len(self.submissions) + len(self.failed) + sum(map(len, self.handled.values()))


def prepare(items: Sequence[Item], allowlists: Allowlists, budget: PatternBudget | None = None) -> Prepared:
    """Read ``items`` and match their values with ``allowlists``; a wrong item does not stop the others.

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
        handler = handler_of(obj)
        if handler is not None:
            prepared.handled.setdefault(handler, []).append(HandledObject(item, obj, handler.read(obj)))
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
        prepared.failed.append(Unpublished(item.id, item.version, refusal.message, refusal.reason))
    except (KeyError, TypeError, AttributeError, ValueError):
        # Partners send objects of any shape; one that the parser does not expect must not stop the others.
        logger.exception("object not understood id=%s", item.id)
        message = "not understood: a property does not conform to STIX 2.1"
        prepared.failed.append(Unpublished(item.id, item.version, message, "not-understood"))
    return None


def _refuse_unknown_currencies(obj: dict[str, Any]) -> None:
    """Refuse a flow, outcome or hold with an amount in an unknown currency.

    Objects already in the inbox are read with any currency: the set of known currencies changes over the years.
    """
    context = obj.get("extensions", _NOTHING).get(extension.ID)
    if isinstance(context, dict):
        refuse_unknown_currency("currency", context.get("currency"))
        hold = context.get("hold")
        if isinstance(hold, dict):
            refuse_unknown_currency("hold.currency", hold.get("currency"))


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
    """Return the refusal without its traceback, which would keep all that was read at that point in memory."""
    return refusal.with_traceback(None)
