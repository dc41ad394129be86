"""The pages of a partner's users: what became of its reports, its credentials, and how its programs connect."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from flask import Response

from mappers.indicator import from_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from server.console.operator.trail import note
from server.console.visit import Visit
from server.release.query import feedback
from server.store import collections, inbox, partners
from server.store.database.engine import Tx
from server.store.database.times import micros

_ROWS = 100


def show_reports(visit: Visit) -> Response:
    """Show the latest that became of the partner's reports."""
    with visit.site.hub.store.read() as tx:
        partner = _partner(visit, tx)
        rows = feedback.told(tx, partner.name, None, _ROWS)[::-1]
        values = _values(tx, partner, {row["object"] for row in rows})
    shown = [{**row, **values.get(row["object"], {}), **_moments(row)} for row in rows]
    return visit.page("partner/feedback.html", partner=partner, rows=shown, most=_ROWS)


def _values(tx: Tx, partner: Partner, wanted: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return kind and value of the partner's own reports, by id."""
    found: dict[str, dict[str, str]] = {}
    for id_, item in inbox.of_partner(tx, partners.space(tx, partner.name), wanted).items():
        if item.type == "indicator":
            with suppress(Rejected):
                report = from_stix(msgspec.json.decode(item.body))
                found[id_] = {"kind": report.kind, "value": report.value}
    return found


def _moments(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the moments of a row as microseconds."""
    return {stage: micros(timestamp.parse(row[stage])) if row[stage] else None for stage in feedback.STAGES}


def show_connection(visit: Visit) -> Response:
    """Show the partner's own addresses for its programs."""
    with visit.site.hub.store.read() as tx:
        partner = _partner(visit, tx)
        values: dict[str, Any] = {"partner": partner, "rights": _rights(tx, partner), "root": _root(visit)}
    return visit.page("partner/connection.html", **values)


def rotate(visit: Visit) -> Response:
    """Issue new credentials, and show them this once; the old ones work for another week."""
    user = visit.known_user
    if visit.request.method != "POST":
        return visit.page("partner/credentials.html", credentials=None, days=partners.OVERLAP.days)
    with visit.site.hub.store.begin() as tx:
        made = partners.rotate(tx, _partner(visit, tx).name)
        note(tx, "ROTATE", "credentials", user, user.id)
    return visit.page("partner/credentials.html", credentials=made, days=partners.OVERLAP.days)


def _partner(visit: Visit, tx: Tx) -> Partner:
    """Return the partner whose user asks: there is no other way to name one here."""
    return partners.get(tx, visit.known_user.partner or "")


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
