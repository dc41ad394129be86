"""The registry of operations, found in ``operations.py`` of every feature."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.discovery import declared_in
from server.features_found import feature_modules
from server.operations.dual_control import DualControlAction
from server.operations.operation import Act


@cache
def every() -> Mapping[str, type[Act[Any]]]:
    """Return all operations by name, sorted. Raises ``ValueError`` where two have the same name."""
    found: dict[str, type[Act[Any]]] = {}
    for module in feature_modules(".operations"):
        for operation in declared_in(module, Act):  # type: ignore[type-abstract]  # it yields concrete ones only
            if operation.name in found:
                raise ValueError(f"two operations have the name {operation.name}")
            found[operation.name] = operation
    return MappingProxyType(dict(sorted(found.items())))


@cache
def actions() -> Mapping[str, DualControlAction]:
    """Return the actions under dual control that operations propose, by name."""
    return MappingProxyType({action.name: action for operation in every().values() for action in operation.actions})
