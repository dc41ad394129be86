"""The parts that all commands share: settings, store, the operator's name, and the output of results and errors."""

import getpass
import logging
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import orjson
import typer
from typer.core import TyperGroup

from server.settings import DEFAULT_FILE, BadConfiguration, Settings, load, refuse_unknown_variables

# Loaded by the functions that use them: a client's commands need no store, and many commands print no table.
if TYPE_CHECKING:
    from rich.console import Console

    from schemas.partner import Partner
    from schemas.tlog.signatures import SigningKeys
    from server.operations.operation import Actor
    from server.release.hsm import HsmKey
    from server.release.hub import Hub
    from server.release.route.policy import Policy
    from server.store import Store, Tx

Json = Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")]

USAGE = 2
# The configuration of a partner's own copy.
MIRROR_FILE = Path("mirror.toml")
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

    def check_variables(self) -> None:
        """End the program if the environment has a setting that does not exist, also for commands without settings."""
        tables = []
        for file in (self.config, DEFAULT_FILE, MIRROR_FILE):
            # A file that cannot be read is named by the command that needs it.
            with suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
                tables += [tomllib.loads(file.read_text(encoding="utf-8"))] if file is not None else []
        try:
            refuse_unknown_variables(tables)
        except BadConfiguration as error:
            fail(str(error))

    @property
    def policy(self) -> "Policy":
        """Return the release policy of the configuration."""
        from server.setup import policy_of

        return policy_of(self.settings)

    @contextmanager
    def store(self, *, of_any_rules: bool = False) -> "Iterator[Store]":
        """Open the store that ``scamfeed init`` made; ``of_any_rules``: also if it lacks collections of the rules."""
        from server.store import Store

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
    def hub(self, *, of_any_rules: bool = False) -> "Iterator[Hub]":
        """Open the store, as ``store`` does, with the release rules of the configuration."""
        from server.setup import hub_of

        with self.store(of_any_rules=of_any_rules) as store:
            yield hub_of(self.settings, store)


def _refuse_unknown_collections(store: "Store", rules: "Policy") -> None:
    """End the program if a release rule names a collection that the store does not have."""
    from server.release.route.policy import BadPolicy
    from server.store import collections

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
    """Print one JSON document; words of a vocabulary may be keys of its objects."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(result, option=option).decode())


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], console: "Console | None" = None
) -> None:
    """Print a table, on standard output unless a console is given; numbers are aligned right.

    No cell is broken over lines, so that an id can be copied: a table too wide for the terminal becomes a list, and
    output to a file or a pipe is as wide as it has to be.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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


def show_rows(
    title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | Mapping[str, str], *, json: bool
) -> None:
    """Print rows as JSON, or their columns as a table; ``columns`` may map the names to headings."""
    if json:
        show_json(rows)
    else:
        headings = list(columns.values()) if isinstance(columns, Mapping) else columns
        show_table(title, headings, [[row[column] for column in columns] for row in rows])


def show_properties(title: str, row: Mapping[str, Any], *, json: bool) -> None:
    """Print one object as JSON, or its properties as a table."""
    if json:
        show_json(row)
    else:
        show_table(title, ["property", "value"], row.items())


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many there are of something so far: call what this yields with the number."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

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
    if isinstance(cell, list | tuple):
        return ", ".join(map(str, cell))
    if isinstance(cell, dict):
        return " / ".join(map(str, cell.values()))
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


PartnerName = Annotated[str, typer.Argument(help="the partner's name, as registered")]


def find_partner(tx: "Tx", name: str, *, gone: bool = False) -> "Partner":
    """Return the partner with this name, one that left only with ``gone``, or end the program."""
    from server.store import partners

    try:
        return partners.get(tx, name, gone=gone)
    except partners.UnknownPartner as error:
        fail(str(error))


def registered(hub: "Hub", name: str, *, gone: bool = False) -> "Partner":
    """Return the partner with this name, as ``find_partner``, in a transaction of its own."""
    with hub.store.read() as tx:
        return find_partner(tx, name, gone=gone)


By = Annotated[str | None, typer.Option(help="your name, for the audit trail [default: the system's user]")]


def actor(by: str | None) -> "Actor":
    """Return the person at the command line, as an actor of operations."""
    from server.operations.operation import Actor

    return Actor.system(operator_name(by))


def operator_name(by: str | None) -> str:
    """Return the name that is given, else the system's user."""
    if by and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


class DefaultCommandGroup(TyperGroup):
    """Runs the command ``default`` where the first argument is the name of none."""

    default = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command before arguments that begin with no command."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def write_privately(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read; end the program where that cannot be done."""
    with opened_privately(file) as out:
        out.write(content)


@contextmanager
def opened_privately(file: Path) -> Iterator[BinaryIO]:
    """Open a file to write, which takes its name at the end; end the program where that cannot be done."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        fail(f"{file}: cannot be written: {error.strerror}")
    made = Path(name)
    try:
        with os.fdopen(number, "wb") as out:
            yield out
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)


def keys_of(context: Context, *, dry_run: bool = False) -> "SigningKeys":
    """Return the signing keys of the settings, as ``signing_keys.load``; end the command where there are none."""
    from schemas.tlog.signatures import BadSigningKey
    from server import signing_keys

    try:
        return signing_keys.load(context.settings, dry_run=dry_run)
    except BadSigningKey as error:
        fail(str(error))


def hsm_key(uri: str) -> "HsmKey":
    """Return the key of an HSM; end the command where it cannot be used."""
    from schemas.tlog.signatures import BadSigningKey
    from server.release.hsm import HsmKey

    try:
        return HsmKey(uri)
    except BadSigningKey as error:
        fail(str(error))
