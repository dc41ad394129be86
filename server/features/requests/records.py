"""Stored requests between institutions: adding, finding by party, and advancing."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, delete, exists, func, insert, or_, select, update

from schemas.takedown import IN_EFFECT
from server.features.requests.tables import request_parties, request_steps, requests
from server.store.database.engine import Tx
from server.store.tables import partners

# The states that require an action.
UNANSWERED = ("open", "acknowledged")
# The state of a hop that its sender has not confirmed. No addressee is asked yet.
UNCONFIRMED = "unconfirmed"
# The state of a request that the gate holds: only its sender and the operators know of it.
HELD = "held"
ENDED = "closed"
_WAITING = (HELD, UNCONFIRMED, *UNANSWERED)
_NOT_ENDED = (*_WAITING, "agreed", "disagreed", "done")
# The sender of requests by the hub itself, and the beginning of the name of an addressee that is no partner. Names of
# partners have no colon.
HUB_SENDER = "hub:"
OUTSIDE = "outside:"
_AT_ONCE = 500
# The most requests that are counted by state.
_MOST_COUNTED = 10_000


class StoredRequest(NamedTuple):
    """The current state of a request, in the order of the table's columns. Moments are in microseconds.

    ``content`` is the request as JSON, ``sent_as`` its sender's id for it. ``hold`` is the id of the report by which a
    police freeze holds the money, None if it holds nothing now. ``peer`` is the origin of the hub where its sender or
    its addressee is, and ``remote`` what is known of that side (JSON).

    ``asks`` and the fields after it belong to a takedown request. ``deadline`` is then ``served_at`` and the
    ``allowed`` time; until it is served, the moment at which the hub closes it.
    """

    id: str
    chain: str
    earlier: str | None
    hop: int
    named_by: str | None
    withheld: bool
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
    peer: str | None = None
    remote: str | None = None
    asks: str | None = None
    basis: str | None = None
    case_number: str | None = None
    allowed: int | None = None
    served_at: int | None = None
    served_by: str | None = None
    response: str | None = None
    responded_at: int | None = None

    @property
    def is_unserved(self) -> bool:
        """Return whether it is a takedown request that the addressee is not known to have received."""
        return self.asks is not None and self.served_at is None


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
    payment: str | None = None
    response: str | None = None
    responded: str | None = None


class RequestPlace(NamedTuple):
    """A place in a partner's list of requests: the opening time of the previous one, and its id."""

    opened: int
    id: str


class OpenRequests(NamedTuple):
    """The numbers of requests without a response, of overdue ones, and of those without an addressee here.

    ``oldest`` is when the oldest was received. ``holding`` is the number of police freezes that hold money now.
    ``unconfirmed`` counts later hops that wait for their senders' confirmation. ``due`` is the first deadline.
    ``restores`` counts those to restore, the oldest received at ``oldest_restore``.
    """

    open: int
    overdue: int
    oldest: int | None
    unaddressed: int
    holding: int
    unconfirmed: int = 0
    due: int | None = None
    restores: int = 0
    oldest_restore: int | None = None


def add(tx: Tx, request: StoredRequest, parties: dict[str, str]) -> None:
    """Store a new request with its parties and their roles."""
    tx.execute(insert(requests), request._asdict())
    rows = [
        {"partner": name, "request": request.id, "role": role, "opened": request.opened}
        for name, role in sorted(parties.items())
    ]
    if rows:
        tx.execute(insert(request_parties), rows)


def add_party(tx: Tx, request: StoredRequest, partner: str, role: str) -> None:
    """Let one more partner see a request, or change the role of an existing party."""
    mine = (request_parties.c.partner == partner, request_parties.c.request == request.id)
    tx.execute(delete(request_parties).where(*mine))
    row = {"partner": partner, "request": request.id, "role": role, "opened": request.opened}
    tx.execute(insert(request_parties), row)


def add_step(tx: Tx, step: StoredStep) -> None:
    """Store a step."""
    tx.execute(insert(request_steps), step._asdict())


def change(tx: Tx, request: StoredRequest) -> None:
    """Store the current state of a request."""
    values = request._asdict()
    tx.execute(update(requests).where(requests.c.id == values.pop("id")).values(**values))


def lock(tx: Tx, id_: str) -> StoredRequest | None:
    """Return a request locked until the transaction ends, or None."""
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
    """Return the request that a partner sent under an id, or None."""
    row = tx.execute(select(requests).where(requests.c.sender == sender, requests.c.sent_as == sent_as)).first()
    return None if row is None else StoredRequest(*row)


