"""Requests between institutions as rows: stored, found by their parties, and taken a step further."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, delete, func, insert, or_, select, update

from server.store.database.engine import Tx
from server.store.requests.tables import request_parties, request_steps, requests
from server.store.tables import partners

# The states in which somebody has something to do.
UNANSWERED = ("open", "acknowledged")
ENDED = "closed"
_NOT_ENDED = (*UNANSWERED, "agreed", "disagreed", "done")
_AT_ONCE = 500


class StoredRequest(NamedTuple):
    """A request as it stands, in the order of the table's columns; moments in microseconds.

    ``content`` is the request as JSON, ``sent_as`` the id under which its sender sent it. ``hold`` is the id of the
    report by which a freeze of police holds the money, None where it holds nothing, or no more.
    """

    id: str
    chain: str
    earlier: str | None
    hop: int
    sender: str
    addressee: str | None
    sent_as: str
    subject: str
    content: str
    state: str
    agreed: str | None
    done: str | None
    opened: int
    changed: int
    deadline: int
    reminded: bool
    hold: str | None
    hold_until: int | None


class StoredStep(NamedTuple):
    """One step of a request, in the order of the table's columns."""

    request: str
    number: int
    state: str
    at: int
    by: str
    amount: str | None = None
    currency: str | None = None
    reason: str | None = None
    went_to: str | None = None
    sent_as: str | None = None


class Place(NamedTuple):
    """A place in a partner's list of requests: when the last one before it was opened, and its id."""

    opened: int
    id: str


class OpenRequests(NamedTuple):
    """The numbers of requests that wait for an answer, that wait too long, and that are for nobody here.

    ``oldest`` is when the oldest came; ``holding`` is the number of police freezes that hold money now.
    """

    open: int
    overdue: int
    oldest: int | None
    unaddressed: int
    holding: int


def add(tx: Tx, request: StoredRequest, parties: dict[str, str]) -> None:
    """Store a new request with its parties, each with its role."""
    tx.execute(insert(requests), request._asdict())
    rows = [
        {"partner": name, "request": request.id, "role": role, "opened": request.opened}
        for name, role in sorted(parties.items())
    ]
    tx.execute(insert(request_parties), rows)


def add_party(tx: Tx, request: StoredRequest, partner: str, role: str) -> None:
    """Let one more partner see a request; one that sees it already takes the role."""
    mine = (request_parties.c.partner == partner, request_parties.c.request == request.id)
    tx.execute(delete(request_parties).where(*mine))
    row = {"partner": partner, "request": request.id, "role": role, "opened": request.opened}
    tx.execute(insert(request_parties), row)


def add_step(tx: Tx, step: StoredStep) -> None:
    """Store a step."""
    tx.execute(insert(request_steps), step._asdict())


def change(tx: Tx, request: StoredRequest) -> None:
    """Store a request as it stands now."""
    values = request._asdict()
    tx.execute(update(requests).where(requests.c.id == values.pop("id")).values(**values))


def lock(tx: Tx, id_: str) -> StoredRequest | None:
    """Return a request, and let nobody else take a step of it until the transaction ends; None where there is none."""
    row = tx.execute(select(requests).where(requests.c.id == id_).with_for_update()).first()
    return None if row is None else StoredRequest(*row)


def find(tx: Tx, ids: Iterable[str]) -> dict[str, StoredRequest]:
    """Return requests by their ids."""
    wanted = sorted(set(ids))
    found: dict[str, StoredRequest] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        asked = select(requests).where(requests.c.id.in_(wanted[start : start + _AT_ONCE]))
        found |= {row.id: StoredRequest(*row) for row in tx.execute(asked)}
    return found


def sent(tx: Tx, sender: str, sent_as: str) -> StoredRequest | None:
    """Return what a partner sent as a request under an id, None where it sent none."""
    row = tx.execute(select(requests).where(requests.c.sender == sender, requests.c.sent_as == sent_as)).first()
    return None if row is None else StoredRequest(*row)


