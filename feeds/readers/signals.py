"""Signals of the Global Signal Exchange as rows, from its files and from its API."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from feeds.readers.columns.vocabulary import kind_of_word, scam_type_of_tags
from feeds.readers.json_stream import JsonItem, MalformedLine
from feeds.readers.report_objects import text
from feeds.readers.rows import Row, Unreadable

# Kinds of abuse that are no scams: partners that act on scams must not act on these.
_RIGHTS = frozenset({"copyright", "piracy", "trademark"})
# Confidence of a signal that an algorithm predicts and nobody has confirmed.
_PREDICTED = "50"


def rows(items: Iterable[JsonItem | MalformedLine]) -> Iterator[Row | Unreadable]:
    """Yield each signal, or the reason why it is no report."""
    for item in items:
        if isinstance(item, MalformedLine):
            yield Unreadable.of(item.number, item.raw, "malformed-json", "the line is no JSON: one signal a line")
        elif isinstance(item.value, dict):
            yield row_of_signal(item.number, item.value)
        else:
            yield Unreadable.of(item.number, text(item.value), "not-a-record", "not an object with a signal")


def row_of_signal(number: int, signal: Mapping[str, Any]) -> Row | Unreadable:
    """Return the report of a signal, or the reason why it is none."""
    value, abuse = text(signal.get("signal")).strip(), text(signal.get("abuse_type")).lower()
    if not value:
        return Unreadable.of(number, "", "no-value", "the signal is empty")
    if abuse in _RIGHTS:
        return Unreadable.of(number, value, "not-a-scam", "reported for somebody's rights, not as part of a scam")
    if "false" in text(signal.get("status")).lower():
        return Unreadable.of(number, value, "not-a-scam", "its status says that the report was false")
    kind = text(signal.get("signal_type"))
    score = text(signal.get("confidence_score"))
    predicted = signal.get("predictive") in (True, 1, "1", "true")
    fields = {
        "value": value,
        "kind": kind_of_word(kind) or kind,
        "reported_at": text(signal.get("report_date")),
        "scam_type": scam_type_of_tags([abuse]),
        "confidence": score or (_PREDICTED if predicted else ""),
        "reference": text(signal.get("id")),
    }
    return Row(number, {name: cell for name, cell in fields.items() if cell})
