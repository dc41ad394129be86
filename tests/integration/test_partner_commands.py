"""``scamfeed partner``, ``review``, ``receipts`` and ``outcomes`` as an operator uses them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mappers import ids
from server.store import Store, Tx, audit, collections, hub_identity, jobs, log, partners, read_progress
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects.query import Query
from tests.integration.command import Run, answer

SITE = "wikipedia.org"


@pytest.fixture
def hub(run_with_store: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Make a hub with a bank."""
    monkeypatch.setenv("COLUMNS", "200")
    assert run_with_store("partner", "add", "First Bank", "--kind", "bank", "--country", "th").exit_code == 0
    return run_with_store


@pytest.fixture
def store(hub: Run, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'scamfeed.db'}")
    yield opened
    opened.close()


def refusal(result: Result) -> str:
    assert result.exit_code == 2
    return result.stderr


def bodies(store: Store, alias: str) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [json.loads(body) for body in log.page(tx, collections.get(tx, alias), Query()).bodies]


def test_new_partner_gets_all_client_settings(hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAMFEED_PUBLIC_URL", "https://feed.example.org")
    told = answer(hub("partner", "add", "Platform", "--kind", "platform", "--read", "takedown", "--json"))
    assert told.keys() >= {"partner", "identity", "user", "password", "token"}
    assert told["discovery"] == "https://feed.example.org/taxii2/"
    assert told["api_root"] == "https://feed.example.org/feed/"
    rights = {each["alias"]: (each["read"], each["write"]) for each in told["collections"]}
    assert rights == {"inbox": (False, True), "takedown": (True, False)}
    assert all(each["url"] == f"{told['api_root']}collections/{each['id']}/" for each in told["collections"])
    shown = answer(hub("partner", "show", "Platform", "--json"))
    assert shown["collections"] == told["collections"]
    assert not {"password", "token", "user"} & shown.keys()
    for words in (hub("partner", "show", "Platform").stdout, hub("partner", "show", "First Bank").stdout):
        assert "docs/clients.md" in words
        assert "/taxii2/" in words


def test_rights_of_a_partner_can_be_set_at_once_or_later(hub: Run) -> None:
    more = ("--trusted", "--authority", "bank-account", "--institution", "gb29 nwbk", "--forwards", "--named")
    assert hub("partner", "add", "Police", "--kind", "government", *more).exit_code == 0
    police = {row["partner"]: row for row in answer(hub("partner", "list", "--json"))}["Police"]
    assert (police["trusted"], police["forwards"], police["named"]) == (True, True, True)
    assert not police["shown_publicly"]
    for option, is_shown in (("--show-publicly", True), ("--hide-publicly", False)):
        assert answer(hub("partner", "set", "Police", option, "--json"))["shown_publicly"] is is_shown
    assert (police["authority"], police["institutions"]) == (["bank-account"], ["GB29NWBK"])
    changed = answer(hub("partner", "set", "Police", "--not-trusted", "--authority", "", "--country", "th", "--json"))
    assert (changed["trusted"], changed["authority"], changed["country"]) == (False, [], "TH")
    assert (changed["forwards"], changed["institutions"]) == (True, ["GB29NWBK"])
    assert "there are: app" in refusal(hub("partner", "set", "Police", "--authority", "banks"))
    assert "BIC" in refusal(hub("partner", "set", "Police", "--institution", "x"))
    assert "GB29NWBK is the provider of no account" in hub("partner", "set", "Police", "--named").stderr
    assert hub("partner", "set", "Police", "--institution", "GB:6016").stderr == ""
    assert "no partner" in refusal(hub("partner", "set", "Nobody", "--trusted"))


@pytest.mark.parametrize(
    "name", ["F\u0456rst Bank", "FIRST-BANK", "F1rst  Bank", "\uff26irst Bank", "Scamfe\u0435d"], ids=ascii
)
def test_lookalike_name_is_refused(hub: Run, name: str) -> None:
    assert "looks like" in (refused := refusal(hub("partner", "add", name, "--kind", "bank"))) or "reserved" in refused
    assert hub("operator", "add", "First Bank", "--role", "viewer").exit_code == 0
    assert (hub("operator", "add", name, "--role", "viewer").exit_code == 2) == ("camfe" not in name)
    assert (hub("partner", "user", "add", "First Bank", name, "--role", "reader").exit_code) == 2
    assert [row["partner"] for row in answer(hub("partner", "list", "--json"))] == ["First Bank"]


def test_grant_is_revoked_in_the_same_form(hub: Run) -> None:
    added = ("partner", "add", "Exchange", "--kind", "exchange", "--read", "wallets", "--read", "takedown")
    assert hub(*added, "--write", "wallets").exit_code == 0

    def rights() -> tuple[list[str], list[str]]:
        row = {row["partner"]: row for row in answer(hub("partner", "list", "--json"))}["Exchange"]
        return row["reads"], row["writes"]

    assert hub("partner", "revoke", "Exchange", "--read", "wallets").exit_code == 0
    assert rights() == (["takedown"], ["inbox", "wallets"])
    assert hub("partner", "revoke", "Exchange", "wallets", "takedown").exit_code == 0
    assert rights() == ([], ["inbox"])
    assert "name a collection" in refusal(hub("partner", "revoke", "Exchange"))
    assert "no collection" in refusal(hub("partner", "revoke", "Exchange", "--read", "nowhere"))


def test_partner_removed_by_mistake_returns_with_its_identity(hub: Run) -> None:
    before = answer(hub("partner", "show", "First Bank", "--json"))
    assert "has not left" in refusal(hub("partner", "restore", "First Bank"))
    assert hub("partner", "remove", "First Bank").exit_code == 0
    assert "scamfeed partner restore" in refusal(hub("partner", "add", "First Bank", "--kind", "bank"))
    back = answer(hub("partner", "restore", "First Bank", "--read", "mule-accounts", "--by", "me", "--json"))
    assert back["identity"] == before["identity"]
    assert {"user", "password", "token"} <= back.keys()
    row = answer(hub("partner", "list", "--json"))[0]
    assert (row["left"], row["reads"], row["writes"]) == (None, ["mule-accounts"], ["inbox"])
    assert "no partner" in refusal(hub("partner", "restore", "Nobody"))


def test_partners_of_one_organisation_are_shown_together(hub: Run) -> None:
    added = ("partner", "add", "First Bank App", "--kind", "bank", "--organisation", "First Bank")
    assert hub(*added).exit_code == 0
    assert answer(hub("partner", "show", "First Bank App", "--json"))["organisation"] == "First Bank"
    hub("partner", "set", "First Bank App", "--country", "th")
    assert answer(hub("partner", "show", "First Bank App", "--json"))["organisation"] == "First Bank"
    hub("partner", "set", "First Bank App", "--organisation", "")
    assert answer(hub("partner", "show", "First Bank App", "--json"))["organisation"] is None
    assert "organisation:" in refusal(hub("partner", "set", "First Bank App", "--organisation", "two\nlines"))


def test_only_a_consenting_partner_is_named_in_the_feed(hub: Run, store: Store) -> None:
    assert hub("partner", "add", "Police", "--kind", "government").exit_code == 0
    assert "Police" not in str(bodies(store, "public"))
    assert hub("partner", "set", "Police", "--named").exit_code == 0
    (named,) = (each for each in bodies(store, "public") if each["id"] == ids.identity("Police"))
    assert (named["name"], named["roles"]) == ("Police", ["government"])
    assert hub("partner", "set", "Police", "--unnamed").exit_code == 0
    assert "Police" not in str(bodies(store, "public"))


def test_focal_points_are_roles_of_the_hub_and_of_partners(hub: Run, store: Store) -> None:
    told = hub("partner", "focal-point", "--function", "protection", "--contact", "protection@hub.example", "--json")
    assert answer(told)["focal_points"] == [{"function": "protection", "contact": "protection@hub.example"}]
    assert "protection@hub.example" in str(bodies(store, "public"))
    mine = ("partner", "focal-point", "First Bank", "--function", "prevention")
    assert answer(hub(*mine, "--contact", "https://bank.example/scams", "--json"))["partner"] == "First Bank"
    # The address does not reveal an unnamed bank either.
    assert "bank.example" not in str(bodies(store, "public"))
    assert "a person's" in refusal(hub(*mine, "--contact", "jane.doe@bank.example"))
    assert "--contact or --remove" in refusal(hub(*mine))
    assert "--function" in refusal(hub("partner", "focal-point", "First Bank", "--remove"))
    assert answer(hub(*mine, "--remove", "--by", "Anna", "--json"))["focal_points"] == []
    with store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 100)]
        hubs = hub_identity.identity(tx)
    trail = [(event.remote, event.reference) for event in events if event.method == "FOCAL-POINT"]
    assert f"{hubs} protection was none" in {reference for _, reference in trail}
    assert ("Anna", f"{ids.identity('First Bank')} prevention was https://bank.example/scams") in trail


