"""A peer's STIX objects, adopted: reported in the name of the partner who passes them on."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from feeds.connector import Gone
from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, Reject, map_rows
from feeds.readers import stix
from feeds.readers.rows import FileRow, ReportRow, Row
from mappers import consensus, ids, marking
from mappers.indicator import Profile
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from server.release.guard import stix_object

# Types that state nothing by themselves.
_BESIDE = ("bundle", "marking-definition", "identity", "extension-definition", "language-content", "relationship")

_MOST_MARKINGS = 1000
_IDENTIFYING = ("type", "spec_version", "id", "pattern", "pattern_type", "created", "modified", "extensions")


@dataclass
class Adopted:
    """Adopted objects: ``items`` to contribute, indicators that are ``gone``, and the reasons of the rejected."""

    items: list[list[dict[str, Any]]] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        """Return the number of all items."""
        return len(self.items) + len(self.gone) + self.rejected.total()


class PeerObjects:
    """Adopts the objects of a peer, and remembers the markings that the peer defines.

    The partner's own objects stay as they are. Each value of another creator's indicator becomes an indicator of the
    partner's. Its id follows from the id of the first indicator: two reports of one value stay two, and when one of
    them is revoked, only its own is gone. Objects that only stand beside indicators (identities, relationships,
    observables) are passed over.
    """

    def __init__(self, options: Options, markings: Mapping[str, str] | None = None) -> None:
        """Adopt in the name of ``options.reporter``; ``markings`` are those of an earlier run."""
        # The release adds the objects around an indicator.
        self._options = replace(options, profile=Profile.CORE)
        self._identity = ids.identity(options.reporter)
        self._markings = {id_: Tlp(level) for id_, level in (markings or {}).items()}

    @property
    def markings(self) -> dict[str, str]:
        """Return the TLP levels of the markings that the peer has defined so far, by their ids."""
        return {id_: level.value for id_, level in self._markings.items()}

    def adopt(self, objects: Sequence[Any]) -> Adopted:
        """Return what becomes of ``objects``, in their order."""
        done = Adopted()
        for obj in objects:
            if isinstance(obj, dict) and obj.get("type") == "marking-definition":
                self._learn(obj)
        now = timestamp.now()
        rows = (
            _not_ahead(row, now)
            for place, obj in enumerate(objects)
            if isinstance(obj, dict) and not self._is_own(obj) and not _is_beside(obj)
            for row in stix.rows_of(place, _identifying(obj) if obj.get("revoked") is True else obj, self._markings)
        )
        adopted = defaultdict(list)
        for outcome in map_rows(rows, self._options.reporter, self._options):
            adopted[outcome.line].append(outcome)
        for place, obj in enumerate(objects):
            if not isinstance(obj, dict):
                done.rejected["not-a-record"] += 1
            elif self._is_own(obj):
                self._keep(obj, done)
            else:
                self._adopt(obj, adopted[place], done)
        return done

    def _is_own(self, obj: dict[str, Any]) -> bool:
        return obj.get("created_by_ref") == self._identity and "spec_version" in obj

    def _learn(self, definition: dict[str, Any]) -> None:
        level = marking.tlp_of_source_marking(definition)
        if level and len(self._markings) < _MOST_MARKINGS:
            self._markings[str(definition.get("id"))] = level

    def _keep(self, obj: dict[str, Any], done: Adopted) -> None:
        try:
            stix_object.check(obj)
        except Rejected as refusal:
            done.rejected[refusal.reason] += 1
        else:
            done.items.append([obj])

    def _adopt(self, obj: dict[str, Any], outcomes: Sequence[Mapped | Reject], done: Adopted) -> None:
        revoked = obj.get("revoked") is True
        origin, made_of = origin_of(obj), _made_of(obj)
        for outcome in outcomes:
            if isinstance(outcome, Reject):
                # Why a revoked indicator states no report does not matter: it was never adopted.
                done.rejected["revoked" if revoked else outcome.reason] += 1
                continue
            (indicator,) = outcome.objects
            if origin:
                indicator = named_after(origin, self._identity, indicator, made_of)
            if revoked:
                done.gone.append(Gone(indicator["id"], indicator["modified"]))
            else:
                done.items.append([indicator])


def _is_beside(obj: dict[str, Any]) -> bool:
    return obj.get("type") in _BESIDE or ("spec_version" in obj and "created" not in obj)


def named_after(origin: str, creator: str, indicator: dict[str, Any], first: Sequence[str] = ()) -> dict[str, Any]:
    """Return an indicator of ``creator``'s with the id that follows from its ``origin``, and a reference to that.

    ``first`` are the ids of the reports that a hub made the original of, where there are several.
    """
    identifying = {"created_by_ref": creator, "origin": origin, "pattern": indicator["pattern"], "type": "indicator"}
    others = [reference for reference in _references(indicator) if reference.get("source_name") != consensus.ORIGIN]
    return {
        **indicator,
        "id": "indicator--" + ids.in_scamfeed(identifying),
        "external_references": [*others, *consensus.origin_references(first or [origin])],
    }


def _made_of(obj: dict[str, Any]) -> list[str]:
    """Return the ids of the reports that a hub made its indicator of; none for other indicators."""
    return consensus.listed_origins(obj) if consensus.is_consensus(obj) else []


def _identifying(revoked: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that identify the values of a revoked indicator: now it may end before it begins."""
    return {name: revoked[name] for name in _IDENTIFYING if name in revoked}


def origin_of(obj: dict[str, Any]) -> str:
    """Return the id by which an indicator was first known; a consensus of several reports is known by its own."""
    known = [] if consensus.is_consensus(obj) else consensus.listed_origins(obj)
    if known:
        return known[0]
    id_ = obj.get("id")
    return id_ if isinstance(id_, str) and id_.startswith("indicator--") else ""


def _references(obj: dict[str, Any]) -> list[dict[str, Any]]:
    references = obj.get("external_references")
    return (
        [reference for reference in references if isinstance(reference, dict)] if isinstance(references, list) else []
    )


def _not_ahead(row: FileRow, now: datetime) -> FileRow:
    """Date a report at the present where the peer's clock is ahead of ours: versions from the future are refused."""
    if isinstance(row, ReportRow) and row.report.reported_at > now:
        return row._replace(report=row.report.model_copy(update={"reported_at": now}))
    if isinstance(row, Row) and _is_after(row.fields.get("reported_at", ""), now):
        return row._replace(fields={name: text for name, text in row.fields.items() if name != "reported_at"})
    return row


def _is_after(text: str, now: datetime) -> bool:
    try:
        return timestamp.parse(text) > now
    except Rejected:
        return False
