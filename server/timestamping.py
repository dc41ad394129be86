"""The time-stamps of evidence, by the authority of the settings."""

from feeds.http import timestamps
from feeds.http.timestamps import TimestampAuthority
from server.release.evidence import desk
from server.settings import Settings
from server.store import Store
from server.store.evidence.files import EvidenceFile


def authority_of(settings: Settings) -> TimestampAuthority | None:
    """Return the authority of the settings that stamps times, None without one."""
    if not settings.timestamp_url or settings.timestamp_ca_file is None:
        return None
    # The operator names it: it may be on a private network.
    return TimestampAuthority(url=settings.timestamp_url, root_file=settings.timestamp_ca_file, allow_private=True)


def stamp(store: Store, file: EvidenceFile, authority: TimestampAuthority | None, by: str) -> None:
    """Have a file time-stamped that has no time-stamp yet. Raises ``Misconfigured`` and ``TryLater``."""
    if authority is None or file.token is not None:
        return
    token = timestamps.fetch(authority, bytes.fromhex(file.sha256)).response
    with store.begin() as tx:
        desk.keep_stamp(tx, file, token, by)
