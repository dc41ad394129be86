"""A search of the audit trail, in steps of some thousand entries."""

from typing import Literal, NamedTuple

from sqlalchemy import select

from server.store.audit import AuditEntry, AuditEvent
from server.store.database.engine import Tx
from server.store.tables import audit, columns_of

_PAGE = 5_000
_FOUND = 50


class TrailPlace(NamedTuple):
    """The position that a search of the audit trail has reached: the beginning, chain and number of an entry."""

    first: int
    chain: str
    number: int


class TrailFilter(NamedTuple):
    """The limits of a search; an empty text is no limit.

    ``since`` and ``until`` (microseconds, the latter excluded) are of the beginning of entries. ``only``: acts, which
    changed something; or requests that were refused, or failed here.
    """

    partner: str = ""
    by: str = ""
    method: str = ""
    route: str = ""
    since: int | None = None
    until: int | None = None
    only: Literal["", "acts", "refused", "failed"] = ""

    def takes(self, event: AuditEvent) -> bool:
        """Return whether an event is searched for, its time aside."""
        of_actor = self.partner in ("", event.partner) and self.by in ("", event.remote)
        if not of_actor or self.method not in ("", event.method) or self.route not in ("", event.route):
            return False
        if self.only == "acts":
            return event.method not in _HTTP_METHODS
        return not self.only or (event.status >= 500 if self.only == "failed" else 400 <= event.status < 500)


_HTTP_METHODS = frozenset(("GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT"))
_EVERYTHING = TrailFilter()


def search(
    tx: Tx, wanted: TrailFilter = _EVERYTHING, *, before: TrailPlace | None = None
) -> tuple[list[AuditEntry], TrailPlace | None]:
    """Return the newest matching entries and the position of the last examined one (None at the beginning).

    Each call examines some thousand entries ``before`` that position. To find rare entries, continue there.
    """
    columns = columns_of(AuditEvent, audit)
    order = (audit.c.first.desc(), audit.c.chain, audit.c.number.desc())
    asked = select(audit.c.chain, audit.c.number, *columns, audit.c.hash).order_by(*order).limit(_PAGE)
    if wanted.since is not None:
        asked = asked.where(audit.c.first >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(audit.c.first < wanted.until)
    if before is not None:
        same = (audit.c.first == before.first) & (audit.c.chain == before.chain) & (audit.c.number < before.number)
        later = (audit.c.first == before.first) & (audit.c.chain > before.chain)
        asked = asked.where(audit.c.first <= before.first, (audit.c.first < before.first) | same | later)
    found: list[AuditEntry] = []
    looked_at = 0
    for row in tx.execute(asked):
        entry = AuditEntry(row[0], row[1], AuditEvent(*row[2:-1]), row[-1].hex())
        looked_at += 1
        place = TrailPlace(entry.event.first, entry.chain, entry.number)
        if wanted.takes(entry.event):
            found.append(entry)
            if len(found) == _FOUND:
                return found, place
    return found, place if looked_at == _PAGE else None
