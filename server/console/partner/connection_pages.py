"""The page of how a partner's programs connect: its own addresses, its collections, and each client's settings."""

from typing import Any

from flask import Response

from schemas.partner import Partner
from server.console.partner.client_help import ConnectionPlace, clients
from server.console.partner.own import asked, own_partner
from server.console.visit import Visit
from server.store import collections
from server.store.database.engine import Tx

_FULL = "-full"


def show(visit: Visit) -> Response:
    """Show the partner's own addresses, and the settings of each client for the collection that is chosen."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        rights = _rights(tx, partner)
    root = _root(visit)
    place = _place(root, partner.name, rights, asked(visit, "collection"))
    values: dict[str, Any] = {"partner": partner, "rights": rights, "root": root, "place": place}
    readable = sorted({found["alias"].removesuffix(_FULL) for found in rights if found["reads"]})
    return visit.page("partner/connection.html", readable=readable, clients=clients(place), **values)


def _place(root: str, user: str, rights: list[dict[str, Any]], chosen: str) -> ConnectionPlace:
    """Return where to connect for the collection that is chosen, else for the first that the partner reads."""
    ids = {found["alias"]: found["id"] for found in rights if found["reads"]}
    names = [alias.removesuffix(_FULL) for alias in ids]
    alias = chosen if chosen in names else next(iter(names), "COLLECTION")
    plain, full = ids.get(alias, ""), ids.get(alias + _FULL, "")
    return ConnectionPlace(root, user, alias, plain or ("" if full else "COLLECTION"), full)


def _rights(tx: Tx, partner: Partner) -> list[dict[str, Any]]:
    rights = collections.rights(tx, partner.name)
    return [
        {"alias": found.alias, "title": found.title, "id": found.id, "reads": rights[found.id][0]}
        for found in collections.all_collections(tx)
        if found.id in rights
    ]


def _root(visit: Visit) -> str:
    """Return where the partner reaches the hub: as the settings say, else as this browser did."""
    return visit.site.settings.public_url.rstrip("/") or visit.request.host_url.rstrip("/")
