"""The desk of one partner for messages: it takes those that the partner sends, and writes those to it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mappers.notes import RequestView
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import LegalBasis, Request, RequestWord
from server.features.iso20022 import exchange, messages
from server.features.iso20022.exchange import TransactionPlan
from server.features.iso20022.reading import Defaults, Message
from server.features.iso20022.writing import WrittenMessage, agent_of, write
from server.features.requests import desk as requests_desk
from server.features.requests.desk import Sent
from server.features.requests.operations import Respond, SendRequest
from server.release.hub import Hub
from server.store import partners
from server.store.database.engine import Tx

_AT_ONCE = 1_000
_ASKS = (RequestWord.RETURN, RequestWord.FREEZE)
Do = Callable[[SendRequest | Respond], Sent]


class MessageOutcome(NamedTuple):
    """The outcome of a transaction: the request and its state, or why it is refused.

    ``ignored`` are the paths of facts that the request of a response does not have.
    """

    path: str
    request: str = ""
    state: str = ""
    ignored: Sequence[str] = ()
    refusal: Rejected | None = None


def defaults(within: str, legal_basis: str, asks: str, others: Mapping[str, str] | None = None) -> Defaults:
    """Return the defaults that texts give; an empty text gives none. Raises ``ValueError``, also for ``others``."""
    time = timestamp.duration(within or "10d")
    if time is None or others:
        raise ValueError("within: write it as 30m, 4h or 10d")
    word = RequestWord(asks) if asks else None
    if word not in (None, *_ASKS):
        raise ValueError("asks: a message asks for a return or a freeze")
    basis = LegalBasis(legal_basis) if legal_basis else LegalBasis.SCHEME_RULES
    return Defaults(time, basis, word)


def read(data: bytes, partner: Partner, given: Defaults) -> Message:
    """Return a message that a partner sends. Raises ``MessageRefused``."""
    return messages.read(data, partner.name, timestamp.now(), given)


def operations(partner: Partner, plan: TransactionPlan) -> Iterator[SendRequest | Respond]:
    """Yield the operations of a transaction, in order."""
    for sent in plan.sends:
        if isinstance(sent.content, Request):
            yield SendRequest(partner=partner, request=sent.content, sent_as=sent.sent_as)
        else:
            yield Respond(partner=partner, response=sent.content, sent_as=sent.sent_as)


def take(hub: Hub, partner: Partner, message: Message, do: Do) -> list[MessageOutcome]:
    """Send the requests and responses of a message, and return the outcome of each transaction.

    A message that was taken before changes nothing and has the same outcomes. A refused transaction stops no other.
    """
    with hub.store.read() as tx:
        plans = list(exchange.plans(tx, partner, message))
    outcomes = []
    for plan in plans:
        view, refusal = None, plan.refusal
        try:
            for operation in operations(partner, plan):
                view = do(operation).view
        except Rejected as error:
            refusal = error
        if view is None or refusal is not None:
            outcomes.append(MessageOutcome(plan.path, refusal=refusal))
        else:
            outcomes.append(MessageOutcome(plan.path, view.id, str(view.state), plan.ignored))
    return outcomes


def write_one(tx: Tx, partner: Partner, id_: str) -> WrittenMessage | None:
    """Return the newest message of a request to a partner; None if it has none yet. Raises ``Rejected``."""
    found = list(_written(tx, requests_desk.show(tx, partner, id_)))
    return found[-1] if found else None


class Writable(NamedTuple):
    """A request with its messages to a partner, or why no message can say it."""

    request: str
    messages: Sequence[WrittenMessage]
    refusal: Rejected | None = None


def write_all(tx: Tx, views: Iterable[RequestView]) -> Iterator[Writable]:
    """Yield the messages of these requests to the party that sees them so."""
    for view in views:
        try:
            yield Writable(view.id, list(_written(tx, view)))
        except Rejected as refusal:
            yield Writable(view.id, (), refusal)


def _written(tx: Tx, view: RequestView) -> Iterator[WrittenMessage]:
    written: Mapping[str, Any] = view.written()
    yield from write(written, agents(tx, (written["sender"], written["addressee"])))


def all_views(tx: Tx, partner: Partner) -> Iterator[RequestView]:
    """Yield all requests that the partner may see, the newest first."""
    before = None
    while views := requests_desk.list_(tx, partner, before=before, most=_AT_ONCE):
        yield from views
        before = requests_desk.place_of(views[-1])


def agents(tx: Tx, names: Iterable[str]) -> dict[str, str | None]:
    """Return the agents of the partners among these names."""
    return {name: agent_of(partner.institutions) for name, partner in partners.find(tx, set(names)).items()}
