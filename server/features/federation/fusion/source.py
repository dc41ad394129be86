"""The statements of other hubs' partners about values, read from the stored hub reports."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import and_, select

from mappers.hub_report import value_of
from schemas.errors import Rejected
from schemas.hub_report import OPEN, HubReport, TokenType, read, token_of_link, token_type
from schemas.report import Report
from server.features.federation.fusion.statements import KnownReport, Organisations, statements_of
from server.features.federation.members import overlaps
from server.features.federation.origins import CONTRADICTS, is_stale
from server.features.federation.stored import COUNTS, HELD, LIMITED
from server.features.federation.tables import hub_heads, hub_origins, hub_reports, partner_links
from server.release.context import ReleaseContext
from server.release.fuse.statements import HubStatements
from server.release.guard.allowlists.hub_values import delisted_subjects
from server.release.peers import PeerHub
from server.release.route.audience import Audience
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.database.times import moment


class FoundReport(NamedTuple):
    """A stored hub report of another hub, and the state of its origin here.

    ``heard`` is when the newest head of the origin arrived, None before the first; ``since`` is when this hub learned
    of the origin (microseconds).
    """

    origin: str
    stream: str
    id: str
    number: int
    subject: str
    body: bytes
    peer: str
    received: int
    state: int
    words: str | None
    since: int | None
    heard: int | None

    @property
    def contradicts(self) -> bool:
        """Return whether the origin signed contradictory bodies, and no person has decided on it."""
        return CONTRADICTS in (self.words or "").split()

    def is_stale(self, peer: PeerHub, at: int) -> bool:
        """Return whether no head of the origin arrived for longer than its lease."""
        return is_stale(peer, self.heard, self.received if self.since is None else self.since, at)


def reports_of(context: ReleaseContext, subjects: Set[str]) -> dict[str, list[tuple[FoundReport, PeerHub]]]:
    """Return by subject the stored reports of other hubs, with their peers; those of unknown origins are left out."""
    peers = {peer.origin: peer for peer in context.peers}
    found: dict[str, list[tuple[FoundReport, PeerHub]]] = defaultdict(list)
    for chunk in chunks(sorted(subjects)):
        for row in fetch(context.tx, _OF_SUBJECTS, {"subjects": chunk}):
            report = FoundReport._make(row)
            if (peer := peers.get(report.origin)) is not None:
                found[report.subject].append((report, peer))
    return found


def known_report(
    context: ReleaseContext, found: FoundReport, peer: PeerHub, delisted: Set[str] = frozenset()
) -> KnownReport | None:
    """Return a stored report as it counts here; None if no part of it counts, or if its form is unknown.

    Entries about a ``delisted`` value are held, as any later report of it is.
    """
    if found.state not in (COUNTS, HELD, LIMITED) or found.contradicts:
        return None
    if (content := parsed(found.body)) is None:
        return None
    held = found.state == HELD or found.subject in delisted
    received = moment(found.received)
    stale, limited = found.is_stale(peer, context.micros), found.state == LIMITED
    return KnownReport(peer, found.id, *content, received, stale=stale, held=held, limited=limited)


def statements(context: ReleaseContext, subjects: Set[str]) -> dict[str, HubStatements]:
    """Return by subject the statements of other hubs' partners."""
    found = reports_of(context, subjects)
    delisted = delisted_among(context, found)
    by_subject = {
        subject: [known for report, peer in reports if (known := known_report(context, report, peer, delisted))]
        for subject, reports in found.items()
    }
    secrets = _links(context.tx) if any(map(_has_links, by_subject.values())) else {}
    found_statements = {
        subject: statements_of(reports, context.at, organisations_of(context, subject, secrets), everywhere(context))
        for subject, reports in by_subject.items()
        if reports
    }
    return overlaps.restricted(context.tx, found_statements)


def delisted_among(context: ReleaseContext, subjects: Collection[str]) -> Set[str]:
    """Return those values that this hub delisted; nothing is read if there are none."""
    return delisted_subjects(context.tx, subjects) if subjects and context.facts.has_delisted else frozenset()


def organisations_of(context: ReleaseContext, subject: str, secrets: Mapping[str, bytes]) -> Organisations:
    """Return the organisations of this hub that other hubs' tokens may name for a value."""
    by_token = {token_of_link(secret, subject): organisation for organisation, secret in secrets.items()}
    providers = sorted(context.providers.answered_by(subject))
    registry = context.registry
    provider = (registry.partners.get(providers[0]) or registry.gone[providers[0]]).counts_as if providers else ""
    return Organisations(by_token, provider)


def everywhere(context: ReleaseContext) -> Audience:
    """Return the audience of protections: every collection and every partner."""
    return Audience(frozenset(context.shared), frozenset(context.registry.partners))


def _has_links(reports: Iterable[KnownReport]) -> bool:
    tokens = (
        part.by
        for known in reports
        for parts in (known.report.reports, known.report.disputes, known.report.sightings)
        for part in parts
    )
    return any(token_type(token) in (TokenType.LINKED, TokenType.PUBLIC) for token in tokens)


def _links(tx: Tx) -> dict[str, bytes]:
    """Return the secrets of the organisations that link their memberships of several hubs."""
    return {row[0]: bytes(row[1]) for row in tx.execute(select(partner_links.c.partner, partner_links.c.secret))}


# The reports of a value are read again with each change of it.
@lru_cache(maxsize=1024)
def parsed(body: bytes) -> tuple[HubReport, Report] | None:
    """Return a stored report and the facts about its value; None if they cannot be read."""
    try:
        signed = read(body)
        return None if signed.report is None else (signed.report, value_of(signed))
    except Rejected:
        return None


_c = hub_reports.c
# Runs with every release of a hub with peers, so it is built once.
_OF_SUBJECTS = (
    select(
        *(_c[name] for name in FoundReport._fields[:9]),
        hub_origins.c.state.label("words"),
        hub_origins.c.since,
        hub_heads.c.received.label("heard"),
    )
    .outerjoin(hub_origins, hub_origins.c.origin == _c.origin)
    .outerjoin(hub_heads, and_(hub_heads.c.origin == _c.origin, hub_heads.c.stream == OPEN))
    .where(among(_c.subject, "subjects"), _c.peer != "")
    .order_by(_c.subject, _c.origin, _c.stream, _c.id)
)
