"""The valid credentials of a partner, as every front end shows them."""

from collections.abc import Mapping
from typing import Literal

from schemas.api.credentials import PartnerCredential
from server.store import partners, read_progress
from server.store.database.engine import Tx
from server.store.database.times import stamp
from server.store.partners import IssuedCredentials, RegisteredCertificate
from server.store.reads import read_steps


def credentials(tx: Tx, partner: str) -> list[PartnerCredential]:
    """Return the valid passwords with tokens, then the certificates, each with the newest first."""
    reads = last_reads(tx, partner)
    passwords = [_shown("password-and-token", row, reads) for row in partners.credentials_of(tx, partner)]
    return [*passwords, *(_shown("certificate", row, reads) for row in partners.certificates_of(tx, partner))]


def _shown(
    by: Literal["password-and-token", "certificate"],
    row: IssuedCredentials | RegisteredCertificate,
    reads: Mapping[str, int],
) -> PartnerCredential:
    return PartnerCredential(
        id=row.name,
        by=by,
        purpose=row.purpose,
        issued=stamp(row.created),
        expires=stamp(row.expires) if row.expires else None,
        last_read=stamp(reads[row.name]) if row.name in reads else None,
    )


def last_reads(tx: Tx, partner: str) -> dict[str, int]:
    """Return by the name of a login when it last read something new, for the last login that read each collection."""
    found: dict[str, int] = {}
    for collection in read_progress.of_partner(tx, partner):
        step = read_steps.latest(tx, collection, partner)
        if step is not None and step.login is not None:
            found[step.login] = max(step.at, found.get(step.login, 0))
    return found
