"""The shared parts of the pages of evidence: the place in a list of files, and how a file is sent."""

from collections.abc import Iterator
from itertools import chain

from flask import Response

from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.evidence_place import evidence_place
from server.release.evidence import desk
from server.release.evidence.desk import StoredEvidence, UnknownEvidence
from server.release.evidence.encryption import UnreadableEvidence
from server.release.evidence.stored import StoreOfFilesUnavailable
from server.store.evidence.files import EvidenceFile, FilePlace

PAGE = 25
_HASH = 64
NO_EVIDENCE = mark("There is no such evidence, report or case, or none that may be had here.")
_AWAY = mark("The store of files does not answer just now. Please try again in a minute.")


def place_of(text: str) -> FilePlace | None:
    """Return the place that the link to the next page has; None for anything else."""
    added, dot, id_ = text[:100].partition(".")
    is_place = dot and added.isascii() and added.isdecimal() and len(added) < 18
    return FilePlace(int(added), id_) if is_place else None


def next_place(found: list[EvidenceFile]) -> str:
    """Return the place from which the next page goes on, "" where all are shown."""
    return f"{found[PAGE - 1].added}.{found[PAGE - 1].id}" if len(found) > PAGE else ""


def stored_evidence(visit: Visit) -> StoredEvidence | None:
    """Return where files are stored, None where they stay with their holders. Raises ``PageRefused``."""
    try:
        return evidence_place(visit.site.settings)
    except StoreOfFilesUnavailable:
        raise PageRefused(503, _AWAY) from None


def evidence_file(visit: Visit, partner: str) -> Response:
    """Send the stored file that the form names, if ``partner`` may have it; its custody has it. Raises ``PageRefused``.

    One that is not stored, or not there, and another's get the same answer.
    """
    place, sha256 = stored_evidence(visit), visit.field("sha256", _HASH)
    if place is None:
        raise PageRefused(404, NO_EVIDENCE)
    try:
        with visit.site.hub.store.begin() as tx:
            file = desk.give(tx, sha256, partner, visit.known_user.name)
        # What cannot be opened is found before the answer begins.
        parts: Iterator[bytes] = desk.content_of(file, place)
        first = next(parts)
    except (UnknownEvidence, UnreadableEvidence):
        raise PageRefused(404, NO_EVIDENCE) from None
    except StoreOfFilesUnavailable:
        raise PageRefused(503, _AWAY) from None
    return visit.download(chain((first,), parts), "application/octet-stream", file.sha256)
