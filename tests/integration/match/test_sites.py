"""Private matching finds the listing of a value's site, and queries the site like any other value."""

import json
from pathlib import Path

import requests
from typer.testing import CliRunner

from schemas.api.lookup import LookupQuestion
from schemas.vocabulary import Action
from server.cli.program import app
from tests.integration.match.conftest import MatchingScamfeed

SITE = "rogue-shop.com"
PAGE = "https://pay.rogue-shop.com/x"


def test_value_at_a_listed_site_has_its_grade(hub: MatchingScamfeed, tmp_path: Path) -> None:
    hub.join("shop", "takedown")
    hub.report(SITE, kind="domain")
    hub.report("https://one-page.com/pay", kind="url")
    hub.maker.make()
    values = [PAGE, "help@rogue-shop.com", SITE, "https://one-page.com/pay", "one-page.com", "someone@gmail.com"]
    with hub.matcher("shop", "takedown") as matcher:
        matcher.sync()
        page, mailbox, site, listed_page, host, customer = matcher.match(values)
        for result in (page, mailbox):
            assert (result.found, result.grade, result.id) == (False, Action.BLOCK, None)
            assert result.site is not None
            assert (result.site.kind, result.site.value, result.site.grade) == ("domain", SITE, Action.BLOCK)
            assert result.site.id == site.id is not None
        assert (site.found, site.site) == (True, None)
        assert (listed_page.found, listed_page.site) == (True, None)
        for result in (host, customer):
            assert (result.found, result.grade, result.site) == (False, None, None)
    file = tmp_path / "values.csv"
    file.write_text("".join(f"{value}\n" for value in values))
    token = tmp_path / "token"
    token.write_text(hub.tokens["shop"])
    command = ["match", str(file), "--server", hub.url, "--collection", "takedown", "--token-file", str(token)]
    shown = CliRunner().invoke(app, [*command, "--allow-private", "--json"])
    document = json.loads(shown.stdout)
    assert document["counts"] == {"asked": 6, "found": 2, "errors": 0}
    assert document["results"][0]["site"]["value"] == SITE
    table = CliRunner().invoke(app, [*command, "--allow-private"], env={"COLUMNS": "300"})
    assert f"{SITE}: block" in table.stdout


def test_each_parent_domain_is_one_evaluation(hub: MatchingScamfeed) -> None:
    """The hub learns only their number, as for values queried directly."""
    hub.join("counted", "takedown")
    hub.maker.make()
    left = _left(hub)
    with hub.matcher("counted", "takedown") as matcher:
        matcher.sync()
        matcher.match([LookupQuestion("https://a.b.other-shop.com/", "url"), LookupQuestion("b.other-shop.com")])
    # The URL and three domains. One of the domains was queried itself, too.
    assert _left(hub) == left - 4


def _left(hub: MatchingScamfeed) -> int:
    headers = {"Authorization": f"Bearer {hub.tokens['counted']}"}
    described = requests.get(f"{hub.url}match/takedown", headers=headers, timeout=60).json()
    left: int = described["limits"]["left"]
    return left