def of_chain(tx: Tx, chain: str) -> dict[str, StoredRequest]:
    """Return all requests of a chain, by id."""
    return {row.id: StoredRequest(*row) for row in tx.execute(select(requests).where(requests.c.chain == chain))}


def steps(tx: Tx, ids: Iterable[str]) -> dict[str, list[StoredStep]]:
    """Return by request its steps, the first one first."""
    wanted = sorted(set(ids))
    found: dict[str, list[StoredStep]] = {id_: [] for id_ in wanted}
    for start in range(0, len(wanted), _AT_ONCE):
        mine = request_steps.c.request.in_(wanted[start : start + _AT_ONCE])
        for row in tx.execute(select(request_steps).where(mine).order_by(request_steps.c.number)):
            found[row.request].append(StoredStep(*row))
    return found


def parties(tx: Tx, id_: str) -> dict[str, str]:
    """Return the roles of those that may see a request, by partner."""
    asked = select(request_parties.c.partner, request_parties.c.role).where(request_parties.c.request == id_)
    return {row[0]: row[1] for row in tx.execute(asked)}


def role(tx: Tx, partner: str, id_: str) -> str | None:
    """Return the role of a partner in a request, None where it may not know of it."""
    mine = (request_parties.c.partner == partner, request_parties.c.request == id_)
    return tx.execute(select(request_parties.c.role).where(*mine)).scalar()


def of_partner(
    tx: Tx, partner: str, *, states: Sequence[str] = (), role: str | None = None, before: Place | None = None, most: int
) -> list[tuple[StoredRequest, str]]:
    """Return the requests that a partner may see with its role, the newest first; after the place ``before`` alone."""
    asked = (
        select(requests, request_parties.c.role.label("party"))
        .join_from(request_parties, requests)
        .where(request_parties.c.partner == partner)
        .order_by(request_parties.c.opened.desc(), requests.c.id)
        .limit(most)
    )
    if role is not None:
        asked = asked.where(request_parties.c.role == role)
    if before is not None:
        opened = request_parties.c.opened
        asked = asked.where(or_(opened < before.opened, and_(opened == before.opened, requests.c.id > before.id)))
    return [(StoredRequest(*row[:-1]), row[-1]) for row in tx.execute(_in(asked, states))]


def all_requests(
    tx: Tx, *, states: Sequence[str] = (), overdue_at: int | None = None, unaddressed: bool = False, most: int
) -> list[StoredRequest]:
    """Return requests, the oldest first: all, those in some states, overdue at a time, or addressed to nobody here."""
    asked = select(requests).order_by(requests.c.opened, requests.c.id).limit(most)
    if overdue_at is not None:
        asked = asked.where(requests.c.deadline < overdue_at, requests.c.state.in_(UNANSWERED))
    if unaddressed:
        asked = asked.where(requests.c.addressee.is_(None), requests.c.state != ENDED)
    return [StoredRequest(*row) for row in tx.execute(_in(asked, states))]


def by_deadline(
    tx: Tx, states: Sequence[str], *, unaddressed: bool = False, after: Place | None = None, most: int
) -> list[StoredRequest]:
    """Return the requests in some states, the next deadline first; after the place ``after``, which has a deadline.

    Each state is read in order by an index, however many requests there are.
    """
    found: list[StoredRequest] = []
    for state in states:
        asked = select(requests).where(requests.c.state == state).order_by(requests.c.deadline, requests.c.id)
        if unaddressed:
            asked = asked.where(requests.c.addressee.is_(None))
        if after is not None:
            due = requests.c.deadline
            later = or_(due > after.opened, requests.c.id > after.id)
            asked = asked.where(due >= after.opened, later)
        found += [StoredRequest(*row) for row in tx.execute(asked.limit(most))]
    return sorted(found, key=lambda request: (request.deadline, request.id))[:most]


def _in(asked: Select[Any], states: Sequence[str]) -> Select[Any]:
    return asked.where(requests.c.state.in_(states)) if states else asked


