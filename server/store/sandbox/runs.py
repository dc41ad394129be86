"""The rehearsals of partners: the published changes, and the client's reads and answers."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.store import collections
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks
from server.store.database.times import now
from server.store.sandbox.tables import sandbox_answers, sandbox_changes, sandbox_reads, sandbox_runs

# A correct client needs some forty of each. Beyond this limit nothing more is recorded.
MOST_READS = MOST_ANSWERS = 1_000
_AGENT_CHARACTERS = 120
# Used instead of an object's id if the client answered about an object that it never got here.
UNKNOWN = ""
_r, _c, _d, _a = sandbox_runs.c, sandbox_changes.c, sandbox_reads.c, sandbox_answers.c


class Rehearsal(NamedTuple):
    """One rehearsal of a partner. Moments and places are microseconds; ``began`` is its client's first read."""

    partner: str
    number: int
    started: int
    base: int
    began: int | None
    ended: int | None
    agent: str


class PlayedChange(NamedTuple):
    """A published change of a listing: its id, its place, its time, and the end of the listing."""

    listing: str
    change: str
    object_id: str
    added: int
    at: int
    until: int


class ReadStretch(NamedTuple):
    """A stretch that a client read at one time: all additions after one place, up to another."""

    after: int
    up_to: int
    at: int


class ListingAnswer(NamedTuple):
    """An outcome of a listing sent by a client: the word, its time, and the end of validity that it stated."""

    object_id: str
    outcome: str
    at: int
    until: int | None


class SandboxRead(NamedTuple):
    """A sandbox page that was served, and the client's name."""

    partner: str
    after: int
    up_to: int
    at: int
    agent: str


def find(tx: Tx, partner: str) -> Rehearsal | None:
    """Return the rehearsal of a partner, or None."""
    row = tx.execute(select(sandbox_runs).where(_r.partner == partner)).first()
    return None if row is None else Rehearsal(*row)


# The current rehearsals whose clock has started.
BEGUN = select(sandbox_runs.c.partner).where(sandbox_runs.c.ended.is_(None), sandbox_runs.c.began.is_not(None))


def open_runs(tx: Tx, limit: int = 500) -> list[Rehearsal]:
    """Return the current rehearsals, the oldest first."""
    asked = select(sandbox_runs).where(_r.ended.is_(None)).order_by(_r.started, _r.partner).limit(limit)
    return [Rehearsal(*row) for row in tx.execute(asked)]


def all_runs(tx: Tx, limit: int = 1_000) -> list[Rehearsal]:
    """Return the last rehearsal of each partner, the latest first."""
    return [
        Rehearsal(*row) for row in tx.execute(select(sandbox_runs).order_by(_r.started.desc(), _r.partner).limit(limit))
    ]


def start(tx: Tx, partner: str, base: int) -> Rehearsal:
    """Start a new rehearsal of a partner, and remove the previous one; ``base`` is its first place."""
    before = find(tx, partner)
    remove(tx, partner)
    run = Rehearsal(
        partner, before.number + 1 if before else 1, now(), base, None, None, before.agent if before else ""
    )
    tx.execute(insert(sandbox_runs), [run._asdict()])
    return run


def remove(tx: Tx, partner: str) -> None:
    """Remove the rehearsal of a partner. Its certificate stays."""
    for table in (sandbox_runs, sandbox_changes, sandbox_reads, sandbox_answers):
        tx.execute(delete(table).where(table.c.partner == partner))


def end(tx: Tx, partner: str) -> None:
    """End the rehearsal of a partner."""
    tx.execute(update(sandbox_runs).where(_r.partner == partner, _r.ended.is_(None)).values(ended=now()))


def changes_of(tx: Tx, partner: str) -> list[PlayedChange]:
    """Return the changes published to a partner, in order."""
    asked = select(*list(sandbox_changes.c)[1:]).where(_c.partner == partner).order_by(_c.added, _c.listing)
    return [PlayedChange(*row) for row in tx.execute(asked)]


def add_changes(tx: Tx, partner: str, played: Iterable[PlayedChange]) -> None:
    """Record changes published to a partner."""
    rows = [{"partner": partner, **change._asdict()} for change in played]
    if rows:
        tx.execute(insert(sandbox_changes), rows)


def reads_of(tx: Tx, partner: str) -> list[ReadStretch]:
    """Return the reads of a partner's client, in order of time."""
    asked = select(_d.after, _d.up_to, _d.at).where(_d.partner == partner).order_by(_d.at, _d.after)
    return [ReadStretch(*row) for row in tx.execute(asked)]


def note_reads(tx: Tx, served: Iterable[SandboxRead]) -> None:
    """Record clients' reads, each stretch once. The first read of a rehearsal begins it."""
    for read in served:
        run = find(tx, read.partner)
        if run is None or run.ended is not None:
            continue
        agent = "".join(filter(str.isprintable, read.agent))[:_AGENT_CHARACTERS] or run.agent
        if run.began is None or agent != run.agent:
            began = read.at if run.began is None else run.began
            tx.execute(update(sandbox_runs).where(_r.partner == read.partner).values(began=began, agent=agent))
        mine = (_d.partner == read.partner, _d.after == read.after, _d.up_to == read.up_to)
        if read.up_to <= max(read.after, run.base) or tx.execute(select(_d.at).where(*mine)).first() is not None:
            continue
        if _count(tx, sandbox_reads.c.partner, read.partner) < MOST_READS:
            row = {"partner": read.partner, "after": read.after, "up_to": read.up_to, "at": read.at}
            tx.execute(insert(sandbox_reads), [row])


def answers_of(tx: Tx, partner: str) -> list[ListingAnswer]:
    """Return the outcomes that a partner's client sent, in order of time."""
    asked = select(_a.object_id, _a.outcome, _a.at, _a.until).where(_a.partner == partner)
    return [ListingAnswer(*row) for row in tx.execute(asked.order_by(_a.at, _a.object_id, _a.outcome))]


def note_answers(tx: Tx, partner: str, answers: Iterable[ListingAnswer]) -> None:
    """Record outcomes that a client sent: for each listing the first one of each word."""
    left = MOST_ANSWERS - _count(tx, sandbox_answers.c.partner, partner)
    had = {(answer.object_id, answer.outcome) for answer in answers_of(tx, partner)}
    for answer in answers:
        if left > 0 and answer[:2] not in had:
            had.add(answer[:2])
            left -= 1
            tx.execute(insert(sandbox_answers), [{"partner": partner, **answer._asdict()}])


def listed_ids(tx: Tx, partner: str, ids: Iterable[str]) -> set[str]:
    """Return those of ``ids`` that were published to a partner in its rehearsal."""
    found = set[str]()
    for chunk in chunks(sorted(set(ids))):
        asked = select(_c.object_id).where(_c.partner == partner, any_of(tx, _c.object_id, chunk))
        found.update(tx.execute(asked).scalars())
    return found


def collection_of(tx: Tx, partner: str) -> Collection | None:
    """Return the collection of a partner's rehearsals, or None."""
    return collections.find_private(tx, partner, "sandbox")


def forget(tx: Tx, *, before: int, most: int = 100) -> int:
    """Remove at most ``most`` rehearsals started ``before`` (microseconds), and return their number."""
    asked = select(_r.partner).where(_r.started < before).order_by(_r.started).limit(most)
    old = list(tx.execute(asked).scalars())
    for partner in old:
        remove(tx, partner)
    return len(old)


def _count(tx: Tx, column: object, partner: str) -> int:
    return int(tx.execute(select(func.count()).where(column == partner)).scalar_one())  # type: ignore[arg-type]
