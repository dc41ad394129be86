"""A reporter cannot delay a pending decision under dual control, and a proposal cannot suppress a value."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.objections import records as objections
from server.features.objections.decide import listed_where
from server.features.objections.records import Objection
from server.operations.thawing import thaw_lapsed
from server.store import Store, collections, listings, partners
from server.store.database.times import now
from server.store.operators.users import OperatorRole
from server.store.proposals import frozen, proposals
from server.store.proposals.tables import frozen_values
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.people import Visitor, visitor_of

VALUE = "shop.example.com"
MEDIA = "application/taxii+json;version=2.1"
DAY = 86_400 * 1_000_000


class Reporter:
    """A partner that reports, withdraws and reports again over TAXII."""

    def __init__(self, app: Flask, name: str, **more: Any) -> None:
        self.client, self.name = app.test_client(), name
        self.last: dict[str, Any] = {}
        store: Store = app.extensions["scamfeed-store"]
        with store.begin() as tx:
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name), **more}
            self.token = partners.add(tx, Partner.model_validate(given)).token
            self.inbox = collections.get(tx, "inbox").id
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            collections.grant(tx, name, collections.get(tx, "public"), read=True)
            collections.grant(tx, name, collections.get(tx, "takedown"), read=True)

    def report(self, **columns: str) -> None:
        """Report the value under a new id."""
        given = {"kind": "domain", "tlp": "clear", "scam_type": "merchandise", "confidence": "90"}
        at = timestamp.text(timestamp.now())
        reader = ReportReader({"reporter": self.name, "reported_at": at, **given, **columns})
        objects = to_stix(reader.report({"value": VALUE}))
        fresh = f"indicator--{uuid.uuid4()}"
        self.last = next(obj for obj in objects if obj["type"] == "indicator") | {"id": fresh}
        self._post([obj for obj in objects if obj["type"] not in ("indicator", "relationship")] + [self.last])

    def withdraw(self) -> None:
        self.last = self.last | {"revoked": True, "modified": timestamp.text(timestamp.now() + timedelta(seconds=1))}
        self._post([self.last])

    def doubt(self, listing: str) -> None:
        columns = {"outcome": "false-positive", "reason": "legitimate-use", "of": listing}
        defaults = {"reporter": self.name, "reported_at": timestamp.text(timestamp.now()), "tlp": "clear"}
        self._post(records.to_stix(tabular.read_record("outcome", columns, defaults))[-1:])

    def _post(self, objects: list[dict[str, Any]]) -> None:
        answer = self.client.post(
            f"/feed/collections/{self.inbox}/objects/",
            json={"objects": objects},
            headers={"Authorization": f"Bearer {self.token}", "Accept": MEDIA, "Content-Type": MEDIA},
        )
        assert answer.status_code == 202, answer.text
        assert answer.json is not None
        assert not answer.json.get("failure_count"), answer.json


Propose = Callable[[Flask, Visitor], str]


def retract(app: Flask, analyst: Visitor) -> str:
    page = analyst.send("/console/retract", value=VALUE)
    basis = page.text.split('name="reporters" value="')[1].split('"')[0]
    answer = analyst.send("/console/retract", value=VALUE, step="do", reporters=basis)
    return answer.headers["Location"]


def clear(app: Flask, analyst: Visitor) -> str:
    store: Store = app.extensions["scamfeed-store"]
    with store.begin() as tx:
        if not objections.of_values(tx, [f"domain:{VALUE}"]):
            given = Objection("o1", "domain", "own-business", None, None, now(), now() + 9 * DAY)
            objections.add(tx, given, [f"domain:{VALUE}"])
    analyst.send("/console/objections/o1/decide", "/console/objections/o1", decision="clear")
    return _last(store)


def delist(app: Flask, analyst: Visitor) -> str:
    store: Store = app.extensions["scamfeed-store"]
    with store.read() as tx:
        listing = next(iter(listings.ids(tx, f"domain:{VALUE}")))
    Reporter(app, f"Doubter {uuid.uuid4().hex[:6]}").doubt(listing)
    page = analyst.get("/console/disputes").text
    id_ = page.split('name="id" value="')[1].split('"')[0]
    shown = analyst.send("/console/reviews/preview", "/console/disputes", decision="reject", id=id_).text
    basis = shown.split('name="basis" value="')[1].split('"')[0]
    analyst.send("/console/reviews/decide", "/console/disputes", decision="reject", id=id_, basis=basis)
    return _last(store)


def _last(store: Store) -> str:
    with store.read() as tx:
        return f"/console/proposals/{proposals.all_open(tx)[-1].id}"


WAYS = pytest.mark.parametrize("propose", [retract, clear, delist], ids=["retract", "clear", "delist"])


def places(app: Flask) -> set[str]:
    """Return the collections that list the value."""
    store: Store = app.extensions["scamfeed-store"]
    with store.read() as tx:
        return set(listed_where(tx, [f"domain:{VALUE}"]).ids)


def state(app: Flask, path: str) -> str:
    store: Store = app.extensions["scamfeed-store"]
    with store.read() as tx:
        return proposals.find(tx, path.rpartition("/")[2]).state


@pytest.fixture
def persons(either_app: Flask) -> tuple[Visitor, Visitor]:
    return visitor_of(either_app, OperatorRole.ANALYST), visitor_of(either_app, OperatorRole.APPROVER)


@WAYS
def test_repeated_report_does_not_delay_dual_control(
    either_app: Flask, persons: tuple[Visitor, Visitor], propose: Propose
) -> None:
    analyst, approver = persons
    reporter = Reporter(either_app, "First Bank", authority=("domain",))
    reporter.report()
    path = propose(either_app, analyst)
    for columns in ({"confidence": "40"}, {"tlp": "green"}, {"tlp": "amber"}, {"tlp": "clear"}):
        reporter.withdraw()
        reporter.report(**columns)
    assert approver.send(f"{path}/confirm", path).status_code == 303
    assert state(either_app, path) == "confirmed"
    assert places(either_app) == set()
    reporter.report()
    assert places(either_app) == set()


@WAYS
def test_withdrawn_value_is_still_decided_under_dual_control(
    either_app: Flask, persons: tuple[Visitor, Visitor], propose: Propose
) -> None:
    analyst, approver = persons
    reporter = Reporter(either_app, "First Bank", authority=("domain",))
    reporter.report()
    path = propose(either_app, analyst)
    reporter.withdraw()
    assert approver.send(f"{path}/confirm", path).status_code == 303
    assert state(either_app, path) == "confirmed"
    for again in (reporter, Reporter(either_app, "Second Bank")):
        again.report()
        assert places(either_app) == set()


@WAYS
@pytest.mark.parametrize("ending", ["reject", "withdraw", "lapse"])
def test_pending_value_is_relisted_only_after_the_decision(
    either_app: Flask, persons: tuple[Visitor, Visitor], propose: Propose, ending: str
) -> None:
    analyst, approver = persons
    store: Store = either_app.extensions["scamfeed-store"]
    reporter = Reporter(either_app, "First Bank", authority=("domain",))
    reporter.report()
    before = places(either_app)
    assert {"public"} <= before
    path = propose(either_app, analyst)
    assert places(either_app) == before
    reporter.withdraw()
    assert places(either_app) == set()
    reporter.report()
    assert places(either_app) == set()
    if ending == "lapse":
        with store.begin() as tx:
            tx.execute(update(frozen_values).values(until=now() - 1))
        thaw_lapsed(hub_on(store))
    else:
        person = analyst if ending == "withdraw" else approver
        assert person.send(f"{path}/{ending}", path).status_code == 303
    assert places(either_app) == before


def test_repeated_proposals_freeze_a_value_for_a_week_in_thirty_days(
    either_app: Flask, persons: tuple[Visitor, Visitor]
) -> None:
    analyst, _ = persons
    store: Store = either_app.extensions["scamfeed-store"]
    Reporter(either_app, "First Bank", authority=("domain",)).report()
    for _round in range(3):
        path = retract(either_app, analyst)
        assert analyst.send(f"{path}/withdraw", path).status_code == 303
    retract(either_app, analyst)

    def is_frozen() -> bool:
        with store.read() as tx:
            return frozen.among(tx, [f"domain:{VALUE}"])

    assert is_frozen()
    with store.begin() as tx:
        earlier = {"since": frozen_values.c.since - 8 * DAY, "until": frozen_values.c.until - 8 * DAY}
        tx.execute(update(frozen_values).values(earlier))
    thaw_lapsed(hub_on(store))
    retract(either_app, analyst)
    assert not is_frozen()
    with store.begin() as tx:
        tx.execute(update(frozen_values).values(since=frozen_values.c.since - 23 * DAY))
    retract(either_app, analyst)
    assert is_frozen()


def test_another_organisation_voids_it_only_once(either_app: Flask, persons: tuple[Visitor, Visitor]) -> None:
    analyst, approver = persons
    Reporter(either_app, "First Bank", authority=("domain",)).report()
    path = retract(either_app, analyst)
    second = Reporter(either_app, "Second Bank")
    second.report()
    approver.send(f"{path}/confirm", path)
    assert state(either_app, path) == "void"
    second.withdraw()
    path = retract(either_app, analyst)
    second.report()
    Reporter(either_app, "Second Bank, another office", organisation="Second Bank").report()
    approver.send(f"{path}/confirm", path)
    assert state(either_app, path) == "confirmed"
    assert places(either_app) == set()


def test_report_between_preview_and_proposal_changes_nothing(
    either_app: Flask, persons: tuple[Visitor, Visitor]
) -> None:
    analyst, _ = persons
    reporter = Reporter(either_app, "First Bank", authority=("domain",))
    reporter.report()
    page = analyst.send("/console/retract", value=VALUE).text
    basis = page.split('name="reporters" value="')[1].split('"')[0]
    reporter.report()
    answer = analyst.send("/console/retract", value=VALUE, step="do", reporters=basis)
    assert answer.headers["Location"].startswith("/console/proposals/")
