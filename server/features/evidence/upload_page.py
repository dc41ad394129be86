"""The form by which a partner sends a file of evidence, as ``POST /api/evidence`` does."""

import re
from typing import IO

from flask import Response

from schemas.partner import Partner
from schemas.report import MAX_VALUE
from server.features.evidence import desk, timestamping
from server.features.evidence.desk import EvidenceRefused, Measured, UnknownEvidence
from server.features.evidence.operations import AddEvidence, add_file
from server.features.evidence.place import evidence_place
from server.features.evidence.stored import StoreOfFilesUnavailable
from server.features.reports import feedback
from server.release.query.typed import typed_value
from server.settings import Settings
from server.store.database.engine import Tx
from server.web.shell.forms import own_partner
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_OBJECT = re.compile(r"[a-z0-9-]{1,60}--[0-9a-f-]{36}")
_NO_REPORT = mark("You have no report or case of this number, address or id. Write it as you reported it.")
_SEVERAL = mark("You have several reports of this. Write the id of one: your program and the list of events have it.")
_NO_FILE = mark("Choose a file.")
_UNFIT = mark("This file is empty, too large, or of a type that the hub does not accept.")
_FULL = mark("Your organisation has stored as much evidence as the hub accepts. Ask its operator.")
_DAILY = mark("Your organisation has sent as many files as it may today. Try again tomorrow.")
_AWAY = mark("The file store is not available. Try again in a minute.")
_NOT_HERE = mark("This hub stores no evidence: files stay with their holders.")


class FormRefused(Exception):
    """The form is shown again with the reason."""

    def __init__(self, text: Translatable, status: int = 422) -> None:
        """Refuse with a text that the catalogues have."""
        self.text = text
        self.status = status
        super().__init__(text)


def takes_files(settings: Settings) -> bool:
    """Return whether partners can send files to this hub."""
    return bool(settings.evidence_store and settings.evidence_key_file and settings.evidence_per_day)


def receive(visit: Visit) -> Response:
    """Add the file of the form to the report or case that it names. Raises ``FormRefused`` and ``PageRefused``."""
    hub, settings = visit.site.hub, visit.site.settings
    if not takes_files(settings):
        raise PageRefused(404, _NOT_HERE)
    sent = visit.request.files.get("file")
    if sent is None or not sent.filename:
        raise FormRefused(_NO_FILE)
    with hub.store.read() as tx:
        partner = own_partner(visit, tx)
        object_id = _object(visit, tx, partner)
    try:
        if wait := desk.charge(hub.store, partner, object_id, settings.evidence_per_day):
            raise PageRefused(429, _DAILY, (("Retry-After", str(wait)),))
        operation = AddEvidence(
            object_id=object_id,
            partner=partner.name,
            file=_measured(sent.stream, settings),
            stored_limit=settings.evidence_partner_bytes,
        )
        added = add_file(hub, operation, sent.stream, evidence_place(settings), visit.actor)
    except UnknownEvidence:
        raise FormRefused(_NO_REPORT, 404) from None
    except EvidenceRefused:
        raise FormRefused(_FULL, 409) from None
    except StoreOfFilesUnavailable:
        raise PageRefused(503, _AWAY) from None
    timestamping.stamp_on_receipt(hub.store, added.file, settings, visit.actor.name)
    return visit.go(f"/partner/evidence?added={added.file.sha256}")


def _measured(content: IO[bytes], settings: Settings) -> Measured:
    """Return the measures of a file, ready to be read again. Raises ``FormRefused``."""
    try:
        found = desk.measured(content, settings.evidence_file_bytes)
    except EvidenceRefused:
        raise FormRefused(_UNFIT) from None
    if settings.evidence_media_types and found.media_type not in settings.evidence_media_types:
        raise FormRefused(_UNFIT)
    content.seek(0)
    return found


def _object(visit: Visit, tx: Tx, partner: Partner) -> str:
    """Return the id of the report or case that the form names by its id or its value. Raises ``FormRefused``."""
    given = visit.field("object", MAX_VALUE)
    if _OBJECT.fullmatch(given):
        return given
    found = feedback.own_reports(tx, partner.name, typed_value(given, visit.site.settings.country).names)
    if not found:
        raise FormRefused(_NO_REPORT)
    if len(found) > 1:
        raise FormRefused(_SEVERAL)
    return next(iter(found))
