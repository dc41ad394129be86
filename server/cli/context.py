"""The parts that all commands share: settings, store, the operator's name, and the output of results and errors."""

import getpass
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from server.release.hub import Hub
from server.release.route.policy import BadPolicy, Policy
from server.settings import BadConfiguration, Settings, load
from server.setup import hub_of, policy_of
from server.store import Store, collections

Json = Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")]

USAGE = 2
# Columns of a terminal that any table fits.
_WIDE = 10_000


class Context:
    """The settings and the store of one command, opened when first asked for."""

    def __init__(self, config: Path | None) -> None:
        """Work with the configuration file ``config``."""
        self.config = config

    @cached_property
    def settings(self) -> Settings:
        """Return the settings, or end the program with the fault in them."""
        try:
            settings = load(self.config)
        except BadConfiguration as error:
            fail(str(error))
        logging.getLogger().setLevel(settings.log_level)
        return settings

    @property
    def policy(self) -> Policy:
        """Return the release policy of the configuration."""
        return policy_of(self.settings)

    @contextmanager
    def store(self, *, of_any_rules: bool = False) -> Iterator[Store]:
        """Open the store that ``scamfeed init`` made; ``of_any_rules``: also if it lacks collections of the rules."""
        url, file = self.settings.database_url, self.settings.database_file
        if file is not None and not file.exists():
            fail(f"there is no store {url}; run: scamfeed init")
        store = Store.open(url, patient=True)
        try:
            if not store.ready():
                fail(f"the store {store.url} is not ready; run: scamfeed init")
            if self.settings.rule and not of_any_rules:
                _refuse_unknown_collections(store, self.policy)
            yield store
        finally:
            store.close()

    @contextmanager
    def hub(self) -> Iterator[Hub]:
        """Open the store with the release rules of the configuration."""
        with self.store() as store:
            yield hub_of(self.settings, store)


def _refuse_unknown_collections(store: Store, rules: Policy) -> None:
    """End the program if a release rule names a collection that the store does not have."""
    with store.read() as tx:
        there = {collection.alias for collection in collections.all_collections(tx) if collection.kind == "released"}
    try:
        rules.refuse_unknown(there)
    except BadPolicy as error:
        fail(str(error))


def fail(message: str, status: int = USAGE) -> NoReturn:
    """End the program with an error that a person can act on."""
    print(f"scamfeed: {message}", file=sys.stderr)  # noqa: T201 - this is where errors are shown
    raise typer.Exit(status)


def show_json(result: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], console: Console | None = None
) -> None:
    """Print a table, on standard output unless a console is given; numbers are aligned right.

    No cell is broken over lines, so that an id can be copied: a table too wide for the terminal becomes a list, and
    output to a file or a pipe is as wide as it has to be.
    """
    table = Table()
    cells = [list(row) for row in rows]
    for position, column in enumerate(columns):
        numeric = bool(cells) and all(isinstance(row[position], int) for row in cells)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
    for row in cells:
        table.add_row(*(Text(_text(cell)) for cell in row))
    out = console or Console()
    wide = out.measure(table, options=out.options.update(width=_WIDE)).maximum
    if title:
        out.print(Text(title, style="bold"), soft_wrap=True)
    if not out.is_terminal:
        out.width = max(out.width, wide)
    if wide <= out.width:
        out.print(table)
        return
    for first, *others in cells:
        out.print(Text(_text(first)), soft_wrap=True)
        for name, cell in zip(columns[1:], others, strict=True):
            if cell is not None:
                out.print(Text(f"  {name}: {_text(cell)}"), soft_wrap=True)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many there are of something so far: call what this yields with the number."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(what + ": {task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda number: bar.update(task, completed=number)


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


By = Annotated[str | None, typer.Option(help="your name, for the audit trail [default: the system's user]")]


def operator_name(by: str | None) -> str:
    """Return the name that is given, else the system's user."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
