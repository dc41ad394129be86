"""What a partner needs to connect its client: where, with which collections, and how it logs in."""

from typing import Any

from schemas.partner import Partner
from server.cli.collections import path
from server.cli.context import show_table
from server.settings import Settings
from server.store import collections
from server.store.engine import Tx

_LOGINS = (
    "HTTP Basic with user and password",
    "Authorization: Bearer with the token",
    "a client certificate that was registered (scamfeed partner certificate)",
)
_RECIPES = "docs/clients.md"


def needs(tx: Tx, settings: Settings, partner: Partner) -> dict[str, Any]:
    """Give where the server is, what of it the partner may use, and how it proves who it is.

    Where the settings do not say where the server is, the addresses are paths below it.
    """
    base = settings.public_url.rstrip("/")
    rights = collections.rights(tx, partner.name)
    return {
        "discovery": f"{base}/taxii2/",
        "api_root": f"{base}/feed/",
        "collections": [
            {
                "alias": each.alias,
                "id": each.id,
                "title": each.title,
                "url": base + path(each),
                "read": rights[each.id][0],
                "write": rights[each.id][1] and not each.filled_by_release,
            }
            for each in collections.all_collections(tx)
            if each.id in rights
        ],
        "login": list(_LOGINS),
        "recipes": _RECIPES,
    }


def show_needs(told: dict[str, Any]) -> None:
    """Print what ``needs`` gives."""
    where = "" if "://" in told["discovery"] else " (behind the server's own address; the setting public_url says it)"
    rows = [["discovery", told["discovery"]], ["API root", told["api_root"]]]
    rows += [["log in by", login] for login in told["login"]]
    rows.append(["settings of clients", told["recipes"]])
    show_table(f"For its client{where}", ["what", "value"], rows)
    show_table(
        "Its collections",
        ["alias", "id", "title", "reads", "writes"],
        [[each["alias"], each["id"], each["title"], each["read"], each["write"]] for each in told["collections"]],
    )
