"""The search of the list of accounts: by value, reference, state, lateness, institution, age and order."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.partner import Partner
from schemas.report import MAX_VALUE
from server.features.findings.accounts import AccountSearch, filter_of
from server.release.query.typed import typed_value
from server.store.database.engine import Tx
from server.web.shell.lists import LONGEST, asked
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark

# With so many digits, a zero at the beginning may stand for the code of a telephone number's country.
_LEAST_NATIONAL = 9
_HOUR = 3_600 * 1_000_000
# The hours for which an account has waited at least, as offered.
AGES = (1, 4, 12, 24, 72, 168)
_FIELDS = ("list", "overdue", "bank", "age", "order", "reference")
_NO_VALUE = mark("Write the account with its bank, or at least its last four digits.")


class ListSearch(NamedTuple):
    """A search of the list: as it was written, as it is looked for, and its fault."""

    given: Mapping[str, str]
    search: AccountSearch
    problem: Translatable | None

    @property
    def is_answered(self) -> bool:
        """Return whether accounts with a finding are searched."""
        return self.search.wanted.answered


def search_of(visit: Visit, tx: Tx, partner: Partner, target: int) -> ListSearch:
    """Return what the form, or the address, asks for. A value is taken from the form alone: logs have addresses."""
    given = {name: visit.field(name, LONGEST) or asked(visit, name) for name in _FIELDS}
    given["value"] = visit.field("value", MAX_VALUE)
    if given["bank"] not in partner.institutions:
        given["bank"] = ""
    if given["age"] not in map(str, AGES):
        given["age"] = ""
    values, ending, problem = _values(visit, tx, given["value"])
    wanted = filter_of(
        target,
        answered=given["list"] == "answered",
        overdue=bool(given["overdue"]),
        age=int(given["age"] or 0) * _HOUR,
        order=given["order"],
    )
    wanted = wanted._replace(ending=ending, values=values)
    return ListSearch(given, AccountSearch(wanted, given["bank"], given["reference"]), problem)


def _values(visit: Visit, tx: Tx, given: str) -> tuple[frozenset[str] | None, str, Translatable | None]:
    """Return the values that a text means, or the end of values if it is no whole value, and the fault."""
    if not given:
        return None, "", None
    typed = typed_value(given, visit.site.settings.country)
    # Digits alone are the end of a number: they could also be the short code or the telephone number of somebody.
    if typed.names and not typed.is_number:
        return typed.names, "", None
    ending = typed.ending
    if len(ending) >= _LEAST_NATIONAL:
        ending = ending.removeprefix("0")
    return None, ending, None if ending else _NO_VALUE
