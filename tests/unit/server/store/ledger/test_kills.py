"""Twenty kills of the sealer: nothing is sealed twice or left out, and no head goes backwards."""

import os
import random
import time
from pathlib import Path

import pytest

from schemas.tlog import trees
from schemas.tlog.notes import SignerKey
from schemas.tlog.proofs import Checkpoint, open_checkpoint
from server.store import Store
from server.store.ledger import reading, sealing
from tests.processes import Forked
from tests.unit.server.store.ledger.checks import KEY, check, tree_of
from tests.unit.server.store.ledger.conftest import Ledger

KILLS = 20
_chance = random.Random(20261126)  # noqa: S311  # nothing secret about it


def seal_for_ever(url: str, secret: str) -> None:
    """Seal a few rows at a time until stopped."""
    key = SignerKey.parse(secret)
    store = Store.open(url)
    while True:
        sealing.step(store, key.name, lambda checkpoint: bytes(checkpoint.sign([key])), most=20)


@pytest.mark.long
def test_nothing_is_lost_or_sealed_twice_when_the_sealer_is_killed(ledger: Ledger, url: str, tmp_path: Path) -> None:
    seen: list[Checkpoint] = []
    for kill in range(KILLS):
        ledger.add(*range(kill * 150, kill * 150 + 150))
        process = Forked(seal_for_ever, url, KEY.text, log=tmp_path / "log", environment=dict(os.environ))
        before = seen[-1].size if seen else 0
        deadline = time.monotonic() + 60
        # Killed in the middle: after some progress, and before the end.
        while (size := _head(ledger, seen)) <= before and time.monotonic() < deadline:
            time.sleep(0.002)
        assert size > before, (tmp_path / "log").read_text()
        time.sleep(_chance.uniform(0, 0.03))
        process.kill()
        process.wait(60)
        _head(ledger, seen)
    ledger.seal()
    _head(ledger, seen)
    assert seen[-1].size == KILLS * 150
    check(ledger.store, ledger.plain)
    check(ledger.store, ledger.full)
    tree = tree_of(ledger.store, ledger.plain)
    with ledger.store.read() as tx:
        for head in seen:
            if head.size:
                proof = trees.consistency_proof(reading.nodes(tx, tree, tree.noted), head.size, tree.noted)
                trees.check_consistency(head.size, tree.noted, head.root, tree.root, proof)


def _head(ledger: Ledger, seen: list[Checkpoint]) -> int:
    """Record the newest signed head, and return its size."""
    try:
        note = tree_of(ledger.store, ledger.plain).note
    except AssertionError:
        return 0
    if not note:
        return 0
    head = open_checkpoint(note, [KEY.verifier])[0]
    assert not seen or head.size >= seen[-1].size
    if not seen or head != seen[-1]:
        seen.append(head)
    return head.size
