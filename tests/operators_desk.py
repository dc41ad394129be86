"""A hub with work for its operators: a dispute, objections, requests, questions and a referral."""

from datetime import timedelta
from typing import Any

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import FocalFunction, Partner, PartnerKind
from schemas.request import Request
from schemas.tabular import ReportReader
from server.features.objections import decide as deciding, records as objections
from server.features.objections.records import Objection
from server.features.questions.asking import ask
from server.features.requests import desk
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Tx, collections, focal_points, listings, partners
from server.store.database.times import now
from server.store.item import Item
from server.store.referrals import referrals

REPORTER, DOUBTER, SENDER, INSTITUTION = "Reporting Bank", "Doubting Bank", "Asking Bank", "Asked Bank"
DISPUTED, OBJECTED, HIDDEN = "disputed.example.net", "wronged.example.net", "nowhere.example.net"
_DAY = 86_400 * 1_000_000


def fill(hub: Hub) -> None:
    """Fill the hub. The ids of the objections are ``o-listed``, ``o-late`` and ``o-hidden``."""
    with hub.store.begin() as tx:
        for name in (REPORTER, DOUBTER, SENDER, INSTITUTION):
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, trusted=name == DOUBTER))
            collections.grant(tx, name, collections.get(tx, "takedown"), read=True)
        focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "care@hub.example")
    for value in (DISPUTED, OBJECTED):
        report(hub, value)
    with hub.store.begin() as tx:
        [listing] = listings.ids(tx, f"domain:{DISPUTED}")
        columns = {"outcome": "false-positive", "reason": "legitimate-use", "of": listing}
        defaults = {"reporter": DOUBTER, "reported_at": timestamp.text(timestamp.now()), "tlp": "green"}
        _contribute(hub, tx, DOUBTER, records.to_stix(tabular.read_record("outcome", columns, defaults))[-1:])
    with hub.store.begin() as tx:
        for id_, value, due in (
            ("o-listed", OBJECTED, now() + 9 * _DAY),
            ("o-late", OBJECTED, now() - _DAY),
            ("o-hidden", HIDDEN, now() + _DAY),
        ):
            objection = Objection(id_, "domain", "own-business", None, id_.encode(), now() - 2 * _DAY, due)
            objections.add(tx, objection, [f"domain:{value}"])
    deciding.route_new(hub)
    for number, addressee in (("C-1", INSTITUTION), ("C-2", None)):
        with hub.store.begin() as tx:
            desk.send(hub, tx, partners.get(tx, SENDER), request_of(number, addressee))
    with hub.store.begin() as tx:
        ask(hub, tx, "Which page shows the shop?", listing, [f"domain:{DISPUTED}"])
        referrals.add(tx, listing, focal_points.HUB, "Anong")


def request_of(number: str, addressee: str | None) -> Request:
    """Return a request of SENDER with a case number."""
    at = timestamp.now()
    given = {"reporter": SENDER, "reported_at": at, "asks": "freeze", "of": "bank-account:TH:BKKBTHBK:1234567890"}
    money = {"amount": "800000", "currency": "THB", "legal_basis": "scheme-rules"}
    to = {"addressee": addressee} if addressee else {}
    return Request.model_validate({**given, **money, **to, "reference": number, "deadline": at + timedelta(hours=4)})


def report(hub: Hub, value: str) -> None:
    """Let REPORTER report a domain."""
    given = {"reporter": REPORTER, "kind": "domain", "tlp": "green", "scam_type": "merchandise"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    with hub.store.begin() as tx:
        _contribute(hub, tx, REPORTER, to_stix(reader.report({"value": value})))


def _contribute(hub: Hub, tx: Tx, by: str, objects: list[dict[str, Any]]) -> None:
    done = contribute(hub, tx, partners.get(tx, by), [Item.of(obj) for obj in objects])
    assert not done.failed, done.failed
