"""Every page whose form runs an operation is open only to rights that the operation has."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from server.operations import registry
from server.web.shell import routes
from server.web.shell.routes import Route

OPERATIONS = {operation.__name__: operation for operation in registry.every().values()}
# These pages check more than the route: the secret of a link, a login in progress, and the role.
CHECKED_BY_THE_PAGE = {
    ("/welcome/<secret>", "SetOwnPassword"),
    ("/login/second-factor", "SetOwnSecondFactor"),
    ("/console/objections/<id>", "ReadContact"),
}


def operations_of(view: Callable[..., Any]) -> set[str]:
    """Return the classes of operations that a view, or a function of its module that it calls, names."""
    module = inspect.getmodule(view)
    assert module is not None
    functions = {
        node.name: node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.FunctionDef)
    }
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [view.__name__]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        names = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
        found |= names & OPERATIONS.keys()
        waiting += names
    return found


RUN = [(route, name) for route in routes.every() for name in sorted(operations_of(route.view))]


def test_pages_run_operations() -> None:
    assert len({name for _, name in RUN}) > 40


@pytest.mark.parametrize(("route", "name"), RUN, ids=lambda value: getattr(value, "path", value))
def test_page_is_open_to_rights_of_its_operation_only(route: Route, name: str) -> None:
    if (route.path, name) in CHECKED_BY_THE_PAGE:
        return
    assert route.who <= OPERATIONS[name].rights
