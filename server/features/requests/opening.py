"""A request as it is opened: by a partner, by the hub itself, or by a message of another hub."""

from schemas.request import Request, RequestState
from server.features.requests import views
from server.features.requests.records import StoredRequest
from server.store import value_index
from server.store.database.times import micros


def opened(
    request: Request,
    id_: str,
    moment: int,
    *,
    sender: str,
    addressee: str | None,
    sent_as: str,
    hop: int = 1,
    withheld: bool = False,
    held: bool = False,
    peer: str | None = None,
    remote: str | None = None,
) -> StoredRequest:
    """Return a request that begins a chain at a moment (microseconds).

    A ``withheld`` one is not confirmed by its sender yet; a ``held`` one waits for operators before.
    """
    return StoredRequest(
        id=id_,
        chain=id_,
        earlier=None,
        hop=hop,
        named_by=None,
        withheld=withheld,
        sender=sender,
        addressee=addressee,
        sent_as=sent_as,
        subject=value_index.subject_of(str(request.of.kind), str(request.of.value)),
        content=views.content_of(request),
        state=RequestState.HELD if held else RequestState.UNCONFIRMED if withheld else RequestState.OPEN,
        agreed=None,
        done=None,
        opened=moment,
        changed=moment,
        deadline=moment if request.deadline is None else micros(request.deadline),
        reminded=False,
        hold=None,
        hold_until=None,
        peer=peer,
        remote=remote,
    )
