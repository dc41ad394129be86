"""Money and people in outcomes: exact for the operator, by month for the public."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from server.features.trends import outcome_figures
from server.features.trends.figures import OUTCOMES, Dimension, Measure
from server.features.trends.outcome_figures import StatedTotals
from server.features.trends.publications import PublishedCell
from server.features.trends.suppression import LEAST, CountedBy, hides_the_largest, rounded, shown
from server.store import partners
from server.store.database.engine import Tx


@dataclass(slots=True)
class _Stated:
    """The statements of the records of a cell, by organisation."""

    records: int = 0
    items: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    by: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, organisation: str, stated: StatedTotals) -> None:
        """Add the totals of one record."""
        self.records += 1
        self.items[organisation] += stated.items
        self.victims[organisation] += stated.victims
        self.by[organisation] += stated.amount or 0

    @property
    def counted(self) -> CountedBy:
        """The number of records, and their organisations."""
        return CountedBy(self.records, frozenset(self.by))


def of_month(tx: Tx, month: int, last: int) -> Iterable[PublishedCell]:
    """Yield the public figures on money and people of a month, given its ``last`` day."""
    names = {partner.name: partner.counts_as for partner in partners.all_partners(tx)}
    by_outcome: dict[str, _Stated] = defaultdict(_Stated)
    # By outcome and by currency, which is empty if no amount is stated.
    by_currency: dict[str, dict[str, _Stated]] = defaultdict(lambda: defaultdict(_Stated))
    for stated in outcome_figures.stated(tx, month, last):
        organisation = names.get(stated.partner, stated.partner.casefold())
        currency = stated.currency if stated.amount is not None else ""
        for cell in (by_outcome[stated.outcome], by_currency[stated.outcome][currency]):
            cell.add(organisation, stated)
    for outcome, cell in sorted(by_outcome.items()):
        if cell.counted.is_enough:
            yield PublishedCell(month, OUTCOMES.name, Dimension.OUTCOME, outcome, Measure.COUNT, cell.records)
            yield from _of_people(month, outcome, cell)
        for currency in sorted(shown({word: of.counted for word, of in by_currency[outcome].items()}) - {""}):
            yield from _of_money(month, f"{outcome} {currency}", by_currency[outcome][currency])


def _of_people(month: int, word: str, cell: _Stated) -> Iterable[PublishedCell]:
    for measure, parts in ((Measure.ITEMS, cell.items), (Measure.VICTIMS, cell.victims)):
        if parts.total() >= LEAST and hides_the_largest(parts.values()):
            yield PublishedCell(month, OUTCOMES.name, Dimension.OUTCOME, word, measure, parts.total())


def _of_money(month: int, word: str, cell: _Stated) -> Iterable[PublishedCell]:
    """Yield an amount that hides its largest contributor, and the number of its records."""
    amounts = [int(amount) for amount in cell.by.values()]
    if hides_the_largest(amounts):
        yield PublishedCell(month, OUTCOMES.name, Dimension.CURRENCY, word, Measure.COUNT, cell.records)
        yield PublishedCell(month, OUTCOMES.name, Dimension.CURRENCY, word, Measure.AMOUNT, rounded(sum(amounts)))
