"""The shared parts of a partner's pages: whose they are, how they go on, and how a refusal is shown."""

from typing import Any
from urllib.parse import urlencode

from schemas.partner import Partner
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.store import partners
from server.store.database.engine import Tx
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas

PAGE = 50
LONGEST = 200
_BUSY = mark("Others change the same values just now, or your partner’s limit is reached. Nothing was done. Try later.")
_NOT_ALLOWED = mark("Your partner may not send this to the hub. Nothing was done. Ask the operator.")


def own_partner(visit: Visit, tx: Tx) -> Partner:
    """Return the partner whose user asks: there is no other way to name one here."""
    return partners.get(tx, visit.known_user.partner or "")


def asked(visit: Visit, name: str) -> str:
    """Return a parameter of the address, "" where it is missing or too long."""
    given = visit.request.args.get(name, "").strip()
    return given if len(given) <= LONGEST and "\x00" not in given else ""


def place_of(text: str, parts: int) -> list[str] | None:
    """Return the parts of a place that a page's link has, the first one a number; None for anything else."""
    found = text.split("~", parts - 1)
    is_place = len(found) == parts and found[0].isascii() and found[0].isdecimal() and len(found[0]) < 18
    return found if is_place else None


def numbers_of(text: str, parts: int) -> list[int] | None:
    """Return the numbers of a place that a page's link has; None for anything else."""
    found = text.split("~")
    are_numbers = len(found) == parts and all(part.isascii() and part.isdecimal() and len(part) < 18 for part in found)
    return [int(part) for part in found] if are_numbers else None


def link(path: str, **fields: Any) -> str:
    """Return the address of a page with those fields that have something in them."""
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    return f"{path}?{urlencode(given)}" if given else path


def quotas_of(visit: Visit) -> PartnerQuotas:
    """Return the limit on a partner's objects, which holds for those that are sent here, too."""
    return PartnerQuotas(objects_per_day=visit.site.settings.quota_objects_per_day)


def refusal_of(error: TaxiiError) -> PageRefused:
    """Return the page for what a program would be refused by a status."""
    if error.status in (429, 503):
        return PageRefused(429, _BUSY, error.headers)
    return PageRefused(403, _NOT_ALLOWED)
