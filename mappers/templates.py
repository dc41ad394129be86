"""Fast writing of many reports: the same bytes as their objects as JSON, from templates.

The parts that two reports share which differ only in their value are written once, and cut where the value's parts go.
"""

import re
import secrets
from collections import OrderedDict
from operator import itemgetter
from typing import Any

import orjson

from mappers import extension, ids, kinds, labels, pattern
from mappers.indicator import Profile, frame_key, terms_for, to_stix
from mappers.kind import KindMapper
from mappers.pattern import Terms
from schemas.kind import Normal
from schemas.report import Report

_TEMPLATES_AT_MOST = 1_000
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
        text = separator.join(orjson.dumps(_marked(obj, report, terms)) for obj in objects)
        self._form = _MARK.sub(b"%b", text.replace(b"%", b"%%"))
        self._in_order = itemgetter(*[(mark[1] or mark[2] or mark[3]).decode() for mark in _MARK.finditer(text)])

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
            slots["labels"] = self._labels_with(labels.of_details(report.details))
        written: bytes = self._form % self._in_order(slots)
        return written

    def _labels_with(self, more: list[str]) -> bytes:
        return self._labels[:-1] + b"," + orjson.dumps(more)[1:] if more else self._labels


def _marked(obj: dict[str, Any], report: Report, terms: Terms) -> dict[str, Any]:
    """Return an object with a mark in place of each part that depends on the value."""
    if obj["type"] == "relationship":
        ends = {"source_ref": f"{_TOKEN}-indicator", "target_ref": f"{_TOKEN}-observable"}
        return obj | {"id": f"{_TOKEN}-relationship", **ends}
    if obj["type"] != "indicator":
        properties = [(name, value) for name, value in obj.items() if name not in terms.properties]
        properties.insert(3, (f"{_TOKEN}-properties", 0))
        return dict(properties) | {"id": f"{_TOKEN}-observable"}
    prefix = obj["name"].removesuffix(report.value)
    marked = obj | {"id": f"{_TOKEN}-indicator", "name": f"{prefix}{_TOKEN}-value", "pattern": f"{_TOKEN}-pattern"}
    if report.details:
        context = obj["extensions"][extension.ID] | {"details": f"{_TOKEN}=details"}
        marked["extensions"] = obj["extensions"] | {extension.ID: context}
        marked["labels"] = f"{_TOKEN}=labels"
    return marked
