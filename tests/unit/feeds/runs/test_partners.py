"""A feed acts for one partner, which must exist and still be a member."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feeds.connector import Misconfigured
from feeds.runs.run import Run, RunContext
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.hub import Hub
from server.store import Store, partners

BANK = Partner(name="bank", kind=PartnerKind.BANK, identity=ids.identity("bank"))
START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def work(migrated_store: Path, tmp_path: Path) -> Iterator[RunContext]:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield RunContext(Hub(store), Run("f"), None)
    store.close()


def test_feed_of_a_former_partner_is_refused_with_advice(work: RunContext) -> None:
    with pytest.raises(Misconfigured, match=r"contribute_as: there is no partner .*scamfeed partner add"):
        work.partner("bank", "contribute_as")
    with work.store.begin() as tx:
        partners.add(tx, BANK)
    assert work.partner("bank", "contribute_as") == BANK
    with work.store.begin() as tx:
        partners.remove(tx, "bank")
    with pytest.raises(Misconfigured, match=r"has left.*remove the feed from the configuration"):
        work.partner("bank", "contribute_as")
