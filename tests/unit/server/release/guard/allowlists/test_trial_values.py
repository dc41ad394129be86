"""Few harmless values pass the guard, no link to a general page does, and no value that scams use is held."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import Rejected
from schemas.refang import refang
from schemas.report import Report
from schemas.tabular import ReportReader
from server.release.guard.allowlists import pages
from server.release.guard.allowlists.lookup import Allowlists

VALUES = Path(__file__).with_name("trial_values.txt").read_text(encoding="utf-8")
READER = ReportReader({"reporter": "Example Bank", "reported_at": "2026-05-01T08:00:00.000Z"})
BUNDLED = Allowlists()
SETS = re.findall(r"(?m)^\[(\w+) harmless\]$", VALUES)
MOST_PASSING = 0.05
_COLUMNS = re.compile(r"(?P<value>.*?)\((?P<columns>\w+=.*)\)")
_COUNTRY_FIRST = re.compile(r"(?P<country>[A-Z]{2}):(?P<value>.*)")


def values(name: str) -> Iterator[dict[str, str]]:
    section = VALUES.partition(f"[{name}]\n")[2].partition("\n[")[0]
    for line in section.splitlines():
        kind, _, cells = line.partition(": ")
        for cell in cells.split():
            row = {"kind": kind, "value": refang(cell)}
            if found := _COLUMNS.fullmatch(cell):
                row |= {"value": found["value"], **dict(column.split("=") for column in found["columns"].split(";"))}
            elif kind in ("phone", "company") and (found := _COUNTRY_FIRST.fullmatch(cell)):
                row |= found.groupdict()
            yield row


def read(row: dict[str, str]) -> Report | None:
    """Return the report, or None if the value is refused and therefore not published."""
    try:
        return READER.report(row)
    except Rejected:
        return None


def passing(name: str) -> list[str]:
    reports = [(row, read(row)) for row in values(name)]
    return [row["value"] for row, report in reports if report is not None and BUNDLED.match(report) is None]


@pytest.mark.parametrize("name", SETS)
def test_few_harmless_values_pass(name: str) -> None:
    found = passing(f"{name} harmless")
    every = list(values(f"{name} harmless"))
    assert len(every) >= 100
    assert len(found) <= MOST_PASSING * len(every), found


@pytest.mark.parametrize("name", SETS)
def test_no_link_to_a_general_page_passes(name: str) -> None:
    assert list(values(f"{name} generic"))
    assert passing(f"{name} generic") == []


@pytest.mark.parametrize("name", SETS)
def test_every_value_that_scams_use_passes(name: str) -> None:
    every = [(row["value"], read(row)) for row in values(f"{name} scam")]
    assert every
    assert [value for value, report in every if report is None or BUNDLED.match(report) is not None] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.google.com/forms?utm_source=a&hl=th",
        "HTTPS://DOCS.GOOGLE.COM/FORMS",
        "docs.google.com/forms/",
        "hxxps://docs[.]google[.]com/forms",
        "https://docs.google.com./forms",
        "https://docs.google.com:443/forms#top",
        "https://docs.google.com/%66orms",
        "https://docs.google.com//forms/.",
        "https://docs.google.com/forms/u/3/",
    ],
)
def test_every_spelling_of_a_general_page_is_held(url: str) -> None:
    report = read({"kind": "url", "value": refang(url)})
    assert report is not None
    assert BUNDLED.match(report) is not None


@pytest.mark.parametrize(
    ("host", "path", "query", "general"),
    [
        ("youtube.com", "/watch", "?feature=share", True),
        ("youtube.com", "/watch", "?v=", True),
        ("youtube.com", "/watch", "?v=abcdefghijk", False),
        ("sites.google.com", "/view", "", True),
        ("sites.google.com", "/view/login", "", False),
        ("facebook.com", "/groups/discover", "", True),
        ("facebook.com", "/groups/login", "", False),
        ("bit.ly", "/login", "", False),
        ("bit.ly", "/index.html", "", True),
        ("storage.googleapis.com", "/login/index.html", "", False),
        ("amazon.com", "/gp/cart/view.html", "", True),
        ("amazon.com", "/index.php", "?lang=th", True),
        ("amazon.com", "/index.php", "?id=7", False),
        ("play.google.com", "/store/search", "?q=bank", True),
        ("amazon.com", "/" + "a/" * 1000, "", False),
        ("amazon.com", "/home", "?" + "&".join(f"hl{number}=1" for number in range(100)), False),
    ],
)
def test_a_page_is_general_if_it_names_nothing_of_a_user(host: str, path: str, query: str, general: bool) -> None:
    assert pages.is_generic(host, path, query) is general


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("url", "http://8.8.8.8:8080/x", "shared-addresses"),
        ("url", "http://104.16.1.1/pay", "cloudflare"),
        ("email", "somebody@gmail.com", None),
        ("email", "support@gmail.com", None),
        ("email", "support@lazada.co.th", "institution-platforms"),
        ("email", "somebody@lazada.co.th", None),
        ("phone", "+81120123456", "company-lines"),
        ("phone", "+611300123456", "company-lines"),
        ("phone", "+5540041234", "public-numbers"),
        ("phone", "+18885551239", None),
        ("phone", "+448081234567", None),
        ("phone", "+443451234567", "public-numbers"),
        ("app", "app-store:310633997", "store-apps"),
        ("app", "app-store:454638412", "long-sold-apps"),
        ("app", "app-store:1234567890", None),
        ("app", "app-store:123456789", None),
        ("payment-alias", "promptpay:0107536000315", "established-companies"),
        ("payment-alias", "promptpay:010753600031501", "established-companies"),
        ("bank-account", "BE37000000002828", "short-giros"),
        ("bank-account", "DE46370205000000002020", "charity-banks"),
        ("bank-account", "NL20INGB0001234567", None),
        ("social-account", "shopee:index.php@shopee.co.th", "platform-pages"),
        ("social-account", "telegram:forum", None),
        ("social-account", "telegram:+AbCdEfGhIjKlMn", None),
    ],
)
def test_each_rule_holds_its_values_and_no_neighbour(kind: str, value: str, name: str | None) -> None:
    report = read({"kind": kind, "value": value})
    assert report is not None
    found = BUNDLED.match(report)
    assert (found and found.list) == name
