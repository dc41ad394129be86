"""Signals of ThreatExchange, with the opinions that members have of them, as rows.

Descriptions are not read: they are written for analysts, and name people.
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
    """Give when an update was, in seconds since 1970; 0 where it does not say."""
    said = update.get("last_updated") if isinstance(update, dict) else None
    return int(said) if isinstance(said, int | str) and _NUMBER.fullmatch(str(said)) else 0


def split(updates: Iterable[object]) -> tuple[list[Row | Unreadable], list[Row]]:
    """Give updates as rows, and as rows too those by which a signal is a scam no more: deleted, or found good."""
    rows: list[Row | Unreadable] = []
    gone: list[Row] = []
    for number, update in enumerate(updates, 1):
        if not isinstance(update, dict):
            rows.append(Unreadable.of(number, text(update), "not-a-record", "no update: an object with its columns"))
            continue
        opinions = _opinions(update)
        verdicts = {text(each.get("status")) for each in opinions}
        kind = KINDS.get(text(update.get("type")))
        # Without opinions that may be seen there is nothing to keep (facebook/ThreatExchange, issue 834).
        deleted = update.get("should_delete") is True or "descriptors" not in update
        if kind is not None and (deleted or (not verdicts & {*_BAD} and "NON_MALICIOUS" in verdicts)):
            said = {"kind": kind, "value": _value(update), "reported_at": text(update.get("last_updated"))}
            gone.append(Row(number, {name: each for name, each in said.items() if each}))
        elif not deleted:
            rows.append(_row(number, update, kind, opinions))
    return rows, gone


def _row(number: int, update: _Update, kind: str | None, opinions: list[_Update]) -> Row | Unreadable:
    value = _value(update)
    if kind is None:
        return Unreadable.of(number, value, "unknown-kind", "no kind is of this type of signal")
    bad = [each for each in opinions if text(each.get("status")) in _BAD]
    if not bad:
        return Unreadable.of(number, value, "no-verdict", "no opinion says malicious, suspicious or the contrary")
    confidence = [float(each["confidence"]) for each in bad if isinstance(each.get("confidence"), int | float)]
    levels = [Tlp(level) for each in bad if (level := tlp_of_word(text(each.get("share_level"))))]
    ends = [text(each.get("expired_on")) for each in bad]
    said = {
        "kind": kind,
        "value": value,
        "reported_at": text(update.get("last_updated")),
        "scam_type": scam_type_of_tags(tag for each in bad for tag in _tags(each)) or "",
        "confidence": str(round(max(confidence))) if confidence else "",
        "tlp": narrowest(levels) or "",
        "first_seen": min((at for each in bad if (at := text(each.get("first_active")))), default=""),
        "last_seen": max((at for each in bad if (at := text(each.get("last_active")))), default=""),
        # One opinion that does not end keeps the signal alive.
        "valid_until": max(ends) if all(ends) else "",
        "reference": text(update.get("id")),
    }
    return Row(number, {name: str(each) for name, each in said.items() if each})


def _value(update: _Update) -> str:
    value = text(update.get("indicator")).strip()
    # As the type of links that nobody is to click by mistake writes its scheme.
    return f"h{value[3:]}" if value.startswith("[h]") else value


def _opinions(update: _Update) -> list[_Update]:
    said = update.get("descriptors")
    listed = said.get("data") if isinstance(said, dict) else said
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _tags(opinion: _Update) -> list[str]:
    said = opinion.get("tags")
    listed = said.get("data") if isinstance(said, dict) else said
    each_said = listed if isinstance(listed, list) else []
    return [text(each.get("text") if isinstance(each, dict) else each) for each in each_said]
