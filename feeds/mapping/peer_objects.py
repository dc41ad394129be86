"""Other people's STIX objects, said anew in the name of the partner who passes them on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from feeds.connector import Gone
from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, map_rows
from feeds.readers import stix
from feeds.readers.rows import Row
from mappers import consensus, extension, ids, marking
from mappers.indicator import Profile, to_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import ScamType, Tlp
from server.release.guard import stix_object

# These say nothing by themselves.
_BESIDE = frozenset(
    {"bundle", "marking-definition", "identity", "extension-definition", "language-content", "relationship"}
)

# What another maker of the same indicator says otherwise.
_OF_ITS_MAKER = frozenset({"id", "created_by_ref", "created", "external_references"})
_MOST_MARKINGS = 1000
_TELLING = ("type", "spec_version", "id", "pattern", "pattern_type", "created", "modified", "extensions")


@dataclass
class Adopted:
    """What became of some objects: ``items`` to contribute, what is ``gone``, and the reasons of the others."""

    items: list[list[dict[str, Any]]] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        """Give the number of what was looked at."""
        return len(self.items) + len(self.gone) + self.rejected.total()


class PeerObjects:
    """Takes what a peer has, object by object, and remembers the markings it defines.

    What the partner itself made stays as it is. Of another's indicator each value becomes an indicator of the
    partner's, whose id follows from the first one's: two reports of one value stay two, and when one is revoked, its
    own is gone. Identities, relationships, observables and what else stands beside indicators is nothing.
    """

    def __init__(self, options: Options, markings: Mapping[str, str] | None = None) -> None:
        """Say in the name of ``options.reporter``; ``markings`` is what an earlier one remembered."""
        # What stands around an indicator is added where it is released.
        self._options = replace(options, profile=Profile.CORE)
        self._mine = ids.identity(options.reporter)
        self._markings = {id_: Tlp(level) for id_, level in (markings or {}).items()}

    @property
    def markings(self) -> dict[str, str]:
        """Give the levels of the peer's own markings by their ids, as far as they have been had."""
        return {id_: level.value for id_, level in self._markings.items()}

    def take(self, objects: Sequence[Any]) -> Adopted:
        """Say ``objects`` anew."""
        done = Adopted()
        for obj in objects:
            if isinstance(obj, dict) and obj.get("type") == "marking-definition":
                self._learn(obj)
        for obj in objects:
            if not isinstance(obj, dict):
                done.rejected["not-a-record"] += 1
            elif obj.get("created_by_ref") == self._mine and "spec_version" in obj:
                self._own(obj, done)
            elif not self._is_beside(obj):
                self._anew(obj, done)
        return done

    def _learn(self, definition: dict[str, Any]) -> None:
        level = marking.tlp_of_source_marking(definition)
        if level and len(self._markings) < _MOST_MARKINGS:
            self._markings[str(definition.get("id"))] = level

    def _is_beside(self, obj: dict[str, Any]) -> bool:
        return obj.get("type") in _BESIDE or ("spec_version" in obj and "created" not in obj)

    def _own(self, obj: dict[str, Any], done: Adopted) -> None:
        try:
            stix_object.check(obj)
        except Rejected as refusal:
            done.rejected[refusal.reason] += 1
        else:
            done.items.append([obj])

    def _anew(self, obj: dict[str, Any], done: Adopted) -> None:
        as_we_write = self._as_we_write(obj)
        if as_we_write is not None:
            done.items.append([as_we_write])
            return
        revoked = obj.get("revoked") is True
        rows = [
            _not_ahead(row) if isinstance(row, Row) else row
            for row in stix.rows_of(1, _meant(obj) if revoked else obj, self._markings)
        ]
        origin = origin_of(obj)
        for outcome in map_rows(rows, self._options.reporter, self._options):
            if not isinstance(outcome, Mapped):
                # Of what it was that is taken back does not matter where it could not have been taken.
                done.rejected["revoked" if revoked else outcome.reason] += 1
                continue
            (indicator,) = outcome.objects
            if origin:
                indicator = named_after(origin, self._mine, indicator, _made_of(obj))
            if revoked:
                done.gone.append(Gone(indicator["id"], indicator["modified"]))
            else:
                done.items.append([indicator])

    def _as_we_write(self, obj: dict[str, Any]) -> dict[str, Any] | None:
        """Give an indicator at once that is to the letter what we ourselves write of what it reports.

        What follows in ``_anew`` would give the same, by way of a row whose every word is looked up.
        """
        if extension.ID not in _mapping(obj.get("extensions")) or obj.get("revoked") is True:
            return None
        origin, first = origin_of(obj), _made_of(obj)
        try:
            report = stix.report_of(obj, {str(obj.get("created_by_ref")): self._options.reporter})
        except Rejected:
            return None
        obj = consensus.as_reported(obj)
        (made,) = to_stix(report, self._options.profile)
        told_by_default = report.scam_type == ScamType.UNKNOWN and "scam_type" in self._options.defaults
        if told_by_default or report.reported_at > timestamp.now() or not _differ_in_maker_alone(obj, made):
            return None
        return named_after(origin, self._mine, made, first)


def _differ_in_maker_alone(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in (one.keys() | other.keys()) - _OF_ITS_MAKER)


def named_after(origin: str, creator: str, indicator: dict[str, Any], first: Sequence[str] = ()) -> dict[str, Any]:
    """Give an indicator of ``creator``'s the id that follows from where it is from, and let it say so.

    ``first`` are the ids of what that was made of, where it was made of several.
    """
    named = {"created_by_ref": creator, "origin": origin, "pattern": indicator["pattern"], "type": "indicator"}
    others = [each for each in _references(indicator) if each.get("source_name") != consensus.ORIGIN]
    return {
        **indicator,
        "id": "indicator--" + ids.in_scamfeed(named),
        "external_references": [*others, *consensus.origin_references(first or [origin])],
    }


def _made_of(obj: dict[str, Any]) -> list[str]:
    """Give the ids of what a hub made its indicator of; none where that is nobody's but its own."""
    return consensus.listed_origins(obj) if consensus.is_consensus(obj) else []


def _meant(revoked: dict[str, Any]) -> dict[str, Any]:
    """Give of a revoked indicator what tells which values it was about; its end may be before its beginning now."""
    return {name: revoked[name] for name in _TELLING if name in revoked}


def origin_of(obj: dict[str, Any]) -> str:
    """Give the id by which an indicator was first known; what a hub makes of several reports is known by its own."""
    known = [] if consensus.is_consensus(obj) else consensus.listed_origins(obj)
    if known:
        return known[0]
    id_ = obj.get("id")
    return id_ if isinstance(id_, str) and id_.startswith("indicator--") else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _references(obj: dict[str, Any]) -> list[dict[str, Any]]:
    references = obj.get("external_references")
    return [each for each in references if isinstance(each, dict)] if isinstance(references, list) else []


def _not_ahead(row: Row) -> Row:
    """Leave the time of a report to ours where the peer's clock is ahead: versions from the future are refused."""
    try:
        ahead = timestamp.parse(row.fields.get("reported_at", "")) > timestamp.now()
    except Rejected:
        return row
    return row._replace(fields={k: v for k, v in row.fields.items() if k != "reported_at"}) if ahead else row
