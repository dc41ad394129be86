"""Every figure of a monthly report matches a count of the demonstration's logs that uses no table of figures."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas import timestamp
from server.demo.members import KNOWN_FOR, register
from server.demo.site import DemoHub
from server.demo.weeks import Weeks
from server.features.trends import months
from server.features.trends.figures import BY_NAME, OUTCOMES
from server.features.trends.month_content import Line, content_of
from server.features.trends.months import MonthFigures
from server.features.trends.query import FigureRow
from server.web.shell.languages import load_languages
from tests.integration.month_recount import Recount, Recounting

pytestmark = pytest.mark.long

MONTH, FOLLOWING = "2026-10", "2026-11"
# After the publication of the month.
UNTIL = datetime(2026, 11, 2, 12, tzinfo=UTC)
# A duration is stored in a bucket that is 5 % longer than the one before; below a millisecond there is one bucket.
OFF, LEAST_SECONDS = 0.026, 0.0011


class Counted(NamedTuple):
    """A month as it was published, and as it was counted again."""

    figures: MonthFigures
    again: Recount


@pytest.fixture(
    scope="module",
    params=[1, pytest.param(6, marks=pytest.mark.timeout(1_800))],
    ids=["one-week", "six-weeks"],
)
def counted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """Play the demonstration's last weeks up to the publication of the month."""
    folder: Path = tmp_path_factory.mktemp("month")
    site = DemoHub("Demo hub", folder)
    with timestamp.frozen_at(UNTIL - KNOWN_FOR):
        members = register(site)
    Weeks(site.hub, members, UNTIL, request.param).play()
    with site.store.read() as tx:
        yield Counted(months.of_month(tx, MONTH), Recounting(tx, MONTH, FOLLOWING, site.hub.answer_target).run())
    site.stop()


def rows_of(counted: Counted) -> list[FigureRow]:
    rows = [row for row in counted.figures.rows if row.period == MONTH]
    assert {row.figure for row in rows} >= {
        *("reports", "listed", "sightings", "actions", "outcomes"),
        *("report-to-listing", "listing-to-read", "listing-to-action", "delisting-to-all", "keeper-answers"),
    }
    return rows


def rounded(amount: Decimal) -> str:
    """Return an amount with two digits and zeros, without use of the rule under test."""
    digits = str(int(amount))
    return digits[:2] + "0" * (len(digits) - 2)


def percentile(seconds: list[float], percent: int) -> float:
    ordered = sorted(seconds)
    return ordered[max(1, -(-len(ordered) * percent // 100)) - 1]


def test_every_number_matches(counted: Counted) -> None:
    for row in rows_of(counted):
        if row.figure == OUTCOMES.name:
            continue
        again = counted.again.numbers[row.figure, row.dimension, row.word]
        if BY_NAME[row.figure].is_duration and not row.dimension:
            again = len(counted.again.times[row.figure])
        assert row.number == again or (row.at_least and 0 < row.number < again), (row, again)


def test_every_sum_of_money_and_people_matches(counted: Counted) -> None:
    rows = [row for row in rows_of(counted) if row.figure == OUTCOMES.name]
    money = {row.word: row.amount for row in rows if row.amount is not None}
    people = {row.word: row.victims for row in rows if row.victims is not None}
    assert money == {word: rounded(amount) for word, amount in counted.again.money.items()}
    assert people == dict(counted.again.people)
    assert money.keys() == {"declined THB", "held THB", "returned THB"}


def test_every_median_and_95th_percentile_is_at_most_two_and_a_half_percent_off(counted: Counted) -> None:
    checked = 0
    for row in rows_of(counted):
        for stated, percent in ((row.p50_seconds, 50), (row.p95_seconds, 95)):
            if stated is not None and not row.dimension:
                exact = percentile(counted.again.times[row.figure], percent)
                assert abs(stated - exact) <= max(exact * OFF, LEAST_SECONDS), (row, percent, exact)
                checked += 1
    assert checked >= 9


def test_report_shows_the_recounted_figures(counted: Counted) -> None:
    content = content_of(counted.figures, load_languages(UTC)["en"])
    lines: dict[str, Line] = {line.label: line for block in content.blocks for line in block.lines}
    again = counted.again
    assert lines["Money held"].now.text == f"THB\u00a0{int(rounded(again.money['held THB'])):,}"
    assert lines["People warned"].now.text == f"{again.people['warned']:,}"
    assert lines["New listings"].now.text.startswith(f"{again.numbers['listed', '', '']:,}")
    [kinds] = [ranking for ranking in content.rankings if ranking.anchor == "reports-kind"]
    texts = [bar.text for bar in kinds.bars]
    assert texts == sorted(texts, key=lambda text: -int(text.split()[0].replace(",", "")))
    assert any(text == f"{again.numbers['reports', 'kind', 'domain']:,}" for text in texts)