def sent_by(tx: Tx, sender: str, sent_as: Iterable[str]) -> dict[str, str]:
    """Return the ids of the requests that a partner sent, by the ids under which it sent them."""
    wanted, found = sorted(set(sent_as)), dict[str, str]()
    for start in range(0, len(wanted), _AT_ONCE):
        mine = (requests.c.sender == sender, requests.c.sent_as.in_(wanted[start : start + _AT_ONCE]))
        found |= {row[0]: row[1] for row in tx.execute(select(requests.c.sent_as, requests.c.id).where(*mine))}
    return found


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
    """Return by partner the roles of a request's parties."""
    asked = select(request_parties.c.partner, request_parties.c.role).where(request_parties.c.request == id_)
    return {row[0]: row[1] for row in tx.execute(asked)}


def role(tx: Tx, partner: str, id_: str) -> str | None:
    """Return the role of a partner in a request, or None if it may not see it."""
    mine = (request_parties.c.partner == partner, request_parties.c.request == id_)
    found: str | None = tx.execute(select(request_parties.c.role).where(*mine)).scalar()
    return found


def of_partner(
    tx: Tx,
    partner: str,
    *,
    states: Sequence[str] = (),
    role: str | None = None,
    before: RequestPlace | None = None,
    most: int,
) -> list[tuple[StoredRequest, str]]:
    """Return the requests that a partner may see with its role, the newest first, beyond the place ``before``."""
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


def count_by_state(tx: Tx, partner: str, role: str | None) -> dict[str, int]:
    """Return how many of the latest requests that a partner may see in this role are in each state."""
    asked = select(requests.c.state).join_from(request_parties, requests).where(request_parties.c.partner == partner)
    if role is not None:
        asked = asked.where(request_parties.c.role == role)
    latest = asked.order_by(request_parties.c.opened.desc()).limit(_MOST_COUNTED).subquery()
    found = tx.execute(select(latest.c.state, func.count().label("number")).group_by(latest.c.state))
    return {row.state: row.number for row in found}


def all_requests(
    tx: Tx, *, states: Sequence[str] = (), overdue_at: int | None = None, unaddressed: bool = False, most: int
) -> list[StoredRequest]:
    """Return requests, the oldest first: all, by state, overdue at a time, or without an addressee at this hub."""
    asked = select(requests).order_by(requests.c.opened, requests.c.id).limit(most)
    if overdue_at is not None:
        asked = asked.where(requests.c.deadline < overdue_at, requests.c.state.in_(UNANSWERED))
    if unaddressed:
        asked = asked.where(requests.c.addressee.is_(None), requests.c.state.not_in((ENDED, HELD)))
    return [StoredRequest(*row) for row in tx.execute(_in(asked, states))]


