"""The table of operations, from their registry and from the front ends that import them."""

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.cli.operations import described
from server.operations import registry
from tools.tables import table

_ROOT = Path(__file__).parents[1]
# The front ends by the paths of their files; files that a command contributes are mapped by the feeds, and workers send
# the files of a page.
_FRONT_ENDS = {
    re.compile(r"server/cli/|commands?\.py$|feeds/mapping/"): "command",
    re.compile(r"pages\.py$|/(shown_)?files\.py$|/uploads/sending\.py$|server/web/(shell|login)/"): "page",
    re.compile(r"/api(/|\.py$)"): "JSON API",
    re.compile(r"server/web/taxii/"): "TAXII",
}


def operations() -> list[str]:
    """Return the table of all operations."""
    used = front_ends()
    return table(
        ["operation", "what it does", "rights", "second person", "audit trail", "front ends"],
        (
            (
                f"`{row['name']}`",
                row["description"],
                ", ".join(row["rights"]) or "the command line alone",
                row["dual_control"] or "never",
                f"`{row['audit']}`",
                ", ".join(sorted(used[operation.__name__])),
            )
            for operation in registry.every().values()
            for row in [described(operation)]
        ),
    )


@functools.cache
def front_ends() -> Mapping[str, set[str]]:
    """Return the front ends that import each operation, or a function that makes it, by the name of its class."""
    found: dict[str, set[str]] = defaultdict(set)
    made = _made()
    for file in (*_ROOT.glob("server/**/*.py"), *_ROOT.glob("feeds/mapping/*.py")):
        fitting = [end for path, end in _FRONT_ENDS.items() if path.search(file.relative_to(_ROOT).as_posix())]
        if fitting:
            for name in _imported(ast.parse(file.read_text(encoding="utf-8"))):
                for operation in (name, *made.get(name, ())):
                    found[operation].update(fitting)
    return found


def _made() -> Mapping[str, set[str]]:
    """Return the names in each function next to operations, among them those of the operations that it makes."""
    return {
        node.name: {used.id for used in ast.walk(node) if isinstance(used, ast.Name)}
        for file in _ROOT.glob("server/features/**/operations.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".operations"):
            yield from (alias.name for alias in node.names)
