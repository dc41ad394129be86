"""The connectors, one file each; each file in this folder is registered automatically."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from feeds.connector import Connector, FeedSettings, Misconfigured
from schemas.discovery import subclasses


@cache
def every() -> Mapping[str, type[Connector[FeedSettings]]]:
    """Return all connectors by name."""
    connectors = subclasses(__name__, __path__, Connector)
    return MappingProxyType(dict(sorted((connector.name, connector) for connector in connectors)))


def build(table: Mapping[str, Any], timezone: str = "") -> Connector[FeedSettings]:
    """Build the connector of a ``[[feed]]`` table; it reads times in ``timezone`` unless the table sets another.

    Raises ``Misconfigured`` with the feed, and the key that is unknown, missing or wrong.
    """
    name = table.get("name", "without a name")
    known = every()
    connector = known.get(str(table.get("connector")))
    if connector is None:
        raise Misconfigured(
            f"feed {name}: connector: there is no {table.get('connector')!r}; there are {', '.join(known)}"
        )
    if timezone and "timezone" in connector.settings_model.model_fields:
        table = {"timezone": timezone, **table}
    try:
        return connector(connector.settings_model.model_validate(dict(table)))
    except ValidationError as error:
        faults = "; ".join(
            _fault(fault, connector.settings_model) for fault in error.errors(include_input=False, include_url=False)
        )
        raise Misconfigured(f"feed {name}: {faults}") from None


def _fault(error: Any, model: type[FeedSettings]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        return f"{place}: no such setting; there are {', '.join(model.model_fields)}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
