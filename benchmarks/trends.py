"""The cost of figures: aggregating a report on a small and a large hub, and a query about a year."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.trends import query
from server.features.trends.fold import fold_all
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, partners
from server.store.item import Item

Row = list[object]

_BATCH = 1_000
_NEW = 2_000


def rows(values: Sequence[int] = (10_000, 100_000)) -> Iterator[Row]:
    """Yield the table's rows, for hubs of these sizes in turn, each on one SQLite store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'hub.db'}")
        set_up(store)
        partner = Partner(name="Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Bank"), vouched=True)
        with store.begin() as tx:
            partners.add(tx, partner)
        hub, reported, first = Hub(store), 0, 0.0
        for size in values:
            _report(hub, partner, reported, size)
            fold_all(hub)
            began = time.perf_counter()
            _report(hub, partner, size, size + _NEW)
            released = (time.perf_counter() - began) / _NEW
            began = time.perf_counter()
            fold_all(hub)
            folded = (time.perf_counter() - began) / _NEW
            reported, first = size + _NEW, first or folded
            beside = f"its release; {size:,} values"
            yield [f"trends: fold of a report and its listing, {size:,} values", _us(folded), beside, _us(released), ""]
            yield [
                f"trends: the same beside {values[0]:,} values",
                _us(folded),
                "",
                _us(first),
                f"{folded / first:.2f}",
            ]
        today = datetime.now(UTC).date()
        asked = query.range_of(today - timedelta(days=365), today, "month", today)
        began = time.perf_counter()
        with store.read() as tx:
            found = query.exact(tx, asked)
        yield [f"trends: a year by month, all figures ({len(found)})", _us(time.perf_counter() - began), "", "", ""]
        store.close()


def _report(hub: Hub, partner: Partner, first: int, last: int) -> None:
    reader = ReportReader(
        {"reporter": partner.name, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
    )
    for start in range(first, last, _BATCH):
        numbers = range(start, min(start + _BATCH, last))
        items = [Item.of(obj) for n in numbers for obj in to_stix(reader.report({"value": f"n{n}.example.com"}))]
        with hub.store.begin() as tx:
            contribute(hub, tx, partner, items)


def _us(seconds: float) -> str:
    return f"{seconds * 1_000_000:,.0f} us"
