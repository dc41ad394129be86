"""The sheet with all that a partner's client needs, which is shown once with new credentials."""

import shlex
from collections.abc import Mapping
from typing import Any

from flask import Response
from markupsafe import Markup

from schemas.partner import Partner
from server.features.partners import membership
from server.features.partners.connection import client_settings
from server.features.partners.membership import Joined
from server.store.database.engine import Tx
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark


def joined_page(visit: Visit, joined: Joined) -> Response:
    """Return the page that shows once the credentials of a partner, with all that its client needs."""
    with visit.site.hub.store.read() as tx:
        sheet = _sheet(visit, tx, joined)
    nothing = membership.providing_nothing(joined.partner)
    return visit.page("operator/joined.html", partner=joined.partner, sheet=sheet, nothing=nothing)


def _sheet(visit: Visit, tx: Tx, joined: Joined) -> Markup:
    """Return what a partner needs to connect, in the language chosen in the form; it is not stored."""
    partner = joined.partner
    site = visit.site
    code = visit.field("sheet_language") if visit.field("sheet_language") in site.languages else visit.language.code
    client = client_settings(tx, visit.root, partner)
    template = site.environments[code].get_template("operator/sheet.html")
    language = site.languages[code]
    values: dict[str, Any] = {"partner": partner, "credentials": joined.credentials, "client": client}
    return Markup(  # noqa: S704 - the template escapes its values
        template.render(values | {"commands": _commands(partner, client), "language": language})
    )


def _commands(partner: Partner, client: Mapping[str, Any]) -> list[tuple[Translatable, str]]:
    """Return the first commands of a partner: list its collections, read listings, contribute."""
    user, media = shlex.quote(partner.name), "'application/taxii+json;version=2.1'"
    curl = f"curl --user {user} -H 'Accept: application/taxii+json;version=2.1'"
    reads = next((row for row in client["collections"] if row["read"]), None)
    inbox = next((row for row in client["collections"] if row["write"]), None)
    commands = [(mark("See which collections you have:"), f"{curl} {client['api_root']}collections/")]
    if reads is not None:
        commands.append((mark("Read the first ten listings:"), f"{curl} '{reads['url']}objects/?limit=10'"))
    if inbox is not None:
        posted = f"{curl} -H 'Content-Type: {media[1:-1]}' --data @reports.json {inbox['url']}objects/"
        commands.append((mark("Contribute the STIX objects of a file:"), posted))
    return commands
