"""Stored incidents: the selected reports in their order, and the decisions on them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import delete, func, insert, select, tuple_, update

from server.features.incidents.tables import incident_decisions, incident_partners, incident_reports, incidents
from server.store import jobs
from server.store.database.engine import Tx
from server.store.database.sql import insert_many
from server.store.database.times import now

IncidentState = Literal["selecting", "ready"]
Decision = Literal["hold", "release", "retract"]

_i, _r, _p, _d = incidents.c, incident_reports.c, incident_partners.c, incident_decisions.c
_ROWS = 2_000


class UnknownIncident(LookupError):
    """There is no such incident, or the reader may not see it: nobody can tell which."""

    def __init__(self, id_: str) -> None:
        """Name the incident that was asked for."""
        super().__init__(f"there is no incident {id_}; list them: scamfeed incident list")


class Incident(NamedTuple):
    """A selection of reports for one decision; moments are in microseconds.

    ``owner`` is the partner that selected its own reports, None for an operator. ``digest`` is that of all selected
    reports, and binds what two persons decide on.
    """

    id: str
    owner: str | None
    made_by: str
    made: int
    reason: str
    chosen: Mapping[str, Any]
    state: IncidentState
    reports: int
    digest: bytes
    summary: Mapping[str, Any]


class SelectedReport(NamedTuple):
    """A selected report: its key in the inbox, its value, and when the hub received it (microseconds)."""

    key: str
    subject: str
    received: int


class PlacedReport(NamedTuple):
    """A stored selected report, and why the last decision left it out."""

    place: int
    key: str
    subject: str
    received: int
    left_out: str | None


class IncidentDecision(NamedTuple):
    """A decision that two persons made, and its progress: changed reports, and those left out, by reason."""

    incident: str
    number: int
    decision: Decision
    proposal: str | None
    decided_by: str
    begun: int
    ended: int | None
    counts: Mapping[str, int]


def digest_of(reports: Iterable[SelectedReport]) -> bytes:
    """Return the digest of selected reports in their order."""
    made = hashlib.sha256()
    for report in reports:
        made.update(f"{report.key}\n{report.subject}\n{report.received}\n".encode())
    return made.digest()


def add(tx: Tx, made: Incident, partners: Mapping[str, int]) -> None:
    """Store an incident, and the partners whose reports it selects; its reports follow."""
    written = {name: orjson.dumps(getattr(made, name)) for name in ("chosen", "summary")}
    tx.execute(insert(incidents), [{**made._asdict(), **written}])
    insert_many(tx, incident_partners, [(made.id, partner, number) for partner, number in sorted(partners.items())])


def add_reports(tx: Tx, id_: str, first: int, reports: Sequence[SelectedReport]) -> None:
    """Store selected reports at their places from ``first`` on."""
    insert_many(tx, incident_reports, [(id_, place, *report, None) for place, report in enumerate(reports, first)])


def set_ready(tx: Tx, id_: str) -> None:
    """Note that all reports of an incident are stored."""
    tx.execute(update(incidents).where(_i.id == id_).values(state="ready"))


def find(tx: Tx, id_: str, owner: str | None = None) -> Incident:
    """Return an incident; with ``owner``, only if this partner made it. In a write transaction it is locked.

    Raises ``UnknownIncident``.
    """
    asked = select(incidents).where(_i.id == id_)
    if owner is not None:
        asked = asked.where(_i.owner == owner)
    row = tx.execute(asked.with_for_update()).first()
    if row is None:
        raise UnknownIncident(id_)
    return _incident(row)


def is_known(tx: Tx, id_: str) -> bool:
    """Return whether there is an incident with that id."""
    return tx.execute(select(_i.id).where(_i.id == id_)).first() is not None


def all_incidents(
    tx: Tx, *, owner: str | None = None, limit: int, after: tuple[int, str] | None = None
) -> list[Incident]:
    """Return incidents, the newest first; with ``owner``, only those that this partner made."""
    asked = select(incidents).order_by(_i.made.desc(), _i.id.desc()).limit(limit)
    if owner is not None:
        asked = asked.where(_i.owner == owner)
    if after is not None:
        asked = asked.where(tuple_(_i.made, _i.id) < tuple_(*after))
    return [_incident(row) for row in tx.execute(asked)]


def count_undecided(tx: Tx, owner: str | None) -> int:
    """Return the number of incidents of a partner, or of operators, without any decision."""
    decided = select(_d.incident).where(_d.incident == _i.id).exists()
    mine = _i.owner.is_(None) if owner is None else _i.owner == owner
    found: int = tx.execute(select(func.count()).select_from(incidents).where(mine, ~decided)).scalar_one()
    return found


def decided_about(tx: Tx, partner: str, limit: int) -> list[tuple[Incident, int, list[IncidentDecision]]]:
    """Return the latest incidents that operators decided about a partner's reports, with its number of them."""
    asked = (
        select(*incidents.c, _p.reports.label("own"))
        .join(incident_partners, _p.incident == _i.id)
        .where(_p.partner == partner, _i.owner.is_(None))
        .where(select(_d.incident).where(_d.incident == _i.id).exists())
        .order_by(_i.made.desc(), _i.id.desc())
        .limit(limit)
    )
    rows = tx.execute(asked).all()
    found = decisions_of(tx, [row.id for row in rows])
    return [(_incident(row[:-1]), row.own, found.get(row.id, [])) for row in rows]


