"""The page of a partner's evidence: files that it brought, and those that were handed over to it."""

from typing import NamedTuple

from flask import Response

from server.console.evidence_files import PAGE, evidence_file, next_place, place_of
from server.console.partner.own import link
from server.console.visit import Visit
from server.store.database.engine import Tx
from server.store.evidence import files
from server.store.evidence.files import CustodyEntry, EvidenceFile
from server.store.inbox import object_id

_MOST_OBJECTS, _MOST_ENTRIES = 10, 20


class OpenFile(NamedTuple):
    """A file that a partner may have: the reports and cases because of which, and the part of its custody it knows."""

    file: EvidenceFile
    is_own: bool
    objects: list[str]
    custody: list[CustodyEntry]


def show(visit: Visit) -> Response:
    """Show a page of the files that the partner may have, the newest first."""
    partner = visit.known_user.partner or ""
    with visit.site.hub.store.read() as tx:
        found = files.open_files(tx, partner, PAGE + 1, after=place_of(visit.request.args.get("after", "")))
        rows = [_open(tx, file, partner) for file in found[:PAGE]]
    place = next_place(found)
    return visit.page(
        "partner/evidence.html", rows=rows, following=link("/partner/evidence", after=place) if place else ""
    )


def send(visit: Visit) -> Response:
    """Send a file that the partner may have. Raises ``PageRefused``."""
    return evidence_file(visit, visit.known_user.partner or "")


def _open(tx: Tx, file: EvidenceFile, partner: str) -> OpenFile:
    """Return what a partner knows of a file; of who else has another's file it learns nothing."""
    is_own = file.partner == partner
    keys = files.objects_of(tx, file.id)[: _MOST_OBJECTS * _MOST_OBJECTS]
    objects = [object_id(key) for key in keys if is_own or partner in files.members(tx, key)]
    known = [entry for entry in files.custody(tx, file.id) if is_own or entry.partner in (None, partner)]
    return OpenFile(file, is_own, objects[:_MOST_OBJECTS], known[-_MOST_ENTRIES:])
