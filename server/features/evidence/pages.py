"""The pages of evidence: a partner's own files and those that it has access to, and the desk of operators."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

from flask import Response

from schemas.tlog.signatures import BadSigningKey
from server import signing_keys
from server.features.evidence import desk, files, upload_page
from server.features.evidence.desk import StoredEvidence, UnknownEvidence
from server.features.evidence.encryption import UnreadableEvidence
from server.features.evidence.files import CustodyEntry, EvidenceFile, FilePlace
from server.features.evidence.operations import (
    AddEvidence,
    ExportEvidence,
    GiveEvidence,
    HandOverEvidence,
    TakeBackEvidence,
)
from server.features.evidence.place import evidence_place
from server.features.evidence.stored import StoreOfFilesUnavailable
from server.features.evidence.upload_page import FormRefused
from server.features.notices.pages import NO_KEYS, NO_PARTNER
from server.features.reports.feedback import own_values, reported_values
from server.operations.rights import ANALYSTS, PARTNER_WRITERS, PARTNERS
from server.operations.run import run
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.partners import UnknownPartner
from server.web.shell.forms import Refusals, refusing, submit
from server.web.shell.lists import LONGEST, asked, link, page_of, place_of
from server.web.shell.routes import FORM, MEMBERS, RECORDS, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.limits import MAX_CONTENT_LENGTH

_NO_CONTENT = mark(
    "A stored file is unreadable or has changed, so no bag was made. The administrator of the hub must check it."
)
_CHUNK = 1 << 16
_MOST_OF_OBJECT = 200
_MOST_OBJECTS, _MOST_ENTRIES = 10, 20
_PAGE = 25
_HASH = 64
NO_EVIDENCE = mark("There is no such evidence, report or case, or you have no access to it.")
_AWAY = mark("The file store is not available. Try again in a minute.")
_REFUSALS: Refusals = {
    UnknownEvidence: (404, NO_EVIDENCE),
    UnknownPartner: (422, NO_PARTNER),
    BadSigningKey: (409, NO_KEYS),
    UnreadableEvidence: (503, _NO_CONTENT),
    StoreOfFilesUnavailable: (503, _NO_CONTENT),
}


class OpenFile(NamedTuple):
    """A file that a partner may have, with its reports and cases, and the visible part of its custody."""

    file: EvidenceFile
    is_own: bool
    objects: list[str]
    custody: list[CustodyEntry]


def show_all(visit: Visit) -> Response:
    """Show the newest files, or those of one report or case."""
    about, whose = asked(visit, "object"), asked(visit, "whose")
    values: dict[str, Any] = {"about": about, "whose": whose, "members": [], "following": "", "problem": ""}
    with visit.site.hub.store.read() as tx:
        if about:
            try:
                key, _ = desk.object_key(tx, about, whose or None)
                found = files.of_objects(tx, [key])[:_MOST_OF_OBJECT]
                values["members"] = files.members(tx, key)
            except UnknownEvidence:
                found = []
                values["problem"] = NO_EVIDENCE
        else:
            every = files.all_files(tx, limit=_PAGE + 1, after=place_of(visit, FilePlace, int, str))
            found, values["following"] = page_of(visit, every, _PAGE, lambda last: (last.added, last.id))
        keys = {file.id: files.objects_of(tx, file.id)[:_PAGE] for file in found}
        rows = [(file, [(object_id(key), key) for key in keys[file.id]]) for file in found]
        values["reported"] = reported_values(tx, (key for objects in keys.values() for key in objects))
        custody = {file.id: files.custody(tx, file.id) for file in found} if about else {}
    return visit.page("operator/evidence.html", 404 if values["problem"] else 200, rows=rows, custody=custody, **values)


def hand_over(visit: Visit) -> Response:
    """Give a partner access to the files of a report or a case, including later ones. Raises ``PageRefused``."""
    submit(visit, HandOverEvidence(**_asked(visit)), _REFUSALS)
    return _back(visit)


def take_back(visit: Visit) -> Response:
    """End a partner's access to the files of a report or a case. Raises ``PageRefused``."""
    submit(visit, TakeBackEvidence(**_asked(visit)), _REFUSALS)
    return _back(visit)


def send_bag(visit: Visit) -> Response:
    """Send the files of a report or a case as one bag for a partner that may have them. Raises ``PageRefused``."""
    place = stored_evidence(visit)
    with refusing(_REFUSALS):
        keys = signing_keys.load(visit.site.settings)
        begun = run(visit.site.hub, ExportEvidence(**_asked(visit), keys=keys), visit.actor)
        with ExitStack() as stack:
            written = stack.enter_context(TemporaryFile())
            desk.write_bag(begun, written, place)
            written.seek(0)
            stack.pop_all()
    return visit.file(_content(written), f"{begun.object_id}.zip", "application/zip")


def _content(written: IO[bytes]) -> Iterator[bytes]:
    with written:
        while chunk := written.read(_CHUNK):
            yield chunk