def partners_of(tx: Tx, id_: str) -> dict[str, int]:
    """Return the number of selected reports by partner, the most first."""
    rows = tx.execute(select(_p.partner, _p.reports).where(_p.incident == id_))
    return {row[0]: row[1] for row in sorted(rows, key=lambda row: (-row[1], row[0]))}


def reports_after(tx: Tx, id_: str, after: int, most: int, *, left_out: bool = False) -> list[PlacedReport]:
    """Return selected reports by their places after ``after``; only those ``left_out`` if asked for."""
    asked = select(_r.place, _r.key, _r.subject, _r.received, _r.left_out)
    asked = asked.where(_r.incident == id_, _r.place > after).order_by(_r.place).limit(most)
    if left_out:
        asked = asked.where(_r.left_out.is_not(None))
    return [PlacedReport._make(row) for row in tx.execute(asked)]


def sample(tx: Tx, found: Incident, most: int) -> list[PlacedReport]:
    """Return at most ``most`` reports, spread evenly over the selection."""
    step = max(1, found.reports // most)
    places = list(range(1, found.reports + 1, step))[:most]
    asked = select(_r.place, _r.key, _r.subject, _r.received, _r.left_out)
    asked = asked.where(_r.incident == found.id, _r.place.in_(places)).order_by(_r.place)
    return [PlacedReport._make(row) for row in tx.execute(asked)]


def leave_out(tx: Tx, id_: str, places: Mapping[int, str | None]) -> None:
    """Note why a decision left reports out, by their places; None where an earlier one did."""
    for reason in sorted({reason or "" for reason in places.values()}):
        mine = [place for place, given in places.items() if (given or "") == reason]
        for start in range(0, len(mine), _ROWS):
            part = _r.place.in_(mine[start : start + _ROWS])
            tx.execute(update(incident_reports).where(_r.incident == id_, part).values(left_out=reason or None))


def decisions_of(tx: Tx, ids: Iterable[str]) -> dict[str, list[IncidentDecision]]:
    """Return the decisions on incidents, by incident, the first first."""
    found: dict[str, list[IncidentDecision]] = {}
    asked = select(*incident_decisions.c).where(_d.incident.in_(list(ids)))
    for row in tx.execute(asked.order_by(_d.incident, _d.number)):
        found.setdefault(row.incident, []).append(IncidentDecision._make((*row[:-1], orjson.loads(row.counts))))
    return found


def add_decision(tx: Tx, id_: str, decision: Decision, proposal: str | None, by: str) -> IncidentDecision:
    """Store a decision, which has begun."""
    number = len(decisions_of(tx, [id_]).get(id_, ())) + 1
    made = IncidentDecision(id_, number, decision, proposal, by, now(), None, {})
    tx.execute(insert(incident_decisions), [{**made._asdict(), "counts": b"{}"}])
    return made


def end_decision(tx: Tx, id_: str, number: int, counts: Mapping[str, int]) -> None:
    """Note that a decision is carried out, with its numbers."""
    mine = (_d.incident == id_, _d.number == number)
    tx.execute(update(incident_decisions).where(*mine).values(ended=now(), counts=orjson.dumps(counts)))


def job_name(id_: str, number: int) -> str:
    """Return the name of the job that carries out a decision."""
    return f"incident {id_} {number}"


def remove(tx: Tx, id_: str) -> None:
    """Remove an incident with its selection, its decisions and their jobs; the reports stay as they are."""
    for decision in decisions_of(tx, [id_]).get(id_, ()):
        jobs.forget(tx, job_name(id_, decision.number))
    for table in (incident_reports, incident_partners, incident_decisions):
        tx.execute(delete(table).where(table.c.incident == id_))
    tx.execute(delete(incidents).where(_i.id == id_))


def forget(tx: Tx, *, before: int) -> int:
    """Remove the oldest incident from ``before`` (microseconds) that has no unfinished decision; return the number."""
    unfinished = select(_d.incident).where(_d.incident == _i.id, _d.ended.is_(None)).exists()
    asked = select(_i.id).where(_i.made < before, ~unfinished).order_by(_i.made).limit(1)
    old = tx.execute(asked).scalars().all()
    for id_ in old:
        remove(tx, id_)
    return len(old)


def _incident(row: Sequence[Any]) -> Incident:
    found = Incident._make(row)
    return found._replace(chosen=orjson.loads(found.chosen), summary=orjson.loads(found.summary))  # type: ignore[arg-type]  # stored as JSON
