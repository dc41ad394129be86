"""Putting together what partners say of values, out of the inbox."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mappers import consensus, extension, marking
from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.fuse.authority import confirms_coercion, standing_of
from server.release.fuse.consensus import live
from server.release.fuse.repeats import without_repeats
from server.release.fuse.statements import (
    COERCED,
    DISPUTED,
    Claim,
    JudgeStanding,
    OpinionStatement,
    ReportedValue,
    Sight,
    SightingStatement,
    Statement,
    Verdict,
    is_published_meanwhile,
    read_annotation,
)
from server.release.route import audience
from server.release.route.audience import Audience
from server.store import inbox, listings, log, reviews, value_index
from server.store.reviews import HeldObject, Review

Obj = Mapping[str, Any]

_VERSIONED = {"created": ""}


class Loader:
    """Puts together values out of the inbox, as one transaction leaves it.

    ``known`` has objects of the inbox by their keys, as far as they have been read, and ``states`` what was held for
    review: contributions by their keys, listings by their ids.
    """

    def __init__(self, scene: ReleaseContext) -> None:
        """Look at the inbox of ``scene``."""
        self.scene = scene
        self.known: dict[str, dict[str, Any]] = {}
        self.states: dict[str, Review] = {}
        self._missing: set[str] = set()
        self._based_on: dict[str, set[str]] = {}
        self._reports: dict[str, Report] = {}
        self._spoken: dict[str, SightingStatement | OpinionStatement | None] = {}
        self._disputes: dict[str, list[Review]] = {}

    def read(self, wanted: Iterable[str]) -> None:
        """Read what the inbox has under these keys."""
        found = self._found(set(wanted))
        self._found({name for key in found for name in self.defined_apart(key)})

    def _found(self, wanted: set[str]) -> list[str]:
        items = inbox.latest(self.scene.tx, wanted - self.known.keys() - self._missing, self.scene.inbox)
        self.known.update((key, msgspec.json.decode(item.body)) for key, item in items.items())
        self._missing |= set(wanted - self.known.keys())
        return list(items)

    def tlp(self, key: str) -> Tlp | None:
        """Return the level at which an object is treated, None where it bears a marking that is not known.

        What its contributor defines a marking to be holds for the contributor's own objects alone. An indicator goes no
        further than the observables that it is based on.
        """
        tlps = [self._own_tlp(each) for each in (key, *self._based_on.get(key, ()))]
        return None if None in tlps else marking.narrowest(filter(None, tlps))

    def _own_tlp(self, key: str) -> Tlp | None:
        apart = self.defined_apart(key)
        if not apart:
            return audience.effective_tlp(self.known[key])
        self._found(set(apart))
        defined = {
            ref: tlp
            for name, ref in apart.items()
            if name in self.known and (tlp := marking.tlp_of_definition(self.known[name])) is not None
        }
        strange = any(name in self.known and ref not in defined for name, ref in apart.items())
        if strange or marking.unknown_refs(self.known[key], defined):
            return None
        return audience.effective_tlp(self.known[key], defined)

    def defined_apart(self, key: str) -> dict[str, str]:
        """Give the markings that an object bears beside those of TLP 2.0, by the keys of their definitions."""
        refs = (ref for ref in marking.refs(self.known[key]) if not marking.is_defined_here(ref))
        return {inbox.key(inbox.space(key), str(ref)): str(ref) for ref in refs}

    def look_up_reviews(self, wanted: Iterable[str]) -> None:
        """Read whether these contributions, or listings, were ever held for review."""
        self.states |= reviews.states(self.scene.tx, wanted)

    def take(self, key: str, obj: dict[str, Any], report: Report | None) -> None:
        """Go by this version of an object from now on."""
        self.known[key] = obj
        self._missing.discard(key)
        self._reports.pop(key, None)
        self._spoken.pop(key, None)
        if report is not None:
            self._reports[key] = report

    def hold(self, partner: str, held: list[HeldObject]) -> None:
        """Keep these for a person to look at."""
        if held:
            reviews.hold(self.scene.tx, partner, held)
            self.look_up_reviews(each.object_id for each in held)

    def is_partner(self, identity: str) -> bool:
        """Tell whether the identity is the hub's own, or of one who is or was a partner."""
        return identity == self.scene.hub.identity or identity in self.scene.registry.by_identity

    def values(self, about: Mapping[str, Iterable[str]]) -> list[ReportedValue]:
        """Give the values of which ``about`` says by subject which contributions, by their keys, speak of them."""
        named = {key for of_one in about.values() for key in of_one}
        listed = listings.find(self.scene.tx, about)
        ours = {id_ for tracks in listed.values() for id_ in listings.all_of(tracks)}
        self.read(named)
        speaking = value_index.find(self.scene.tx, named | ours)
        heard = {key for of_one in speaking.values() for key in of_one}
        self.read(heard)
        for key in named:
            marked = {each for each in speaking.get(key, ()) if "created" not in self.known.get(each, _VERSIONED)}
            self._based_on |= {key: marked} if marked else {}
        self.look_up_reviews((named | ours | heard) - self.states.keys())
        self._disputes = reviews.of_subjects(self.scene.tx, about)
        return [
            self._value(subject, set(of_one), listed.get(subject, {}), speaking) for subject, of_one in about.items()
        ]

    def _value(
        self, subject: str, named: set[str], listed: Mapping[str, list[str]], speaking: Mapping[str, set[str]]
    ) -> ReportedValue:
        value = ReportedValue(subject, frozenset(named | listings.all_of(listed)), listed)
        rows = self._disputes.get(subject, [])
        value.disputed = any(row.state == "open" and row.rule == DISPUTED for row in rows)
        value.settled = max((row.upheld for row in rows if row.upheld), default=None)
        said = [(key, report) for key in sorted(named & self.known.keys()) if (report := self._said(key, subject))]
        signs = [one for one in said if one[1].holder_status is HolderStatus.COERCED]
        value.coerced = any(self._confirms_coercion(*one) for one in signs)
        value.signs = frozenset() if value.coerced else frozenset(key for key, _ in signs)
        value.claims = [claim for one in said if (claim := self._claim(*one, coerced=value.coerced))]
        value.claims = without_repeats(value.claims, value.listed)
        for key in sorted({each for one in value.ids for each in speaking.get(one, ())}):
            self._hear(value, key)
        if len(value.claims) < 2:
            return value
        # What is over is said as such, where nothing else is.
        alive = {each.id for each in live([c.said for c in value.claims], value.sightings, self.scene.at)}
        value.claims = [claim for claim in value.claims if claim.said.id in alive] or value.claims
        return value

    def _said(self, key: str, subject: str) -> Report | None:
        """Give what an indicator says of the value, unless it is taken back, held, or about another one now."""
        obj = self.known[key]
        if obj.get("revoked") is True or self._is_held(key):
            return None
        report = self._reports.get(key)
        if report is None:
            try:
                report = from_stix(obj)
            except Rejected:
                return None
            self._reports[key] = report
        return report if value_index.subject_of(report.kind, report.value) == subject else None

    def _is_held(self, key: str) -> bool:
        review = self.states.get(key)
        return review is not None and review.state != "approved" and not is_published_meanwhile(review)

    def _confirms_coercion(self, key: str, report: Report) -> bool:
        """Tell whether one with standing says that the holder is coerced, or a person found that it is so."""
        review = self.states.get(key)
        if review is not None and review.state == "approved" and review.rule == COERCED:
            return True
        partner, scene = self.scene.contributor(key), self.scene
        reliability = scene.reliability(partner, report.kind)
        return confirms_coercion(partner, report, reliability, scene.registry, scene.policy)

    def _claim(self, key: str, report: Report, *, coerced: bool) -> Claim | None:
        obj = self.known[key]
        partner = self.scene.contributor(key)
        marked = self.tlp(key)
        if marked is None:
            return None
        tlp = audience.narrower_tlp(marked, report.tlp)  # a report narrows what its kind asks to
        reliable, new = self.scene.reliability(partner, report.kind), partner.name in self.scene.newcomers
        passed_on = obj["created_by_ref"] != partner.identity
        said = Statement(partner, report, key, reliable, consensus.origins_of(obj), new, passed_on)
        # A sign of coercion is a limit of its own, whether or not it is one for what others say.
        coerced = coerced or report.holder_status is HolderStatus.COERCED
        return Claim(said, self._rooms(report.kind, tlp, obj, partner, coerced=coerced), tlp)

    def why_nowhere(self, key: str, report: Report) -> str | None:
        """Say why nobody can be told of a report that is in the inbox, whatever else is said; None where some can."""
        claim = self._claim(key, report, coerced=False)
        if claim is None or claim.rooms.shared or claim.rooms.personal:
            return None
        limits, partner = report.sharing, claim.said.partner
        return audience.why_nowhere(report.kind, claim.tlp, limits, partner, self.scene.registry, self.scene.policy)

    def _hear(self, value: ReportedValue, key: str) -> None:
        """Add what a sighting or an opinion says of the value, where it is live and one of ours can be made out."""
        obj = self.known.get(key)
        if obj is None or obj["type"] not in ("sighting", "opinion") or obj.get("revoked") is True:
            return
        if self._is_held(key):
            return
        partner = self.scene.contributor(key)
        if key not in self._spoken:
            self._spoken[key] = read_annotation(obj, partner)  # once, of however many values it speaks
        said = self._spoken[key]
        if said is None:
            return
        tlp = self.tlp(key)
        if tlp is None:
            return
        reach = self._rooms(value.kind, tlp, obj, partner, coerced=value.coerced)
        standing = self._standing(value, partner)
        if isinstance(said, SightingStatement):
            value.sights.append(Sight(said, key, reach, standing in (JudgeStanding.WITH, JudgeStanding.DECIDES)))
        elif standing is not None and (left := self._left_standing(value, said, standing, key)) is not None:
            judged = said._replace(standing=left, record=self.scene.reliability(partner, value.kind))
            value.verdicts.append(Verdict(judged, key, reach))

    def _standing(self, value: ReportedValue, partner: Partner) -> JudgeStanding | None:
        owns = self.scene.keeper(value.subject) == partner.name
        return standing_of(partner, value.claims, self.scene.registry, owns=owns)

    def _left_standing(
        self, value: ReportedValue, said: OpinionStatement, standing: JudgeStanding, key: str
    ) -> JudgeStanding | None:
        """Give what stands behind a judgement after a person upheld the value; None where that answered it.

        What is said against it since is looked at again, and lowers nothing before, unless it is by one that decides.
        """
        if value.settled is None or said.doubt is None:
            return standing
        if log.added(self.scene.tx, self.scene.inbox, [key])[key] <= value.settled:
            return None
        return standing if standing == JudgeStanding.DECIDES else JudgeStanding.SETTLED

    def _rooms(self, kind: str, tlp: Tlp, obj: Obj, partner: Partner, *, coerced: bool) -> Audience:
        limits = extension.sharing(obj)
        return audience.audience_of(kind, tlp, limits, partner, self.scene.registry, self.scene.policy, coerced=coerced)
