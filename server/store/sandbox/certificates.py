"""The certificates of partners' clients, and the collections that require one."""

import secrets
from string import ascii_uppercase, digits
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.sandbox.tables import certificate_requirements, client_certificates

_LETTERS, _LENGTH = ascii_uppercase + digits, 10
_c = client_certificates.c


class Certificate(NamedTuple):
    """The certificate of a partner's client: when it was issued, its number, the script, and the client's name."""

    partner: str
    issued: int
    number: str
    script: int
    agent: str


def issue(tx: Tx, partner: str, script: int, agent: str) -> Certificate:
    """Issue a certificate to a partner, replacing the previous one."""
    number = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    made = Certificate(partner, now(), number, script, agent)
    remove(tx, partner)
    tx.execute(insert(client_certificates), [made._asdict()])
    return made


def find(tx: Tx, partner: str) -> Certificate | None:
    """Return the certificate of a partner, or None."""
    row = tx.execute(select(client_certificates).where(_c.partner == partner)).first()
    return None if row is None else Certificate(*row)


def remove(tx: Tx, partner: str) -> None:
    """Remove the certificate of a partner."""
    tx.execute(delete(client_certificates).where(_c.partner == partner))


def require(tx: Tx, collection: int, *, required: bool) -> None:
    """Require a certificate for grants of a collection (by number) from now on, or stop requiring it."""
    tx.execute(delete(certificate_requirements).where(certificate_requirements.c.collection == collection))
    if required:
        tx.execute(insert(certificate_requirements), [{"collection": collection}])


def is_required(tx: Tx, collection: int) -> bool:
    """Return whether a collection requires a certificate."""
    asked = select(certificate_requirements.c.collection).where(certificate_requirements.c.collection == collection)
    return tx.execute(asked).first() is not None


def is_missing(tx: Tx, partner: str, collection: int) -> bool:
    """Return whether a collection requires a certificate that the partner does not have."""
    return is_required(tx, collection) and find(tx, partner) is None
