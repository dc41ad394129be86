"""The place of the hub's files of evidence, by the settings."""

from server.release.evidence.desk import StoredEvidence
from server.release.evidence.encryption import EvidenceKey
from server.release.evidence.stored import FileStore
from server.settings import Settings


def evidence_place(settings: Settings) -> StoredEvidence | None:
    """Return where files are stored, None where they stay with their holders.

    Raises ``StoreOfFilesUnavailable`` and ``BadKeyFile``.
    """
    if not settings.evidence_store or settings.evidence_key_file is None:
        return None
    return StoredEvidence(FileStore(settings.evidence_store), EvidenceKey(settings.evidence_key_file))
