"""The part of this hub's guard that needs the store, for other hubs' reports, and the daily limit of protections."""

from collections import Counter
from collections.abc import Iterable

from schemas import kinds
from schemas.hub_report import HubReport, read
from schemas.report import Report
from schemas.vocabulary import Action
from server.features.federation import origins
from server.features.federation.checking import CheckedReport
from server.features.federation.origins import THROTTLED
from server.features.federation.stored import COUNTS, HELD, LIMITED, WAITS, StoredReport
from server.release.fuse import confidence, grade
from server.release.fuse.statements import MANY_BLOCKS
from server.release.guard.allowlists import entered, hub_values
from server.release.guard.volume import DOUBTS_WITH_AUTHORITY, MANY_DOUBTS
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.release.reasons import Reason
from server.store import quotas, reviews
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.reviews import HeldObject

_DAY = 86_400
_HOUR = 3_600
_BLOCKS = "hub-blocks"


class Holding:
    """Decides whether this hub's guard holds a report of another hub, and opens the reviews."""

    def __init__(self, hub: Hub, tx: Tx, reports: Iterable[CheckedReport]) -> None:
        """Decide on ``reports`` by the facts of ``hub``; their origins are locked."""
        self._tx = tx
        self._facts = facts = hub.facts.at(tx)
        values = [found.report for found in reports if found.report is not None]
        flags = {"has_delisted": facts.has_delisted, "has_erased": facts.has_erased}
        self._delisted = hub_values.find_delisted(tx, values, **flags)
        self._held: dict[str, list[HeldObject]] = {}
        self._burst = hub.burst
        # The values that each hub may still block in the current hour, and those counted here.
        self._left: dict[str, int] = {}
        self._spent: Counter[str] = Counter()

    def state_of(self, peer: PeerHub, found: CheckedReport, before: StoredReport | None) -> int:
        """Return the state of a new version of a known form that is not empty.

        The guard holds accusations. Protections beyond the daily limit of a hub wait too.
        """
        rule, message, state = found.rule, found.message, HELD
        if not rule and found.report is not None and found.signed.report is not None and found.signed.report.reports:
            rule, message = self._by_hub(found.report)
        if not rule and self._is_beyond_limit(peer, found, before):
            rule, message, state = MANY_DOUBTS, Reason.MANY_DOUBTS.text(most=DOUBTS_WITH_AUTHORITY), WAITS
            origins.set_word(self._tx, peer.origin, THROTTLED)
        if not rule and before is not None and before.state == HELD and self._is_rejected(found.signed.id):
            return HELD
        if not rule and self._is_beyond_burst(peer, found, before):
            rule, message, state = MANY_BLOCKS, Reason.MANY_BLOCKS.text(most=self._burst), LIMITED
        if not rule:
            return COUNTS
        review = reviews.states(self._tx, [found.signed.id]).get(found.signed.id)
        if review is not None and review.state == "approved" and review.rule == rule:
            return COUNTS
        self._held.setdefault(peer.name, []).append(HeldObject(found.signed.id, None, rule, message))
        return state

    def write(self) -> None:
        """Open the reviews of the held reports, and count the values that hubs block."""
        for name, spent in sorted(self._spent.items()):
            quotas.correct(self._tx, name, _BLOCKS, spent, limit=self._burst, seconds=_HOUR)
        for peer, held in sorted(self._held.items()):
            reviews.hold(self._tx, peer, held)

    def _by_hub(self, report: Report) -> tuple[str, str]:
        """Return the rule and the message by which values known to this hub are held; empty if none does."""
        if (report.kind, report.value) in self._delisted:
            return Reason.DELISTED.code, Reason.DELISTED.text()
        match = hub_values.match_own_values(self._facts.own_values, report)
        match = match or entered.match_entry(self._facts.allowed_values, report, now())
        return (match.list, match.message) if match else ("", "")

    def _is_rejected(self, id_: str) -> bool:
        """Return whether a person rejected the report with others by which its hub blocked too many values."""
        review = reviews.states(self._tx, [id_]).get(id_)
        return review is not None and review.state == "rejected" and review.rule == MANY_BLOCKS

    def _is_beyond_burst(self, peer: PeerHub, found: CheckedReport, before: StoredReport | None) -> bool:
        """Return whether a report newly blocks a value alone, beyond the hourly limit of a hub; count it otherwise."""
        if not self._burst or found.report is None or not _blocks(peer, found.report, found.signed.report):
            return False
        if before is not None and before.state == LIMITED:
            return True
        counted = before.body if before is not None and before.state == COUNTS else b""
        if counted and _blocks(peer, found.report, read(counted).report):
            return False
        unit = f"peer {peer.name}"
        if unit not in self._left:
            self._left[unit] = quotas.left(self._tx, unit, _BLOCKS, limit=self._burst, seconds=_HOUR)
        if self._spent[unit] >= self._left[unit]:
            return True
        self._spent[unit] += 1
        return False

    def _is_beyond_limit(self, peer: PeerHub, found: CheckedReport, before: StoredReport | None) -> bool:
        """Return whether a report newly protects a value, beyond the hub's daily limit.

        A finding is limited if it counts as a dispute: about accounts outside the countries of the hub.
        """
        about = found.report
        is_foreign = about is None or kinds.get(about.kind).country_of(about.value) not in peer.countries
        if not _protects(found.signed.report, is_foreign=is_foreign) or (
            before is not None
            and before.state == COUNTS
            and before.body
            and _protects(read(before.body).report, is_foreign=is_foreign)
        ):
            return False
        unit, limit = f"peer {peer.name}", DOUBTS_WITH_AUTHORITY
        return quotas.charge(self._tx, unit, "hub-protections", 1, limit=limit, seconds=_DAY) > 0


def _blocks(peer: PeerHub, about: Report, report: HubReport | None) -> bool:
    """Return whether the entries of a report block its value without other reports and without authority."""
    kind = kinds.get(about.kind)
    if report is None or peer.count == "not" or Action.BLOCK not in kind.grades:
        return False
    entries = [entry for entry in report.reports if entry.asks in (None, Action.BLOCK) and not entry.newcomer]
    weights = sorted((entry.weight / 100 for entry in entries), reverse=True)[: 1 if peer.count == "as-one" else None]
    if any(entry.authority for entry in entries) and kind.country_of(about.value) in peer.countries:
        return False
    enough = kind.single_report_grade is Action.BLOCK or grade.suffices(weights, authority=False)
    return enough and confidence.combined(weights) >= grade.FROM[Action.BLOCK]


def _protects(report: HubReport | None, *, is_foreign: bool) -> bool:
    """Return whether a report has a protection of the kinds that are limited."""
    if report is None:
        return False
    limited = report.disputes or report.spare_until or report.hub_decision
    return bool(limited or (is_foreign and report.finding))