def opened_since(tx: Tx, sender: str, since: int) -> int:
    """Count what a partner asked since a moment, without later hops."""
    mine = (requests.c.sender == sender, requests.c.opened >= since, requests.c.earlier.is_(None))
    return tx.execute(select(func.count()).select_from(requests).where(*mine)).scalar_one()


def still_open(tx: Tx, sender: str) -> int:
    """Count what a partner asked that nobody closed yet, without later hops."""
    mine = (requests.c.sender == sender, requests.c.state.in_(_NOT_ENDED), requests.c.earlier.is_(None))
    return tx.execute(select(func.count()).select_from(requests).where(*mine)).scalar_one()


def to_remind(tx: Tx, at: int, most: int) -> list[str]:
    """Return the ids of requests whose deadline has passed and whose parties do not know, the first due one first."""
    asked = (
        select(requests.c.id)
        .where(requests.c.state.in_(UNANSWERED), requests.c.deadline <= at, requests.c.reminded.is_(False))
        .order_by(requests.c.deadline, requests.c.id)
        .limit(most)
    )
    return list(tx.execute(asked).scalars())


def to_close(tx: Tx, at: int, most: int) -> list[str]:
    """Return the ids of requests that nobody answered, whose deadline is before ``at``, and that hold no money."""
    asked = (
        select(requests.c.id)
        .where(requests.c.state.in_(UNANSWERED), requests.c.deadline <= at, requests.c.hold_until.is_(None))
        .order_by(requests.c.deadline, requests.c.id)
        .limit(most)
    )
    return list(tx.execute(asked).scalars())


def left_behind(tx: Tx, before: int, most: int) -> list[str]:
    """Return the ids of requests whose senders left before a moment, that are not closed, and that hold no money."""
    left = select(partners.c.name).where(partners.c.left < before)
    mine = (requests.c.sender.in_(left), requests.c.state.in_(_NOT_ENDED), requests.c.hold_until.is_(None))
    return list(tx.execute(select(requests.c.id).where(*mine).order_by(requests.c.id).limit(most)).scalars())


def holds_to_end(tx: Tx, at: int, most: int) -> list[str]:
    """Return the ids of freezes by police whose hold is over at a moment."""
    asked = select(requests.c.id).where(requests.c.hold_until <= at).order_by(requests.c.hold_until).limit(most)
    return list(tx.execute(asked).scalars())


def current(tx: Tx, at: int) -> OpenRequests:
    """Return how many requests are open now, and how old they are."""
    row = tx.execute(
        select(
            func.count(),
            func.coalesce(func.sum(_one(requests.c.deadline < at)), 0),
            func.min(requests.c.opened),
            func.coalesce(func.sum(_one(requests.c.addressee.is_(None))), 0),
        ).where(requests.c.state.in_(UNANSWERED))
    ).one()
    asked = select(func.count()).select_from(requests).where(requests.c.hold_until.is_not(None))
    return OpenRequests(row[0], row[1], row[2], row[3], tx.execute(asked).scalar_one())


def _one(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def forget(tx: Tx, *, before: int, most: int = _AT_ONCE) -> int:
    """Remove requests that were closed before a moment, with all steps; return how many."""
    asked = select(requests.c.id).where(
        requests.c.state == ENDED, requests.c.changed < before, requests.c.hold_until.is_(None)
    )
    return _remove(tx, list(tx.execute(asked.limit(most)).scalars()))


def of_subject(tx: Tx, subject: str) -> list[str]:
    """Return the ids of the requests about a value, by its name in the value index."""
    return list(tx.execute(select(requests.c.id).where(requests.c.subject == subject)).scalars())


def _remove(tx: Tx, ids: list[str]) -> int:
    if ids:
        tx.execute(delete(request_steps).where(request_steps.c.request.in_(ids)))
        tx.execute(delete(request_parties).where(request_parties.c.request.in_(ids)))
        tx.execute(delete(requests).where(requests.c.id.in_(ids)))
    return len(ids)
