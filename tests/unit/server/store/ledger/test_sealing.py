"""All rows of the logs enter their trees once and in order."""

import threading
from dataclasses import replace

import msgspec
import pytest
from sqlalchemy import delete, insert, update

from schemas.tlog import trees
from schemas.tlog.entries import Entry, EntryKind, Opening
from schemas.tlog.proofs import LogProof, open_checkpoint
from schemas.tlog.trees import TilePath
from server.store import log
from server.store.ledger import reading, removals
from server.store.ledger.tables import ledger_heads, ledger_spans, ledger_trees
from server.store.matching.match_tables import match_sets
from server.store.objects.query import ALL
from tests.unit.server.store.ledger.checks import KEY, bodies_of, check, openings, served
from tests.unit.server.store.ledger.conftest import Ledger, id_of, listing


def test_all_rows_are_sealed_once_in_order(ledger: Ledger) -> None:
    ledger.add(*range(90))
    assert ledger.seal(most=40) == 90 * 4
    ledger.add(*range(90, 120))
    ledger.add(3, 4, day=2)
    ledger.post({"type": "note", "id": id_of("note", 1), "spec_version": "2.1", "created": "2026-01-01T00:00:00Z"})
    assert ledger.seal() == 32 * 4 + 1
    assert ledger.seal() == 0
    for collection in (ledger.plain, ledger.full, ledger.exchange):
        check(ledger.store, collection)
    dates = [Entry.parse(entry).date_added for entry in served(ledger.store, ledger.full)]
    assert dates == sorted(dates)
    assert len(dates) == 122 * 3


def test_a_checkpoint_is_consistent_with_every_one_before(ledger: Ledger) -> None:
    heads = []
    for number in range(12):
        ledger.add(*range(number * 30, number * 30 + number * 5 + 1))
        ledger.seal()
        heads.append(open_checkpoint(ledger.tree(ledger.full).note, [KEY.verifier])[0])
    tree = ledger.tree(ledger.full)
    with ledger.store.read() as tx:
        nodes = reading.nodes(tx, tree, tree.noted)
        for head in heads:
            proof = trees.consistency_proof(nodes, head.size, tree.noted)
            trees.check_consistency(head.size, tree.noted, head.root, tree.root, proof)
            assert reading.root_at(tx, tree, head.size) == head.root


def test_an_object_is_proven_by_its_id_and_version(ledger: Ledger) -> None:
    ledger.add(*range(300))
    ledger.add(7, day=2)
    ledger.seal()
    tree = ledger.tree(ledger.plain)
    for place, body in enumerate(bodies_of(ledger.store, ledger.plain)):
        if place % 50 and place < 298:
            continue
        obj = msgspec.json.decode(body)
        with ledger.store.read() as tx:
            version = log.manifest(tx, ledger.plain, ALL).records[place].version
            proof = reading.proof(tx, ledger.plain, tree, obj["id"], version, 0)
        assert proof is not None
        extra = msgspec.json.decode(proof.extra)
        opening = Opening(proof.index, extra["kind"], extra["date_added"], extra["salt"])
        LogProof.parse(bytes(proof)).check(opening.entry(body), [KEY.verifier])
    with ledger.store.read() as tx:
        assert reading.proof(tx, ledger.plain, tree, id_of("indicator", 999), None, 0) is None


def test_unsealed_and_absent_objects_are_distinguished(ledger: Ledger) -> None:
    ledger.add(1)
    ledger.seal()
    ledger.add(2)
    tree = ledger.tree(ledger.plain)
    assert [opening.id for opening in openings(ledger.store, ledger.plain)] == [id_of("indicator", 1)]
    with ledger.store.read() as tx, pytest.raises(reading.NotSealed):
        reading.proof(tx, ledger.plain, tree, id_of("indicator", 2), None, 0)


def test_deleted_object_stays_as_an_entry_without_opening(ledger: Ledger) -> None:
    notes = [
        {"type": "note", "id": id_of("note", number), "spec_version": "2.1", "created": f"2026-01-0{number}T00:00:00Z"}
        for number in range(1, 6)
    ]
    ledger.post(*notes[:3])
    ledger.seal()
    before = served(ledger.store, ledger.exchange)
    ledger.post(*notes[3:])
    with ledger.store.begin() as tx:
        for number in (2, 5):
            # A sealed one, and an unsealed one.
            log.delete(tx, ledger.exchange, replace(ALL, ids=(id_of("note", number),)))
    ledger.seal()
    after = served(ledger.store, ledger.exchange)
    assert after[:3] == before
    check(ledger.store, ledger.exchange)
    gone = {opening.removed for opening in openings(ledger.store, ledger.exchange) if opening.kind == EntryKind.REMOVED}
    assert gone == {1, 4}
    assert len(after) == 7
    for opening in openings(ledger.store, ledger.exchange):
        if opening.removed is not None:
            assert opening.entry() == after[opening.index]


