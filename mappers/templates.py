"""Fast writing of many reports: the same bytes as their objects as JSON, from templates.

The parts that two reports share which differ only in their value are written once, and cut where the value's parts go.
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson

from mappers import extension, ids, kinds, labels, pattern
from mappers.indicator import Profile, frame_key, terms_for, to_stix
from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas import timestamp
from schemas.consensus import Consensus
from schemas.kind import Normal
from schemas.report import Report

_TEMPLATES_AT_MOST = 1_000
_TIMES = ("created", "modified", "valid_from", "valid_until")
# No report can contain it.
_TOKEN = secrets.token_hex(16)
_MARK = re.compile(rf'"{_TOKEN}-(\w+)":0|{_TOKEN}-(\w+)|"{_TOKEN}=(\w+)"'.encode())


class Writer:
    """Writes the objects of reports as JSON, byte for byte as ``orjson.dumps`` writes the result of ``to_stix``."""

    def __init__(self, profile: Profile = Profile.FULL, separator: bytes = b"\n") -> None:
        """Write for ``profile``, with ``separator`` between the objects of a report."""
        self._profile = profile
        self._separator = separator
        self._last: tuple[Any, ...] | None = None
        self._templates: OrderedDict[tuple[Any, ...], _Template | None] = OrderedDict()
        self._of_last: dict[tuple[str, bool], _Template | None] = {}

    def write(self, report: Report) -> bytes:
        """Return the objects of a report as JSON, in their order."""
        mapper = kinds.every()[report.kind]
        normal = Normal(report.value, report.details)
        terms = terms_for(self._profile, mapper, normal)
        frame = frame_key(report)
        if frame != self._last:
            # Most reports of a file are like the one before.
            self._last, self._of_last = frame, {}
        shape = terms.type, bool(report.details)
        if shape not in self._of_last:
            self._of_last[shape] = self._template((*frame, *shape), report, terms)
        template = self._of_last[shape]
        if template is None:
            return self._separator.join(map(orjson.dumps, to_stix(report, self._profile)))
        return template.fill(report, mapper, terms)

    def _template(self, key: tuple[Any, ...], report: Report, terms: Terms) -> "_Template | None":
        if key in self._templates:
            self._templates.move_to_end(key)
            return self._templates[key]
        objects = to_stix(report, self._profile)
        # Texts in other languages hold the value in other places; such reports are few.
        plain = not any(obj["type"] == "language-content" for obj in objects)
        made = self._templates[key] = _Template(objects, report, terms, self._separator) if plain else None
        if len(self._templates) > _TEMPLATES_AT_MOST:
            self._templates.popitem(last=False)
        return made


class _Template:
    """The objects of one report, cut at the parts that depend on the value."""

    def __init__(self, objects: list[dict[str, Any]], report: Report, terms: Terms, separator: bytes) -> None:
        indicator = next(obj for obj in objects if obj["type"] == "indicator")
        self._indicator_id = ids.indicators_of(indicator["created_by_ref"])
        self._relationship_id = ids.relationships_of("based-on")
        self._alone = len(objects) == 1
        common = indicator["labels"][: len(indicator["labels"]) - len(labels.of_details(report.details))]
        self._labels = orjson.dumps(common)
        self._form = _Form(separator.join(orjson.dumps(_marked(obj, report, terms)) for obj in objects))

    def fill(self, report: Report, mapper: KindMapper, terms: Terms) -> bytes:
        """Return the objects of a report that differs from the template's only in its value and details."""
        spelled = pattern.write(terms)
        indicator_id = self._indicator_id(spelled)
        slots = {
            "indicator": indicator_id.encode(),
            "pattern": orjson.dumps(spelled)[1:-1],
            "value": orjson.dumps(report.value)[1:-1],
        }
        if not self._alone:
            observable_id = mapper.observable_id(terms)
            slots["observable"] = observable_id.encode()
            slots["properties"] = orjson.dumps(terms.properties)[1:-1]
            slots["relationship"] = self._relationship_id(indicator_id, observable_id).encode()
        if report.details:
            slots["details"] = orjson.dumps(dict(report.details))
            slots["labels"] = _with_labels(self._labels, labels.of_details(report.details))
        return self._form.fill(slots)


