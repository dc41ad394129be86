"""The hub's own check and a new reader both find objects that a hub leaves out, on either database."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import insert, select, update

from feeds.client.verify.log_client import LogClient
from server.features.ledger.check_job import LedgerCheckThread
from server.release.retract import retract_all
from server.store import collections, feed_state
from server.store.ledger import findings
from server.store.ledger.tables import ledger_spans, ledger_tiles
from server.store.tables import objects
from tests.integration.ledger.conftest import SealedScamfeed
from tests.integration.ledger.test_removed import EXCHANGE, _delete_by_sql, _post, _send
from tests.integration.ledger.test_verify import save


def _check(hub: SealedScamfeed) -> tuple[int, dict[str, Any]]:
    """Return the exit code and findings of the hub's own check, by collection."""
    done = hub.run_at_hub("log", "check", "--json")
    assert done.stdout, done.output
    return done.exit_code, {log["collection"]: log for log in json.loads(done.stdout)["logs"]}


def _fresh(hub: SealedScamfeed, *more: str, by: str = "reader", collection: str = "takedown") -> Any:
    """Verify the hub's current responses without any remembered state."""
    return hub.verify(save(hub.folder, hub.objects(collection, by)), *more, by=by, collection=collection)


@pytest.mark.parametrize("collection", ["takedown", "takedown-full"])
def test_deleted_row_is_found_by_a_new_reader(harmed: SealedScamfeed, collection: str) -> None:
    harmed.report("kept.example.com", "hidden.example.com")
    code, answer = _fresh(harmed, collection=collection)
    assert (code, answer["complete"], answer["missing"], answer["withheld"]) == (0, True, 0, 0)
    assert _check(harmed)[0] == 0
    before = len(harmed.objects(collection))
    _delete_by_sql(harmed, b"hidden.example")
    code, answer = _fresh(harmed, collection=collection)
    assert (code, answer["altered"], answer["unknown"], answer["consistent"]) == (1, 0, 0, True)
    gone = before - len(harmed.objects(collection))
    assert gone > 0
    assert (answer["complete"], answer["missing"], len(answer["missing_entries"])) == (False, gone, gone)
    assert _fresh(harmed, "--no-complete", collection=collection)[0] == 0
    code, found = _check(harmed)
    assert (code, found[collection]["missing"], found[collection]["altered"]) == (1, gone, 0)
    assert found[collection]["first"] == answer["missing_entries"][0]["index"]


def test_later_reader_finds_it_too_and_sees_no_earlier_delisting(harmed: SealedScamfeed) -> None:
    harmed.report("kept.example.com", "delisted.example.com", "hidden.example.com")
    with harmed.store.begin() as tx:
        assert retract_all(harmed.hub, tx, ["delisted.example.com"])
    harmed.seal()
    harmed.join("newcomer", "takedown", "takedown-full")
    all_ids = {obj["id"] for obj in harmed.objects()}
    shown = {obj["id"] for obj in harmed.objects(by="newcomer")}
    secret = [obj for obj in harmed.objects() if "delisted.example" in json.dumps(obj)]
    assert secret
    assert shown < all_ids
    for collection in ("takedown", "takedown-full"):
        code, answer = _fresh(harmed, by="newcomer", collection=collection)
        assert (code, answer["missing"]) == (0, 0)
        assert answer["withheld"] >= 2
        # A hub cannot call objects withheld that it published after the grant.
        assert _fresh(harmed, "--since", "2199-01-01T00:00:00Z", by="newcomer", collection=collection)[0] == 0
        assert _fresh(harmed, "--since", "2020-01-01T00:00:00Z", by="newcomer", collection=collection)[0] == 1
        assert _fresh(harmed, collection=collection)[1]["withheld"] == 0
    pages = _openings(harmed, "newcomer", limit=1)
    text = json.dumps(pages)
    assert not any(obj["id"] in text for obj in secret)
    opened = [opening for page in pages for opening in page["openings"]]
    withheld = [index for page in pages for index in page["withheld"]]
    by_index = {opening["index"]: opening for page in _openings(harmed, "reader", 1000) for opening in page["openings"]}
    assert not any(by_index[index]["salt"] in text for index in withheld)
    # All named entries are known already: they are in the tree and have no opening.
    assert sorted({opening["index"] for opening in opened} | set(withheld)) == sorted(by_index)
    assert not {opening["index"] for opening in opened} & set(withheld)
    _delete_by_sql(harmed, b"hidden.example")
    gone = len(shown) - len({obj["id"] for obj in harmed.objects(by="newcomer")})
    code, answer = _fresh(harmed, by="newcomer")
    assert (code, answer["complete"]) == (1, False)
    assert answer["missing"] >= gone > 0


def _openings(hub: SealedScamfeed, by: str, limit: int) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = []
    url = f"{hub.url}feed/collections/takedown/log/openings?limit={limit}"
    headers = {"Authorization": f"Bearer {hub.tokens[by]}"}
    place = ""
    while not pages or pages[-1]["next"]:
        pages.append(requests.get(url + place, headers=headers, timeout=60).json())
        place = f"&next={pages[-1]['next']}"
    return pages


