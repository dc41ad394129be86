"""Hub reports for tests of the fusion, made from the statements of a hub's own partners."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from schemas.hub_report import (
    OPEN,
    HubDispute,
    HubHold,
    HubReport,
    HubSighting,
    ReporterEntry,
    linked_token,
    nonce,
    plain_token,
)
from schemas.partner import Partner
from schemas.tlog.notes import ED25519, VerifierKey
from server.features.federation.fusion.statements import KnownReport, Organisations, statements_of
from server.release.fuse.confidence import NEWCOMER, Doubt
from server.release.fuse.consensus import weight_of
from server.release.fuse.grade import has_authority
from server.release.fuse.statements import HubStatements, JudgeStanding, OpinionStatement, SightingStatement, Statement
from server.release.peers import PeerHub
from server.release.route.audience import Audience
from tests.unit.server.release.statement_examples import NOON

FAR = timedelta(days=3_000)


def peer(origin: str = "hub.example.kh/log", **properties: Any) -> PeerHub:
    """Return a peer that counts as one's own hub does, for providers in Britain and Thailand."""
    own = {"countries": frozenset({"GB", "TH"}), "count": "as-own", **properties}
    return PeerHub(origin, VerifierKey(origin, ED25519, bytes(32)), **own)


def token(origin: str, partner: Partner, linked: Iterable[str] = ()) -> str:
    """Return the token of a partner's organisation: linked if it is among those, or only of this origin."""
    if partner.counts_as in linked:
        return linked_token(partner.counts_as.encode(), "value")
    return plain_token(origin.encode(), partner.counts_as, "value")


def whole(statement: Statement) -> Statement:
    """Return a statement whose weight is a whole per cent, by a reporter as reliable as a newcomer."""
    weight = round(weight_of(statement) * 100)
    report = statement.report.changed({"confidence": weight})
    return statement._replace(report=report, reliability=NEWCOMER)


def entry(statement: Statement, origin: str, linked: Iterable[str] = ()) -> ReporterEntry:
    """Return a statement as a reporter entry of an origin."""
    report = statement.report
    return ReporterEntry(
        by=token(origin, statement.partner, linked),
        weight=round(weight_of(statement) * 100),
        at=report.reported_at,
        until=report.valid_until,
        kind=statement.partner.kind,
        authority=has_authority(statement.partner, report),
        newcomer=statement.new,
        asks=report.action,
        holder_status=report.holder_status,
        hold=HubHold(report.hold.until) if report.hold else None,
        tlp=statement.tlp,
    )


def dispute(opinion: OpinionStatement, origin: str, linked: Iterable[str] = ()) -> HubDispute:
    """Return a doubt as an entry of an origin."""
    return HubDispute(
        by=token(origin, opinion.partner, linked),
        word="disputed" if opinion.doubt is Doubt.DISPUTED else "doubted",
        record=round(opinion.record * 100),
        at=opinion.at,
        until=opinion.at + FAR,
        decides=opinion.standing == JudgeStanding.DECIDES,
    )


def seen(sighting: SightingStatement, origin: str, linked: Iterable[str] = ()) -> HubSighting:
    """Return a sighting as an entry of an origin."""
    return HubSighting(token(origin, sighting.partner, linked), sighting.first, sighting.last, sighting.count)


def hub_report(
    statements: Sequence[Statement] = (),
    sightings: Sequence[SightingStatement] = (),
    opinions: Sequence[OpinionStatement] = (),
    *,
    origin: str = "hub.example.kh/log",
    linked: Iterable[str] = (),
    **more: Any,
) -> HubReport:
    """Return the hub report of an origin with these statements of its own partners."""
    linked = frozenset(linked)
    return HubReport(
        version=1,
        stream=OPEN,
        number=1,
        nonce=nonce(b"secret", "value"),
        reports=tuple(entry(statement, origin, linked) for statement in statements),
        disputes=tuple(dispute(opinion, origin, linked) for opinion in opinions),
        sightings=tuple(seen(sighting, origin, linked) for sighting in sightings),
        **more,
    )


def known(about: Statement, report: HubReport, of: PeerHub | None = None, **state: Any) -> KnownReport:
    """Return a hub report about the value of a statement, as a hub stores it."""
    of = of or peer()
    return KnownReport(of, f"indicator--{of.name}", report, about.report, NOON, **state)


def read(
    reports: Iterable[KnownReport], at: datetime, by_token: Mapping[str, str] | None = None, provider: str = ""
) -> HubStatements:
    """Return the statements of hub reports."""
    return statements_of(reports, at, Organisations(by_token or {}, provider), Audience())


def counted(sightings: Iterable[SightingStatement]) -> list[SightingStatement]:
    """Return the sightings by partners with standing, with both times."""
    return [replace(sighting, first=sighting.first or sighting.last) for sighting in sightings if sighting.counts]
