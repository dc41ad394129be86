"""The form of a policy: its fields as tables of rules and deadlines, the same text as the TOML beside it."""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from schemas.whole_numbers import whole_number
from server.release.route.deadlines import PolicyDeadline
from server.release.route.policy import MOST_DEADLINES, BadPolicy, PolicyRule, parse_policy, written_tables
from server.web.shell.visit import Visit

_LISTS = ("kinds", "from_kinds", "grades")
_NUMBERS = ("least_confidence", "least_reporters")
_LISTS_OF_DEADLINES = ("basis", "asks")
_MOST_RULES = 100

PolicyTable = dict[str, Any]


class PolicyTables(NamedTuple):
    """The tables of a policy as they were entered, valid or not."""

    rules: list[PolicyTable]
    deadlines: list[PolicyTable]


def is_form(visit: Visit) -> bool:
    """Return whether the fields of rules were sent, and not the text."""
    return bool(visit.field("form"))


def tables_of_form(visit: Visit) -> PolicyTables:
    """Return the tables as they were entered, without those that are to be removed; a field without content is left
    out.

    Text that is no number stays as it is, so that the check of the rules names it.
    """
    rules = [_rule(visit, place) for place in _places(visit, "rule", _MOST_RULES)]
    deadlines = [_deadline(visit, place) for place in _places(visit, "deadline", MOST_DEADLINES)]
    if visit.field("do") == "add":
        rules.append({"collection": ""})
    elif visit.field("do") == "add-deadline":
        deadlines.append({"time": ""})
    return PolicyTables(rules, deadlines)


def _places(visit: Visit, name: str, most: int) -> list[str]:
    """Return the places of the tables that are kept."""
    removed = visit.field("do").removeprefix("remove-")
    places = [place for place in visit.fields(name) if place.removeprefix("d").isdecimal() and len(place) < 4][:most]
    return [place for place in places if place != removed]


def _rule(visit: Visit, place: str) -> PolicyTable:
    table: PolicyTable = {"collection": visit.field(f"{place}-collection")} | _lists(visit, place, _LISTS)
    if tlp := visit.field(f"{place}-tlp"):
        table["tlp"] = tlp
    table |= {name: _number(given) for name in _NUMBERS if (given := visit.field(f"{place}-{name}"))}
    return _in_order(_without_defaults(table))


def _deadline(visit: Visit, place: str) -> PolicyTable:
    return _lists(visit, place, _LISTS_OF_DEADLINES) | {"time": visit.field(f"{place}-time", 10)}


def _lists(visit: Visit, place: str, names: Sequence[str]) -> PolicyTable:
    """Return the chosen words of these fields, and the countries."""
    table: PolicyTable = {name: chosen for name in names if (chosen := visit.fields(f"{place}-{name}"))}
    countries = visit.field(f"{place}-countries").replace(",", " ").upper().split()
    return table | ({"countries": countries} if countries else {})


def tables_of_text(text: str) -> PolicyTables | None:
    """Return the tables of a text for the form, None where the form cannot show them."""
    try:
        policy = parse_policy(text)
        return PolicyTables(written_tables(policy.rules), written_tables(policy.deadlines))
    except BadPolicy:
        pass
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    rules, deadlines = document.pop("rule", None), document.pop("deadline", [])
    is_shown = _are_shown(rules, PolicyRule, (*_LISTS, "countries"), _MOST_RULES) and _are_shown(
        deadlines, PolicyDeadline, (*_LISTS_OF_DEADLINES, "countries"), MOST_DEADLINES
    )
    return PolicyTables(rules, deadlines) if is_shown else None


def shown_tables(tables: PolicyTables | None) -> PolicyTables | None:
    """Return the tables with all fields of the form; None stays None."""
    if tables is None:
        return None
    return PolicyTables(
        [dict.fromkeys(PolicyRule.model_fields) | table for table in tables.rules],
        [dict.fromkeys(PolicyDeadline.model_fields) | table for table in tables.deadlines],
    )


def fault_of(fault: BadPolicy | None) -> int | None:
    """Return the place of the rule that is not valid, None if the fault is of no rule."""
    parts = fault.place.split(".") if fault is not None else []
    return whole_number(parts[1], sys.maxsize) if len(parts) > 1 and parts[0] == "rule" else None


def _are_shown(tables: object, model: type[BaseModel], lists: Sequence[str], most: int) -> bool:
    if not isinstance(tables, list) or len(tables) > most:
        return False
    return all(_is_shown(table, model, lists) for table in tables)


def _is_shown(table: object, model: type[BaseModel], names: Sequence[str]) -> bool:
    """Return whether the form has a field for each key of a table, which can show its value."""
    if not isinstance(table, Mapping) or not set(table) <= set(model.model_fields):
        return False
    lists = (table.get(name, []) for name in names)
    others = (value for name, value in table.items() if name not in names)
    return all(isinstance(each, list) and all(isinstance(word, str) for word in each) for each in lists) and all(
        isinstance(value, str | int) for value in others
    )


def _without_defaults(table: PolicyTable) -> PolicyTable:
    fields = PolicyRule.model_fields
    return {name: value for name, value in table.items() if value != fields[name].default}


def _in_order(table: PolicyTable) -> PolicyTable:
    names: Sequence[str] = list(PolicyRule.model_fields)
    return dict(sorted(table.items(), key=lambda entry: names.index(entry[0])))


def _number(given: str) -> int | str:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else given