def test_a_partners_own_values_are_recognised_and_listed(hub: Run) -> None:
    assert hub("partner", "add", "Other Bank", "--kind", "bank").exit_code == 0
    added = answer(hub("partner", "own", "First Bank", "WWW.Bank.Example.com", "GB29 NWBK 6016 1331 9268 19", "--json"))
    assert sorted(added["added"]) == ["bank-account:GB:601613:31926819", "domain:www.bank.example.com"]
    assert answer(hub("partner", "own", "First Bank", "--list", "--json"))["own"] == sorted(added["added"])
    assert "another partner's own" in refusal(hub("partner", "own", "Other Bank", "domain:www.bank.example.com"))
    assert "value: " in refusal(hub("partner", "own", "Other Bank", "not a value"))
    assert "--list" in refusal(hub("partner", "own", "Other Bank"))
    gone = answer(hub("partner", "own", "First Bank", "domain:www.bank.example.com", "--remove", "--json"))
    assert gone["removed"] == ["domain:www.bank.example.com"]
    assert len(answer(hub("partner", "own", "First Bank", "--list", "--json"))["own"]) == 1


def test_former_partner_cannot_contribute_and_its_reports_stay_listed(hub: Run, store: Store) -> None:
    contribute = ("contribute", "-", "--partner", "First Bank", "--kind", "domain")
    assert hub(*contribute, stdin="bad.example.com\n").exit_code == 0
    assert hub("partner", "own", "First Bank", "bank.example.com").exit_code == 0
    left = answer(hub("partner", "remove", "First Bank", "--by", "reviewer", "--json"))
    assert left["partner"] == "First Bank"
    for again in (contribute, ("partner", "remove", "First Bank"), ("partner", "rotate", "First Bank")):
        assert "has left" in refusal(hub(*again, stdin="worse.example.com\n"))
    (row,) = answer(hub("partner", "list", "--json"))
    assert (row["left"], row["reads"], row["writes"]) == (left["left"], [], [])
    assert answer(hub("partner", "show", "First Bank", "--json"))["collections"] == []
    assert answer(hub("partner", "own", "First Bank", "--list", "--json"))["own"] == ["domain:bank.example.com"]
    assert answer(hub("lookup", "bad.example.com", "--json"))[0]["indicators"]
    with store.read() as tx:
        (last,) = audit.tail(tx, 1)
    assert (last.event.method, last.event.remote, last.event.reference) == ("REMOVE", "reviewer", left["identity"])


