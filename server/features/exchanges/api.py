"""Exchanges over TAXII: their members delete the objects that they made."""

from schemas.partner import Partner
from server.features.exchanges.operations import DeleteObject, NotYours, UnknownObject
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.store.objects.query import Query
from server.web.taxii import auth
from server.web.taxii.errors import TaxiiError


def delete(hub: Hub, partner: Partner, remote: str, collection: str, versions: Query) -> None:
    """Delete versions of an object from the exchange with this id. Raises ``TaxiiError``."""
    operation = DeleteObject(partner=partner, collection=collection, versions=versions)
    actor = Actor.program(partner, remote)
    try:
        run(hub, operation, actor, check=lambda tx: auth.writable(tx, partner, collection))
    except NotYours:
        raise TaxiiError("not-yours-to-delete") from None
    except UnknownObject:
        raise TaxiiError("not-found") from None
