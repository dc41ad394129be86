"""``scamfeed peer``: what operators see of other hubs, and what they decide."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from mappers import consensus
from mappers.indicator import to_stix
from schemas import hub_report, timestamp
from schemas.tabular import ReportReader
from server.features.federation import heads, origins, receiving, sweep
from server.features.federation.desk import knowledge
from server.features.federation.members import comparing, overlaps
from server.features.federation.members.registers import RegisteredMember
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, audit, collections, partners, reputation
from server.store.item import Item
from server.store.operators import users
from server.store.operators.users import OperatorRole
from tests.integration.command import Run, answer
from tests.other_hub import OtherHub
from tests.times import set_written_now

KH, VN = OtherHub("Hub Cambodia"), OtherHub("Hub Vietnam", "VN")


@contextmanager
def opened() -> Iterator[Hub]:
    store = Store.open("sqlite:///scamfeed.db")
    try:
        yield Hub(store, peers=(KH.peer(), VN.peer()))
    finally:
        store.close()


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path) -> Run:
    tables = [KH.table(), VN.table()]
    lines = [
        "[[peer]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in each.items()) for each in tables
    ]
    (tmp_path / "scamfeed.toml").write_text("\n".join(lines))
    return run_with_store


def deliver(by: OtherHub, *objects: bytes, head: bytes = b"") -> None:
    with opened() as hub:
        peer = next(peer for peer in hub.peers if peer.name == by.name)
        with hub.store.begin() as tx:
            collections.hub_reports(tx)
            receiving.accept(hub, tx, peer, objects)
            if head:
                heads.take_heads(hub, tx, peer, [head])


def listed(run: Run, code: int) -> dict[str, Any]:
    result = run("peer", "list", "--json")
    assert result.exit_code == code, result.output
    return {row["peer"]: row for row in orjson.loads(result.stdout)}


def test_list_names_states_numbers_and_the_sender_of_refused_objects(hub: Run) -> None:
    assert listed(hub, 0).keys() == {KH.name, VN.name}
    first, second = KH.report("bad-one-shop.com"), KH.report("bad-two-shop.com")
    deliver(VN, first)
    deliver(KH, second, head=KH.head())
    with opened() as known, known.store.begin() as tx:
        knowledge.note(tx, KH.name, 17, ["indicator--1"])
    row = listed(hub, 0)[KH.name]
    assert (row["state"], row["reports"], row["number"], row["count"]) == ("current", 2, KH.number, "as-one")
    assert (row["number_of_this_hub"], row["still_reported_there"]) == (17, 1)
    assert row["delivered_by"].keys() == {KH.name, VN.name}
    assert 0 <= row["number_age_seconds"] < 600
    # Vietnam alters a report of Cambodia on its way.
    deliver(VN, KH.report("bad-three-shop.com").replace(b"bad-three", b"bad-other"))
    rows = listed(hub, 1)
    [refused] = rows[KH.name]["refused"]
    assert (refused["peer"], refused["origin"], refused["reason"]) == (VN.name, KH.key.name, "bad-signature")
    assert rows[VN.name]["attention"] == ["refused objects"]
    assert not rows[KH.name]["attention"]
    shown = hub("peer", "list")
    assert (shown.exit_code, "Hub Vietnam needs attention: refused objects" in shown.output) == (1, True)
    status = answer(hub("status", "--json"))["peers"]
    assert [(each["peer"], each["attention"]) for each in status] == [(KH.name, []), (VN.name, ["refused objects"])]
    assert "Other hubs" in hub("status").output


def test_contradiction_and_new_key_need_two_persons(hub: Run) -> None:
    body = KH.report("bad-one-shop.com")
    deliver(KH, body, hub_report.sign({**orjson.loads(body), "confidence": 61}, KH.key))
    row = listed(hub, 1)[KH.name]
    assert row["states"] == ["contradicts itself"]
    assert [each["number"] for each in row["contradictions"]] == [KH.number]
    with opened() as known, known.store.begin() as tx:
        users.add(tx, "First Approver", OperatorRole.ADMIN, "Somebody")
        users.add(tx, "Second Approver", OperatorRole.ADMIN, "Somebody")
        origins.lock(tx, [VN.key.name])
        origins.set_word(tx, VN.key.name, origins.NEW_KEY)
        found = origins.all_origins(tx)[VN.key.name]
        origins.learn(tx, found, next_key=str(OtherHub("Hub Vietnam").key.verifier))
    for command, peer, effect in (("decide", KH, "counts again"), ("confirm-key", VN, "signed with the key")):
        proposed = answer(hub("peer", command, peer.name, "--by", "Anong", "--json"))
        assert effect in proposed["effects"][0]
        assert answer(hub("proposal", "confirm", proposed["id"], "--by", "Boon", "--json"))["state"] == "confirmed"
        assert hub("peer", command, peer.name, "--by", "Anong").exit_code == 2
    assert {name: row["state"] for name, row in listed(hub, 0).items()} == dict.fromkeys((KH.name, VN.name), "current")


def test_trial_shows_the_listings_that_another_count_changes(hub: Run) -> None:
    deliver(KH, KH.report("bad-one-shop.com", 4, weight=30), KH.report("bad-two-shop.com"), head=KH.head())
    found = answer(hub("peer", "trial", KH.name, "--count", "as-own", "--json"))
    assert (found["now"], found["then"], found["values"], found["is_whole"]) == ("as-one", "as-own", 2, True)
    # Four reporters together have a stronger grade than one; the other value stays as it is.
    assert [example["value"] for example in found["examples"]] == ["bad-one-shop.com"]
    assert found["examples"][0]["before"]["shared"] != found["examples"][0]["after"]["shared"]
    nothing = answer(hub("peer", "trial", KH.key.name, "--count", "not", "--json"))
    assert (nothing["changed"], nothing["after"]) == (2, {})
    assert hub("peer", "trial", KH.name, "--count", "twice").exit_code == 2


def test_unlinked_common_members_are_no_second_reporter_of_an_account(hub: Run, tmp_path: Path) -> None:
    account, columns = "TH:KASITHBK:4567890123", "value,kind,bank,country\n4567890123,bank-account,KBANK,TH\n"
    assert hub("partner", "add", "First Bank", "--kind", "bank", "--vouched", "--read", "mule-accounts").exit_code == 0
    (tmp_path / "account.csv").write_text(columns)
    set_written_now(tmp_path / "account.csv")
    assert hub("contribute", "account.csv", "--partner", "First Bank").exit_code == 0
    deliver(KH, KH.report(account, kind="bank-account"))

    def confidence() -> int:
        with opened() as known:
            sweep.release_pending(known)
        [found] = answer(hub("lookup", account, "--json"))
        return max(listing["confidence"] for listing in found["listings"])

    together = confidence()
    member = comparing.CommonMember(RegisteredMember("first bank", ("First Bank",), frozenset(), None), (), False)
    with opened() as known, known.store.begin() as tx:
        overlaps.store(tx, KH.key.name, "here", [member])
    assert confidence() < together
    with opened() as known, known.store.begin() as tx:
        overlaps.store(tx, KH.key.name, "there", [member._replace(is_linked=True)])
    assert confidence() == together


def test_show_has_the_common_members_and_lift_needs_a_throttle(hub: Run) -> None:
    assert hub("partner", "add", "First Bank", "--kind", "bank").exit_code == 0
    member = RegisteredMember("first bank", ("First Bank",), frozenset(), None)
    with opened() as known, known.store.begin() as tx:
        overlaps.store(tx, KH.key.name, "there", [comparing.CommonMember(member, (), False)])
    shown = answer(hub("peer", "show", KH.name, "--json"))
    [common] = shown["overlap"]["common"]
    assert (common["partners"], common["linked"], shown["unlinked_members"]) == (["First Bank"], False, 1)
    assert shown["quality"] == {"judged": 0, "wrong": 0, "share_wrong": None, "kinds": []}
    assert "First Bank" in hub("peer", "show", KH.name).output
    assert hub("peer", "lift-throttle", KH.name).exit_code == 2
    with opened() as known, known.store.begin() as tx:
        origins.lock(tx, [KH.key.name])
        origins.set_word(tx, KH.key.name, origins.THROTTLED)
    assert listed(hub, 1)[KH.name]["state"] == "throttled"
    assert hub("peer", "lift-throttle", KH.name).exit_code == 0
    assert listed(hub, 0)[KH.name]["state"] == "current"


def second_hand(run: Run, value: str) -> None:
    """Contribute a value as a feed pulls it from the fused listings of another hub."""
    reader = ReportReader({"reporter": "Old Feed", "kind": "domain", "reported_at": timestamp.text(timestamp.now())})
    objects = [consensus.as_second_hand(obj) for obj in to_stix(reader.report({"value": value, "tlp": "green"}))]
    with opened() as known, known.store.begin() as tx:
        done = contribute(known, tx, partners.get(tx, "Old Feed"), [Item.of(obj) for obj in objects])
        assert not done.failed


def test_leftovers_are_listed_and_retracted_without_counting_as_wrong(hub: Run, tmp_path: Path) -> None:
    for name in ("Old Feed", "First Bank"):
        added = hub("partner", "add", name, "--kind", "bank", "--vouched", "--read", "takedown")
        assert added.exit_code == 0
    second_hand(hub, "left-over-shop.com")
    second_hand(hub, "also-reported-shop.com")
    (tmp_path / "own.csv").write_text("value,kind\nalso-reported-shop.com,domain\n")
    set_written_now(tmp_path / "own.csv")
    assert hub("contribute", "own.csv", "--partner", "First Bank").exit_code == 0
    found = answer(hub("peer", "leftovers", "--json"))
    assert found["values"] == [
        {"kind": "domain", "value": "left-over-shop.com", "reports": 1, "partners": ["Old Feed"]}
    ]
    assert answer(hub("peer", "leftovers", "--retract", "--by", "Anong", "--json"))["retracted"] == 1
    with opened() as known, known.store.read() as tx:
        assert [(entry.method, entry.partner) for entry in audit.since(tx, "Anong", 0)] == [("RETRACT", "Old Feed")]
    assert answer(hub("peer", "leftovers", "--json")) == {"leftovers": 0, "values": []}
    [gone, left] = answer(hub("lookup", "left-over-shop.com", "also-reported-shop.com", "--json"))
    active = [any(listing["active"] for listing in each["listings"]) for each in (gone, left)]
    assert active == [False, True]
    with opened() as known, known.store.read() as tx:
        assert not reputation.calibrations_of(tx, 0.0)


def test_reports_found_wrong_count_against_their_origin(hub: Run, tmp_path: Path) -> None:
    assert hub("partner", "add", "First Bank", "--kind", "bank", "--vouched").exit_code == 0
    (tmp_path / "own.csv").write_text("value,kind\nbad-one-shop.com,domain\n")
    set_written_now(tmp_path / "own.csv")
    assert hub("contribute", "own.csv", "--partner", "First Bank").exit_code == 0
    deliver(KH, KH.report("bad-one-shop.com"), KH.report("bad-two-shop.com"), head=KH.head())
    assert hub("retract", "bad-one-shop.com", "--reason", "harmless").exit_code == 0
    quality = answer(hub("peer", "show", KH.name, "--json"))["quality"]
    assert (quality["wrong"], quality["share_wrong"]) == (1, 1.0)
    assert quality["kinds"] == [{"kind": "domain", "right": 0, "wrong": 1}]
    rows = {row["organisation"]: row for row in answer(hub("quality", "--json"))["sources"]}
    assert rows[f"hub:{KH.key.name}"]["judged"] == 1
    assert rows["first bank"]["judged"] == 1


def test_explain_has_a_line_for_each_origin(hub: Run) -> None:
    deliver(VN, KH.report("bad-one-shop.com", 2), VN.report("bad-one-shop.com"))
    of_kh, of_vn = answer(hub("explain", "bad-one-shop[.]com", "--json"))
    assert (of_kh["origin"], of_kh["peer"], of_kh["counts"]) == (KH.key.name, VN.name, "as-one")
    assert (of_kh["counted"], of_kh["not_counted"]) == (["reports"], ["as-one"])
    assert [(entry["weight"], entry["kind"]) for entry in of_kh["entries"]] == [(70, "bank"), (70, "bank")]
    assert (of_vn["origin"], of_vn["number"], of_vn["not_counted"]) == (VN.key.name, VN.number, [])
    assert KH.key.name in hub("explain", "bad-one-shop.com").stdout
    assert hub("explain", "never-reported-shop.com").exit_code == 2
    # The operator may find wrong what only other hubs report.
    assert hub("retract", "bad-one-shop.com", "--reason", "an error", "--by", "Somchai").exit_code == 0
    of_kh, of_vn = answer(hub("explain", "bad-one-shop.com", "--json"))
    assert "held by our guard" in of_kh["not_counted"]
    assert "held by our guard" in of_vn["not_counted"]
