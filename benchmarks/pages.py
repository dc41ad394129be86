"""The public pages: compared with nginx serving the same bytes, by size of the hub, and until a browser shows them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlencode

from playwright.sync_api import Browser, sync_playwright

from benchmarks import lookups
from benchmarks.running import serving
from benchmarks.taxii.client import percentiles
from benchmarks.taxii.hub import nginx
from server.features.trends import publications
from server.features.trends.counts import DAY
from server.features.trends.days import month_of
from server.features.trends.publications import PublishedCell
from server.store import Store
from server.store.database.times import now

SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "2"))
_ROUNDS = 7
# Without a quota of checks, as often as the machine can.
_SETTINGS = {"SCAMFEED_CHECK_RATE_LIMIT": "0"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_WORDS = {
    "kind": ("domain", "url", "phone", "bank-account", "wallet", "social-account"),
    "scam_type": ("investment", "merchandise", "romance", "loan-debt", "impersonation-bank", "not-stated"),
    "channel": ("social-media", "messaging", "phone", "sms", "not-stated"),
    "payment_rail": ("bank", "instant", "crypto", "not-stated"),
    "country": ("TH", "SG", "PH", "VN", "MY", "KH"),
}
_DURATIONS = ("report-to-listing", "listing-to-read", "listing-to-action", "delisting-to-all", "objections")

_PAINTED = """new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""

Row = list[object]


class Page(NamedTuple):
    """A page: its name, its path, and the form sent to it; "" if it is opened with GET."""

    name: str
    path: str
    form: str = ""


def rows(sizes: tuple[int, ...] = (10_000, 100_000)) -> Iterator[Row]:
    """Measure at the largest of ``sizes``, compared with the smallest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        medians: dict[int, dict[str, float]] = {}
        for size in sorted({min(sizes), max(sizes)}):
            url = f"sqlite:///{folder / f'hub-{size}.db'}"
            lookups.fill(url, size, ("public", "public-full"))
            _publish(url)
            medians[size] = {}
            with serving(url, "--workers", "2", "--no-scheduler", settings=_SETTINGS) as (port, _):
                for page in _pages(size):
                    body = _ask(HTTPConnection("127.0.0.1", port), page)
                    medians[size][page.name], p99 = _times(port, page)
                    if size == max(sizes):
                        yield from _beside(folder, page, body, medians[size][page.name], p99)
                if size == max(sizes):
                    yield from _growth(medians)
                    yield from _first_paint(port, size)


def _growth(medians: dict[int, dict[str, float]]) -> Iterator[Row]:
    small, large = min(medians), max(medians)
    for name, before in medians[small].items():
        after = medians[large][name]
        yield [
            f"{name}, median ms at {large:,}",
            f"{after:.2f}",
            f"at {small:,}",
            f"{before:.2f}",
            f"{after / before:.2f}x",
        ]


def _pages(size: int) -> list[Page]:
    listed, unknown = (urlencode({"value": value}) for value in (lookups.value(size // 2), "nobody.example.org"))
    return [
        Page("/", "/"),
        Page("/trends", "/trends"),
        Page("/check", "/check"),
        Page("/check of a listed value", "/check", listed),
        Page("/check of an unknown value", "/check", unknown),
        Page("/object", "/object"),
    ]


def _publish(url: str) -> None:
    """Publish the figures of a year."""
    month = month_of(now() // DAY)
    cells: list[PublishedCell] = []
    for number in range(12):
        total = PublishedCell(month, "reports", "", "", "count", 10_000 + number)
        cells.append(total)
        for dimension, words in _WORDS.items():
            cells += [total._replace(dimension=dimension, word=word, value=1_000 + len(word)) for word in words]
        for figure in _DURATIONS:
            cells += [
                total._replace(figure=figure, measure=measure, value=90_000) for measure in ("count", "p50", "p95")
            ]
        month = month_of(month - 1)
    store = Store.open(url)
    with store.begin() as tx:
        publications.publish(tx, "month", cells)
    store.close()


def _ask(connection: HTTPConnection, page: Page) -> bytes:
    if page.form:
        connection.request("POST", page.path, page.form, _FORM)
    else:
        connection.request("GET", page.path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (page, answer.status)
    return body


def _times(port: int, page: Page) -> tuple[float, float]:
    """Request a page repeatedly on one connection; return median and 99th percentile in milliseconds."""
    connection = HTTPConnection("127.0.0.1", port)
    for _ in range(10):
        _ask(connection, page)
    times: list[float] = []
    end = perf_counter() + SECONDS
    while (start := perf_counter()) < end:
        _ask(connection, page)
        times.append(perf_counter() - start)
    connection.close()
    return percentiles(times)


def _beside(folder: Path, page: Page, body: bytes, ours: float, p99: float) -> Iterator[Row]:
    (folder / "page.html").write_bytes(body)
    with nginx(folder) as static:
        theirs = _times(static, Page("", "/page.html")) if static else (0.0, 0.0)
    ratio = f"{ours / theirs[0]:.1f}x" if static else ""
    label = f"{page.name}, {len(body):,} bytes, median ms"
    yield [label, f"{ours:.2f}", "nginx, the same bytes", f"{theirs[0]:.2f}", ratio]
    yield [f"{page.name}, p99 ms", f"{p99:.2f}", "nginx, the same bytes", f"{theirs[1]:.2f}", ""]


def _first_paint(port: int, size: int) -> Iterator[Row]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in ("/", "/trends", "/check", "/object"):
            times = [_paint(browser, f"http://127.0.0.1:{port}{path}") for _ in range(_ROUNDS)]
            label = f"{path} in Chromium with an empty cache at {size:,}, first contentful paint, ms"
            yield [label, f"{median(times):.0f}", "the slowest", f"{max(times):.0f}", "target 1000"]
        browser.close()


def _paint(browser: Browser, address: str) -> float:
    context = browser.new_context(viewport={"width": 390, "height": 900}, locale="th-TH")
    page = context.new_page()
    page.goto(address)
    found: float = page.evaluate(_PAINTED)
    context.close()
    return found
