"""The page of a sandbox limits rehearsals per day, because their publications stay in the ledger."""

import pytest
from flask import Flask

from server.features.sandbox import pages as sandbox_pages
from server.store import Store
from server.store.operators.users import PartnerRole
from server.store.sandbox import runs
from tests.unit.server.web.shell.people import visitor_of


def test_rehearsals_per_day_are_limited(app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_pages, "_AGAIN_AFTER", 0)
    writer, other = (visitor_of(app, PartnerRole.WRITER, name) for name in ("First Bank", "Second Bank"))
    statuses = [writer.send("/partner/sandbox/start", "/partner/sandbox").status_code for _ in range(13)]
    assert statuses == [303] * 12 + [429]
    with store.read() as tx:
        begun = runs.find(tx, "First Bank")
    assert begun is not None
    assert begun.number == 12
    assert other.send("/partner/sandbox/start", "/partner/sandbox").status_code == 303
