"""The ledger is visible to readers of the collection only. Two hubs act as witnesses for each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.tlog import trees
from schemas.tlog.entries import EntryKind, Opening
from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey, VerifierKey
from schemas.tlog.proofs import Checkpoint, CheckpointAddition, LogProof, open_checkpoint
from schemas.tlog.trees import TileNodes, TilePath
from server.features.ledger.keys import LedgerKeys
from server.features.ledger.sealer import LedgerRules
from server.store.ledger import sealing, witnesses
from server.store.ledger.witnesses import OtherHub, Witness, WitnessExists
from tests.integration.api.conftest import ApiHub
from tests.ledger_trees import memory_nodes

LOG = "/feed/collections/takedown/log"
FULL = "/feed/collections/takedown-full/log"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {"ledger_key_file": tmp_path / "ledger.key", "public_url": "https://hub.example"}


@pytest.fixture
def keys(hub: ApiHub, tmp_path: Path) -> LedgerKeys:
    """Fill the collections, and seal them."""
    hub.grant("reader", "takedown-full")
    for number in range(5):
        hub.report("bank", f"shop-{number}.example.com", "domain")
    hub.retract("shop-2.example.com", "bank")
    made = LedgerRules(tmp_path / "ledger.key", "hub.example").keys(hub.store)
    seal(hub, made)
    return made


def seal(hub: ApiHub, keys: LedgerKeys) -> None:
    while sealing.step(hub.store, keys.name, keys.sign).more:
        pass


def get(hub: ApiHub, path: str, by: str = "reader") -> bytes:
    status, _, body = hub.ask("GET", path, by)
    assert status == 200, body
    return body


def head(hub: ApiHub, keys: LedgerKeys, log: str = LOG, by: str = "reader") -> Checkpoint:
    return open_checkpoint(get(hub, f"{log}/checkpoint", by), [keys.log[0].verifier])[0]


def nodes(hub: ApiHub, size: int, log: str = LOG) -> TileNodes:
    return TileNodes(lambda path: get(hub, f"{log}/tile/{path}"), size)


def bodies(hub: ApiHub, by: str, log: str = LOG) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = json.loads(
        get(hub, log.removesuffix("log") + "objects/?match[version]=all&match[spec_version]=2.0,2.1", by)
    )["objects"]
    return objects


@pytest.mark.parametrize("log", [LOG, FULL])
def test_reader_can_verify_every_object_served(hub: ApiHub, keys: LedgerKeys, log: str) -> None:
    checkpoint = head(hub, keys, log)
    assert checkpoint.origin.startswith("hub.example/log/")
    assert trees.root(nodes(hub, checkpoint.size, log), checkpoint.size) == checkpoint.root
    entries = trees.unbundle(get(hub, f"{log}/tile/{TilePath(None, 0, checkpoint.size)}"))
    found: list[Opening] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        following = f"&next={page['next']}" if page["next"] else ""
        page = json.loads(get(hub, f"{log}/openings?limit=4{following}"))
        found += [Opening(**opening) for opening in page["openings"]]
    served = bodies(hub, "reader", log)
    assert [opening.id for opening in found] == [obj["id"] for obj in served]
    assert len(served) == checkpoint.size == len(entries)
    for opening, obj in zip(found, served, strict=True):
        assert opening.entry(json.dumps(obj).encode()) == entries[opening.index]


def test_proof_is_verified_without_the_hub(hub: ApiHub, keys: LedgerKeys) -> None:
    for obj in bodies(hub, "reader"):
        version = f"&version={obj['modified']}" if "modified" in obj else ""
        data = get(hub, f"{LOG}/proof?id={obj['id']}{version}")
        proof = LogProof.parse(data)
        extra = json.loads(proof.extra)
        opening = Opening(proof.index, extra["kind"], extra["date_added"], extra["salt"])
        checkpoint, _ = proof.check(opening.entry(json.dumps(obj).encode()), [keys.log[0].verifier])
        assert checkpoint == head(hub, keys)


def test_ledger_is_hidden_without_read_access_to_the_collection(hub: ApiHub, keys: LedgerKeys) -> None:
    paths = ("checkpoint", "checkpoint/cosigned", "tile/0/000.p/3", "tile/entries/000.p/3", "openings", "proof?id=x")
    for path in (*paths, "cosignatures"):
        method = "POST" if path == "cosignatures" else "GET"
        there = hub.ask(method, f"{LOG}/{path}", "stranger", b"x")
        absent = hub.ask(method, f"/feed/collections/nowhere/log/{path}", "stranger", b"x")
        assert there[0] == absent[0] == 404
        assert {**json.loads(there[2]), "error_id": ""} == {**json.loads(absent[2]), "error_id": ""}
        assert {**there[1]} == {**absent[1]}
        assert hub.ask(method, f"{LOG}/{path}", None, b"x")[0] == 401


def test_new_reader_gets_no_openings_of_earlier_delistings(hub: ApiHub, keys: LedgerKeys) -> None:
    hub.join("late", "takedown", "takedown-full")
    for log in (LOG, FULL):
        all_there_is = json.loads(get(hub, f"{log}/openings"))["openings"]
        seen = json.loads(get(hub, f"{log}/openings", "late"))["openings"]
        served = {obj["id"] for obj in bodies(hub, "late", log)}
        hidden = [opening for opening in all_there_is if opening["id"] not in served]
        assert hidden
        assert seen == [opening for opening in all_there_is if opening["id"] in served]
        for opening in hidden:
            assert hub.ask("GET", f"{log}/proof?id={opening['id']}", "late")[0] == 404
            assert hub.ask("GET", f"{log}/proof?id={opening['id']}", "reader")[0] == 200


def test_tiles_are_cacheable_by_their_reader_and_checkpoints_are_not(hub: ApiHub, keys: LedgerKeys) -> None:
    tile = hub.ask("GET", f"{LOG}/tile/0/000.p/3")
    assert (tile[1]["Cache-Control"], len(tile[2])) == ("private, max-age=31536000, immutable", 96)
    assert hub.ask("GET", f"{LOG}/checkpoint")[1]["Cache-Control"] == "no-store"
    for path in ("tile/0/000", "tile/0/000.p/200", "tile/1/000.p/1", "tile/0/0", "tile/64/000", "tile/entries/001"):
        assert hub.ask("GET", f"{LOG}/{path}")[0] == 404, path


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "added_after=yesterday", "next=-1", "next=1&next=2", "&".join(["a=1"] * 9)]
)
def test_malformed_ledger_requests_are_refused(hub: ApiHub, keys: LedgerKeys, query: str) -> None:
    assert hub.ask("GET", f"{LOG}/openings?{query}")[0] == 400


def test_only_a_registered_witness_cosigns(hub: ApiHub, keys: LedgerKeys) -> None:
    witness = SignerKey.make("bank.example/witness", COSIGNATURE)
    note = SignedNote.parse(get(hub, f"{LOG}/checkpoint"))
    line = str(witness.sign(note.text, 1_795_680_000)).encode()
    assert hub.ask("POST", f"{LOG}/cosignatures", "reader", line)[0] == 403
    with hub.store.begin() as tx:
        witnesses.add(tx, Witness("Bank", witness.verifier, None))
    assert hub.ask("GET", f"{LOG}/checkpoint/cosigned")[0] == 404
    assert hub.ask("POST", f"{LOG}/cosignatures", "reader", line)[0] == 204
    cosigned = SignedNote.parse(get(hub, f"{LOG}/checkpoint/cosigned"))
    assert [signed.time for signed in cosigned.signed_by([witness.verifier])] == [1_795_680_000]
    cosigned.check([keys.log[0].verifier.for_origin(head(hub, keys).origin)])
    # An earlier size with its text, and a size that the log never had.
    hub.report("bank", "more.example.com", "domain")
    seal(hub, keys)
    older = Checkpoint(head(hub, keys).origin, 2, trees.root(nodes(hub, head(hub, keys).size), 2))
    for checkpoint, status in ((older, 204), (older._replace(size=3), 422), (older._replace(root=bytes(32)), 422)):
        cosigned = SignedNote(checkpoint.text, (witness.sign(checkpoint.text, 1),))
        assert hub.ask("POST", f"{LOG}/cosignatures", "reader", bytes(cosigned))[0] == status
    changed = line.replace(b"A", b"B", 3)
    assert hub.ask("POST", f"{LOG}/cosignatures", "reader", changed)[0] in (403, 422)
    proof = LogProof.parse(get(hub, f"{LOG}/proof?id={bodies(hub, 'reader')[0]['id']}"))
    assert SignedNote.parse(proof.checkpoint).signed_by([witness.verifier])


def test_hub_as_witness_rejects_a_rewound_log(hub: ApiHub, keys: LedgerKeys) -> None:
    other = SignerKey.make("other.example/log")
    entries = [bytes([number]) for number in range(9)]
    forest = memory_nodes(entries)

    def ask(old: int, new: int, proof: list[bytes] | None = None, *, by: SignerKey = other, root: bytes = b"") -> Any:
        checkpoint = Checkpoint("other.example/log/7", new, root or trees.root(forest, new))
        hashes = trees.consistency_proof(forest, old, new) if proof is None and 0 < old <= new else proof or []
        body = bytes(CheckpointAddition(old, tuple(hashes), bytes(checkpoint.sign([by]))))
        status, headers, answer = hub.ask("POST", "/witness/add-checkpoint", None, body)
        return status, headers.get("Content-Type"), answer, checkpoint

    assert ask(0, 3)[0] == 404
    with hub.store.begin() as tx:
        witnesses.trust(tx, OtherHub("Other", other.verifier))
    assert ask(0, 3, by=SignerKey.make("other.example/log"))[0] == 403
    status, _, answer, checkpoint = ask(0, 3)
    assert status == 200
    SignedNote.parse(checkpoint.text.encode() + b"\n" + answer).check([keys.witness.verifier])
    assert ask(3, 7)[0] == 200
    assert ask(7, 7)[0] == 200
    assert ask(3, 5)[:3] == (409, "text/x.tlog.size", b"7\n")
    assert ask(7, 7, [], root=bytes(32))[0] == 409
    assert ask(7, 9, [bytes(32)])[0] == 422
    assert ask(9, 7)[0] == 400
    assert hub.ask("POST", "/witness/add-checkpoint", None, b"old x\n\n")[0] == 400
    assert ask(7, 9)[0] == 200
    # A hub whose name begins with this hub's name: the log belongs to the longer name. Names are unique.
    inner = SignerKey.make("other.example/log/7")
    with hub.store.begin() as tx:
        witnesses.trust(tx, OtherHub("Zeta", inner.verifier))
        with pytest.raises(WitnessExists):
            witnesses.trust(tx, OtherHub("Again", SignerKey.make(other.name).verifier))
    assert ask(9, 9)[0] == 403
    assert ask(9, 9, by=inner)[0] == 200
    with hub.store.begin() as tx:
        witnesses.distrust(tx, "Other")
    assert ask(9, 9, by=inner)[0] == 200


def test_served_keys_are_the_stored_ones(hub: ApiHub, keys: LedgerKeys) -> None:
    assert VerifierKey.parse(str(keys.log[0].verifier)).name == "hub.example/log"
    openings = json.loads(get(hub, f"{LOG}/openings"))["openings"]
    assert {opening["kind"] for opening in openings} == {EntryKind.PUBLISHED}
