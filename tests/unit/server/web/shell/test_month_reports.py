"""The monthly report: for operators, for everybody only where the settings say so, as page, HTML file and PDF."""

import io
import re
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pdfplumber
import pytest
from flask import Flask

from server.app import close, create_app
from server.features.monthly.report import html_of, pdf_of, report_of
from server.features.trends import months, publications
from server.features.trends.counts import DAY
from server.features.trends.days import month_of
from server.features.trends.months import earlier
from server.features.trends.publications import PublishedCell
from server.settings import Settings
from server.store import Store
from server.store.database.times import now
from server.store.operators.users import OperatorRole
from server.web.shell.languages import load_languages
from server.web.shell.owner_mark import OwnerMark
from server.web.shell.site import environment_of
from tests.initial_stores import initial_url
from tests.unit.server.web.shell.people import visitor_of
from tests.unit.server.web.shell.test_owner_mark import SVG, png
from tests.unit.server.web.shell.test_trend_pages import publish_months


@pytest.fixture
def public(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """Serve the pages of a hub whose report is public."""
    settings = Settings(
        database_url=initial_url(request, tmp_path), access_log="off", background=False, public_report=True
    )
    app = create_app(settings)
    yield app
    close(app)


def store_of(app: Flask) -> Store:
    found: Store = app.extensions["scamfeed-store"]
    return found


def file_of(month: str, form: str, language: str = "en") -> str:
    return f"/file?form={form}&month={month}&language={language}"


def pages_of(pdf: bytes) -> list[str]:
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return [page.extract_text() for page in document.pages]


def test_report_is_hidden_unless_the_settings_make_it_public(app: Flask, store: Store) -> None:
    month, _, _ = publish_months(store)
    client = app.test_client()
    for path in ("/report", f"/report{file_of(month, 'pdf')}", "/nowhere"):
        assert client.get(path).status_code == 404
    assert "/report" not in client.get("/trends").text
    assert client.get("/console/report").status_code == 303


def test_operators_read_the_report_and_take_its_files(app: Flask, store: Store) -> None:
    month, before, _ = publish_months(store)
    viewer = visitor_of(app, OperatorRole.VIEWER)
    page = viewer.get("/console/report").text
    assert "Money held" in page
    assert "THB\u00a0800,000" in page
    for address in re.findall(r'href="(/console/report/file[^"]+)"', page):
        sent = viewer.get(address.replace("&amp;", "&"))
        assert sent.status_code == 200
        assert f"report-{month}" in sent.headers["Content-Disposition"]
    assert f'value="{before}" selected' in viewer.get(f"/console/report?month={before}").text


def test_public_report_is_linked_and_served(public: Flask) -> None:
    month, _, _ = publish_months(store_of(public))
    client = public.test_client()
    assert f'href="/report?month={month}"' in client.get("/trends").text
    assert "รายงานประจำเดือน" in client.get("/report?lang=th").text
    first, again = (client.get(f"/report{file_of(month, 'pdf', 'th')}") for _ in range(2))
    assert (first.content_type, first.data) == ("application/pdf", again.data)


def test_unknown_months_forms_and_languages_are_not_found(public: Flask) -> None:
    month, _, first = publish_months(store_of(public))
    client = public.test_client()
    addresses = [file_of(earlier(first, 1), "pdf"), file_of(month, "doc"), file_of(month, "pdf", "xx")]
    addresses += [file_of("2100-01", "html"), "/file", f"?month={earlier(month, -1)}", "?month=x"]
    assert {client.get(f"/report{address}").status_code for address in addresses} == {404}


def test_report_is_empty_before_the_first_month(public: Flask) -> None:
    assert "No month is published yet" in public.test_client().get("/report").text
    assert public.test_client().get(f"/report{file_of('2026-10', 'pdf')}").status_code == 404


@pytest.mark.long_but("None")
@pytest.mark.parametrize("language", ["en", "th"])
@pytest.mark.parametrize("mark", [OwnerMark(SVG.format("<g/>").encode(), "svg"), OwnerMark(png(), "png"), None])
def test_pdf_has_two_pages_and_is_the_same_again(store: Store, language: str, mark: OwnerMark | None) -> None:
    month, _, _ = publish_months(store)
    known = load_languages(UTC)[language]
    settings = Settings(title="A hub", owner="#strong[x] $1$ \\", contact="mailto:desk@hub.example.org")
    with store.read() as tx:
        figures = months.of_month(tx, month)
    made = pdf_of(report_of(figures, known, settings, mark))
    assert made == pdf_of(report_of(figures, known, settings, mark))
    first, second = pages_of(made)
    assert "#strong[x] $1$ \\" in first
    assert "800,000" in first
    assert "4,000" in first
    assert "90 +50%" in second
    assert "desk@hub.example.org" in second


@pytest.mark.long
def test_pdf_has_two_pages_with_many_currencies_and_long_names(store: Store) -> None:
    month = month_of(now() // DAY)
    codes = [f"{first}{second}X" for first in "ABC" for second in "ABCDEF"]
    cells = [PublishedCell(month, "outcomes", "currency", f"held {code}", "amount", 10**14) for code in codes]
    with store.begin() as tx:
        publications.publish(tx, "month", cells)
        figures = months.of_month(tx, months.published_months(tx)[0])
    settings = Settings(title="T" * 200, owner="O" * 200, contact="c" * 300)
    for language in load_languages(UTC).values():
        assert len(pages_of(pdf_of(report_of(figures, language, settings, None)))) == 2


def test_html_file_loads_nothing_and_escapes_names(store: Store) -> None:
    month, _, _ = publish_months(store)
    english = load_languages(UTC)["en"]
    with store.read() as tx:
        figures = months.of_month(tx, month)
    settings = Settings(owner="<script>alert(1)</script>")
    page = html_of(report_of(figures, english, settings, OwnerMark(png(), "png")), environment_of(english)).decode()
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert not re.search(r"url\((?!#)", page)
    assert "Money held" in page
