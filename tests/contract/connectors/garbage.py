"""Contract tests of every pull over HTTP: invalid responses with status 200."""

import gzip

import orjson
import pytest

from server.store import Store, feed_state
from tests.contract.connectors.contract import kept_checkpoint
from tests.contract.connectors.faults import MisbehavingContract
from tests.contract.connectors.peer import HttpPeer, Said
from tests.running import run

_PAGE = (
    b"<!-- session -->\n<html><body><form action='/login'>Sign in: <a href='https://a.example.com/'>help</a></form>"
    b"</body></html>"
)
_PACKED = gzip.compress(b'[{"domain": "a.example.com"}]' * 50)
GARBAGE = {
    "cut JSON": Said(200, b'{"objects": [{"type": "indicator", "id": "indica'),
    "binary": Said(200, bytes(range(256)) * 8, {"Content-Type": "application/octet-stream"}),
    "a login page": Said(200, _PAGE, {"Content-Type": "text/html; charset=utf-8"}),
    "a login page as JSON": Said(200, _PAGE),
    "an error object": Said(200, {"error": "session expired"}),
    "an error with a message": Said(200, {"error": {"code": 7, "message": "try again"}, "status": "failed"}),
    "an empty body": Said(200, b""),
    "null": Said(200, b"null"),
    "a table of unknown columns": Said(200, b"id,colour\n1,red\n2,blue\n", {"Content-Type": "text/csv"}),
    "cut gzip": Said(200, _PACKED[: len(_PACKED) // 2], {"Content-Type": "application/gzip"}),
    "cut gzip in transit": Said(200, _PACKED[: len(_PACKED) // 2], {"Content-Encoding": "gzip"}),
}


# The same contents as files; an empty file is an empty list.
FILES = {
    name: said.body if isinstance(said.body, bytes) else orjson.dumps(said.body)
    for name, said in GARBAGE.items()
    if said.body
}


class GarbageContract(MisbehavingContract):
    """Tests with an ``HttpPeer``: garbage with status 200 is a failure, not a change and not an empty list."""

    peer: HttpPeer  # type: ignore[assignment]  # more than its faults

    @pytest.mark.long_but("cut JSON", "a login page", "an error object")
    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_garbage_fails_the_feed_until_something_valid_is_read(self, store: Store, garbage: str) -> None:
        self.peer.garbage = GARBAGE[garbage]
        result = run(store, self.feed())
        assert (result.ending, result.accepted) in (("try-later", 0), ("misconfigured", 0)), result
        assert not kept_checkpoint(store)
        self.peer.garbage = None
        self.prepare(store, 4)
        assert run(store, self.feed()).ending == "done"
        before, checkpoint = self.arrived(store), kept_checkpoint(store)
        self.prepare(store, 5)
        self.peer.garbage = GARBAGE[garbage]
        for failures in (1, 2):
            result = run(store, self.feed())
            assert result.ending in ("try-later", "misconfigured")
            with store.read() as tx:
                assert feed_state.last_runs(tx)["tested"].error == result.error
                assert feed_state.load_state(tx, "tested").failures == failures or result.ending == "misconfigured"
        assert (self.arrived(store), kept_checkpoint(store)) == (before, checkpoint)
        self.peer.garbage = None
        result = run(store, self.feed())
        assert result.ending == "done", result
        assert len(set(self.arrived(store))) == 5
        with store.read() as tx:
            assert feed_state.last_runs(tx)["tested"].error is None
