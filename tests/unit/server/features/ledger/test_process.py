"""A large backlog is sealed by a child process that ends with the server; of two sealers, only one seals."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.features.ledger.process import SealingProcess
from server.features.ledger.sealer import LedgerRules, Sealer
from server.store import Store
from tests.unit.server.store.ledger.checks import tree_of
from tests.unit.server.store.ledger.conftest import Ledger


@pytest.fixture
def ledger(migrated_store: Path, tmp_path: Path) -> Iterator[Ledger]:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield Ledger(store)
    store.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[SealingProcess]:
    made = SealingProcess(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path / "keys", "hub.example")
    yield made
    made.stop()


def test_large_backlog_is_sealed_by_the_process_and_a_small_one_inline(
    ledger: Ledger, process: SealingProcess, tmp_path: Path
) -> None:
    rules = LedgerRules(tmp_path / "keys", "hub.example")
    sealer = Sealer(ledger.store, rules, process)
    ledger.add(*range(600))
    assert sealer.seal() == 0
    assert tree_of(ledger.store, ledger.full).noted == 1_800
    pid = process.process_id
    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    ledger.add(*range(600, 610))
    assert sealer.seal() == 40
    assert Sealer(ledger.store, rules).seal() == 0
    sealer.release()
    assert process.process_id is None


def test_a_sealer_waits_while_another_holds_the_lease(ledger: Ledger, tmp_path: Path) -> None:
    rules = LedgerRules(tmp_path / "keys", "hub.example")
    first, second = Sealer(ledger.store, rules), Sealer(ledger.store, rules)
    ledger.add(1)
    assert first.seal() == 4
    ledger.add(2)
    assert second.seal() == 0
    first.release()
    assert second.seal() == 4
