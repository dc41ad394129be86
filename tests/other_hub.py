"""Another hub, made of its key alone: it signs hub reports and heads for tests of the hub that receives them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from mappers import hub_report as mapper
from schemas import hub_head, hub_report, timestamp
from schemas.hub_head import HubHead
from schemas.hub_report import HubReport, ReporterEntry
from schemas.partner import PartnerKind
from schemas.report import Consensus
from schemas.tlog.notes import SignerKey
from schemas.vocabulary import Action, Tlp
from server.release.peers import PeerHub
from server.store.database.times import now, stix_stamp


@dataclass
class OtherHub:
    """A hub with a country, whose partners report domains; ``reports`` are its reports in force by id, with numbers."""

    name: str
    country: str = "KH"
    key: SignerKey = field(init=False)
    number: int = 0
    reports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the key."""
        self.key = SignerKey.make(f"{self.name.lower().replace(' ', '-')}.example/log")

    @property
    def identity(self) -> str:
        """Its STIX identity."""
        return "identity--" + hub_report.report_id(self.key.name, "identity").partition("--")[2]

    def peer(self, **settings: Any) -> PeerHub:
        """Return its entry in the settings of the hub under test."""
        return PeerHub(self.name, self.key.verifier, frozenset({self.country}), partner=self.name, **settings)

    def table(self, **settings: Any) -> dict[str, Any]:
        """Return its ``[[peer]]`` table."""
        return {"name": self.name, "key": str(self.key.verifier), "countries": [self.country], **settings}

    def report(self, value: str, reporters: int = 1, kind: str = "domain", weight: int = 70, **more: Any) -> bytes:
        """Return a signed hub report about a value, a domain by default."""
        self.number = max(self.number + 1, now())
        subject, at = f"{kind}:{value}", timestamp.now()
        until = at + timedelta(days=30)
        nonce = hub_report.nonce(self.key.name.encode(), subject)
        entries = tuple(
            ReporterEntry(
                hub_report.plain_token(b"secret", f"bank {place}", subject), weight, at, until, PartnerKind.BANK
            )
            for place in range(reporters)
        )
        report = HubReport(version=1, stream="open", number=self.number, nonce=nonce, **{"reports": entries, **more})
        consensus = Consensus(
            **{"kind": kind, "value": value, "details": {}, "first_seen": at, "last_seen": at, "valid_from": at},
            **{"valid_until": until, "confidence": 60, "grade": Action.WARN, "disputed": False},
            **{"reporters": reporters, "reporter_kinds": (PartnerKind.BANK,), "scam_type": "investment"},
            channel="sms",
        )
        id_ = hub_report.report_id(self.key.name, nonce)
        modified = stix_stamp(self.number)
        obj = mapper.to_stix(
            report, consensus, id_, self.identity, tlp=Tlp.GREEN, created=at, modified=modified, until=until
        )
        self.reports[id_] = self.number
        return hub_report.sign(obj, self.key)

    def head(self, **more: Any) -> bytes:
        """Return the signed head of its open stream."""
        digest = hub_head.set_digest(self.reports.items())
        head = HubHead(
            origin=self.identity,
            stream="open",
            number=self.number,
            reports=len(self.reports),
            digest=digest,
            at=timestamp.now(),
            every=3_600,
        )
        return msgspec.structs.replace(head, **more).sign(self.key)
