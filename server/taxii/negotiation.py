"""Media types, negotiated by the rules of HTTP (RFC 9110 §12.5.1) and TAXII 2.1 §1.6.8."""

import re
from typing import NamedTuple

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version="

# No client has this much to say of what it takes.
_LONGEST = 4_096
_TYPE = ("application", "taxii+json")
_VERSION = "2.1"
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[^,;"]+|[,;]')


class _Range(NamedTuple):
    kind: str
    subtype: str
    parameters: dict[str, str]

    @property
    def quality(self) -> float:
        try:
            return min(max(float(self.parameters.get("q", "1")), 0.0), 1.0)
        except ValueError:
            return 0.0

    @property
    def precision(self) -> int:
        return (self.kind != "*") + (self.subtype != "*") + ("version" in self.parameters)

    def covers(self) -> bool:
        return (
            self.kind in ("*", _TYPE[0])
            and self.subtype in ("*", _TYPE[1])
            and self.parameters.get("version", _VERSION) == _VERSION
        )


def accepts(header: str | None) -> bool:
    """Tell whether a client with this Accept header takes what this server sends; without one it takes anything."""
    if header is None or not header.strip():
        return True
    if len(header) > _LONGEST:
        return False
    covering = [asked for asked in _read(header) if asked.covers()]
    return bool(covering) and max(covering, key=lambda asked: (asked.precision, asked.quality)).quality > 0


def sends(header: str | None) -> bool:
    """Tell whether a body of this Content-Type is TAXII 2.1; a type without a version is."""
    sent = _read((header or "")[: _LONGEST + 1])
    return len(sent) == 1 and (sent[0].kind, sent[0].subtype) == _TYPE and sent[0].covers()


def _read(header: str) -> list[_Range]:
    ranges: list[_Range] = []
    for element in _split(_PARTS.findall(header), ","):
        names = ["".join(part).strip() for part in _split(element, ";")]
        kind, slash, subtype = names[0].lower().partition("/")
        if not slash or (kind == "*" and subtype != "*"):
            continue
        parameters = {}
        for name in names[1:]:
            key, _, value = name.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"').lower()
        ranges.append(_Range(kind, subtype, parameters))
    return ranges


def _split(tokens: list[str], at: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == at:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
