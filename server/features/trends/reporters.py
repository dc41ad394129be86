"""The organisations that openly reported a value, as far as public figures may reveal them."""

from collections.abc import Iterable

import msgspec

from server.features.trends import source, words
from server.store import collections, partners, subjects
from server.store.database.engine import Tx


def open_reporters(tx: Tx, values: Iterable[str]) -> list[str]:
    """Return the organisations whose reports of these values have no limits, by name."""
    inbox = next(collection for collection in collections.all_collections(tx) if collection.kind == "inbox")
    registry, numbers = partners.load_registry(tx), subjects.numbers(tx, values)
    reports = source.latest_reports(tx, inbox, numbers.values())
    return sorted(
        {
            reporter.counts_as
            for value, number in numbers.items()
            for space, body in reports.get(number, ())
            if (reporter := registry.by_space.get(space)) is not None
            and words.of_report(msgspec.json.decode(body), value, reporter).is_shared
        }
    )
