"""Hub reports as statements: the rules of docs/federation.md that apply to each origin before the fusion.

All functions are pure. The statements have no audience yet; the loader adds it by this hub's own rules.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError

from schemas import kinds
from schemas.errors import Rejected
from schemas.fields import Hold, Sharing
from schemas.hub_report import (
    HubDecision,
    HubDispute,
    HubFinding,
    HubHold,
    HubReport,
    ReporterEntry,
    TokenType,
    token_type,
)
from schemas.kind import Normal
from schemas.partner import Partner, PartnerKind, provider_keys
from schemas.report import Report
from schemas.vocabulary import FINDINGS, Action, HolderStatus, OpinionWord
from server.release.fuse.confidence import NEWCOMER
from server.release.fuse.consensus import LONGEST_LIFE
from server.release.fuse.grade import CORROBORATES, keeps_account
from server.release.fuse.hubs import has_holder, most_of_stale
from server.release.fuse.statements import (
    HubStatements,
    JudgeStanding,
    OpinionStatement,
    ProviderFinding,
    SightingStatement,
    Statement,
)
from server.release.peers import PeerHub
from server.release.route.audience import Audience, narrower_tlp
from server.store.database.times import micros

LONGEST_DISPUTE = timedelta(days=90)
_NO_IDENTITY = "identity--00000000-0000-0000-0000-000000000000"
_WORDS = {"doubted": OpinionWord.DISAGREE, "disputed": OpinionWord.STRONGLY_DISAGREE}
_LIMITS = ("only_partner_kinds", "only_countries", "not_to_countries", "purposes")


class KnownReport(NamedTuple):
    """A stored hub report, and how this hub counts its origin.

    ``about`` has the value and the facts about it; ``received`` is when this version arrived. ``stale``: nothing was
    heard of the origin for longer than its lease. ``held``: this hub's guard holds its entries. ``limited``: they
    warn at most, until a person decides.
    """

    peer: PeerHub
    id: str
    report: HubReport
    about: Report
    received: datetime
    stale: bool = False
    held: bool = False
    limited: bool = False

    @property
    def accuses(self) -> bool:
        """Return whether its reporter entries count."""
        return self.peer.count != "not" and not self.held

    @property
    def has_authority(self) -> bool:
        """Return whether its authorities and findings count: the value's provider is in the origin's countries."""
        country = kinds.get(self.about.kind).country_of(self.about.value)
        return bool(country) and country in self.peer.countries


class Organisations(NamedTuple):
    """The organisations of this hub, as other hubs' tokens name them for a value.

    ``by_token`` has those known at several hubs; ``provider`` is the value's provider, "" if it is none of them.
    """

    by_token: Mapping[str, str] = MappingProxyType({})
    provider: str = ""


def statements_of(
    found: Iterable[KnownReport],
    at: datetime,
    organisations: Organisations,
    everywhere: Audience,
) -> HubStatements:
    """Return the statements of all hub reports about one value, as this hub counts them ``at`` that time.

    ``everywhere`` is the audience of protections: they apply wherever the value is listed.
    """
    parts = [_OneReport(known, at, organisations, everywhere).read() for known in found]
    return HubStatements(
        [statement for part in parts for statement in part.statements],
        [sighting for part in parts for sighting in part.sightings],
        [opinion for part in parts for opinion in part.opinions],
        [finding for part in parts for finding in part.findings],
        [decision for part in parts for decision in part.decisions],
        any(part.spared for part in parts),
        frozenset[str]().union(*(part.signs for part in parts)),
    )


class _OneReport:
    """Reads one hub report at one moment."""

    def __init__(self, known: KnownReport, at: datetime, organisations: Organisations, everywhere: Audience) -> None:
        self._known = known
        self._at = at
        self._organisations = organisations
        self._everywhere = everywhere
        self._origin = known.peer.origin
        self._as_one = known.peer.count == "as-one"
        self._kind = kinds.get(known.about.kind)

    def read(self) -> HubStatements:
        report = self._known.report
        accuses = self._known.accuses
        statements = [self._statement(entry) for entry in report.reports] if accuses else []
        # A stale origin raises nothing: a sighting would raise other hubs' reports.
        sightings = self._sightings(report) if accuses and not self._known.stale else []
        opinions, decisions = self._judgements(report)
        finding = self._finding(report.finding) if report.finding and self._is_current(report.finding) else None
        if isinstance(finding, OpinionStatement) and finding.doubt is not None:
            opinions.append(finding)
        signs = self._signs(statements)
        confirmed = any(map(_confirms, signs))
        return HubStatements(
            statements,
            sightings,
            [*opinions, *decisions],
            [finding] if isinstance(finding, ProviderFinding) else [],
            decisions,
            confirmed or self._is_spared(report),
            frozenset() if confirmed else frozenset(sign.key for sign in signs),
        )

    def _signs(self, statements: Iterable[Statement]) -> list[Statement]:
        """Return the reports that the holder is coerced; the protection ends with the report that gives it."""
        return [
            statement
            for statement in statements
            if statement.report.holder_status is HolderStatus.COERCED and statement.report.valid_until > self._at
        ]

    def _judgements(self, report: HubReport) -> tuple[list[OpinionStatement], list[OpinionStatement]]:
        """Return the disputes in force, and the hub's own decision; none of an origin that does not count."""
        if self._known.peer.count == "not":
            return [], []
        opinions = [self._dispute(dispute) for dispute in report.disputes if self._is_current(dispute)]
        decided = report.hub_decision
        return opinions, [self._decision(decided)] if decided is not None and self._is_current(decided) else []

    def _is_spared(self, report: HubReport) -> bool:
        held = self._kind.account or has_holder(self._kind.name)
        return held and report.spare_until is not None and report.spare_until > self._at

    def _is_current(self, protection: HubDispute | HubDecision | HubFinding) -> bool:
        return is_current(protection, self._known, self._at)

    def _past(self, moment: datetime) -> datetime:
        """Return a moment of another hub's clock; one in the future is now."""
        return min(moment, self._at)

    def _statement(self, entry: ReporterEntry) -> Statement:
        about, sharing = self._known.about, _sharing(entry)
        normal = Normal(about.value, about.details)
        tlp = narrower_tlp(entry.tlp, self._kind.widest_tlp(normal))
        has_authority = entry.authority and not self._as_one and self._known.has_authority
        linked = self._linked(entry.by)
        organisation = self._origin_as_one if self._as_one else linked or self._own_token(entry.by)
        hold = entry.hold if Action.HOLD in self._kind.grades else None
        report = about.changed(
            {
                "reporter": organisation,
                "reported_at": self._past(entry.at),
                "valid_until": entry.until,
                "confidence": entry.weight,
                "action": entry.asks,
                "holder_status": entry.holder_status if self._kind.account else None,
                "hold": _hold(hold) if hold else None,
                "tlp": tlp,
                "sharing": sharing,
            }
        )
        return Statement(
            _partner(organisation, entry.kind, *self._powers(entry.kind, has_authority=has_authority)),
            report,
            self._key(entry.by),
            tlp=tlp,
            reliability=NEWCOMER,
            new=entry.newcomer,
            hub=self._origin,
            most=self._most,
            as_one=self._as_one,
            linked=linked if self._as_one else "",
        )

    @property
    def _most(self) -> Action | None:
        if self._known.limited:
            return Action.WARN
        return most_of_stale(self._kind.name) if self._known.stale else None

    def _powers(self, kind: PartnerKind, *, has_authority: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the kinds for which an entry has authority, and its institutions: it is the provider unless it is a
        government, whose hold no provider can lift.
        """
        if not has_authority:
            return (), ()
        keys = provider_keys(self._known.about.kind, self._known.about.value)
        if kind is PartnerKind.GOVERNMENT or not keys:
            return (self._kind.name,), ()
        return (), (_institution(min(keys)),)

    def _sightings(self, report: HubReport) -> list[SightingStatement]:
        found = []
        for sighting in report.sightings:
            linked = self._linked(sighting.by)
            if self._as_one and linked in self._organisations.by_token.values():
                continue  # it counts by its own sightings here
            organisation = self._origin_as_one if self._as_one else linked or self._own_token(sighting.by)
            found.append(
                SightingStatement(
                    _partner(organisation, PartnerKind.RESEARCH),
                    sighting.first or sighting.last,
                    sighting.last or sighting.first,
                    sighting.count,
                    self._key(sighting.by),
                    self._everywhere,
                    hub=self._origin,
                )
            )
        return found

    def _dispute(self, dispute: HubDispute) -> OpinionStatement:
        own = self._linked(dispute.by) or self._own_token(dispute.by)
        organisation = self._origin_as_one if self._as_one else own
        return self._opinion(
            organisation,
            _WORDS[dispute.word],
            dispute.at,
            self._key(dispute.by),
            decides=dispute.decides and self._known.has_authority,
            record=dispute.record / 100,
        )

    def _decision(self, decision: HubDecision) -> OpinionStatement:
        organisation = self._origin_as_one if self._as_one else f"{self._origin}:hub"
        decides = self._known.has_authority
        return self._opinion(
            organisation, OpinionWord.STRONGLY_DISAGREE, decision.at, self._key("decision"), decides=decides
        )

    def _finding(self, finding: HubFinding) -> ProviderFinding | OpinionStatement:
        """Return the provider's finding, or without authority the doubt that it expresses."""
        organisation = self._organisations.provider or self._provider() or f":{finding.provider}".casefold()
        provider = _partner(organisation, PartnerKind.BANK, (), (finding.provider,))
        at, key = self._past(finding.at), self._key("finding")
        effect = FINDINGS[finding.code]
        only_confirms = effect.confirms and effect.most is None
        counts = self._known.has_authority and not (only_confirms and (self._known.stale or self._known.held))
        if counts and keeps_account(provider, self._known.about.kind, self._known.about.value):
            return ProviderFinding(provider, finding.code, at, key, micros(at), hub=self._origin)
        organisation = self._origin_as_one if self._as_one else organisation
        return self._opinion(organisation, effect.opinion, finding.at, key)

    def _provider(self) -> str:
        """Return the organisation of the entry by the value's provider, "" if there is none."""
        if self._as_one:
            return ""
        for entry in self._known.report.reports:
            if entry.authority and entry.kind is not PartnerKind.GOVERNMENT:
                return self._linked(entry.by) or self._own_token(entry.by)
        return ""

    def _opinion(
        self,
        organisation: str,
        word: OpinionWord,
        at: datetime,
        key: str,
        *,
        decides: bool = False,
        record: float = NEWCOMER,
    ) -> OpinionStatement:
        return OpinionStatement(
            _partner(organisation, PartnerKind.RESEARCH),
            None,
            word,
            self._past(at),
            standing=JudgeStanding.DECIDES if decides else JudgeStanding.WITH,
            record=record,
            key=key,
            audience=self._everywhere,
            hub=self._origin,
        )

    @property
    def _origin_as_one(self) -> str:
        return f"{self._origin}:".casefold()

    def _linked(self, token: str) -> str:
        """Return the organisation that a token names at several hubs, "" for a token of its origin alone."""
        if token_type(token) not in (TokenType.LINKED, TokenType.PUBLIC):
            return ""
        return self._organisations.by_token.get(token) or f":{_hex(token)}"

    def _own_token(self, token: str) -> str:
        return f"{self._origin_as_one}{_hex(token)}"

    def _key(self, part: str) -> str:
        return f"{self._origin}:{part}/{self._known.id}"


def is_current(protection: HubDispute | HubDecision | HubFinding, known: KnownReport, at: datetime) -> bool:
    """Return whether a protection applies: until its own end, and unless renewed no longer than its kind may."""
    longest = LONGEST_DISPUTE if isinstance(protection, HubDispute) else LONGEST_LIFE
    return min(protection.until, known.received + longest) > at


def _confirms(sign: Statement) -> bool:
    """Return whether a sign of coercion has enough weight, or is an authority's or the provider's."""
    weighs = (sign.report.confidence or 0) / 100 >= CORROBORATES
    return weighs or bool(sign.partner.authority or sign.partner.institutions)


def _sharing(entry: ReporterEntry) -> Sharing | None:
    if entry.limits is None:
        return None
    return Sharing.model_construct(**{name: getattr(entry.limits, name) for name in _LIMITS})


def _hold(hold: HubHold) -> Hold:
    """Return a hold; one whose amount cannot be read is for everything."""
    try:
        return Hold.model_validate({"until": hold.until, "amount": hold.amount, "currency": hold.currency})
    except (Rejected, ValidationError):
        return Hold(until=hold.until)


@lru_cache(maxsize=4096)
def _partner(
    organisation: str,
    kind: PartnerKind,
    authority: tuple[str, ...] = (),
    institutions: tuple[str, ...] = (),
) -> Partner:
    """Return the partner of a statement of another hub: it has a kind and powers, and is registered nowhere.

    Its name has a colon, which no partner's name may have, unless it is an organisation of this hub.
    """
    return Partner.model_construct(
        name=organisation if ":" in organisation else f":{organisation}",
        kind=kind,
        identity=_NO_IDENTITY,
        authority=authority,
        institutions=institutions,
        organisation=organisation,
    )


def _institution(key: str) -> str:
    """Return an institution with that key, of which ``provider_keys`` returns one for each value."""
    country, star, bank = key.partition("*")
    return f"{country}00{bank}" if star else key


def _hex(token: str) -> str:
    """Return a token in a form without capitals, as organisations are compared without regard to case."""
    return token.encode().hex()
