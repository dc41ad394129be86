"""Signals of ThreatExchange, with the opinions of its members, as rows.

Descriptions are not read: analysts write them, and name people in them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from feeds.readers.columns.vocabulary import scam_type_of_tags, tlp_of_word
from feeds.readers.report_objects import text
from feeds.readers.rows import Row, Unreadable
from mappers.marking import narrowest
from schemas.vocabulary import Tlp

# https://developers.facebook.com/docs/threat-exchange/reference/apis/indicator-type
KINDS = {
    "DOMAIN": "domain",
    "URI": "url",
    "RAW_URI": "url",
    "UNCLICKABLE_URL": "url",
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip",
}
_NUMBER = re.compile("[0-9]{1,15}")
_BAD = ("MALICIOUS", "SUSPICIOUS")

_Update = Mapping[str, Any]


def last_updated(update: object) -> int:
    """Return the time of an update in seconds since 1970, 0 where it has none."""
    time = update.get("last_updated") if isinstance(update, dict) else None
    return int(time) if isinstance(time, int | str) and _NUMBER.fullmatch(str(time)) else 0


def split(updates: Iterable[object]) -> tuple[list[Row | Unreadable], list[Row]]:
    """Return updates as rows, and as rows too the signals that are no scam any more: deleted, or found harmless."""
    rows: list[Row | Unreadable] = []
    gone: list[Row] = []
    for number, update in enumerate(updates, 1):
        if not isinstance(update, dict):
            rows.append(Unreadable.of(number, text(update), "not-a-record", "no update: an object with its columns"))
            continue
        opinions = _opinions(update)
        verdicts = {text(opinion.get("status")) for opinion in opinions}
        kind = KINDS.get(text(update.get("type")))
        # A signal without any visible opinion is deleted (facebook/ThreatExchange, issue 834).
        deleted = update.get("should_delete") is True or "descriptors" not in update
        if kind is not None and (deleted or (not verdicts & {*_BAD} and "NON_MALICIOUS" in verdicts)):
            fields = {"kind": kind, "value": _value(update), "reported_at": text(update.get("last_updated"))}
            gone.append(Row(number, _filled(fields)))
        elif not deleted:
            rows.append(_row(number, update, kind, opinions))
    return rows, gone


def _row(number: int, update: _Update, kind: str | None, opinions: list[_Update]) -> Row | Unreadable:
    value = _value(update)
    if kind is None:
        return Unreadable.of(number, value, "unknown-kind", "no kind is of this type of signal")
    bad = [opinion for opinion in opinions if text(opinion.get("status")) in _BAD]
    if not bad:
        return Unreadable.of(number, value, "no-verdict", "no opinion calls it malicious, suspicious or harmless")
    confidence = [opinion["confidence"] for opinion in bad if isinstance(opinion.get("confidence"), int | float)]
    levels = [Tlp(level) for word in _texts(bad, "share_level") if (level := tlp_of_word(word))]
    ends = _texts(bad, "expired_on")
    fields = {
        "kind": kind,
        "value": value,
        "reported_at": text(update.get("last_updated")),
        "scam_type": scam_type_of_tags(tag for opinion in bad for tag in _tags(opinion)) or "",
        "confidence": str(round(max(map(float, confidence)))) if confidence else "",
        "tlp": narrowest(levels) or "",
        "first_seen": min(filter(None, _texts(bad, "first_active")), default=""),
        "last_seen": max(_texts(bad, "last_active"), default=""),
        # One opinion without an end keeps the signal active.
        "valid_until": max(ends) if all(ends) else "",
        "reference": text(update.get("id")),
    }
    return Row(number, _filled(fields))


def _filled(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: str(text) for name, text in fields.items() if text}


def _texts(opinions: Iterable[_Update], name: str) -> list[str]:
    return [text(opinion.get(name)) for opinion in opinions]


def _value(update: _Update) -> str:
    value = text(update.get("indicator")).strip()
    # The type UNCLICKABLE_URL writes the scheme as [h]ttp.
    return f"h{value[3:]}" if value.startswith("[h]") else value


def _opinions(update: _Update) -> list[_Update]:
    return [opinion for opinion in _data(update.get("descriptors")) if isinstance(opinion, dict)]


def _tags(opinion: _Update) -> list[str]:
    return [text(tag.get("text") if isinstance(tag, dict) else tag) for tag in _data(opinion.get("tags"))]


def _data(value: Any) -> list[Any]:
    """Return a list, also one within an object under ``data``; empty for anything else."""
    listed = value.get("data") if isinstance(value, dict) else value
    return listed if isinstance(listed, list) else []