def test_later_reader_gets_no_salt_of_earlier_delistings(ledger: Ledger) -> None:
    ledger.add(1, 2, 3)
    ledger.seal()
    revoked = listing(2, 2, revoked=True)._replace(basis=None, revoked=True)
    with ledger.store.begin() as tx:
        log.append_all(tx, [(ledger.plain, [revoked]), (ledger.full, [revoked])])
    ledger.seal()
    with ledger.store.read() as tx:
        granted = log.manifest(tx, ledger.plain, ALL).records[-1].date_added
    for collection in (ledger.plain, ledger.full):
        seen = {opening.id for opening in openings(ledger.store, collection, granted=granted)}
        assert id_of("indicator", 2) not in seen
        assert id_of("domain-name", 2) not in seen
        assert id_of("indicator", 1) in seen
        tree = ledger.tree(collection)
        with ledger.store.read() as tx:
            assert reading.proof(tx, collection, tree, id_of("indicator", 2), None, granted) is None
            assert reading.proof(tx, collection, tree, id_of("indicator", 2), None, 0) is not None


@pytest.mark.long_but("sqlite")
def test_concurrent_sealers_add_everything_once(ledger: Ledger) -> None:
    ledger.add(*range(40))
    ledger.seal()
    ledger.add(*range(40, 500))
    threads = [threading.Thread(target=ledger.seal, args=(60,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.tree(ledger.plain).size == 500
    check(ledger.store, ledger.plain)
    check(ledger.store, ledger.full)


def test_tiles_beyond_the_signed_tree_are_not_served(ledger: Ledger) -> None:
    ledger.add(*range(5))
    ledger.seal()
    tree = ledger.tree(ledger.plain)
    with ledger.store.read() as tx:
        assert reading.tile(tx, tree, TilePath(0, 0, 3)) is not None
        for path in (TilePath(0, 0, 6), TilePath(0, 0), TilePath(0, 1, 1), TilePath(1, 0, 1), TilePath(None, 0)):
            assert reading.tile(tx, tree, path) is None
        assert removals.locate(tx, tree.collection, 5) is None


def test_restored_store_shows_another_tree(ledger: Ledger) -> None:
    ledger.add(1, 2)
    ledger.seal()
    first = open_checkpoint(ledger.tree(ledger.plain).note, [KEY.verifier])[0]
    # Salts are random: the same objects make another tree.
    with ledger.store.begin() as tx:
        for table in (ledger_spans, ledger_heads, ledger_trees):
            tx.execute(delete(table))
    ledger.seal()
    second = open_checkpoint(ledger.tree(ledger.plain).note, [KEY.verifier])[0]
    assert (first.size, first.root) != (second.size, second.root)
    assert second.size == first.size


def test_every_change_of_the_matching_set_is_recorded(ledger: Ledger) -> None:
    ledger.add(1, 2)
    ledger.seal()
    row = {"epoch": 7, "public": b"k", "version": 5, "kept_from": 0, "read_up_to": 0, "changed": False, "issued": 0}
    row |= {"size": 2, "bits": 0, "sha256": b"s", "holder": "", "until": 0, "collection": ledger.plain.number}
    with ledger.store.begin() as tx:
        tx.execute(insert(match_sets).values(**row))
    assert ledger.seal() == 1
    assert ledger.seal() == 0
    with ledger.store.begin() as tx:
        tx.execute(update(match_sets).values(version=6, sha256=b"t"))
    ledger.add(3)
    assert ledger.seal() == 5
    check(ledger.store, ledger.plain)
    entries = served(ledger.store, ledger.plain)
    stated = [opening for opening in openings(ledger.store, ledger.plain) if opening.kind == EntryKind.STATEMENT]
    assert [opening.entry() for opening in stated] == [entries[2], entries[4]]
    assert [opening.statement["match"]["version"] for opening in stated if opening.statement] == [5, 6]
