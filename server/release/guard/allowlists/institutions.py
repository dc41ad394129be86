"""Institutions and what is their own: sites, telephone numbers and sender names, apps and accounts, in one table."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Whose mailboxes and pages are all their own. Those of others, as telecoms and search engines, may be customers'.
_OWNER_TYPES = frozenset(
    {
        "bank",
        "courier",
        "e-money",
        "exchange",
        "government",
        "hospital",
        "insurer",
        "lender",
        "post",
        "regulator",
        "transport",
        "utility",
        "wallet",
    }
)
# Whose pages are their users'.
_PLATFORM = "platform"


class Institution(NamedTuple):
    """One row: where it is, what it is and who, and what is its own, each as people write it."""

    country: str
    what: str
    name: str
    sites: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


def read_institutions(lines: Iterable[str]) -> Iterator[Institution]:
    """Give the rows of the table; a line that begins with ``#`` is a remark."""
    for line in lines:
        if line.strip() and not line.startswith("#"):
            country, what, name, *columns = line.rstrip("\n").split("\t")
            yield Institution(country, what, name, *(tuple(filter(None, cells.split(","))) for cells in columns))


def entries_of_institutions(institutions: Iterable[Institution], name: str) -> list[str]:
    """Return what the list called ``name`` has of the table, as a list of one entry a line would have it."""
    return list(dict.fromkeys(entry for each in institutions for entry in _entries_of_institution(each, name)))


def _entries_of_institution(institution: Institution, name: str) -> Iterable[str]:
    match name:
        case "institution-sites":
            return institution.sites if institution.what in _OWNER_TYPES else ()
        case "institution-platforms":
            return institution.sites if institution.what == _PLATFORM else ()
        case "institution-hosts":
            return institution.sites if institution.what not in {*_OWNER_TYPES, _PLATFORM} else ()
        case "institution-numbers":
            return (f"{institution.country} {number}".strip() for number in institution.numbers)
        case "institution-apps":
            return institution.apps
        case "institution-accounts":
            return institution.accounts
    return ()
