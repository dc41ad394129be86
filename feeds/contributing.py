"""Files into a partner's inbox, batch by batch, as if the partner had posted them."""

from collections.abc import Iterator
from typing import BinaryIO

from feeds.mapping import Duplicate, Mapped, Options, Reject, map_stream, parts, preface
from schemas.partner import Partner
from server.release.contribute import contribute
from server.store import Store
from server.store.item import Item

_BATCH = 1000


def contribute_file(
    store: Store,
    partner: Partner,
    stream: BinaryIO,
    name: str,
    options: Options,
    seen: set[tuple[str, str]] | None = None,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Map ``stream`` and contribute what comes out, a transaction a batch; gives the outcome of each row.

    A row that the release rules refuse or hold back comes out as a ``Reject``; what they hold back is kept all the
    same. An outcome is given after its batch is stored. Raises ``UnreadableFile`` after all rows that could be read.
    """
    for part in parts(map_stream(stream, name, options, seen), _BATCH):
        mapped = [outcome for outcome in part.outcomes if isinstance(outcome, Mapped)]
        messages = _contribute(store, partner, options, mapped) if mapped else {}
        for outcome in part.outcomes:
            yield _judged(outcome, name, messages)
        if part.failure:
            raise part.failure


def _contribute(store: Store, partner: Partner, options: Options, mapped: list[Mapped]) -> dict[str, tuple[str, str]]:
    """Contribute one batch; gives reason and message by id of the indicators that are not released."""
    objects = preface(options, {each.report.tlp for each in mapped})
    items = [Item.of(obj) for obj in objects if obj["id"] == partner.identity]
    items += [Item.of(obj) for each in mapped for obj in each.objects]
    with store.begin() as tx:
        outcome = contribute(tx, partner, items)
    messages = {each.id: ("held", each.message) for each in outcome.pending}
    return messages | {each.id: ("refused", each.message) for each in outcome.failed}


def _judged(
    outcome: Mapped | Duplicate | Reject, name: str, messages: dict[str, tuple[str, str]]
) -> Mapped | Duplicate | Reject:
    if isinstance(outcome, Mapped):
        for obj in outcome.objects:
            if obj["id"] in messages:
                reason, message = messages[obj["id"]]
                return Reject(name, outcome.line, outcome.report.value, outcome.report.kind, reason, message)
    return outcome
