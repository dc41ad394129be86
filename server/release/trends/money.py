"""Money and people: what outcomes state, for the operator exactly, for anybody by month."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from server.release.trends.figures import OUTCOMES, Dimension, Measure
from server.release.trends.suppression import LEAST, CountedBy, hides_the_largest, rounded, shown
from server.store import partners
from server.store.database.engine import Tx
from server.store.trends import outcome_figures
from server.store.trends.outcome_figures import StatedTotals
from server.store.trends.publications import PublishedCell


@dataclass(slots=True)
class _Stated:
    """The statements of the records of a cell, by organisation."""

    records: int = 0
    items: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    by: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, organisation: str, stated: StatedTotals) -> None:
        """Add what one record states."""
        self.records += 1
        self.items[organisation] += stated.items
        self.victims[organisation] += stated.victims
        self.by[organisation] += stated.amount or 0

    @property
    def counted(self) -> CountedBy:
        """The number of records, and the organisations that they are by."""
        return CountedBy(self.records, frozenset(self.by))


def of_month(tx: Tx, month: int, last: int) -> Iterable[PublishedCell]:
    """Yield what anybody may see of the money and the people of a month, whose ``last`` day is given."""
    names = {partner.name: partner.counts_as for partner in partners.all_partners(tx)}
    by_outcome: dict[str, _Stated] = defaultdict(_Stated)
    # By outcome and by currency, which is empty where no amount is stated.
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
    """Yield an amount that hides who made most of it, and of how many records it is."""
    amounts = [int(amount) for amount in cell.by.values()]
    if hides_the_largest(amounts):
        yield PublishedCell(month, OUTCOMES.name, Dimension.CURRENCY, word, Measure.COUNT, cell.records)
        yield PublishedCell(month, OUTCOMES.name, Dimension.CURRENCY, word, Measure.AMOUNT, rounded(sum(amounts)))