def test_removal_explains_its_entry_before_it_is_signed(harmed: SealedScamfeed) -> None:
    with harmed.store.begin() as tx:
        collections.grant(tx, "reader", collections.add(tx, EXCHANGE, "Task force"), read=True, write=True)
    gone, kept, last = _post(harmed, "gone"), _post(harmed, "kept"), _post(harmed, "last")
    harmed.seal()
    assert _fresh(harmed, collection=EXCHANGE)[1]["missing"] == 0
    assert _send(harmed, "DELETE", f"objects/{gone}/").status_code == 200
    # At once: the removal's entry is signed while the command waits.
    code, answer = _fresh(harmed, collection=EXCHANGE)
    assert (code, answer["missing"], answer["proven"], answer["complete"]) == (0, 0, 2, True)
    assert sorted(obj["id"] for obj in harmed.objects(EXCHANGE)) == sorted([kept, last])
    assert _check(harmed)[0] == 0


def test_the_hub_finds_changed_and_inserted_rows_and_broken_trees(harmed: SealedScamfeed) -> None:
    harmed.report(*(f"shop-{number}.example.com" for number in range(150)))
    code, found = _check(harmed)
    assert (code, found["takedown-full"]["size"] > 300) == (0, True)
    with harmed.store.begin() as tx:
        rows = tx.execute(select(objects).order_by(objects.c.date_added)).all()
        rows = [row for row in rows if row.collection == rows[-1].collection]
        of_first = (objects.c.collection == rows[0].collection, objects.c.date_added == rows[0].date_added)
        other = next(row for row in rows[1:] if row.parts == rows[0].parts and row.body != rows[0].body)
        tx.execute(update(objects).where(*of_first, objects.c.parts == rows[0].parts).values(body=other.body))
        # At entries that readers have read already.
        tx.execute(insert(objects).values({**other._mapping, "date_added": rows[0].date_added - 10, "version": 7}))
    code, found = _check(harmed)
    assert code == 1
    assert sum(log["altered"] for log in found.values()) >= 1
    assert sum(log["foreign"] for log in found.values()) >= 1
    assert not any(log["missing"] or log["broken"] for log in found.values())
    state = json.loads(harmed.run_at_hub("log", "status", "--json").stdout)
    assert state["faults"] > 0
    assert False in [log["whole"] for log in state["logs"]]
    status = json.loads(harmed.run_at_hub("status", "--json").stdout)["ledger"]
    assert (status["faults"], status["checked"]) == (state["faults"], state["checked"])
    metrics = requests.get(f"{harmed.url}metrics", timeout=60).text
    assert f"scamfeed_ledger_faults {state['faults']}.0" in metrics


@pytest.mark.long
def test_only_one_process_checks_the_ledger_each_day(harmed: SealedScamfeed, caplog: pytest.LogCaptureFixture) -> None:
    harmed.report("kept.example.com", "hidden.example.com")
    _delete_by_sql(harmed, b"hidden.example")
    check = LedgerCheckThread(harmed.store, harmed.database)
    with harmed.store.begin() as tx:
        lease = findings.claim(tx, "another process")
        assert lease is not None
    check.step()
    with harmed.store.begin() as tx:
        assert findings.last(tx).checked == 0
        feed_state.release_lease(tx, lease)
    check.step()
    with harmed.store.read() as tx:
        found = findings.last(tx)
        assert not findings.is_due(tx)
    assert found.faults > 0
    assert [record for record in caplog.messages if record.startswith("ledger-fault collection=")]
    check.step()
    with harmed.store.read() as tx:
        assert findings.last(tx) == found


@pytest.mark.parametrize("table", [ledger_spans, ledger_tiles])
def test_the_hub_finds_a_changed_entry_or_tile(harmed: SealedScamfeed, table: Any) -> None:
    harmed.report(*(f"shop-{number}.example.com" for number in range(150)))
    column = table.c.entries if table is ledger_spans else table.c.hashes
    with harmed.store.begin() as tx:
        row = tx.execute(select(table.c.collection, table.c.number, column)).first()
        assert row is not None
        data = bytes([row[2][0]]) + bytes([row[2][1] ^ 1]) + bytes(row[2][2:])
        mine = (table.c.collection == row[0], table.c.number == row[1])
        tx.execute(update(table).where(*mine).values({column.name: data}))
    code, found = _check(harmed)
    assert (code, [log["broken"] for log in found.values()].count(True)) == (1, 1)


def test_withheld_entry_without_delisting_is_reported_after_the_grant(
    restored: SealedScamfeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Do not trust a hub that calls an entry withheld that it published after the grant."""
    restored.report("kept.example.com", "hidden.example.com")
    hidden = [obj["id"] for obj in restored.objects() if "hidden.example" in json.dumps(obj)]
    served = LogClient.openings

    def lying(log: LogClient, added_after: str | None = None) -> Any:
        for page in served(log, added_after):
            indexes = [opening.index for opening in page.openings if opening.id in hidden]
            kept = [opening for opening in page.openings if opening.id not in hidden]
            yield type(page)(kept, page.next, indexes, [], "2020-01-01T00:00:00.000000Z")

    monkeypatch.setattr(LogClient, "openings", lying)
    file = save(tmp_path, [obj for obj in restored.objects() if obj["id"] not in hidden])
    code, answer = restored.verify(file)
    assert (code, answer["missing"], answer["withheld"]) == (1, len(hidden), 0)
