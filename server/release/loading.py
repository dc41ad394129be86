"""Putting together what partners say of values, out of the inbox."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mappers import extension, origins
from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import HolderStatus, Tlp
from server.release import about, level, rooms
from server.release.confidence import Doubt
from server.release.echoes import is_echo
from server.release.fuse import live
from server.release.rooms import Rooms
from server.release.scene import Scene
from server.release.spoken import said_of_values
from server.release.statements import Judged, Said, Seen
from server.release.values import DISPUTED, Claim, Sight, Value, Verdict
from server.store import log, mentions, reviews
from server.store.reviews import Held, Review
from server.store.times import micros

Obj = Mapping[str, Any]

_HELD = ("open", "rejected")


class Loading:
    """Puts together values out of the inbox, as one transaction leaves it.

    ``known`` has objects of the inbox by their ids, as far as they have been read, and ``states`` what was held for
    review.
    """

    def __init__(self, scene: Scene) -> None:
        """Look at the inbox of ``scene``."""
        self._scene = scene
        self.known: dict[str, dict[str, Any]] = {}
        self.states: dict[str, Review] = {}
        self._reports: dict[str, Report] = {}
        self._passed_on: dict[str, str] = {}
        self._spoken: dict[str, Seen | Judged | None] = {}

    def read(self, wanted: Iterable[str]) -> None:
        """Read what the inbox has of these ids."""
        found = log.latest(self._scene.tx, self._scene.inbox, set(wanted) - self.known.keys())
        self.known.update((id_, msgspec.json.decode(item.body)) for id_, item in found.items())
        self._look_up_who_passed_on(found)

    def look_up_reviews(self, wanted: Iterable[str]) -> None:
        """Read whether these ids were ever held for review."""
        self.states |= reviews.states(self._scene.tx, wanted)

    def take(self, id_: str, obj: dict[str, Any], report: Report | None) -> None:
        """Go by this version of an object from now on."""
        self.known[id_] = obj
        self._reports.pop(id_, None)
        self._spoken.pop(id_, None)
        if report is not None:
            self._reports[id_] = report

    def hold(self, partner: str, held: list[Held]) -> None:
        """Keep these for a person to look at."""
        if held:
            reviews.hold(self._scene.tx, partner, held)
            self.look_up_reviews(each.object_id for each in held)

    def is_partner(self, identity: str) -> bool:
        """Tell whether the identity is the hub's own, or of one who is or was a partner."""
        return identity == self._scene.hub.identity or identity in self._scene.registry.by_identity

    def passed_on_by(self, id_: str) -> str | None:
        """Give the identity of the partner who passed on what somebody else made."""
        self._look_up_who_passed_on([id_])
        return self._passed_on.get(id_)

    def _look_up_who_passed_on(self, ids: Iterable[str]) -> None:
        creators = {id_: self.known.get(id_, {}).get("created_by_ref", "") for id_ in ids if id_ not in self._passed_on}
        names = {mentions.passed_on(id_): id_ for id_, creator in creators.items() if not self.is_partner(creator)}
        for name, by in (mentions.of(self._scene.tx, names) if names else {}).items():
            self._passed_on[names[name]] = min(by)

    def values(self, about: Mapping[str, Iterable[str]]) -> list[Value]:
        """Give the values of which ``about`` says by subject which ids speak of them."""
        named = {id_ for of_one in about.values() for id_ in of_one}
        self.read(named)
        speaking = mentions.of(self._scene.tx, named)
        heard = {id_ for of_one in speaking.values() for id_ in of_one}
        self.read(heard)
        self._look_up_who_passed_on((named | heard) & self.known.keys())
        self.look_up_reviews((named | heard) - self.states.keys())
        return [self._value(subject, set(of_one), speaking) for subject, of_one in about.items()]

    def _value(self, subject: str, named: set[str], speaking: Mapping[str, set[str]]) -> Value:
        value = Value(subject, frozenset(named), frozenset(named - self.known.keys()))
        value.disputed = any(self._state(each, DISPUTED) == "open" for each in value.listings)
        said = [(id_, report) for id_ in sorted(named & self.known.keys()) if (report := self._said(id_, subject))]
        value.coerced = any(report.holder_status is HolderStatus.COERCED for _, report in said)
        value.claims = [claim for one in said if (claim := self._claim(*one, coerced=value.coerced))]
        others = [(each.said.id, each.rooms) for each in value.claims]
        hub = self._scene.hub.identity
        value.claims = [
            each for each in value.claims if not is_echo(each.said, each.rooms, others, value.listings, hub)
        ]
        for id_ in sorted({each for one in named for each in speaking.get(one, ())}):
            self._hear(value, id_, coerced=value.coerced)
        if len(value.claims) < 2:
            return value
        # What is over is said as such, where nothing else is.
        alive = {
            each.id for each in live([c.said for c in value.claims], [s.seen for s in value.sights], self._scene.at)
        }
        value.claims = [claim for claim in value.claims if claim.said.id in alive] or value.claims
        return value

    def _said(self, id_: str, subject: str) -> Report | None:
        """Give what an indicator says of the value, unless it is taken back, held, or about another one now."""
        obj = self.known[id_]
        if obj.get("revoked") is True or self._is_held(id_):
            return None
        report = self._reports.get(id_)
        if report is None:
            try:
                report = from_stix(obj)
            except Rejected:
                return None
            self._reports[id_] = report
        return report if mentions.subject(report.kind, report.value) == subject else None

    def _is_held(self, id_: str) -> bool:
        return self._state(id_) in _HELD

    def _state(self, id_: str, rule: str | None = None) -> str | None:
        review = self.states.get(id_)
        return review.state if review and rule in (None, review.rule) else None

    def _claim(self, id_: str, report: Report, *, coerced: bool) -> Claim | None:
        obj = self.known[id_]
        partner = self._partner(obj["created_by_ref"], id_)
        if partner is None:
            return None
        tlp = level.narrower(level.of(obj), report.tlp)  # a report narrows what its kind asks to
        reliable, new = self._scene.reliability(partner, report.kind), partner.name in self._scene.newcomers
        said = Said(partner, report, id_, reliable, origins.of(obj), new)
        return Claim(said, self._rooms(report.kind, tlp, obj, partner, coerced=coerced), tlp)

    def _hear(self, value: Value, id_: str, *, coerced: bool) -> None:
        """Add what a sighting or an opinion says of the value, where it is live and one of ours can be made out."""
        obj = self.known.get(id_)
        if obj is None or obj["type"] not in ("sighting", "opinion") or obj.get("revoked") is True:
            return
        if self._is_held(id_):
            return
        partner = self._partner(obj.get("created_by_ref", ""), id_)
        if partner is None or all(self._state(ref, DISPUTED) == "approved" for ref in about.refs(obj)):
            return
        if id_ not in self._spoken:
            self._spoken[id_] = said_of_values(obj, partner)  # once, of however many values it speaks
        said = self._spoken[id_]
        if said is None:
            return
        reach = self._rooms(value.kind, level.of(obj), obj, partner, coerced=coerced)
        if isinstance(said, Seen):
            value.sights.append(Sight(said, id_, reach))
        elif self._may_judge(value, partner) and not self._is_answered(value, said, about.refs(obj)):
            value.verdicts.append(Verdict(said, id_, reach))

    def _may_judge(self, value: Value, partner: Partner) -> bool:
        """Tell whether a partner reports the value, or may hear of it; one that left may have."""
        registry = self._scene.registry
        return partner.name in registry.gone or any(
            each.said.partner.name == partner.name or each.rooms.reaches(partner.name, registry)
            for each in value.claims
        )

    def _is_answered(self, value: Value, said: Judged, of: Iterable[str]) -> bool:
        """Tell whether a person found right since what somebody called a false positive, not by a listing's id."""
        looked_at = [
            review.decided or 0
            for each in value.listings
            if self._state(each, DISPUTED) == "approved" and (review := self.states[each])
        ]
        against = said.doubt is Doubt.DISPUTED
        return against and value.listings.isdisjoint(of) and micros(said.at) <= max(looked_at, default=0)

    def _partner(self, identity: str, id_: str) -> Partner | None:
        partners = self._scene.registry.by_identity
        return partners.get(identity) or partners.get(self.passed_on_by(id_) or "")

    def _rooms(self, kind: str, tlp: Tlp, obj: Obj, partner: Partner, *, coerced: bool) -> Rooms:
        limits = extension.sharing(obj)
        return rooms.of(kind, tlp, limits, partner, self._scene.registry, self._scene.policy, coerced=coerced)
