"""The served ledger, read by aics-tlog and cosigned by aics-witness over HTTP. Neither knows Scamfeed."""

import contextlib
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from aics_tlog import (
    MemoryTileReader,
    VerifiedTileReader,
    audit_tiles,
    consistency_proof_from_tiles,
    verify_checkpoint,
    verify_consistency,
)
from aics_tlog.checkpoint import checkpoint_from_note
from aics_tlog.note import VKey, parse_vkey
from aics_tlog.tiles import entry_bundle_path, tile_path
from hub import Hub, publish_domains, running, scamfeed

LOG = "feed/collections/takedown/log"


def get(hub: Hub, path: str) -> bytes:
    answer = requests.get(f"{hub.url}/{LOG}/{path}", auth=(hub.user, hub.password), timeout=30)
    answer.raise_for_status()
    return answer.content


class ServedTiles(MemoryTileReader):
    """The tiles of a hub, readable by its partners only."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def read_tile(self, level: int, index: int, width: int | None) -> bytes | None:
        return get(self._hub, tile_path(level, index, width))

    def read_entry_bundle(self, index: int, width: int | None) -> bytes | None:
        return get(self._hub, entry_bundle_path(index, width))


def log_key(hub: Hub, origin: str) -> VKey:
    """Return the printed key of one of the hub's logs."""
    keys = [parse_vkey(log["key"]) for log in hub.run("log", "status")["logs"]]
    return next(key for key in keys if key.name == origin)


def as_text(key: VKey) -> str:
    """Return a key in the form for witnesses."""
    return f"{key.name}+{key.key_id.hex()}+{b64encode(bytes([key.key_type]) + key.public_key).decode()}"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Serve a hub with some domains and a reader for them."""
    folder = tmp_path_factory.mktemp("hub")
    scamfeed(folder, "init")
    bank = scamfeed(folder, "partner", "add", "Example Bank", "--kind", "bank", "--vouched")
    reader = scamfeed(folder, "partner", "add", "Reader", "--kind", "platform", "--read", "takedown")
    publish_domains(folder, 3)
    with running(folder) as url:
        yield Hub(url, reader["user"], reader["password"], bank["identity"], folder)


def checkpoint_of(hub: Hub, entries: int) -> bytes:
    """Return the checkpoint once this many entries are sealed, possibly by the running hub."""
    deadline = time.monotonic() + 60
    while True:
        checkpoint = get(hub, "checkpoint")
        if checkpoint_from_note(checkpoint)[0].size >= entries:
            return checkpoint
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def witness(tmp_path: Path, hub: Hub) -> Iterator[tuple[str, str]]:
    """Serve aics-witness for the log, and yield its address and public key."""
    origin = get(hub, "checkpoint").decode().split("\n")[0]

    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "aics_witness", *arguments, "--config", str(tmp_path / "witness.json")]

    made = subprocess.run(command("init", "--name", "witness.example/w1"), check=True, capture_output=True, text=True)
    key = next(word for word in made.stdout.split() if word.startswith("witness.example/w1+"))
    subprocess.run(command("add-log", "--origin", origin, "--vkey", as_text(log_key(hub, origin))), check=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = subprocess.Popen(command("serve", "--listen", f"127.0.0.1:{port}"))
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok:
                    break
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", key
    finally:
        server.terminate()
        server.wait(30)


def test_aics_tlog_reads_the_ledger_and_aics_witness_cosigns_it_and_refuses_a_rollback(
    hub: Hub, witness: tuple[str, str]
) -> None:
    url, witness_key = witness
    hub.run("witness", "add", "aics", "--key", witness_key, "--by", "test")

    def ask(old: int, proof: list[bytes], note: bytes) -> requests.Response:
        lines = [f"old {old}", *(b64encode(hash_).decode() for hash_ in proof)]
        return requests.post(f"{url}/add-checkpoint", data="\n".join(lines).encode() + b"\n\n" + note, timeout=30)

    first = get(hub, "checkpoint")
    begun, signed = checkpoint_from_note(first)
    assert verify_checkpoint(signed, log_key(hub, begun.origin)).ok
    assert ask(0, [], first).status_code == 200

    publish_domains(hub.folder, 300)
    second = checkpoint_of(hub, begun.size + 300)
    grown, _ = checkpoint_from_note(second)
    tiles = ServedTiles(hub)
    assert audit_tiles(tiles, grown.size, grown.root, entries=True)
    assert len(VerifiedTileReader(tiles, grown.size, grown.root).entry(grown.size - 1)) == 41
    proof = consistency_proof_from_tiles(tiles, begun.size, grown.size)
    assert verify_consistency(begun.size, grown.size, begun.root, grown.root, proof)

    cosigned = ask(begun.size, proof, second)
    assert cosigned.status_code == 200
    posted = requests.post(
        f"{hub.url}/{LOG}/cosignatures", data=cosigned.content, auth=(hub.user, hub.password), timeout=30
    )
    assert posted.status_code == 204, posted.text
    _, served = checkpoint_from_note(get(hub, "checkpoint/cosigned"))
    found = verify_checkpoint(served, log_key(hub, grown.origin), [parse_vkey(witness_key)], quorum=1)
    assert found.ok

    back = ask(begun.size, [], first)
    assert (back.status_code, back.text) == (409, f"{grown.size}\n")
