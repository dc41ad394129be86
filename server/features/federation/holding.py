"""The part of this hub's guard that needs the store, for other hubs' reports, and the daily limit of protections."""

from collections.abc import Iterable

from schemas import kinds
from schemas.hub_report import HubReport, read
from schemas.report import Report
from server.features.federation import origins
from server.features.federation.checking import CheckedReport
from server.features.federation.origins import THROTTLED
from server.features.federation.stored import COUNTS, HELD, WAITS, StoredReport
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
        if not rule:
            return COUNTS
        review = reviews.states(self._tx, [found.signed.id]).get(found.signed.id)
        if review is not None and review.state == "approved" and review.rule == rule:
            return COUNTS
        self._held.setdefault(peer.name, []).append(HeldObject(found.signed.id, None, rule, message))
        return state

    def write(self) -> None:
        """Open the reviews of the held reports."""
        for peer, held in sorted(self._held.items()):
            reviews.hold(self._tx, peer, held)

    def _by_hub(self, report: Report) -> tuple[str, str]:
        """Return the rule and the message by which values known to this hub are held; empty if none does."""
        if (report.kind, report.value) in self._delisted:
            return Reason.DELISTED.code, Reason.DELISTED.text()
        match = hub_values.match_own_values(self._facts.own_values, report)
        match = match or entered.match_entry(self._facts.allowed_values, report, now())
        return (match.list, match.message) if match else ("", "")

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


def _protects(report: HubReport | None, *, is_foreign: bool) -> bool:
    """Return whether a report has a protection of the kinds that are limited."""
    if report is None:
        return False
    limited = report.disputes or report.spare_until or report.hub_decision
    return bool(limited or (is_foreign and report.finding))
