"""The contribution handlers of hub reports, messages and contradictions, which only peers may post."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from mappers.hub_report import value_of
from schemas import hub_message, hub_report
from schemas.errors import Rejected
from schemas.hub_report import SignedReport
from server.features.federation import contradictions, origins, receiving
from server.features.federation.checking import CheckedPage, check
from server.features.federation.contradictions import Contradiction
from server.release.hooks import ContributionHandler, HandledObject, Taking
from server.release.peers import peer_reading_as
from server.release.reasons import Reason
from server.release.results import Published, Results, Unpublished
from server.store import value_index
from server.store.database.engine import Tx


class HubReportHandler(ContributionHandler):
    """Takes hub reports as if this hub had read them at the peer."""

    stix_type = "indicator"

    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Return whether an indicator is a hub report."""
        return hub_report.is_hub_report(obj)

    def read(self, obj: dict[str, Any]) -> SignedReport:
        """Return the hub report."""
        try:
            return hub_report.read(orjson.dumps(obj))
        except Rejected as refusal:
            raise Reason.HUB_REPORT_REFUSED.rejected(why=refusal.message) from None

    def values(self, tx: Tx, sent: Sequence[HandledObject]) -> set[str]:
        """Return the values of the reports."""
        found = set()
        for one in sent:
            signed: SignedReport = one.content
            if not signed.revoked and signed.report is not None:
                try:
                    report = value_of(signed)
                except Rejected:
                    continue
                found.add(value_index.subject_of(report.kind, report.value))
        return found

    def take(self, taking: Taking, sent: Sequence[HandledObject], results: Results) -> Callable[[], None]:
        """Accept them after the partner's other objects."""
        return _taken(taking, sent, results)


class HubMessageHandler(ContributionHandler):
    """Takes messages of peers to this hub."""

    stix_type = "note"

    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Return whether a note is a message between hubs."""
        return hub_message.is_message(obj)

    def read(self, obj: dict[str, Any]) -> None:
        """Read nothing: the message is checked with the keys of the peer."""

    def take(self, taking: Taking, sent: Sequence[HandledObject], results: Results) -> Callable[[], None]:
        """Accept them after the partner's other objects."""
        return _taken(taking, sent, results)


class ContradictionHandler(ContributionHandler):
    """Takes contradictions, which peers relay."""

    stix_type = contradictions.TYPE

    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Return whether it is one, which its type says."""
        return True

    def read(self, obj: dict[str, Any]) -> Contradiction:
        """Return the contradiction."""
        return contradictions.read_contradiction(orjson.dumps(obj))

    def take(self, taking: Taking, sent: Sequence[HandledObject], results: Results) -> Callable[[], None]:
        """Accept them after the partner's other objects."""
        return _taken(taking, sent, results)


def _taken(taking: Taking, sent: Sequence[HandledObject], results: Results) -> Callable[[], None]:
    """Accept the objects of a peer, and refuse those of any other partner."""
    hub, tx = taking.hub, taking.tx
    peer = peer_reading_as(hub.peers, taking.partner.name) if taking.partner.peer else None
    if peer is None:
        results.failed += [_refused(one, Reason.NOT_A_PEER) for one in sent]
        return _nothing
    keys, page = origins.trusted_keys(tx, hub), CheckedPage()
    failed: list[Unpublished] = []
    numbers: dict[tuple[str, int | None], tuple[str, int]] = {}
    for one in sent:
        found = check(keys, hub.allowlists, [one.obj])
        for report in found.reports:
            numbers[one.item.id, one.item.version] = report.signed.id, report.signed.number
        for message in found.messages:
            numbers[one.item.id, one.item.version] = message.id, message.number
        page.reports += found.reports
        page.messages += found.messages
        page.contradictions += found.contradictions
        for (origin, reason), (_, example) in found.refused.items():
            page.refuse(origin, reason, example)
            failed.append(_refused(one, Reason.HUB_REPORT_REFUSED, why=reason))
    refused = {(result.id, result.version) for result in failed}
    rest = [one for one in sent if (one.item.id, one.item.version) not in refused]
    if receiving.accept(hub, tx, peer, page).wait:
        failed += [_refused(one, Reason.PEER_QUOTA) for one in rest]
        rest = []
    for one in rest:
        place = one.item.id, one.item.version
        if place in numbers and (why := page.reasons.get(numbers[place])):
            failed.append(_refused(one, Reason.HUB_REPORT_REFUSED, why=why))
        else:
            results.accepted.append(Published(*place))
    results.failed += failed
    return _nothing


def _refused(one: HandledObject, reason: Reason, **details: object) -> Unpublished:
    refusal = reason.explain(**details)
    return Unpublished(one.item.id, one.item.version, refusal.message, reason.code)


def _nothing() -> None:
    """Do nothing after the partner's other objects: the reports are released already."""
