"""The published figures on pages, in the words and numbers of the reader's language."""

import re
from datetime import UTC

from flask import Flask

from server.features.trends import publications
from server.features.trends.counts import DAY
from server.features.trends.days import month_of
from server.features.trends.months import earlier
from server.features.trends.publications import PublishedCell
from server.features.trends.query import text_of
from server.store import Store
from server.store.database.times import now
from server.web.shell.charts import Chart, ChartCell, ChartRow
from server.web.shell.drawings import draw
from server.web.shell.languages import load_languages


def publish(store: Store) -> str:
    """Publish some figures of this month, and return the month."""

    month = month_of(now() // DAY)
    cells = [
        ("report-to-listing", "", "", "count", 1_234),
        ("report-to-listing", "", "", "p50", 90_000),
        ("report-to-listing", "", "", "p95", 7_200_000),
        ("outcomes", "currency", "held THB", "amount", 800_000),
        ("outcomes", "outcome", "warned", "victims", 42),
        ("wrong", "", "", "count", 7),
    ]
    with store.begin() as tx:
        publications.publish(tx, "month", [PublishedCell(month, *cell) for cell in cells])
    return text_of(month, "month")


def test_the_first_page_has_no_figures_before_any_is_published(app: Flask) -> None:
    assert "once the first month has closed" in app.test_client().get("/").text
    assert "No month is published yet" in app.test_client().get("/trends").text


def test_the_three_figures_follow_the_check(app: Flask, store: Store) -> None:
    publish(store)
    page = app.test_client().get("/").text
    assert page.index("Check before you pay") < page.index("From report to action")
    for shown in ("1.5 minutes", "2 hours", "THB\u00a0800,000", "Held", "42 people", ">7<", "Listed by mistake"):
        assert shown in page, shown
    thai = app.test_client().get("/?lang=th").text
    assert "฿800,000" in thai
    assert "1.5 นาที" in thai


def publish_months(store: Store) -> tuple[str, str, str]:
    """Publish this month, the one before and the third before it, of which the first two have the same figures."""
    month = month_of(now() // DAY)
    before = month_of(month - 1)
    first = month_of(month_of(before - 1) - 1)
    cells = [
        *[
            PublishedCell(at, "reports", "", "", "count", value)
            for at, value in ((month, 120), (before, 100), (first, 9))
        ],
        *[
            PublishedCell(month, "reports", "kind", word, "count", value)
            for word, value in (("phone", 90), ("url", 45))
        ],
        PublishedCell(before, "reports", "kind", "phone", "count", 60),
        *[PublishedCell(at, "wrong", "", "", "count", 6) for at in (month, before)],
        PublishedCell(month, "listed", "", "", "count", 4_000),
        PublishedCell(before, "listed", "", "", "at-least", 3_000),
        *[PublishedCell(at, "outcomes", "currency", "held THB", "amount", 800_000) for at in (month, before)],
        *[PublishedCell(month, "report-to-listing", "", "", measure, 400) for measure in ("p50", "p95", "count")],
    ]
    with store.begin() as tx:
        publications.publish(tx, "month", cells)
    return text_of(month, "month"), text_of(before, "month"), text_of(first, "month")


def part(page: str, begin: str, end: str) -> str:
    """Return the text of a part of a page, without marks."""
    page = page[page.index(begin) :]
    return " ".join(re.sub(r"<title>.*?</title>|<[^>]+>", " ", page[: page.index(end)]).split())


def test_a_month_is_compared_with_the_month_before(app: Flask, store: Store) -> None:
    publish_months(store)
    page = app.test_client().get("/trends").text
    assert "Reported values 120 100 +20% New listings" in part(page, 'id="volume"', "</section>")
    assert "Money held THB 800,000 THB 800,000 ±0% Money returned" in part(page, 'id="money"', "</section>")
    assert "Payments declined not shown not shown Money held" in part(page, 'id="money"', "</section>")
    # The month of the year before is not published, so it has no column.
    assert part(page, 'id="volume"', "</thead>").count("and the change since") == 1
    assert "There are no published figures of" in page


def test_wrong_listings_have_their_denominator(app: Flask, store: Store) -> None:
    publish_months(store)
    fairness = part(app.test_client().get("/trends").text, 'id="fairness"', "</section>")
    assert "6 of 4,000 published in the month 1.5 per 1,000 6 ±0% of 3,000 or more published in the month" in fairness


def test_a_time_below_a_second_has_words(app: Flask, store: Store) -> None:
    publish_months(store)
    page = app.test_client().get("/trends").text
    assert "under 1 second 95 of 100 within under 1 second cases: 400" in part(page, 'id="speed"', "</section>")
    assert not re.search(r"\b0 sec", page)


def test_words_are_ranked_with_their_change(app: Flask, store: Store) -> None:
    publish_months(store)
    for address in ("/", "/trends"):
        ranked = part(app.test_client().get(address).text, 'id="reports-kind"', "</table>")
        assert ranked.endswith("Change in a month Phone number 90 +50% URL 45 –")


def test_an_earlier_month_is_selected(app: Flask, store: Store) -> None:
    month, before, first = publish_months(store)
    client = app.test_client()
    assert f'<option value="{before}" selected>' in client.get(f"/trends?month={before}").text
    # Also a month of which no figure is shown.
    between = earlier(month, 2)
    assert "Reported values not shown 9" in part(client.get(f"/trends?month={between}").text, 'id="volume"', "</sec")
    for unknown in (earlier(first, 1), "2100-01", "2026-13", "x", "2026-1"):
        assert client.get(f"/trends?month={unknown}").status_code == 404


def test_axis_has_each_month_and_a_gap_stays_a_gap(app: Flask, store: Store) -> None:
    publish_months(store)
    page = app.test_client().get("/trends").text
    chart = page[page.index('id="figure-reports"') :]
    chart = chart[: chart.index("</figure>")]
    assert chart.count("<rect") == 3
    assert len(re.findall("<tr><th", chart)) == 12 + 1
    assert chart.count("no figures") == 8
    # The month between has no figure that is shown: in the drawing, and twice in the table's cell.
    assert chart.count(">–</text>") == 1
    assert chart.count("not shown") == 2


def test_line_joins_only_months_next_to_each_other() -> None:
    cells = [ChartCell(60, "1 minute"), ChartCell(120, "2 minutes"), None, ChartCell(90, "1.5 minutes")]
    rows = [ChartRow(str(at), str(at), [cell]) for at, cell in enumerate(cells)]
    chart = Chart("a", "A", "", "", ["median"], rows, measure="seconds")
    area = draw(chart, load_languages(UTC)["en"]).area
    assert area.count("<circle") == 3
    assert area.count('<line class="s1"') == 1


def test_all_figures_are_shown_by_month_with_their_meaning(app: Flask, store: Store) -> None:
    publish(store)
    page = app.test_client().get("/trends").text
    assert "1,234" in page
    assert "From the first report of a value until partners could read it" in page
