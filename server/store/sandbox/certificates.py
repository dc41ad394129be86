"""The certificates of partners' clients, and the collections that ask for one."""

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
    """The certificate of a partner's client: when it was issued, its number, for which script, the client's name."""

    partner: str
    issued: int
    number: str
    script: int
    agent: str


def issue(tx: Tx, partner: str, script: int, agent: str) -> Certificate:
    """Issue a certificate to a partner, in place of the one before."""
    number = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    made = Certificate(partner, now(), number, script, agent)
    remove(tx, partner)
    tx.execute(insert(client_certificates), [made._asdict()])
    return made


def find(tx: Tx, partner: str) -> Certificate | None:
    """Return the certificate of a partner, None where it has none."""
    row = tx.execute(select(client_certificates).where(_c.partner == partner)).first()
    return None if row is None else Certificate(*row)


def remove(tx: Tx, partner: str) -> None:
    """Remove the certificate of a partner."""
    tx.execute(delete(client_certificates).where(_c.partner == partner))


def require(tx: Tx, collection: int, *, required: bool) -> None:
    """Let only partners with a certificate be granted a collection, by its number, from now on; or all again."""
    tx.execute(delete(certificate_requirements).where(certificate_requirements.c.collection == collection))
    if required:
        tx.execute(insert(certificate_requirements), [{"collection": collection}])


def is_required(tx: Tx, collection: int) -> bool:
    """Return whether only partners with a certificate may be granted a collection."""
    asked = select(certificate_requirements.c.collection).where(certificate_requirements.c.collection == collection)
    return tx.execute(asked).first() is not None


def is_missing(tx: Tx, partner: str, collection: int) -> bool:
    """Return whether a collection asks for a certificate that the partner does not have."""
    return is_required(tx, collection) and find(tx, partner) is None