def _back(visit: Visit) -> Response:
    named = {name: visit.field(name, LONGEST) for name in ("object", "whose")}
    return visit.go(link("/console/evidence", **named))


def _asked(visit: Visit) -> dict[str, Any]:
    """Return the report or case, its contributor, and the other partner that the form names."""
    named = {field: visit.field(name, LONGEST) for field, name in (("object_id", "object"), ("to", "partner"))}
    return {**named, "partner": visit.field("whose", LONGEST) or None}


def show_own(visit: Visit) -> Response:
    """Show a page of the files that the partner may have, the newest first."""
    return _own_page(visit)


def add_own(visit: Visit) -> Response:
    """Add the file that the partner sends to its own report or case. Raises ``PageRefused``."""
    try:
        return upload_page.receive(visit)
    except FormRefused as refused:
        return _own_page(visit, refused.text, refused.status)


def _own_page(visit: Visit, problem: Translatable = "", status: int = 200) -> Response:
    """Show a page of the files, the newest first, and the form for another."""
    partner = visit.known_user.partner or ""
    with visit.site.hub.store.read() as tx:
        found = files.open_files(tx, partner, _PAGE + 1, after=place_of(visit, FilePlace, int, str))
        shown, following = page_of(visit, found, _PAGE, lambda last: (last.added, last.id))
        rows = [_open(tx, file, partner) for file in shown]
        reported = own_values(tx, partner, (id_ for row in rows for id_ in row.objects))
    settings = visit.site.settings
    return visit.page(
        "partner/evidence.html",
        status,
        rows=rows,
        reported=reported,
        following=following,
        problem=problem,
        object=visit.field("object") or asked(visit, "object"),
        added=asked(visit, "added"),
        takes_files=upload_page.takes_files(settings) and visit.right in PARTNER_WRITERS,
        most=settings.evidence_file_bytes // 1_000_000,
        types=settings.evidence_media_types,
    )


def send_own(visit: Visit) -> Response:
    """Send a file that the partner may have. Raises ``PageRefused``."""
    return evidence_file(visit, visit.known_user.partner or "")


def _open(tx: Tx, file: EvidenceFile, partner: str) -> OpenFile:
    """Return the parts of a file that a partner may see; of others' files it does not learn who else has them."""
    is_own = file.partner == partner
    keys = files.objects_of(tx, file.id)[: _MOST_OBJECTS * _MOST_OBJECTS]
    objects = [object_id(key) for key in keys if is_own or partner in files.members(tx, key)]
    known = [entry for entry in files.custody(tx, file.id) if is_own or entry.partner in (None, partner)]
    return OpenFile(file, is_own, objects[:_MOST_OBJECTS], known[-_MOST_ENTRIES:])


def stored_evidence(visit: Visit) -> StoredEvidence | None:
    """Return the store of files, None if they stay with their holders. Raises ``PageRefused``."""
    try:
        return evidence_place(visit.site.settings)
    except StoreOfFilesUnavailable:
        raise PageRefused(503, _AWAY) from None


def evidence_file(visit: Visit, partner: str) -> Response:
    """Send the stored file that the form names, if ``partner`` may have it. Raises ``PageRefused``.

    Unknown files, files that are not stored and those of others give the same page.
    """
    place, sha256 = stored_evidence(visit), visit.field("sha256", _HASH)
    if place is None:
        raise PageRefused(404, NO_EVIDENCE)
    try:
        operation = GiveEvidence(sha256=sha256, to=partner, request=visit.field("request", _HASH) or None)
        file = run(visit.site.hub, operation, visit.actor).file
        # An unreadable file is detected before the response begins.
        parts: Iterator[bytes] = desk.content_of(file, place)
        first = next(parts)
    except (UnknownEvidence, UnreadableEvidence):
        raise PageRefused(404, NO_EVIDENCE) from None
    except StoreOfFilesUnavailable:
        raise PageRefused(503, _AWAY) from None
    return visit.file(chain((first,), parts), file.sha256, "application/octet-stream")


ROUTES = (
    Route("/console/evidence", ANALYSTS, show_all, tab=Tab(MEMBERS, 3, mark("Evidence"))),
    *(
        Route(f"/console/evidence/{name}", may_run(act), view, methods=FORM, is_fresh=True)
        for name, act, view in (
            ("hand-over", HandOverEvidence, hand_over),
            ("take-back", TakeBackEvidence, take_back),
            ("bag", ExportEvidence, send_bag),
        )
    ),
    Route("/partner/evidence", PARTNERS, show_own, tab=Tab(RECORDS, 6, mark("Evidence"))),
    Route("/partner/evidence/add", may_run(AddEvidence), add_own, methods=FORM, file_bytes=MAX_CONTENT_LENGTH),
    Route("/partner/evidence/file", PARTNERS, send_own, methods=FORM, is_fresh=True),
)
