"""Examples of evidence, notices, the ledger and recorded reads."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.api.lookup import ValueReading
from schemas.api.statements import ObjectionAnswer
from schemas.tabular import ReportReader
from schemas.tlog.notes import COSIGNATURE, SignerKey
from schemas.tlog.signatures import SigningKeys
from server.features.clearance.operations import IssueClearance, IssueClearanceOfObjection
from server.features.evidence import files
from server.features.evidence.desk import Measured
from server.features.evidence.operations import (
    AddEvidence,
    ExportEvidence,
    GiveEvidence,
    HandOverEvidence,
    TakeBackEvidence,
    TidyEvidence,
)
from server.features.federation.closing.operations import AnnounceClosing
from server.features.ledger import keys
from server.features.ledger.operations import (
    AddWitness,
    DistrustHub,
    ExportProof,
    PublishRecoveryKey,
    RemoveWitness,
    RotateLedgerKey,
    SealLedger,
    TrustHub,
)
from server.features.notices.operations import IssueNotice
from server.features.notices.statement import value_of
from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.features.trail.operations import ExplainContributions, ExportTrail
from server.operations.operation import Act, Actor
from server.operations.run import run
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.store import partners
from server.store.database.times import now
from server.store.item import Item
from tests import operators_desk as desk
from tests.times import ahead

FILE = Measured("ab" * 32, 9, "text/plain")


def _keys() -> SigningKeys:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return SigningKeys(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def report_id(hub: Hub, tlp: str = "green") -> str:
    """Report a value, and return the id of the report."""
    given = {"reporter": desk.REPORTER, "kind": "domain", "tlp": tlp, "scam_type": "merchandise"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [Item.of(obj) for obj in to_stix(reader.report({"value": "evidence.example.net"}))]
    with hub.store.begin() as tx:
        contribute(hub, tx, partners.get(tx, desk.REPORTER), items)
    return next(item.id for item in items if item.type == "indicator")


def _add(hub: Hub) -> AddEvidence:
    return AddEvidence(object_id=report_id(hub), partner=desk.REPORTER, file=FILE, stored_limit=1_000)


def stored_evidence(hub: Hub) -> str:
    """Add a file as if it was stored, and return the id of its report."""
    operation = _add(hub)
    added = run(hub, operation, Actor.system("Anong"))
    with hub.store.begin() as tx:
        files.store(tx, added.file.id, "place", b"key")
    return operation.object_id


def _give(hub: Hub) -> Act[Any]:
    stored_evidence(hub)
    return GiveEvidence(sha256=FILE.sha256, to=desk.REPORTER)


def _take_back(hub: Hub) -> Act[Any]:
    id_ = stored_evidence(hub)
    run(hub, HandOverEvidence(object_id=id_, to=desk.DOUBTER), Actor.system("Anong"))
    return TakeBackEvidence(object_id=id_, to=desk.DOUBTER)


def _notice(hub: Hub) -> Act[Any]:
    with hub.store.read() as tx:
        partner = partners.get(tx, desk.REPORTER)
    return IssueNotice(value=value_of(desk.DISPUTED, "domain"), partner=partner, keys=_keys())


_DELISTED = value_of("evidence.example.net", "domain")


def _cleared(hub: Hub, tlp: str = "green") -> ValueReading:
    """Report a value, delist it, and return it."""
    report_id(hub, tlp)
    with hub.store.begin() as tx:
        retract(hub, tx, _DELISTED.normal)
    return _DELISTED


def _clearance(hub: Hub) -> Act[Any]:
    return IssueClearance(value=_cleared(hub), keys=_keys())


def _clearance_of_objection(hub: Hub) -> Act[Any]:
    at = now()
    with hub.store.begin() as tx:
        code = objections.add(tx, Objection("o-own", "domain", "other", None, None, at, at), [_DELISTED.name])
        objections.route(tx, "o-own", listed=True, public=True, provider=None)
    value = _cleared(hub, "clear")
    with hub.store.begin() as tx:
        objections.answer(tx, ["o-own"], ObjectionAnswer.CLEARED, "Anong")
    return IssueClearanceOfObjection(value=value, keys=_keys(), code=code)


def _remove_witness(hub: Hub) -> Act[Any]:
    run(hub, _add_witness(hub), Actor.system("Anong"))
    return RemoveWitness(witness="university")


def _add_witness(hub: Hub) -> AddWitness:
    key = SignerKey.make("witness.example/w", COSIGNATURE).verifier
    return AddWitness(witness="university", key=key, url="https://witness.example")


def _trust(hub: Hub) -> TrustHub:
    return TrustHub(hub="Other Hub", key=SignerKey.make("other.example/log").verifier)


def _distrust(hub: Hub) -> Act[Any]:
    run(hub, _trust(hub), Actor.system("Anong"))
    return DistrustHub(hub="Other Hub")


def _publish_recovery_key(hub: Hub) -> Act[Any]:
    key, signing = SignerKey.make("hub.example/recovery"), SignerKey.make("hub.example/log")
    return PublishRecoveryKey(key=key.verifier, signing=signing.verifier)


def _close(hub: Hub) -> Act[Any]:
    run(hub, _publish_recovery_key(hub), Actor.system("Anong"))
    return AnnounceClosing(at=ahead(days=60))


def _rotate(hub: Hub) -> Act[Any]:
    file = Path(tempfile.mkdtemp()) / "ledger.key"
    return RotateLedgerKey(new=keys.make_new(hub.store, file, "hub.example"), overlap=1_000_000)


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "evidence add": _add,
    "evidence export": lambda hub: ExportEvidence(object_id=stored_evidence(hub), to=desk.REPORTER, keys=_keys()),
    "evidence get": _give,
    "evidence hand-over": lambda hub: HandOverEvidence(object_id=report_id(hub), to=desk.DOUBTER),
    "evidence take-back": _take_back,
    "evidence object": lambda hub: ExportProof(id=report_id(hub)),
    "evidence tidy": lambda hub: TidyEvidence(),
    "explain": lambda hub: ExplainContributions(found=report_id(hub), number=1),
    "audit export": lambda hub: ExportTrail(),
    "peer ends": _close,
    "log recovery-key": _publish_recovery_key,
    "log rotate": _rotate,
    "log seal": lambda hub: SealLedger(),
    "clearance make": _clearance,
    "clearance of objection": _clearance_of_objection,
    "notice make": _notice,
    "witness add": _add_witness,
    "witness distrust": _distrust,
    "witness remove": _remove_witness,
    "witness trust": _trust,
}