def test_leaving_partner_can_retract_its_reports(hub: Run, store: Store) -> None:
    contribute = ("contribute", "-", "--kind", "domain", "--partner")
    assert hub("partner", "add", "Platform", "--kind", "platform").exit_code == 0
    assert hub(*contribute, "First Bank", stdin="a.example.com\nb.example.com\n").exit_code == 0
    assert hub(*contribute, "Platform", stdin="b.example.com\n").exit_code == 0
    leave = ("partner", "remove", "First Bank")
    assert "go together" in refusal(hub(*leave, "--retract-reports"))
    assert "go together" in refusal(hub(*leave, "--reason", "unknown"))
    assert answer(hub(*leave, "--json"))["receipts_closed"] == 0
    taken_back = answer(hub(*leave, "--retract-reports", "--reason", "it was not who it said", "--json"))
    assert taken_back["reports_retracted"] == 2
    assert [
        sum(obj["revoked"] for obj in answer(hub("lookup", f"{name}.example.com", "--json"))[0]["indicators"])
        for name in "ab"
    ] == [1, 1]
    listed = hub("export", "--collection", "takedown", "--format", "list").stdout.split()
    assert listed == ["b.example.com"]
    assert answer(hub("status", "--json"))["jobs"] == []
    with store.begin() as tx:
        jobs.begin(tx, "partner remove First Bank", {"step": "receipts", "receipts": 4, "reports": 0, "reason": None})
    (left,) = answer(hub("status", "--json"))["jobs"]
    assert (left["job"], left["done"]) == ("partner remove First Bank", {"receipts": 4, "reports": 0})
    assert "partner remove First Bank" in hub("status").stdout
    assert answer(hub(*leave, "--json"))["receipts_closed"] == 4
    assert answer(hub("status", "--json"))["jobs"] == []


