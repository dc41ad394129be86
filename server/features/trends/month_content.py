"""A month in words and numbers of a language: what pages, the report on paper and the command show of it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from server.features.trends import figure_words
from server.features.trends.figure_words import month_name
from server.features.trends.figures import (
    ACTIONS,
    DELISTED,
    LISTED,
    OBJECTIONS,
    OUTCOMES,
    PROVIDER_ANSWERS,
    REPORTS,
    SIGHTINGS,
    TO_ACTION,
    TO_ALL,
    TO_LISTING,
    TO_READ,
    WRONG,
    WRONG_LISTED,
    Dimension,
    Figure,
)
from server.features.trends.months import IN_TIME, RANKED, MonthFigures
from server.features.trends.query import FigureRow
from server.features.trends.suppression import LEAST, LEAST_FOR_P95, LEAST_ORGANISATIONS
from server.web.shell.charts import RankedBar, Ranking
from server.web.shell.languages import Language
from server.web.shell.words import Translatable, mark

MOST_BARS = 8
# The outcomes that always have a line; others have one in months with a figure of them.
MONEY, PEOPLE = ("declined", "held", "returned"), ("warned", "customer-stopped")

_NO_FIGURES, _NOT_SHOWN = mark("no figures"), mark("not shown")
_OR_MORE = mark("%(number)s or more")
_P95 = mark("95 of 100 within %(time)s")
_CASES = mark("cases: %(number)s")
_OF_LISTED = mark("of %(number)s published in the month")
_PER_THOUSAND = mark("%(number)s per 1,000")
_HALF = mark("half within %(time)s")
_IN_TIME = mark("in time: %(number)s")
_IN_TIME_SHARE = mark("in time: %(number)s (%(share)s)")
_NUMBER, _CHANGE, _CHANGE_BEFORE = mark("Number"), mark("Change in a month"), mark("Change from before")
_TITLE = mark("Figures of %(month)s")
GAPS = mark("A dash stands for a figure that is not shown. A month without a mark has no published figures.")
_NO_MONTH = mark("There are no published figures of %(month)s. The first published month is %(first)s.")
_NO_PERIOD = mark("There are no published figures of all months of: %(month)s.")
_SUMS = mark(
    "A quarter or a year is the sum of the published figures of its months. “Or more” also means that the figure of a"
    " month is not shown. Medians are published by month only."
)


class ShownCell(NamedTuple):
    """A figure of a month as written; ``details`` are further facts, ``change`` is the way from this month to now."""

    text: str
    details: tuple[str, ...] = ()
    change: str = ""
    is_shown: bool = True


class Line(NamedTuple):
    """A figure, in the month, the month before and the year before."""

    label: str
    now: ShownCell
    before: ShownCell
    year_before: ShownCell


class Block(NamedTuple):
    """Lines about one subject."""

    name: str
    title: str
    meaning: str
    lines: Sequence[Line]


class MonthContent(NamedTuple):
    """A month: its title, the names of the three months, the blocks, what is ranked, and the notes on the method."""

    month: str
    title: str
    columns: tuple[str, str, str]
    # Whether the month of the third column is published: the pages leave the column out otherwise.
    has_year_before: bool
    blocks: Sequence[Block]
    rankings: Sequence[Ranking]
    absent: Sequence[str]
    notes: Sequence[str]


def content_of(figures: MonthFigures, language: Language, address: Callable[[str], str] = lambda _: "") -> MonthContent:
    """Write a month in a language; ``address`` returns the address of the CSV of a dimension."""
    return _Writer(figures, language).content(address)


class _Shown(NamedTuple):
    """A figure as written, and the number from which a change is computed: None if a part of it is left out."""

    text: str
    value: float | None
    details: tuple[str, ...] = ()


_Write = Callable[[FigureRow], _Shown | None]


class _Writer:
    def __init__(self, figures: MonthFigures, language: Language) -> None:
        self._figures, self._language = figures, language
        self._text = language.text
        self._months = (figures.month, figures.before, figures.year_before)

    def content(self, address: Callable[[str], str]) -> MonthContent:
        figures, text = self._figures, self._text
        now, before, year_before = (month_name(self._language, month) for month in self._months)
        names = zip(self._months, (now, before, year_before), strict=True)
        first = month_name(self._language, figures.known[-1])
        return MonthContent(
            figures.month,
            text(_TITLE) % {"month": now},
            (now, before, year_before),
            figures.year_before in figures.known,
            [
                *(self._money(), self._people()),
                *(() if figures.is_sum else (self._speed(),)),
                *(self._fairness(), self._volume()),
            ],
            [self._ranking(dimension, address(dimension)) for dimension in RANKED],
            [
                text(_NO_PERIOD if figures.is_sum else _NO_MONTH) % {"month": name, "first": first}
                for at, name in names
                if at not in figures.known
            ],
            [text(note) % _RULES for note in ((_SUMS, *NOTES) if figures.is_sum else NOTES)],
        )

    # The blocks

    def _money(self) -> Block:
        words = self._figures.words(OUTCOMES.name, Dimension.CURRENCY, self._months)
        words += [word for word in MONEY if not any(known.startswith(f"{word} ") for known in words)]
        words.sort(key=lambda word: _place(word.partition(" ")[0], MONEY))
        lines = [self._line(MONEY_WORDS, word, OUTCOMES, self._amount, Dimension.CURRENCY) for word in words]
        return Block("money", self._text(mark("Money")), self._text(_MEANINGS["money"]), lines)

    def _people(self) -> Block:
        words = {*self._figures.words(OUTCOMES.name, Dimension.OUTCOME, self._months), *PEOPLE}
        lines = {
            word: self._line(PEOPLE_WORDS, word, OUTCOMES, self._victims, Dimension.OUTCOME)
            for word in sorted(words, key=lambda word: _place(word, PEOPLE))
        }
        shown = [line for word, line in lines.items() if word in PEOPLE or any(cell.is_shown for cell in line[1:])]
        return Block("people", self._text(mark("People warned and helped")), self._text(_MEANINGS["people"]), shown)

    def _speed(self) -> Block:
        lines = [self._total(figure, self._time) for figure in (TO_LISTING, TO_READ, TO_ACTION)]
        return Block("speed", self._text(mark("Time from report to action")), self._text(_MEANINGS["speed"]), lines)

    def _fairness(self) -> Block:
        lines = [
            self._total(WRONG, self._wrong),
            *(() if self._figures.is_sum else (self._total(figure, self._time) for figure in (WRONG_LISTED, TO_ALL))),
            self._total(OBJECTIONS, self._answered),
            self._total(PROVIDER_ANSWERS, self._answered),
        ]
        return Block(
            "fairness", self._text(mark("Wrong listings and answers")), self._text(_MEANINGS["fairness"]), lines
        )

    def _volume(self) -> Block:
        lines = [self._total(figure, self._number) for figure in (REPORTS, LISTED, DELISTED, SIGHTINGS, ACTIONS)]
        return Block("volume", self._text(mark("Reports and listings")), self._text(_MEANINGS["volume"]), lines)

    def _ranking(self, dimension: Dimension, csv: str) -> Ranking:
        rows = [
            (self._figures.compared(REPORTS.name, dimension, word), word)
            for word in self._figures.words(REPORTS.name, dimension)
        ]
        found = [(compared.now, compared.before, word) for compared, word in rows if compared.now is not None]
        found.sort(key=lambda entry: (-entry[0].number, entry[2]))
        most = found[0][0].number if found else 1
        bars = [
            RankedBar(
                figure_words.name_of(self._language, dimension, word),
                self._number(now).text,
                now.number / most,
                self._change(self._number(now), None if before is None else self._number(before)),
            )
            for now, before, word in found[:MOST_BARS]
        ]
        title = self._text(figure_words.DIMENSIONS[dimension])
        meaning = self._text(figure_words.RANKED[dimension])
        columns = (title, self._text(_NUMBER), self._text(_CHANGE_BEFORE if self._figures.is_sum else _CHANGE))
        return Ranking(f"reports-{dimension}", title, meaning, columns, bars, csv)

    # The lines

    def _total(self, figure: Figure, write: _Write) -> Line:
        return self._line({}, figure.name, figure, write)

    def _line(
        self, labels: Mapping[str, Translatable], word: str, figure: Figure, write: _Write, dimension: str = ""
    ) -> Line:
        compared = self._figures.compared(figure.name, dimension, word if dimension else "")
        now, before, year_before = (None if row is None else write(row) for row in compared)
        outcome = word.partition(" ")[0]
        name = self._text(labels.get(outcome) or figure_words.title_of(outcome))
        return Line(
            name,
            self._cell(self._months[0], now),
            self._cell(self._months[1], before, self._change(now, before)),
            self._cell(self._months[2], year_before, self._change(now, year_before)),
        )

    def _cell(self, month: str, shown: _Shown | None, change: str = "") -> ShownCell:
        if shown is None:
            text = _NOT_SHOWN if month in self._figures.known else _NO_FIGURES
            return ShownCell(self._text(text), is_shown=False)
        return ShownCell(shown.text, shown.details, change)

    def _change(self, now: _Shown | None, before: _Shown | None) -> str:
        if now is None or before is None or now.value is None or not before.value:
            return ""
        return self._language.change(now.value, before.value)

    # How a figure is written

    def _number(self, row: FigureRow) -> _Shown:
        number = self._language.number(row.number)
        if row.at_least:
            return _Shown(self._text(_OR_MORE) % {"number": number}, None)
        return _Shown(number, row.number)

    def _amount(self, row: FigureRow) -> _Shown | None:
        if row.amount is None:
            return None
        amount = float(row.amount)
        return self._sum(row, self._language.whole_amount(amount, row.word.rpartition(" ")[2]), amount)

    def _victims(self, row: FigureRow) -> _Shown | None:
        return None if row.victims is None else self._sum(row, self._language.number(row.victims), row.victims)

    def _sum(self, row: FigureRow, text: str, value: float) -> _Shown:
        """Write a part of an outcome; a sum without one of its months is written as a minimum."""
        is_part = self._figures.is_sum and row.at_least
        return _Shown(self._text(_OR_MORE) % {"number": text}, None) if is_part else _Shown(text, value)

    def _time(self, row: FigureRow) -> _Shown | None:
        if row.p50_seconds is None:
            return None
        details = [self._text(_CASES) % {"number": self._number(row).text}]
        if row.p95_seconds is not None:
            details.insert(0, self._text(_P95) % {"time": self._language.measured(row.p95_seconds)})
        return _Shown(self._language.measured(row.p50_seconds), row.p50_seconds, tuple(details))

    def _wrong(self, row: FigureRow) -> _Shown:
        shown, listed = self._number(row), self._figures.row(row.period, LISTED.name)
        if listed is None:
            return shown
        details = [self._text(_OF_LISTED) % {"number": self._number(listed).text}]
        if not row.at_least and not listed.at_least and listed.number:
            rate = self._language.number(round(row.number * 1_000 / listed.number, 1))
            details.append(self._text(_PER_THOUSAND) % {"number": rate})
        return shown._replace(details=tuple(details))

    def _answered(self, row: FigureRow) -> _Shown:
        shown, in_time = self._number(row), self._figures.row(row.period, row.figure, Dimension.TIMELINESS, IN_TIME)
        details = [self._text(_HALF) % {"time": self._language.measured(row.p50_seconds)}] if row.p50_seconds else []
        if in_time is not None:
            number = self._number(in_time).text
            is_exact = not (row.at_least or in_time.at_least)
            share = self._language.percent(in_time.number / row.number) if is_exact else ""
            text = self._text(_IN_TIME_SHARE if share else _IN_TIME)
            details.append(text % {"number": number, "share": share})
        return shown._replace(details=tuple(details))


def _place(outcome: str, first: Sequence[str]) -> tuple[int, str]:
    return (first.index(outcome) if outcome in first else len(first)), outcome


_RULES = {"least": LEAST, "organisations": LEAST_ORGANISATIONS, "for_p95": LEAST_FOR_P95}
MONEY_WORDS: Mapping[str, Translatable] = MappingProxyType(
    {
        "declined": mark("Payments declined"),
        "held": mark("Money held"),
        "returned": mark("Money returned"),
    }
)
PEOPLE_WORDS: Mapping[str, Translatable] = MappingProxyType(
    {
        "warned": mark("People warned"),
        "customer-stopped": mark("People who stopped the payment themselves"),
        "declined": mark("People whose payment was declined"),
        "held": mark("People whose money was held"),
        "returned": mark("People who got money back"),
    }
)
_MEANINGS: Mapping[str, Translatable] = MappingProxyType(
    {
        "money": mark(
            "Stated by partners, rounded down to two digits. Two lines may be about the same money: do not add them up."
        ),
        "people": mark("Stated by partners. One person may be in several lines: do not add them up."),
        "speed": mark("The median: half of the cases took at most this long."),
        "fairness": mark(
            "Listings that were found to be wrong, how fast they were corrected, and who was answered in time."
        ),
        "volume": mark("Values are web addresses, numbers, accounts and wallets."),
    }
)
NOTES: tuple[Translatable, ...] = (
    mark("A month is published once, six hours after its end (UTC). Published figures never change."),
    mark(
        "A figure is shown if at least %(least)s were counted, by at least %(organisations)s organisations. “Not shown”"
        " means that there were fewer, or none. “Or more” means that small figures of some days are left out; no change"
        " is reckoned from such a figure."
    ),
    mark(
        "Money and people come from the outcomes that partners stated, each statement once. A sum is shown only if no"
        " organisation can be recognised in it."
    ),
    mark(
        "Medians and 95th percentiles are at most 2.5 %% off. A 95th percentile is shown from %(for_p95)s cases."
        " The time to the reader ends when the first partner has read the listing, the time to the action"
        " when the first partner states one."
    ),
    mark(
        "Wrong listings count in the month in which they were found wrong. They are compared with the listings that"
        " were published in that month, as the number of all active listings is not published."
    ),
    mark(
        "An organisation and a value count once. Reports whose sharing is limited are in no figure. A report can name"
        " several countries."
    ),
)
