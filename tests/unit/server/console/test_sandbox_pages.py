"""The page of a sandbox begins so many rehearsals a day, as what each publishes stays in the ledger."""

import pytest
from flask import Flask

from server.console.partner import sandbox_pages
from server.store import Store
from server.store.operators.users import PartnerRole
from server.store.sandbox import runs
from tests.unit.server.console.people import visitor_of


def test_a_partner_begins_so_many_rehearsals_a_day_and_no_more(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_pages, "_AGAIN_AFTER", 0)
    writer, other = (visitor_of(app, PartnerRole.WRITER, name) for name in ("First Bank", "Second Bank"))
    statuses = [writer.send("/partner/sandbox/start", "/partner/sandbox").status_code for _ in range(13)]
    assert statuses == [303] * 12 + [429]
    with store.read() as tx:
        begun = runs.find(tx, "First Bank")
    assert begun is not None
    assert begun.number == 12
    assert other.send("/partner/sandbox/start", "/partner/sandbox").status_code == 303
