"""``scamfeed lookup`` and ``scamfeed explain`` show a value's site, and the listed pages of a host."""

import pytest

from tests.integration.command import Run, answer

SITE, PAGE = "rogue-shop.com", "https://one-page.com/pay"


@pytest.fixture
def hub(run: Run) -> Run:
    assert run("init").exit_code == 0
    assert run("partner", "add", "First Bank", "--kind", "bank").exit_code == 0
    rows = f"kind,value\ndomain,{SITE}\nurl,{PAGE}\n"
    assert run("contribute", "-", "--partner", "First Bank", "--tlp", "green", "--json", stdin=rows).exit_code == 0
    return run


def test_a_look_up_shows_the_site_and_the_pages(hub: Run) -> None:
    (known,) = answer(hub("lookup", "https://www.rogue-shop.com/pay", "--json"))
    assert (known["kind"], known["indicators"], known["listings"]) == ("url", [], [])
    (site,) = known["sites"]
    assert (site["kind"], site["value"], [listing["active"] for listing in site["listings"]]) == (
        "domain",
        SITE,
        [True],
    )
    (listed,) = answer(hub("lookup", SITE, "--json"))
    assert listed["listings"] == site["listings"]
    assert listed["sites"] == []
    (host,) = answer(hub("lookup", "www.one-page.com", "--json"))
    assert [page["value"] for page in host["pages"]["listings"]] == [PAGE]
    assert (host["listings"], host["pages"]["more"]) == ([], False)
    shown = hub("lookup", "https://www.rogue-shop.com/pay", "one-page.com").stdout
    assert f"Listings of its site {SITE}" in shown
    assert "Listed pages of one-page.com" in shown


def test_explanation_names_the_site_and_its_pages(hub: Run) -> None:
    (found,) = answer(hub("explain", "help@rogue-shop.com", "--json"))
    assert (found["value"], found["is_of_site"], found["result"]) == (SITE, True, "published")
    assert "the site of help@rogue-shop.com" in hub("explain", "help@rogue-shop.com").stdout
    (itself,) = answer(hub("explain", SITE, "--json"))
    assert itself["is_of_site"] is False
    assert hub("explain", "one-page.com").exit_code == 2