def test_held_reports_are_listed_and_decided_singly_or_by_rule(hub: Run, store: Store) -> None:
    contribute = ("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    assert hub(*contribute, stdin=f"{SITE}\ngoogle.com\nfacebook.com\nbad.example.com\n").exit_code == 0
    rows = answer(hub("review", "list", "--json"))
    assert len(rows) == 3
    assert {(row["kind"], row["partner"], row["state"]) for row in rows} == {("domain", "First Bank", "open")}
    shown = hub("review", "list").stdout
    assert SITE in shown
    assert all(row["id"] in shown for row in rows)
    hidden = ("--hide-values", "--json")
    assert SITE not in hub("review", "list", *hidden).stdout + hub("review", "list", "--hide-values").stdout
    one = next(row for row in rows if row["value"] == SITE)
    cautions = answer(hub("review", "show", one["id"], "--json")).pop("cautions")
    assert [caution["code"] for caution in cautions] == ["list-sites"]
    more = {"cautions": None, "also_decides": 0}
    assert {**answer(hub("review", "show", one["id"], "--json")), "cautions": None} == {**one, **more}
    without = {name: value for name, value in one.items() if name != "value"}
    assert {**answer(hub("review", "show", one["id"], *hidden)), "cautions": None} == {**without, **more}
    assert answer(hub("status", "--json"))["reviews"]["open"] == 3
    (done,) = answer(hub("review", "approve", one["id"], "--note", "theirs", "--by", "reviewer", "--json"))
    assert (done["id"], done["state"]) == (one["id"], "approved")
    assert SITE in str(bodies(store, "takedown"))
    assert "name the objects" in refusal(hub("review", "reject"))
    assert "name the objects" in refusal(hub("review", "reject", one["id"], "--rule", one["rule"]))
    assert "was held" in refusal(hub("review", "approve", "indicator--00000000-0000-4000-8000-000000000000"))
    rejected = answer(hub("review", "reject", "--rule", one["rule"], "--partner", "First Bank", "--json"))
    assert len(rejected) == sum(row["rule"] == one["rule"] for row in rows) - 1
    assert len(answer(hub("review", "list", "--all", "--json"))) == 3
    assert "google.com" not in str(bodies(store, "takedown"))


def test_receipts_show_partners_that_still_have_a_delisted_value(hub: Run, store: Store) -> None:
    assert hub("partner", "grant", "First Bank", "--read", "takedown").exit_code == 0
    contribute = ("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    assert hub(*contribute, stdin="bad.example.com\n").exit_code == 0
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        read_progress.record_reads(tx, [("First Bank", takedown.id, log.last_added(tx, takedown) or 0)])
    assert answer(hub("retract", "bad.example.com", "--reason", "mistaken", "--json"))["retracted"]
    told = answer(hub("receipts", "--json"))
    assert (told["open"], told["late"], told["target_seconds"]) == (1, 0, 4 * 3600)
    (row,) = told["receipts"]
    assert (row["partner"], row["collection"], row["closed"]) == ("First Bank", "takedown", None)
    assert "First Bank" in hub("receipts").stdout
    assert answer(hub("status", "--json"))["receipts"]["open"] == 1
    with store.begin() as tx:
        read_progress.record_reads(tx, [("First Bank", takedown.id, log.last_added(tx, takedown) or 0)])
    assert answer(hub("receipts", "--json"))["receipts"] == []
    (closed,) = answer(hub("receipts", "--all", "--json"))["receipts"]
    assert closed["how"] == "read"
    assert answer(hub("status", "--json"))["receipts"]["closed"]["count"] == 1


def test_contributor_gets_dated_feedback_on_its_reports(hub: Run, store: Store) -> None:
    contribute = ("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    assert hub(*contribute, stdin="bad.example.com\n").exit_code == 0
    told = answer(hub("outcomes", "--partner", "First Bank", "--json"))
    (row,) = told["outcomes"]
    assert row["event"] == "released"
    assert row["reported"] <= row["released"]
    assert (row["read"], row["acted"]) == (None, None)
    assert "released" in hub("outcomes", "--partner", "First Bank").stdout
    assert answer(hub("outcomes", "--partner", "First Bank", "--since", "2100-01-01", "--json"))["outcomes"] == []
    assert "--since" in refusal(hub("outcomes", "--partner", "First Bank", "--since", "yesterday"))
    assert "no partner" in refusal(hub("outcomes", "--partner", "Nobody"))
    assert answer(hub("status", "--json"))["times"]["released"]["count"] == 1


def test_the_latest_outcomes_are_found_without_reading_the_others(
    hub: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    contribute = ("contribute", "-", "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    for number in range(5):
        assert hub(*contribute, stdin=f"bad{number}.example.com\n").exit_code == 0
    everything = answer(hub("outcomes", "--partner", "First Bank", "--json"))["outcomes"]
    assert len(everything) == 5
    assert [row["at"] for row in everything] == sorted(row["at"] for row in everything)
    asked: list[int] = []
    fetch = log.latest

    def counted(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, Item]:
        wanted = list(ids)
        asked.append(len(wanted))
        return fetch(tx, collection, wanted)

    monkeypatch.setattr(log, "latest", counted)
    some = answer(hub("outcomes", "--partner", "First Bank", "--json", "--limit", "2"))["outcomes"]
    assert some == everything[-2:]
    assert max(asked) == 2


def test_a_partner_without_contributions_has_no_outcomes(hub: Run, store: Store) -> None:
    assert answer(hub("outcomes", "--partner", "First Bank", "--json"))["outcomes"] == []
    with store.read() as tx:
        assert [partner.name for partner in partners.all_partners(tx)] == ["First Bank"]
