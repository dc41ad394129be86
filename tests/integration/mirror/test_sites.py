"""A mirror returns the listing of a value's site as the hub does, in process, over HTTP and in the command."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from server.cli.program import app
from tests.integration.mirror.conftest import MirroredScamfeed
from tests.integration.mirror.test_service import check, service

__all__ = ["service"]  # the fixture

SITE = "rogue-shop.com"
AT_THE_SITE = ("https://pay.rogue-shop.com/x?y=1", "WWW.rogue-shop[.]com", "help@rogue-shop.com")


@pytest.fixture(scope="module", autouse=True)
def reported(served: MirroredScamfeed) -> None:
    served.report(SITE)
    served.report("192.0.2.7", kind="ip")
    served.report("https://one-page.com/pay", kind="url")


def _hub_says(hub: MirroredScamfeed, *values: str) -> list[dict[str, Any]]:
    answer = requests.post(
        f"{hub.url.removesuffix('feed/')}api/lookup",
        json={"values": [{"value": value} for value in values]},
        headers={"Authorization": f"Bearer {hub.token}"},
        timeout=60,
    )
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_value_at_a_listed_domain_has_an_action(hub: MirroredScamfeed) -> None:
    hub.sync()
    with hub.open() as mirror:
        for value in AT_THE_SITE:
            result = mirror.check(value)
            assert (result.found, result.grade, result.action, result.stale) == (False, "block", "block", False)
            assert result.listings == ()
            assert result.site is not None
            assert (result.site.kind, result.site.value, result.site.grade) == ("domain", SITE, "block")
            assert (result.confidence, result.valid_until) == (
                result.site.listings[0].confidence,
                result.site.listings[0].valid_until,
            )
        assert mirror.check("http://192.0.2.7/login").action == "block"
        # With the kind named, and the value in its normal form.
        assert mirror.check("www.rogue-shop.com", "domain").action == "block"
        assert mirror.check(SITE, "domain").site is None
        for value in ("https://rogue-shop.com.other-shop.com/", "one-page.com", "other-shop.com"):
            assert (mirror.check(value).action, mirror.check(value).site) == ("none", None)


def test_hub_and_mirror_agree(hub: MirroredScamfeed) -> None:
    values = [*AT_THE_SITE, SITE, "http://192.0.2.7/login", "someone@gmail.com", "https://bit.ly/abc", "+66812345678"]
    hub.sync()
    with hub.open() as mirror:
        for value, said in zip(values, _hub_says(hub, *values), strict=True):
            result = mirror.check(value)
            assert (result.found, result.grade) == (said["found"], said.get("grade"))
            site = said.get("site")
            assert (result.site and (result.site.value, result.site.grade)) == (site and (site["value"], site["grade"]))


def test_a_site_in_an_old_copy_blocks_nothing(hub: MirroredScamfeed) -> None:
    hub.sync(mirror={"max_age": "1s"})
    with hub.open() as mirror:
        hub.wait_until(lambda: mirror.check(SITE).stale)
        result = mirror.check("https://rogue-shop.com/pay")
    assert (result.grade, result.action, result.stale) == ("warn", "warn", True)
    assert result.site is not None
    assert (result.site.grade, result.site.stale) == ("warn", True)


def test_delisted_site_is_not_reported(hub: MirroredScamfeed) -> None:
    hub.report("cleared-shop.com")
    hub.sync()
    with hub.open() as mirror:
        assert mirror.check("www.cleared-shop.com").grade == "block"
        hub.retract("cleared-shop.com")
        hub.sync()
        assert mirror.check("www.cleared-shop.com").action == "none"


def test_service_and_command_report_the_site(hub: MirroredScamfeed, service: str) -> None:
    hub.wait_until(lambda: bool(check(service, SITE)["results"][0]["found"]))
    [result] = check(service, AT_THE_SITE[0])["results"]
    assert (result["found"], result["action"], result["site"]["value"]) == (False, "decline", SITE)
    hub.sync()
    shown = CliRunner().invoke(app, ["check", AT_THE_SITE[0], "--mirror", str(hub.file), "--json"])
    [at_command_line] = json.loads(shown.stdout)["results"]
    assert (at_command_line["action"], at_command_line["site"]["grade"]) == ("block", "block")
    table = CliRunner().invoke(app, ["check", AT_THE_SITE[0], "--mirror", str(hub.file)], env={"COLUMNS": "300"})
    assert f"{SITE}: block" in table.stdout


def test_listed_page_is_mentioned_and_its_host_stays_unlisted(hub: MirroredScamfeed) -> None:
    hub.report("https://some-pages.com/a", "https://www.some-pages.com/b", kind="url")
    hub.sync()
    with hub.open() as mirror:
        for value in ("some-pages.com", "www.some-pages.com", "https://some-pages.com/"):
            result = mirror.check(value)
            assert (result.found, result.grade, result.action, result.listings) == (False, None, "none", ())
            assert result.pages is not None
            assert (result.pages.count, result.pages.more) == (2, False)
            [said] = _hub_says(hub, value)
            assert {held.id for held in result.pages.listings} == {held["id"] for held in said["pages"]["listings"]}
        assert mirror.check("https://some-pages.com/a").pages is None
        assert mirror.check("other-pages.com").pages is None
        hub.retract("https://some-pages.com/a")
        hub.sync()
        result = mirror.check("some-pages.com")
        assert result.pages is not None
        assert result.pages.count == 1


def test_host_with_many_pages_reports_some(hub: MirroredScamfeed) -> None:
    hub.report(*(f"https://full-pages.com/{number}" for number in range(60)), kind="url")
    hub.sync("takedown", "public")
    with hub.open() as mirror:
        pages = mirror.check("full-pages.com", "domain").pages
    assert pages is not None
    assert (pages.count, pages.more, len(pages.listings)) == (10, True, 10)


def test_copy_of_an_earlier_version_is_read_again_for_its_pages(hub: MirroredScamfeed) -> None:
    hub.sync()
    with closing(sqlite3.connect(hub.file)) as file, file:
        # As that version stored it.
        file.execute("DELETE FROM facts WHERE name = 'paged_after'")
        for number, names in file.execute("SELECT number, names FROM objects WHERE length(names) > 16").fetchall():
            file.execute("UPDATE objects SET names = ? WHERE number = ?", (names[:16], number))
            file.execute("DELETE FROM names WHERE object = ? AND name != ?", (number, names[:16]))
    with hub.open() as mirror:
        assert mirror.check("one-page.com").pages is None
        hub.sync()
        pages = mirror.check("one-page.com").pages
        assert pages is not None
        assert pages.count == 1
        numbers = mirror.state().copies.keys()
        hub.sync()
        assert mirror.state().copies.keys() == numbers
