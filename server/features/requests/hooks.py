"""The contribution handler of requests: notes by which a partner sends a request, or responds to one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mappers.record_reader import is_request, read_request
from schemas.hub_message import HubMessage
from schemas.reference.numbers import refuse_unknown_currency
from schemas.request import Request, RequestAnswer, RequestState
from server.features.requests import records as requests
from server.features.requests.ending import note_ended
from server.features.requests.free_texts import refuse_personal_numbers
from server.features.requests.intake import RequestIntake
from server.features.requests.peer_intake import PeerIntake
from server.features.requests.remote import REQUEST, RESPONSE
from server.release.context import ReleaseContext, open_context
from server.release.fuse.statements import ReportedValue
from server.release.gate.ways import Way
from server.release.hooks import (
    ContributionHandler,
    HandledObject,
    PeerMessageHandler,
    PeerTaking,
    Taking,
)
from server.release.publish.collections import revoked
from server.release.publish.listings import ListingState
from server.release.results import Results
from server.release.session import ReleaseSession
from server.store import value_index
from server.store.database.engine import Tx


class RequestHandler(ContributionHandler):
    """Stores requests and responses to them, and releases the holds that follow from them."""

    stix_type = "note"

    def takes(self, obj: Mapping[str, Any]) -> bool:
        """Return whether a note is a request or a response."""
        return is_request(obj)

    def read(self, obj: dict[str, Any]) -> Request | RequestAnswer:
        """Return a request or a response. Also raises ``Rejected`` if one of its numbers could be a person's."""
        content = read_request(obj)
        refuse_unknown_currency("currency", content.currency)
        refuse_personal_numbers(content)
        return content

    def values(self, tx: Tx, sent: Sequence[HandledObject]) -> set[str]:
        """Return the values for which these requests and responses may change the held amount."""
        contents = [note.content for note in sent]
        freezes = [content for content in contents if isinstance(content, Request) and content.until is not None]
        closed = [
            content.request
            for content in contents
            if isinstance(content, RequestAnswer) and content.state is RequestState.CLOSED
        ]
        stored = requests.find(tx, closed) if closed else {}
        return {
            *(value_index.subject_of(str(request.of.kind), str(request.of.value)) for request in freezes),
            *(request.subject for request in stored.values() if request.hold is not None),
        }

    def take(self, taking: Taking, sent: Sequence[HandledObject], results: Results) -> Callable[[], None]:
        """Store them; holds begin and end after the partner's other objects, and then the parties are told."""
        intake = RequestIntake(taking.context, taking.partner, taking.hub, taking.by)
        intake.take(sent, results)

        def finish() -> None:
            changed = [*intake.holding.values(), *_lifted(taking, intake.lifting)]
            if changed:
                _add_missing_holds(results, intake.holding, taking.contribute(changed))
            intake.notes.publish(open_context(taking.hub, taking.tx), leave_for_end=taking.leave_for_end)

        return finish


class Requests(Way):
    """Notes the values that requests are about and that have no listing, are cleared, or whose holder is coerced.

    The clock of requests looks which requests end with that.
    """

    name = "requests"

    def listed(
        self, context: ReleaseContext, values: Sequence[ReportedValue], states: Mapping[str, ListingState]
    ) -> None:
        """Note them."""
        ended = [
            value.subject for value in values if not states[value.subject].ids or value.is_cleared or value.coerced
        ]
        if ended and (found := requests.asked_about(context.tx, ended)):
            note_ended(context.tx, found, context.micros)


class RequestMessages(PeerMessageHandler):
    """Stores requests from other hubs, and the responses to requests sent there."""

    kinds = frozenset({REQUEST, RESPONSE})

    def take(self, taking: PeerTaking, sent: Sequence[HubMessage]) -> Callable[[], None]:
        """Store them; the parties are told at the end."""
        intake = PeerIntake(taking)
        intake.take(sent)
        return lambda: intake.notes.publish(open_context(taking.hub, taking.tx))


def _lifted(taking: Taking, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the revocations of the reports with these ids that the hub knows."""
    if not ids:
        return []
    loader = ReleaseSession.open(taking.hub, taking.tx).loader
    keys = [taking.context.key(taking.partner, id_) for id_ in ids]
    loader.read(keys)
    return [revoked(loader.known[key], taking.context.at) for key in keys if key in loader.known]


def _add_missing_holds(results: Results, holding: Mapping[str, Mapping[str, Any]], own: Results) -> None:
    """Add to each request's message why the hold that it asks for is missing."""
    unpublished = own.unpublished()
    for place, accepted in enumerate(results.accepted):
        held = holding.get(accepted.id)
        if held is not None and held["id"] in unpublished:
            result, why = unpublished[held["id"]]
            results.accepted[place] = accepted._replace(
                message=f"{accepted.message}; the hold: {result}: {why.message}"
            )
