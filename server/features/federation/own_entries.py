"""The entries of this hub's own hub reports: its partners' reports, disputes and sightings, without their names."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas import kinds, timestamp
from schemas.fields import Hold, Sharing, plain_amount
from schemas.hub_report import (
    MOST_DISPUTES,
    MOST_SEEN,
    MOST_SIGHTINGS,
    HubDispute,
    HubFinding,
    HubHold,
    HubLimits,
    HubSighting,
    ReporterEntry,
    plain_token,
    token_of_link,
)
from schemas.partner import Partner, institution_keys, provider_keys
from server.release.fuse import doubts, grade
from server.release.fuse.consensus import LONGEST_LIFE, end, independent, weight_of
from server.release.fuse.statements import (
    JudgeStanding,
    OpinionStatement,
    ProviderFinding,
    SightingStatement,
    Statement,
)

DISPUTE_LIFE = timedelta(days=90)
_HEAVIEST = 99
_UNKNOWN = "unknown"


class TokenMaker(NamedTuple):
    """Makes reporter tokens: ``secret`` is the hub's, ``links`` has the secrets of organisations by their keys."""

    secret: bytes
    links: Mapping[str, bytes]

    def of(self, partner: Partner, subject: str) -> str:
        """Return the token of a partner's organisation for a value."""
        linked = self.links.get(partner.counts_as)
        return token_of_link(linked, subject) if linked else plain_token(self.secret, partner.counts_as, subject)


def entries_of(
    statements: Sequence[Statement],
    sightings: Sequence[SightingStatement],
    subject: str,
    tokens: TokenMaker,
    step: int,
    at: datetime,
) -> list[ReporterEntry]:
    """Return an entry for each independent organisation that reports a value at a time, the heaviest first.

    Weights are multiples of ``step``.
    """
    live = [known for known in statements if end(known.report, sightings, at) > at]
    entries = [
        _entry(known, end(known.report, sightings, at), tokens.of(known.partner, subject), step, at)
        for known in (independent(live) if live else ())
    ]
    return sorted(entries, key=lambda entry: (-entry.weight, entry.by))


def _entry(known: Statement, until: datetime, token: str, step: int, at: datetime) -> ReporterEntry:
    report = known.report
    weight = min(step * round(100 * weight_of(known) / step), _HEAVIEST)
    return ReporterEntry(
        by=token,
        weight=weight,
        at=to_minute(min(report.reported_at, at)),
        until=to_minute(until),
        kind=known.partner.kind,
        authority=grade.has_authority(known.partner, report),
        newcomer=known.new,
        asks=report.action,
        holder_status=report.holder_status,
        hold=_hold(report.hold, at),
        tlp=known.tlp,
        limits=_limits(report.sharing),
    )


def _hold(hold: Hold | None, at: datetime) -> HubHold | None:
    if hold is None or hold.until <= at:
        return None
    amount = None if hold.amount is None else plain_amount(hold.amount)
    return HubHold(to_minute(hold.until), amount, hold.currency)


def _limits(sharing: Sharing | None) -> HubLimits | None:
    if sharing is None or not sharing.limited:
        return None
    return HubLimits(
        sharing.only_partner_kinds, sharing.only_countries, sharing.not_to_countries, tuple(map(str, sharing.purposes))
    )


def disputes_of(
    opinions: Iterable[OpinionStatement], subject: str, tokens: TokenMaker, at: datetime
) -> tuple[HubDispute, ...]:
    """Return the disputes with standing in force at a time, one for each organisation, the newest first."""
    found = []
    for opinion in doubts.latest_opinions(opinions):
        until = opinion.at + DISPUTE_LIFE
        if opinion.doubt is None or opinion.standing < JudgeStanding.WITH or until <= at:
            continue
        found.append(
            HubDispute(
                by=tokens.of(opinion.partner, subject),
                word=opinion.doubt.value,
                record=min(round(100 * opinion.record), 100),
                at=to_minute(min(opinion.at, at)),
                until=to_minute(until),
                decides=opinion.standing == JudgeStanding.DECIDES,
            )
        )
    found.sort(key=lambda dispute: (dispute.decides, dispute.at, dispute.by), reverse=True)
    return tuple(found[:MOST_DISPUTES])


def sightings_of(
    sightings: Iterable[SightingStatement], subject: str, tokens: TokenMaker, at: datetime
) -> tuple[HubSighting, ...]:
    """Return the sightings with standing, one for each organisation, the latest first."""
    by_token: dict[str, list[SightingStatement]] = {}
    for sighting in sightings:
        if sighting.count and sighting.counts:
            by_token.setdefault(tokens.of(sighting.partner, subject), []).append(sighting)
    found = []
    for token, of_one in by_token.items():
        moments = [
            min(moment, at) for sighting in of_one for moment in (sighting.first, sighting.last) if moment is not None
        ]
        if moments and max(moments) + DISPUTE_LIFE <= at:
            continue
        first, last = (to_minute(min(moments)), to_minute(max(moments))) if moments else (None, None)
        found.append(HubSighting(token, first, last, min(sum(sighting.count for sighting in of_one), MOST_SEEN)))
    found.sort(key=lambda sighting: (sighting.last or timestamp.parse("1970-01-01"), sighting.by), reverse=True)
    return tuple(found[:MOST_SIGHTINGS])


def finding_of(found: ProviderFinding | None, kind: str, value: str, at: datetime) -> HubFinding | None:
    """Return the provider's finding; None if there is none, and once its life is over."""
    if found is None:
        return None
    said = min(found.at, at)
    return HubFinding(found.code, said, said + LONGEST_LIFE, _institution(found.partner, kind, value))


def _institution(provider: Partner, kind: str, value: str) -> str:
    """Return which of a provider's institutions is the provider of a value."""
    of_value = provider_keys(kind, kinds.get(kind).key(value)) | provider_keys(kind, value)
    own = (*provider.institutions, *provider.former_institutions)
    return next((name for name in own if not institution_keys(name).isdisjoint(of_value)), _UNKNOWN)


def to_minute(moment: datetime) -> datetime:
    """Return a moment without its seconds."""
    return moment.replace(second=0, microsecond=0)
