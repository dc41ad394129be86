"""A queue of forty held reports with ten traps: approving a trap would hit an innocent person."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mappers import ids, records
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.partner import Partner, PartnerKind
from schemas.site import names_of
from schemas.tabular import ReportReader
from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, Tx, collections, inbox, listings, partners, reviews, value_index
from server.store.database.times import now
from server.store.item import Item
from server.store.reviews import HeldObject

SENDER, PROVIDER, CARRIER = "Northern Platform", "Keeping Bank", "Southern Telecom"
# One of each kind of partner that the queue needs.
_PARTNERS = {SENDER: PartnerKind.PLATFORM, PROVIDER: PartnerKind.BANK, CARRIER: PartnerKind.TELECOM}
_SCAMS = ("merchandise", "investment", "job", "phishing", "romance")


class Reported(NamedTuple):
    """A report of the queue: its value, its kind, and its other columns."""

    value: str
    kind: str
    columns: Mapping[str, str] = {}


# By the victim of each trap.
TRAPS: Mapping[str, Reported] = {
    "a bank's domain": Reported("kasikornbank.com", "domain"),
    "a shared host": Reported("bit.ly", "domain"),
    "a site that everybody uses": Reported("imdb.com", "domain"),
    "an address that many share": Reported("8.8.8.8", "ip"),
    "a hotline": Reported("1441", "phone", {"country": "TH"}),
    "a wallet of an exchange": Reported("0x3f5ce5fbfe3e9af3971dd833d26ba9b5c936f0be", "wallet", {"chain": "ethereum"}),
    "a victim's number": Reported("+66812345678", "phone"),
    "a partner's own shop": Reported("shop.southern-telecom.example.com", "domain"),
    "a value that was found harmless": Reported("acquitted.example.net", "domain"),
    "a value that somebody objects to": Reported("objected.example.net", "domain"),
}


def fill(hub: Hub) -> dict[str, str]:
    """Fill the queue with the traps among the others, and return the ids of the traps' reviews by their victims."""
    store = hub.store
    with store.begin() as tx:
        for name, kind in _PARTNERS.items():
            country = "TH" if name == SENDER else "SG"
            partners.add(tx, Partner(name=name, kind=kind, country=country, identity=ids.identity(name), vouched=True))
        collections.grant(tx, CARRIER, collections.get(tx, "takedown"), read=True)
        value_index.add_own_values(tx, CARRIER, ["domain:southern-telecom.example.com"])
        reviews.delist(tx, names_of("domain", "acquitted.example.net")[:1])
        moment = now()
        objection = Objection("o1", "domain", "own-business", None, None, moment, moment)
        objections.add(tx, objection, ["domain:objected.example.net"])
    victim = TRAPS["a victim's number"]
    _report(hub, PROVIDER, victim, held=False)
    _dispute(hub, CARRIER, value_index.subject_of(victim.kind, victim.value))
    found = {}
    traps = iter(TRAPS.items())
    for number in range(30):
        _report(hub, SENDER, Reported(f"parcel-{number:02}.example.org", "domain"), scam=_SCAMS[number % 5])
        if number % 3 == 0:
            what, trap = next(traps)
            found[what] = _report(hub, SENDER, trap, scam=_SCAMS[number % 5])
    return found


def _report(hub: Hub, by: str, reported: Reported, *, held: bool = True, scam: str = "merchandise") -> str:
    given = {"reporter": by, "kind": reported.kind, "tlp": "green", "scam_type": scam, "reported_at": _at()}
    objects = to_stix(ReportReader(given).report({"value": reported.value, **reported.columns}))
    [id_] = [obj["id"] for obj in objects if obj["type"] == "indicator"]
    with hub.store.begin() as tx:
        key = inbox.key(partners.space(tx, by), id_)
        if held:
            reviews.hold(tx, by, [HeldObject(key, None, "mostly-held", "more than half of its reports were held")])
        _contribute(hub, tx, by, objects)
    return str(key)


def _dispute(hub: Hub, by: str, subject: str) -> None:
    """Let a partner state that a listed value is no scam."""
    with hub.store.begin() as tx:
        [id_] = listings.ids(tx, subject)
        columns = {"outcome": "false-positive", "reason": "holder-verified", "of": id_}
        defaults = {"reporter": by, "reported_at": _at(), "tlp": "green"}
        _contribute(hub, tx, by, records.to_stix(tabular.read_record("outcome", columns, defaults))[-1:])


def _contribute(hub: Hub, tx: Tx, by: str, objects: Iterable[dict[str, Any]]) -> None:
    done = contribute(hub, tx, partners.get(tx, by), [Item.of(obj) for obj in objects])
    assert not done.failed, done.failed


def _at() -> str:
    return timestamp.text(timestamp.now())


def is_approved(store: Store, id_: str) -> bool:
    """Return whether a review was approved."""
    with store.read() as tx:
        return reviews.states(tx, [id_])[id_].state == "approved"