class ListingTemplate:
    """A listing of the hub, its observable and the relationship, cut at the parts that depend on value and times."""

    def __init__(
        self, objects: Sequence[Mapping[str, Any]], consensus: Consensus, mapper: KindMapper, terms: Terms
    ) -> None:
        """Cut the ``objects``, in that order, that a consensus on a value became, whose ``terms`` spell the value."""
        indicator, observable, relationship = objects
        self._mapper = mapper
        self._relationship_id = ids.relationships_of("based-on")
        details = labels.of_details(consensus.details)
        self._labels = orjson.dumps(indicator["labels"][: len(indicator["labels"]) - len(details)])
        context = dict(indicator["extensions"][extension.ID])
        for name in ("first_seen", "last_seen"):
            if name in context:
                context[name] = f"{_TOKEN}-{name}"
        marked = dict(indicator) | {name: f"{_TOKEN}-{name}" for name in _TIMES} | {"id": f"{_TOKEN}-indicator"}
        marked["name"] = indicator["name"].removesuffix(consensus.value) + f"{_TOKEN}-value"
        marked["pattern"] = f"{_TOKEN}-pattern"
        if consensus.details:
            context["details"] = f"{_TOKEN}=details"
            marked["labels"] = f"{_TOKEN}=labels"
        marked["extensions"] = indicator["extensions"] | {extension.ID: context}
        versions = {"created": f"{_TOKEN}-created", "modified": f"{_TOKEN}-created"}
        self._forms = [
            _Form(orjson.dumps(marked)),
            _Form(orjson.dumps(_marked_observable(observable, terms))),
            _Form(orjson.dumps(_marked_relationship(relationship) | versions)),
        ]

    def fill(
        self, consensus: Consensus, terms: Terms, id_: str, created: str, modified: str
    ) -> tuple[tuple[str, bytes], tuple[str, bytes], tuple[str, bytes]]:
        """Return id and JSON of the three objects of a consensus that differs only in its value, details and times.

        It is seen first and last where the template's is.
        """
        observable_id = self._mapper.observable_id(terms)
        relationship_id = self._relationship_id(id_, observable_id)
        since = timestamp.text(consensus.valid_from)
        slots = {
            "indicator": id_.encode(),
            "created": created.encode(),
            "modified": modified.encode(),
            "value": orjson.dumps(consensus.value)[1:-1],
            "pattern": orjson.dumps(pattern.write(terms))[1:-1],
            "valid_from": since.encode(),
            "valid_until": timestamp.text(consensus.valid_until).encode(),
            "observable": observable_id.encode(),
            "properties": orjson.dumps(terms.properties)[1:-1],
            "relationship": relationship_id.encode(),
        }
        for name, moment in (("first_seen", consensus.first_seen), ("last_seen", consensus.last_seen)):
            if moment is not None:
                slots[name] = (since if moment is consensus.valid_from else timestamp.text(moment)).encode()
        if consensus.details:
            slots["details"] = orjson.dumps(dict(consensus.details))
            slots["labels"] = _with_labels(self._labels, labels.of_details(consensus.details))
        listing, observable, relationship = (form.fill(slots) for form in self._forms)
        return (id_, listing), (observable_id, observable), (relationship_id, relationship)


class _Form:
    """JSON with places for parts that are filled in."""

    def __init__(self, marked: bytes) -> None:
        """Cut JSON at its marks."""
        self._form = _MARK.sub(b"%b", marked.replace(b"%", b"%%"))
        self._in_order = itemgetter(*[(mark[1] or mark[2] or mark[3]).decode() for mark in _MARK.finditer(marked)])

    def fill(self, slots: Mapping[str, bytes]) -> bytes:
        """Return the JSON with the parts, by the names of the places."""
        filled: bytes = self._form % self._in_order(slots)
        return filled


def _with_labels(written: bytes, more: list[str]) -> bytes:
    return written[:-1] + b"," + orjson.dumps(more)[1:] if more else written


def _marked(obj: dict[str, Any], report: Report, terms: Terms) -> dict[str, Any]:
    """Return an object with a mark in place of each part that depends on the value."""
    if obj["type"] == "relationship":
        return _marked_relationship(obj)
    if obj["type"] != "indicator":
        return _marked_observable(obj, terms)
    prefix = obj["name"].removesuffix(report.value)
    marked = obj | {"id": f"{_TOKEN}-indicator", "name": f"{prefix}{_TOKEN}-value", "pattern": f"{_TOKEN}-pattern"}
    if report.details:
        context = obj["extensions"][extension.ID] | {"details": f"{_TOKEN}=details"}
        marked["extensions"] = obj["extensions"] | {extension.ID: context}
        marked["labels"] = f"{_TOKEN}=labels"
    return marked


def _marked_observable(obj: Mapping[str, Any], terms: Terms) -> dict[str, Any]:
    properties = [(name, value) for name, value in obj.items() if name not in terms.properties]
    properties.insert(3, (f"{_TOKEN}-properties", 0))
    return dict(properties) | {"id": f"{_TOKEN}-observable"}


def _marked_relationship(obj: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"source_ref": f"{_TOKEN}-indicator", "target_ref": f"{_TOKEN}-observable"}
    return {**obj, "id": f"{_TOKEN}-relationship", **ends}
