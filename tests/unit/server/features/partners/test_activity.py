"""The list of partners shows last contact, volume and quality of each, on both databases."""

import pytest
from flask import Flask

from server.features.collections.queries import private_by_use
from server.features.partners.activity import NOTHING, activities
from server.store import Store, collections, quotas
from server.store.collections import private_collection
from server.store.database.times import now
from server.store.operators.users import OperatorRole
from tests.operators_desk import REPORTER, SENDER, fill
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.conftest import either_app
from tests.unit.server.web.shell.people import visitor_of

__all__ = ["either_app"]
DAY = 86_400 * 1_000_000


@pytest.fixture
def store(either_app: Flask) -> Store:
    filled: Store = either_app.extensions["scamfeed-store"]
    fill(hub_on(filled))
    return filled


def test_contact_and_volume_are_of_the_partner_alone(store: Store) -> None:
    moment = now()
    with store.begin() as tx:
        quotas.count_contributed(tx, SENDER, received=5, held=2, moment=moment - 40 * DAY)
        quotas.count_contributed(tx, SENDER, received=7, held=1, moment=moment - 3 * DAY)
    with store.read() as tx:
        found = activities(tx, [REPORTER, SENDER, "Nobody"], moment)
    assert (found[SENDER].received, found[SENDER].held) == (7, 1)
    assert found[SENDER].contributed == (moment - 3 * DAY) // DAY * DAY
    assert found[SENDER].last == found[SENDER].contributed
    assert found[SENDER].share is None
    assert found["Nobody"] == NOTHING
    assert found[REPORTER].received >= 1


def test_pages_show_activity_and_private_collections(either_app: Flask, store: Store) -> None:
    viewer = visitor_of(either_app, OperatorRole.VIEWER)
    page = viewer.get("/console/partners").text
    assert "Last contact" in page
    assert "not judged yet" in page
    with store.begin() as tx:
        private_collection(tx, REPORTER, "outcomes")
    with store.read() as tx:
        found = {each.use: each.number for each in private_by_use(tx)}
        own = [each for each in collections.all_collections(tx) if each.owner is not None]
    assert sum(found.values()) == len(own)
    assert "results of a partner’s reports" in viewer.get("/console/collections").text


@pytest.mark.parametrize("kind", ["bank", "exchange", "platform", "telecom", "government", "research", "x"])
def test_preset_chooses_kind_and_collections(either_app: Flask, kind: str) -> None:
    admin = visitor_of(either_app, OperatorRole.ADMIN)
    page = admin.get(f"/console/partners/new?preset={kind}").text
    assert ("The kind and the collections are chosen" in page) == (kind != "x")
    assert (f'<option value="{kind}" selected>' in page) == (kind != "x")


def test_figures_by_day_are_drawn(either_app: Flask) -> None:
    viewer = visitor_of(either_app, OperatorRole.VIEWER)
    for show in ("days", "log", "x"):
        assert viewer.get(f"/console/figures?show={show}").status_code == 200
