"""The pages of evidence, with the bag of a report or a case, and of notice: what the hub told a partner, signed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlencode

from flask import Response

from schemas import kinds
from schemas.partner import Partner
from schemas.proof.signatures import BadSigningKey
from server import signing_keys
from server.console.evidence_files import NO_EVIDENCE, PAGE, next_place, place_of, stored_evidence
from server.console.notice_files import NO_KEYS, NO_PARTNER, NotStated, notice_file
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.evidence import desk
from server.release.evidence.desk import UnknownEvidence
from server.release.evidence.encryption import UnreadableEvidence
from server.release.evidence.stored import StoreOfFilesUnavailable
from server.release.notices.document import makes_pdfs
from server.store import partners
from server.store.database.engine import Tx
from server.store.evidence import files
from server.store.inbox import object_id
from server.store.partners import UnknownPartner

_NO_CONTENT = mark(
    "A stored file cannot be read, or is another one: there is no bag. Whoever runs the hub has to look."
)
_LONGEST = 200
_CHUNK = 1 << 16
_MOST_OF_OBJECT = 200


def show(visit: Visit) -> Response:
    """Show the newest files, or those of one report or case."""
    about, whose = (visit.request.args.get(name, "").strip()[:_LONGEST] for name in ("object", "whose"))
    values: dict[str, Any] = {"about": about, "whose": whose, "members": [], "following": "", "problem": ""}
    with visit.site.hub.store.read() as tx:
        if about:
            try:
                key = _key(tx, about, whose)
                found = files.of_objects(tx, [key])[:_MOST_OF_OBJECT]
                values["members"] = files.members(tx, key)
            except UnknownEvidence:
                found = []
                values["problem"] = NO_EVIDENCE
        else:
            every = files.all_files(tx, limit=PAGE + 1, after=place_of(visit.request.args.get("after", "")))
            found, place = every[:PAGE], next_place(every)
            values["following"] = "/console/evidence?" + urlencode({"after": place}) if place else ""
        rows = [(file, [object_id(key) for key in files.objects_of(tx, file.id)[:PAGE]]) for file in found]
        custody = {file.id: files.custody(tx, file.id) for file in found} if about else {}
    return visit.page("operator/evidence.html", 404 if values["problem"] else 200, rows=rows, custody=custody, **values)


def hand_over(visit: Visit) -> Response:
    """Hand the files of a report or a case over to a partner, later ones too. Raises ``PageRefused``."""
    with _refusing(), visit.site.hub.store.begin() as tx:
        desk.hand_over(tx, _asked_key(visit, tx), _partner(visit, tx), visit.known_user.name)
    return _back(visit)


def take_back(visit: Visit) -> Response:
    """Let a partner have the files of a report or a case no more. Raises ``PageRefused``."""
    with _refusing(), visit.site.hub.store.begin() as tx:
        desk.take_back(tx, _asked_key(visit, tx), visit.field("partner", _LONGEST), visit.known_user.name)
    return _back(visit)


def send_bag(visit: Visit) -> Response:
    """Send the files of a report or a case as one bag for a partner that may have them. Raises ``PageRefused``."""
    place = stored_evidence(visit)
    with _refusing():
        keys = signing_keys.load(visit.site.settings)
        with visit.site.hub.store.begin() as tx:
            key, partner = _asked_key(visit, tx), _partner(visit, tx)
            begun = desk.begin_export(tx, key, keys, partner.name, visit.known_user.name)
        with ExitStack() as stack:
            written = stack.enter_context(TemporaryFile())
            desk.write_bag(begun, written, place)
            written.seek(0)
            stack.pop_all()
    return visit.download(_content(written), "application/zip", f"{begun.object_id}.zip")


def _content(written: IO[bytes]) -> Iterator[bytes]:
    with written:
        while chunk := written.read(_CHUNK):
            yield chunk


def _back(visit: Visit) -> Response:
    asked = {name: visit.field(name, _LONGEST) for name in ("object", "whose")}
    return visit.go("/console/evidence?" + urlencode(asked))


def _asked_key(visit: Visit, tx: Tx) -> str:
    return _key(tx, visit.field("object", _LONGEST), visit.field("whose", _LONGEST))


def _key(tx: Tx, about: str, whose: str) -> str:
    """Return the key of a report or a case. Raises ``UnknownEvidence``."""
    try:
        return desk.object_key(tx, about, whose or None)[0]
    except KeyError:
        raise UnknownEvidence(about) from None


def _partner(visit: Visit, tx: Tx) -> Partner:
    """Return the partner that the form names. Raises ``UnknownPartner``."""
    return partners.get(tx, visit.field("partner", _LONGEST))


def show_notice(visit: Visit, problem: str = "") -> Response:
    """Show the form of a notice about any partner."""
    partner = visit.field("partner", _LONGEST) or visit.request.args.get("partner", "")[:_LONGEST]
    status = 422 if problem else 200
    every = sorted(kinds.every())
    return visit.page(
        "operator/notice.html", status, kinds=every, has_pdf=makes_pdfs(), problem=problem, partner=partner
    )


def send_notice(visit: Visit) -> Response:
    """Send the statement about a partner, also about one that left."""
    try:
        return notice_file(visit, visit.field("partner", _LONGEST))
    except NotStated as refused:
        return show_notice(visit, refused.text)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what there is not into pages that say so."""
    try:
        yield
    except UnknownEvidence:
        raise PageRefused(404, NO_EVIDENCE) from None
    except UnknownPartner:
        raise PageRefused(422, NO_PARTNER) from None
    except BadSigningKey:
        raise PageRefused(409, NO_KEYS) from None
    except (UnreadableEvidence, StoreOfFilesUnavailable):
        raise PageRefused(503, _NO_CONTENT) from None
