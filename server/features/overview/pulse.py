"""The pulse of the hub as charts: reports, release times, refused requests and the age of open work."""

from collections.abc import Sequence

from server.features.overview.queries import AGES, HOUR, HOURS, MOST_AN_HOUR, Pulse
from server.features.trends.counts import DAY
from server.web.shell.languages import Language
from server.web.shell.small_charts import SmallChart, SmallSeries
from server.web.shell.words import mark

_HALF, _P95 = mark("median"), mark("95th percentile")


def charts(language: Language, pulse: Pulse) -> list[SmallChart]:
    """Return the charts in the reader's language."""
    hours = [language.clock(pulse.since + number * HOUR) for number in range(HOURS)]
    errors_meaning = language.text(mark("Requests of partners and programs in the last 24 hours, by hour."))
    if pulse.errors_since is not None:
        only = mark("There were too many to count: only those since %(time)s are shown.")
        errors_meaning += " " + language.text(only) % {"time": language.clock(pulse.errors_since)}
    return [
        SmallChart(
            "pulse-reports",
            language.text(mark("Reports")),
            language.text(mark("%(count)s in 24 hours")) % {"count": _some(language, pulse.reports)},
            language.text(mark("Reported values that the hub received, by hour.")),
            hours,
            [_series(language, mark("Reports"), pulse.reports)],
            language.number(max(pulse.reports)),
            place=language.text(mark("Hour")),
        ),
        SmallChart(
            "pulse-release",
            language.text(mark("From the report to the listing")),
            _last(language, pulse.half),
            language.text(mark("How long new values waited until partners could read them, by day.")),
            [language.day(day + DAY // 2) for day in pulse.days],
            [_times(language, _HALF, pulse.half), _times(language, _P95, pulse.most)],
            language.duration(max(filter(None, (*pulse.half, *pulse.most)), default=0)),
            form="lines",
            place=language.text(mark("Day")),
        ),
        SmallChart(
            "pulse-errors",
            language.text(mark("Errors")),
            language.text(mark("%(refused)s refused, %(failed)s failed here"))
            % {"refused": language.number(sum(pulse.refused)), "failed": language.number(sum(pulse.failed))},
            errors_meaning,
            hours,
            [
                _series(language, mark("failed here"), pulse.failed),
                _series(language, mark("refused"), pulse.refused),
            ],
            language.number(max(a + b for a, b in zip(pulse.refused, pulse.failed, strict=True))),
            place=language.text(mark("Hour")),
        ),
        _ages_chart(language, pulse),
    ]


_QUEUE_NAMES = {"reviews": mark("Reviews"), "objections": mark("Objections"), "requests": mark("Requests")}


def _ages_chart(language: Language, pulse: Pulse) -> SmallChart:
    old = sum(sum(numbers[2:]) for numbers in pulse.ages.values())
    by_age = [sum(numbers) for numbers in zip(*pulse.ages.values(), strict=True)]
    return SmallChart(
        "pulse-ages",
        language.text(mark("Age of open work")),
        language.text(mark("%(count)s older than a day")) % {"count": language.number(old)},
        language.text(mark("Open reviews, objections and requests by how long they have waited.")),
        [_age(language, *age) for age in AGES],
        [_series(language, _QUEUE_NAMES[name], numbers) for name, numbers in pulse.ages.items()],
        language.number(max(by_age)),
        place=language.text(mark("Waits for")),
    )


def _age(language: Language, least: int, most: int | None) -> str:
    if most is None:
        return language.text(mark("over %(time)s")) % {"time": language.duration(least * 3_600)}
    return language.text(mark("up to %(time)s")) % {"time": language.duration(most * 3_600)}


def _series(language: Language, name: str, values: Sequence[int]) -> SmallSeries:
    return SmallSeries(language.text(name), values, [language.number(value) for value in values])


def _times(language: Language, name: str, values: Sequence[float | None]) -> SmallSeries:
    return SmallSeries(
        language.text(name), values, ["–" if value is None else language.duration(value) for value in values]
    )


def _some(language: Language, numbers: Sequence[int]) -> str:
    total = language.number(sum(numbers))
    return language.text(mark("%(number)s or more")) % {"number": total} if MOST_AN_HOUR in numbers else total


def _last(language: Language, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return language.text(mark("no new listing"))
    return language.text(mark("median %(time)s")) % {"time": language.duration(known[-1])}
