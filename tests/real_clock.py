"""A check of each test: with a literal date of these years it does not read the real clock, which makes it fail later.

It says times relative to now (``tests/times.py``), or stops the clock (``timestamp.frozen_at``), or hands the time to
the code as a parameter. A date before July 2026 is past for every purpose, and one after 2099 to come: both may stand.
"""

import ast
import re
import sys
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from schemas import timestamp

_DATE = re.compile(r"\b(?:2026-(?:0[7-9]|1[0-2])|20(?:2[7-9]|[3-9]\d)-(?:0[1-9]|1[0-2]))(?:-\d\d)?(?!\d)")
_IN_SOURCE = re.compile(_DATE.pattern + r"|\bdate(?:time)?\(\s*20\d\d,")


class _Clock:
    """The machine's clock, which notes that a test read it.

    The background threads of a hub are daemons. They read it now and then, whichever test runs.
    """

    # Not of the module, whose names are gone when the interpreter ends.
    _starts = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn"})

    def __init__(self) -> None:
        self.was_read = False

    def time_ns(self) -> int:
        """Return the time in nanoseconds since the epoch."""
        if not threading.current_thread().daemon:
            self.was_read = True
        return time.time_ns()

    def note_process(self, event: str, _arguments: tuple[object, ...]) -> None:
        """Count a process that a test starts as a reader of the clock."""
        if event in self._starts:
            self.was_read = True


class RealClock:
    """Fails tests that have literal dates and read the real clock."""

    def __init__(self) -> None:
        self._clock = _Clock()
        timestamp.time = self._clock  # type: ignore[assignment]
        sys.addaudithook(self._clock.note_process)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Fail a test that passed by the date."""
        self._clock.was_read = False
        yield
        if self._clock.was_read and (dates := dates_of(item.path, getattr(item, "originalname", item.name))):
            pytest.fail(
                f"The test has literal dates ({', '.join(dates)}) and reads the real clock: it will fail at another "
                "time. Use tests/times.py or timestamp.frozen_at.",
                pytrace=False,
            )


def dates_of(module: Path, function: str) -> list[str]:
    """Return the literal dates of a test function and of what it uses in its module."""
    uses, dates = _read(module)
    found: set[str] = set()
    seen: set[str] = set()
    names = {function}
    while names:
        name = names.pop()
        seen.add(name)
        found |= dates.get(name, frozenset())
        names |= uses.get(name, frozenset()) - seen
    return sorted(found)


@lru_cache(maxsize=64)
def _read(module: Path) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Return what each function or constant of a module uses, and the literal dates in it."""
    text = module.read_text()
    uses: dict[str, frozenset[str]] = {}
    dates: dict[str, frozenset[str]] = {}
    if _IN_SOURCE.search(text) is None:
        return uses, dates
    for node in _definitions(ast.parse(text)):
        for name in _names(node):
            uses[name] = uses.get(name, frozenset()) | _used(node)
            dates[name] = dates.get(name, frozenset()) | frozenset(_literals(node))
    return uses, dates


def _definitions(tree: ast.Module) -> Iterator[ast.stmt]:
    """Return the statements at the top of a module and in its classes."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.ClassDef) else (node,)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]


def _used(node: ast.stmt) -> frozenset[str]:
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    attributes = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return frozenset(names | attributes | arguments)


def _literals(node: ast.stmt) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, (str, bytes)):
            text = each.value if isinstance(each.value, str) else each.value.decode("latin-1")
            yield from _DATE.findall(text)
        elif isinstance(each, ast.Call):
            day = [part.value for part in each.args[:2] if isinstance(part, ast.Constant)]
            called = each.func.id if isinstance(each.func, ast.Name) else getattr(each.func, "attr", "")
            if called in {"date", "datetime"} and len(day) == 2 and (2026, 7) <= tuple(day) < (2100, 1):  # type: ignore[operator]
                yield "-".join(str(part) for part in day)
