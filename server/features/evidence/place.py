"""The store of the hub's files of evidence, from the settings."""

from server.features.evidence.desk import StoredEvidence
from server.features.evidence.encryption import EvidenceKey
from server.features.evidence.stored import FileStore
from server.settings import Settings


def evidence_place(settings: Settings) -> StoredEvidence | None:
    """Return the store of files, None if files stay with their holders.

    Raises ``StoreOfFilesUnavailable`` and ``BadKeyFile``.
    """
    if not settings.evidence_store or settings.evidence_key_file is None:
        return None
    return StoredEvidence(FileStore(settings.evidence_store), EvidenceKey(settings.evidence_key_file))
