"""``scamfeed operations``: all operations of a hub, with their rights and rules."""

from typing import Any

from server.cli.context import Json, show_rows
from server.operations import registry
from server.operations.operation import Act


def operations(json: Json = False) -> None:
    """List every act that changes the hub: who may do it, when a second person confirms it, and its audit verb."""
    rows = [described(operation) for operation in registry.every().values()]
    show_rows("Operations", rows, ["name", "rights", "dual_control", "audit", "description"], json=json)


def described(operation: type[Act[Any]]) -> dict[str, Any]:
    """Return what the registry knows of an operation; ``dual_control`` is None where one person is enough."""
    return {
        "name": operation.name,
        "description": (operation.__doc__ or "").partition("\n")[0],
        "rights": sorted(operation.rights),
        "dual_control": operation.dual_control or None,
        "audit": f"{operation.verb} {operation.what}",
        "parameters": {name: field.description or "" for name, field in operation.model_fields.items()},
    }


COMMANDS = {"operations": operations}
