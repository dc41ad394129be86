"""Money and people: what outcomes state, for the operator exactly, for anybody by month."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from server.release.trends.figures import OUTCOMES, Dimension, Measure
from server.release.trends.suppression import LEAST, CountedBy, hides_the_largest, rounded
from server.store import partners
from server.store.database.engine import Tx
from server.store.trends import outcome_figures
from server.store.trends.publications import PublishedCell


@dataclass(slots=True)
class _Stated:
    """What the records of a cell state, and by which organisations."""

    records: int = 0
    items: int = 0
    victims: int = 0
    by: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def shown(self, measures: Mapping[Measure, int]) -> Iterable[tuple[str, int]]:
        """Yield the measures that may be shown."""
        if CountedBy(self.records, frozenset(self.by)).is_enough:
            yield Measure.COUNT, self.records
            yield from ((measure, number) for measure, number in measures.items() if number >= LEAST)


def of_month(tx: Tx, month: int, last: int) -> Iterable[PublishedCell]:
    """Yield what anybody may see of the money and the people of a month, whose ``last`` day is given."""
    names = {partner.name: partner.counts_as for partner in partners.all_partners(tx)}
    by_outcome: dict[str, _Stated] = defaultdict(_Stated)
    by_currency: dict[str, _Stated] = defaultdict(_Stated)
    for stated in outcome_figures.stated(tx, month, last):
        organisation = names.get(stated.partner, stated.partner.casefold())
        cells = [by_outcome[stated.outcome]]
        if stated.amount is not None:
            cells.append(by_currency[f"{stated.outcome} {stated.currency}"])
        for cell in cells:
            cell.records += 1
            cell.items += stated.items
            cell.victims += stated.victims
            cell.by[organisation] += stated.amount or 0
    for word, cell in sorted(by_outcome.items()):
        for measure, value in cell.shown({Measure.ITEMS: cell.items, Measure.VICTIMS: cell.victims}):
            yield PublishedCell(month, OUTCOMES.name, Dimension.OUTCOME, word, measure, value)
    for word, cell in sorted(by_currency.items()):
        if hides_the_largest(map(int, cell.by.values())):
            for measure, value in cell.shown({Measure.AMOUNT: rounded(int(sum(cell.by.values())))}):
                yield PublishedCell(month, OUTCOMES.name, Dimension.CURRENCY, word, measure, value)
