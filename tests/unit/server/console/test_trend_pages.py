"""The figures on pages: those that are published, in words and numbers of the reader."""

from flask import Flask

from server.release.trends.days import month_of
from server.release.trends.query import text_of
from server.store import Store
from server.store.database.times import now
from server.store.trends import publications
from server.store.trends.counts import DAY
from server.store.trends.publications import PublishedCell


def publish(store: Store) -> str:
    """Publish some figures of this month, and return it."""

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


def test_the_three_figures_come_first(app: Flask, store: Store) -> None:
    publish(store)
    page = app.test_client().get("/").text
    assert page.index("From report to action") < page.index("Check before you pay")
    for shown in ("2 minutes", "2 hours", "THB\u00a0800,000", "Held", "42 people", ">7<", "Listed wrongly"):
        assert shown in page, shown
    thai = app.test_client().get("/?lang=th").text
    assert "฿800,000" in thai
    assert "2 นาที" in thai


def test_all_figures_stand_by_month_with_their_meaning(app: Flask, store: Store) -> None:
    publish(store)
    page = app.test_client().get("/trends").text
    assert "1,234" in page
    assert "From the first report of a value until partners could read it" in page