def by_deadline(
    tx: Tx, states: Sequence[str], *, unaddressed: bool = False, after: RequestPlace | None = None, most: int
) -> list[StoredRequest]:
    """Return the requests in some states, the next deadline first, ``after`` a place that has a deadline.

    Each state is read in order from an index, so the number of requests does not matter.
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


def unanswered(tx: Tx, *, until: int, addressee: str | None = None, most: int) -> list[StoredRequest]:
    """Return the requests without a response that are due ``until`` a moment, the last due first.

    Each state is read in order from an index, as in ``by_deadline``.
    """
    found: list[StoredRequest] = []
    for state in UNANSWERED:
        asked = select(requests).where(requests.c.state == state, requests.c.deadline <= until)
        if addressee is not None:
            asked = asked.where(requests.c.addressee == addressee)
        latest = asked.order_by(requests.c.deadline.desc(), requests.c.id).limit(most)
        found += [StoredRequest(*row) for row in tx.execute(latest)]
    return sorted(found, key=lambda request: (-request.deadline, request.id))[:most]


def nearly_due(tx: Tx, addressee: str, at: int, before: int, most: int) -> list[StoredRequest]:
    """Return the received requests without a response whose deadline is near ``at`` a moment, the last near one first.

    A deadline is near from ``before`` it, or in the last quarter of a short time. Requests that are not yet near cannot
    hide one that is.
    """
    r = requests.c
    quarter = (r.deadline - func.coalesce(r.served_at, r.opened)) // 4
    soon = r.deadline - case((quarter < 0, 0), (quarter < before, quarter), else_=before)
    asked = (
        select(requests)
        .where(r.addressee == addressee, r.state.in_(UNANSWERED), r.deadline > at, r.deadline <= at + before)
        .where(soon <= at, or_(r.asks.is_(None), r.served_at.is_not(None)))
        .order_by(soon.desc(), r.id)
    )
    return [StoredRequest(*row) for row in tx.execute(asked.limit(most))]


def _in(asked: Select[Any], states: Sequence[str]) -> Select[Any]:
    return asked.where(requests.c.state.in_(states)) if states else asked


def opened_since(tx: Tx, senders: Collection[str], since: int, *, takedowns: bool = False) -> int:
    """Return the number of requests of one group by these partners since a moment, without later hops."""
    mine = (requests.c.sender.in_(senders), requests.c.opened >= since, requests.c.earlier.is_(None), _group(takedowns))
    found: int = tx.execute(select(func.count()).select_from(requests).where(*mine)).scalar_one()
    return found


def still_open(tx: Tx, senders: Collection[str], *, takedowns: bool = False) -> int:
    """Return the number of requests of one group by these partners that are open, without later hops.

    One about money is open until it is closed, a takedown request until it has a final response.
    """
    states = UNANSWERED if takedowns else _NOT_ENDED
    open_now = requests.c.state.in_(states)
    mine = (requests.c.sender.in_(senders), open_now, requests.c.earlier.is_(None), _group(takedowns))
    found: int = tx.execute(select(func.count()).select_from(requests).where(*mine)).scalar_one()
    return found


def _group(takedowns: bool) -> Any:
    return requests.c.asks.is_not(None) if takedowns else requests.c.asks.is_(None)


# Requests that are not closed, those with a hold, and those whose parties do not know yet that they are served.
ANY_CHANGING = (
    select(requests.c.id).where(requests.c.state.in_(_NOT_ENDED)),
    select(requests.c.id).where(requests.c.hold_until.is_not(None)),
    select(requests.c.id).where(requests.c.asks.is_not(None), requests.c.served_at >= requests.c.changed),
)


def to_remind(tx: Tx, at: int, most: int) -> list[str]:
    """Return the ids of overdue requests whose parties were not reminded, the first due one first."""
    asked = (
        select(requests.c.id)
        .where(requests.c.state.in_(UNANSWERED), requests.c.deadline <= at, requests.c.reminded.is_(False))
        .order_by(requests.c.deadline, requests.c.id)
        .limit(most)
    )
    return list(tx.execute(asked).scalars())


def to_close(tx: Tx, at: int, most: int) -> list[str]:
    """Return the ids of requests without a response or confirmation, due before ``at``, that hold no money."""
    asked = (
        select(requests.c.id)
        .where(requests.c.state.in_(_WAITING), requests.c.deadline <= at, requests.c.hold_until.is_(None))
        .order_by(requests.c.deadline, requests.c.id)
        .limit(most)
    )
    return list(tx.execute(asked).scalars())


def not_told(tx: Tx, most: int) -> list[str]:
    """Return the ids of hops made unconfirmed by a migration, which have no step and are unknown to their parties."""
    told = (request_steps.c.request == requests.c.id, request_steps.c.state == UNCONFIRMED)
    asked = select(requests.c.id).where(requests.c.state == UNCONFIRMED, ~exists().where(*told))
    return list(tx.execute(asked.order_by(requests.c.id).limit(most)).scalars())


def mark_served(tx: Tx, ids: Collection[str], by: str, at: int) -> int:
    """Start the clock of open takedown requests that are not served yet; return their number.

    The time for a response runs from ``at`` (microseconds), or from the request's last change if that is later.
    """
    moment = case((requests.c.changed > at, requests.c.changed), else_=at)
    values = {"served_at": moment, "served_by": by, "deadline": moment + requests.c.allowed}
    done = 0
    for start in range(0, len(wanted := sorted(set(ids))), _AT_ONCE):
        mine = (requests.c.id.in_(wanted[start : start + _AT_ONCE]), *_UNSERVED)
        done += tx.execute(update(requests).where(*mine).values(**values)).rowcount
    return done


def untold(tx: Tx, most: int) -> list[str]:
    """Return the ids of takedown requests whose parties do not know yet that they are served."""
    r = requests.c
    asked = select(r.id).where(r.asks.is_not(None), r.served_at >= r.changed).order_by(r.served_at).limit(most)
    return list(tx.execute(asked).scalars())


def addressees_unserved(tx: Tx) -> list[str]:
    """Return the partners that are not known to have received a takedown request. Uses index steps, not a scan."""
    found: list[str] = []
    asked = select(func.min(requests.c.addressee)).where(*_UNSERVED)
    name = tx.execute(asked).scalar()
    while name is not None:
        found.append(name)
        name = tx.execute(asked.where(requests.c.addressee > name)).scalar()
    return found


def unserved(tx: Tx, addressee: str, until: int, most: int) -> list[StoredRequest]:
    """Return the takedown requests to a partner opened ``until`` a moment and not served, the oldest first."""
    asked = select(requests).where(requests.c.addressee == addressee, requests.c.opened <= until, *_UNSERVED)
    return [StoredRequest(*row) for row in tx.execute(asked.order_by(requests.c.opened, requests.c.id).limit(most))]


def without_addressee(tx: Tx, most: int) -> list[StoredRequest]:
    """Return the open takedown requests that no partner of this hub receives, the oldest first."""
    nobody = or_(requests.c.addressee.is_(None), requests.c.addressee.startswith(OUTSIDE, autoescape=True))
    mine = (nobody, requests.c.state.in_(UNANSWERED), requests.c.asks.is_not(None))
    asked = select(requests).where(*mine).order_by(requests.c.opened, requests.c.id)
    return [StoredRequest(*row) for row in tx.execute(asked.limit(most))]


class TakedownFilter(NamedTuple):
    """Which takedown requests of a partner are listed: to it or from it, and of these the ones that match."""

    role: str = "addressee"
    states: tuple[str, ...] = ()
    overdue_at: int | None = None
    asks: str = ""
    case_number: str = ""


def takedowns(
    tx: Tx, partner: str, chosen: TakedownFilter, *, after: RequestPlace | None = None, most: int
) -> list[StoredRequest]:
    """Return the takedown requests to or from a partner, the next deadline first, ``after`` a place with a deadline."""
    r = requests.c
    mine = (r.sender if chosen.role == "sender" else r.addressee) == partner
    asked = select(requests).where(mine, r.asks.is_not(None))
    if chosen.overdue_at is not None:
        asked = asked.where(r.deadline < chosen.overdue_at, r.served_at.is_not(None), r.state.in_(UNANSWERED))
    if chosen.asks:
        asked = asked.where(r.asks == chosen.asks)
    if chosen.case_number:
        asked = asked.where(r.case_number == chosen.case_number)
    if after is not None:
        asked = asked.where(or_(r.deadline > after.opened, and_(r.deadline == after.opened, r.id > after.id)))
    asked = _in(asked, chosen.states).order_by(r.deadline, r.id).limit(most)
    return [StoredRequest(*row) for row in tx.execute(asked)]


def takedown_totals(tx: Tx, partner: str, role: str, at: int) -> dict[str, int]:
    """Return the numbers of takedown requests to or from a partner: open, overdue, not received yet, and done."""
    r = requests.c
    mine = (r.sender if role == "sender" else r.addressee) == partner
    is_open = r.state.in_(UNANSWERED)
    counted = {
        "open": is_open,
        "overdue": and_(is_open, r.served_at.is_not(None), r.deadline < at),
        "unserved": and_(is_open, r.served_at.is_(None)),
        "done": r.state == "done",
    }
    sums = [func.coalesce(func.sum(_one(condition)), 0) for condition in counted.values()]
    row = tx.execute(select(*sums).where(mine, r.asks.is_not(None))).one()
    return dict(zip(counted, row, strict=True))


def takedowns_of_subject(tx: Tx, subject: str) -> list[StoredRequest]:
    """Return the takedown requests about a value, by its name in the value index, the oldest first."""
    mine = (requests.c.subject == subject, requests.c.asks.is_not(None))
    asked = select(requests).where(*mine).order_by(requests.c.opened, requests.c.id)
    return [StoredRequest(*row) for row in tx.execute(asked)]


def about(tx: Tx, subject: str) -> list[StoredRequest]:
    """Return the requests about a value that are not closed, by its name in the value index, the oldest first.

    A closed takedown request is among them while its host keeps what it did.
    """
    r = requests.c
    mine = (r.subject == subject, or_(r.state != ENDED, r.response.in_(sorted(IN_EFFECT))))
    return [StoredRequest(*row) for row in tx.execute(select(requests).where(*mine).order_by(r.opened, r.id))]


_UNSERVED = (requests.c.asks.is_not(None), requests.c.served_at.is_(None), requests.c.state == "open")


def left_behind(tx: Tx, before: int, most: int) -> list[str]:
    """Return the ids of unclosed requests whose senders left before a moment, and that hold no money."""
    left = select(partners.c.name).where(partners.c.left < before)
    mine = (requests.c.sender.in_(left), requests.c.state.in_(_NOT_ENDED), requests.c.hold_until.is_(None))
    return list(tx.execute(select(requests.c.id).where(*mine).order_by(requests.c.id).limit(most)).scalars())


def without_former_addressee(tx: Tx, most: int) -> list[str]:
    """Return the ids of requests without a response whose addressees have left the hub."""
    left = select(partners.c.name).where(partners.c.left.is_not(None))
    mine = (requests.c.addressee.in_(left), requests.c.state.in_(UNANSWERED))
    return list(tx.execute(select(requests.c.id).where(*mine).order_by(requests.c.id).limit(most)).scalars())


def remove_addressee(tx: Tx, id_: str) -> None:
    """Let the addressee of a request no longer see it."""
    mine = (request_parties.c.request == id_, request_parties.c.role == "addressee")
    tx.execute(delete(request_parties).where(*mine))


def holds_to_end(tx: Tx, at: int, most: int) -> list[str]:
    """Return the ids of police freezes whose hold has ended at a moment."""
    asked = select(requests.c.id).where(requests.c.hold_until <= at).order_by(requests.c.hold_until).limit(most)
    return list(tx.execute(asked).scalars())


def current(tx: Tx, at: int) -> OpenRequests:
    """Return how many requests are open now, and how old they are."""
    is_restore = requests.c.asks == "restore"
    row = tx.execute(
        select(
            func.count(),
            func.coalesce(func.sum(_one(requests.c.deadline < at)), 0),
            func.min(requests.c.opened),
            func.coalesce(func.sum(_one(requests.c.addressee.is_(None))), 0),
            func.min(requests.c.deadline),
            func.coalesce(func.sum(_one(is_restore)), 0),
            func.min(case((is_restore, requests.c.opened))),
        ).where(requests.c.state.in_(UNANSWERED))
    ).one()
    asked = select(func.count()).select_from(requests).where(requests.c.hold_until.is_not(None))
    unconfirmed = select(func.count()).select_from(requests).where(requests.c.state == UNCONFIRMED)
    counts = (row[0], row[1], row[2], row[3])
    return OpenRequests(*counts, tx.execute(asked).scalar_one(), tx.execute(unconfirmed).scalar_one(), *row[4:])


def _one(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def forget(tx: Tx, *, before: int, most: int = _AT_ONCE) -> int:
    """Remove requests closed before a moment, with all steps, and return their number."""
    asked = select(requests.c.id).where(
        requests.c.state == ENDED, requests.c.changed < before, requests.c.hold_until.is_(None)
    )
    return _remove(tx, list(tx.execute(asked.limit(most)).scalars()))


def of_subject(tx: Tx, subject: str) -> list[str]:
    """Return the ids of the requests about a value, by its name in the value index."""
    return list(tx.execute(select(requests.c.id).where(requests.c.subject == subject)).scalars())


def asked_about(tx: Tx, subjects: Iterable[str]) -> set[str]:
    """Return those of these values about which a request is open, or which a host took down by one."""
    wanted, found = sorted(set(subjects)), set[str]()
    r = requests.c
    is_current = or_(r.state.in_(_NOT_ENDED), r.response.in_(sorted(IN_EFFECT)))
    for start in range(0, len(wanted), _AT_ONCE):
        mine = (r.subject.in_(wanted[start : start + _AT_ONCE]), is_current)
        found.update(tx.execute(select(r.subject).where(*mine)).scalars())
    return found


def open_restores(tx: Tx, most: int) -> list[StoredRequest]:
    """Return the requests to restore without a response, the oldest first."""
    mine = (requests.c.asks == "restore", requests.c.state.in_(UNANSWERED))
    asked = select(requests).where(*mine).order_by(requests.c.opened, requests.c.id).limit(most)
    return [StoredRequest(*row) for row in tx.execute(asked)]


def done_as(tx: Tx, subjects: Iterable[str], response: str) -> list[str]:
    """Return the ids of the takedown requests about values that are done, with this as the newest response."""
    wanted, found = sorted(set(subjects)), list[str]()
    for start in range(0, len(wanted), _AT_ONCE):
        mine = (requests.c.subject.in_(wanted[start : start + _AT_ONCE]), requests.c.response == response)
        found += tx.execute(select(requests.c.id).where(*mine, requests.c.state == "done")).scalars()
    return found


def _remove(tx: Tx, ids: list[str]) -> int:
    if ids:
        tx.execute(delete(request_steps).where(request_steps.c.request.in_(ids)))
        tx.execute(delete(request_parties).where(request_parties.c.request.in_(ids)))
        tx.execute(delete(requests).where(requests.c.id.in_(ids)))
    return len(ids)
