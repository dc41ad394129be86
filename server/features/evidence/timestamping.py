"""Time-stamps for evidence, from the authority in the settings."""

import logging

from feeds.connector import Misconfigured, TryLater
from feeds.transport import timestamps
from feeds.transport.timestamps import TimestampAuthority
from server.features.evidence import desk
from server.features.evidence.files import EvidenceFile
from server.settings import Settings
from server.store import Store

log = logging.getLogger(__name__)

# The maximum wait of a sender for the time-stamp; a file that is sent again is stamped then.
_PATIENCE = {"timeout": "5s", "answer_within": "10s", "retries": 0}


def authority_of(settings: Settings) -> TimestampAuthority | None:
    """Return the time-stamping authority in the settings, None without one."""
    if not settings.timestamp_url or settings.timestamp_ca_file is None:
        return None
    # The operator chose it, so it may be on a private network.
    return TimestampAuthority(url=settings.timestamp_url, root_file=settings.timestamp_ca_file, allow_private=True)


def stamp(store: Store, file: EvidenceFile, authority: TimestampAuthority | None, by: str) -> None:
    """Have a file time-stamped unless it has a time-stamp. Raises ``Misconfigured`` and ``TryLater``."""
    if authority is None or file.token is not None:
        return
    token = timestamps.fetch(authority, bytes.fromhex(file.sha256)).response
    with store.begin() as tx:
        desk.keep_stamp(tx, file, token, by)


def stamp_on_receipt(store: Store, file: EvidenceFile, settings: Settings, by: str) -> None:
    """Ask the authority to time-stamp a file that was just received; a failure is logged."""
    authority = authority_of(settings)
    try:
        stamp(store, file, None if authority is None else authority.model_copy(update=_PATIENCE), by)
    except (Misconfigured, TryLater) as error:
        log.warning("evidence-not-time-stamped file=%s cause=%s", file.id, type(error).__name__)
