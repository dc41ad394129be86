"""The first page: the three figures or the reason for their absence, named partners, contacts, and stored data."""

import re
from collections.abc import Callable
from datetime import UTC

import pytest
from flask import Flask

from mappers import ids
from schemas.partner import FocalFunction, Partner, PartnerKind
from schemas.vocabulary import Channel, PaymentRail, ScamType
from server.features.trends import figure_words, publications
from server.features.trends.counts import DAY
from server.features.trends.days import month_of
from server.features.trends.figures import OUTCOMES, PUBLIC, Dimension
from server.features.trends.publications import PublishedCell
from server.store import Store, focal_points, partners
from server.store.database.times import now
from server.web.shell.languages import load_languages
from server.web.shell.site import FigureCache
from tests.unit.server.web.shell.test_trend_pages import publish


def join(store: Store, name: str, *, shown: bool) -> None:
    with store.begin() as tx:
        given = {"name": name, "kind": PartnerKind.TELECOM, "country": "SG", "identity": ids.identity(name)}
        partners.add(tx, Partner(**given, named=True, shown_publicly=shown))


def test_only_consenting_current_partners_are_named(app: Flask, store: Store) -> None:
    assert "Who takes part" not in app.test_client().get("/").text
    for name, shown in (("Open Telecom", True), ("Quiet Telecom", False), ("Former Telecom", True)):
        join(store, name, shown=shown)
    with store.begin() as tx:
        partners.remove(tx, "Former Telecom")
        assert [partner.name for partner in partners.shown_publicly(tx, 10)] == ["Open Telecom"]


def test_a_partner_that_is_named_has_its_kind_and_country_in_words(app: Flask, store: Store) -> None:
    join(store, "Open Telecom", shown=True)
    page = app.test_client().get("/").text
    assert re.search(r"Open Telecom <span[^>]*>Telecom, Singapore<", page)
    assert "สิงคโปร์" in app.test_client().get("/?lang=th").text


def test_contacts_are_the_hubs_focal_points(app: Flask, store: Store) -> None:
    with store.begin() as tx:
        focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "https://help.example/now")
        focal_points.put(tx, "First Bank", FocalFunction.PREVENTION, "fraud-desk@bank.example")
    page = app.test_client().get("/").text
    assert 'href="https://help.example/now"' in page
    assert "fraud-desk@bank.example" not in page


def test_page_mentions_an_omitted_figure(app: Flask, store: Store) -> None:
    month = month_of(now() // DAY)
    with store.begin() as tx:
        publications.publish(tx, "month", [PublishedCell(month, "reports", "", "", "count", 50)])
    page = app.test_client().get("/").text
    figures = page[page.index("From report to action") : page.index("Figures based on")]
    assert figures.count("not shown") == 8
    assert figures.count('class="figure"') == 0


def test_every_published_figure_has_a_meaning_in_plain_words() -> None:
    assert figure_words.MEANINGS.keys() == {figure.name for figure in PUBLIC}
    assert OUTCOMES.name in figure_words.MEANINGS


@pytest.mark.parametrize(
    ("dimension", "words"),
    [(Dimension.SCAM_TYPE, ScamType), (Dimension.CHANNEL, Channel), (Dimension.RAIL, PaymentRail)],
)
def test_every_word_of_a_chart_has_a_name_in_both_languages(dimension: Dimension, words: type) -> None:
    languages = load_languages(UTC)
    for word in words:
        assert re.search("[\u0e00-\u0e7f]", figure_words.name_of(languages["th"], dimension, word)), word
        assert figure_words.name_of(languages["en"], dimension, word)[0].isupper(), word


def test_page_data_is_cached_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 100.0
    monkeypatch.setattr("server.web.shell.site.time.monotonic", lambda: moment)
    cache, reads = FigureCache(), list[str]()

    def read(name: str) -> Callable[[], int]:
        def reading() -> int:
            reads.append(name)
            return len(reads)

        return reading

    assert [cache.of("a", read("a")), cache.of("a", read("a")), cache.of("b", read("b"))] == [1, 1, 2]
    moment += 61
    assert cache.of("a", read("a")) == 3
    assert reads == ["a", "b", "a"]


def test_first_page_reads_figures_once_a_minute(app: Flask, store: Store) -> None:
    client = app.test_client()
    assert "once the first month has closed" in client.get("/").text
    publish(store)
    assert "once the first month has closed" in client.get("/").text
