"""The program: its commands are found in the modules that declare them, and imported when they are run.

A module of ``server/cli``, or ``…commands.py`` of a feature, declares commands in its last statement, by name:
``COMMANDS = {"retract": retract, "review": app}``. Each is a function, or the ``typer.Typer`` of a group.
"""

import ast
import importlib
import logging
from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

_SERVER = Path(__file__).parents[1]
_PACKAGE = __package__.removesuffix(".cli")
_PLACES = ("cli/**/*.py", "features/**/*commands.py")
_DECLARATION = "\nCOMMANDS = "


class _Found(NamedTuple):
    """A command that is not imported yet: the file that declares it, and the name of its function or group there."""

    file: Path
    declared_as: str


class Commands(MutableMapping[str, Any]):
    """All commands by name, sorted; each is imported when it is read."""

    def __init__(self) -> None:
        """Find the declarations, without importing a module. Raises ``ValueError`` where two have the same name."""
        self._found = _declared(_SERVER).copy()
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a command for click; its module is imported."""
        if name not in self._loaded:
            self._loaded[name] = _loaded(name, self._found[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        """Replace a command."""
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        """Remove a command."""
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return the number of commands."""
        return len(self._found)

    def helps(self) -> dict[str, str]:
        """Return the help of each command by name, read from the source of its module."""
        sources = {found.file: _documented(found.file) for found in self._found.values()}
        return {name: sources[file][declared_as] for name, (file, declared_as) in self._found.items()}


@cache
def _declared(server: Path) -> dict[str, _Found]:
    """Return the commands declared in the folder, by name. Raises ``ValueError`` if two have the same name."""
    found: dict[str, _Found] = {}
    for file in chain.from_iterable(server.glob(place) for place in _PLACES):
        _, declares, declaration = file.read_text(encoding="utf-8").partition(_DECLARATION)
        for name, declared_as in _entries(declaration) if declares else ():
            if name in found:
                raise ValueError(f"two commands have the name {name}")
            found[name] = _Found(file, declared_as)
    return dict(sorted(found.items()))


def _entries(declaration: str) -> list[tuple[str, str]]:
    """Return the names of the commands that a dict display declares, each with the name of its function or group."""
    shown = ast.parse(declaration, mode="eval").body
    if not isinstance(shown, ast.Dict):
        raise TypeError(declaration)
    return [
        (ast.literal_eval(key), ast.unparse(value)) for key, value in zip(shown.keys, shown.values, strict=True) if key
    ]


def _documented(file: Path) -> dict[str, str]:
    """Return the docstrings of the functions of a module, and the helps of its groups, by name."""
    result: dict[str, str] = {}
    for node in ast.parse(file.read_bytes()).body:
        match node:
            case ast.FunctionDef(name=name):
                result[name] = ast.get_docstring(node) or ""
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(keywords=keywords)):
                for keyword in keywords:
                    if keyword.arg == "help":
                        result[name] = ast.literal_eval(keyword.value)
    return result


@cache
def _loaded(name: str, found: _Found) -> Any:
    module = ".".join((_PACKAGE, *found.file.relative_to(_SERVER).with_suffix("").parts))
    declared = importlib.import_module(module).COMMANDS[name]
    holder = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    if isinstance(declared, typer.Typer):
        holder.add_typer(declared, name=name)
    else:
        holder.command(name)(declared)
    # With a callback typer makes a group, also of a single command.
    holder.callback()(lambda: None)
    return get_group(holder).commands[name]


class _Program(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        """Have all commands that are found."""
        super().__init__(**settings)
        self._all = Commands()
        self.commands = self._all

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with the first sentence of each, without importing them."""
        listed = [TyperCommand(name, help=text) for name, text in self._all.helps().items()]
        TyperGroup(commands=listed).format_commands(ctx, formatter)


app = typer.Typer(
    name="scamfeed",
    help="Share scam indicators: STIX 2.1 over TAXII 2.1, in from reports, out to platforms, banks and governments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    cls=_Program,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"scamfeed {version('scamfeed')}")  # noqa: T201 - the option's answer
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="configuration file [default: scamfeed.toml in this folder]")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="print the version and end", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    from server.cli.context import Context  # loads the settings and the store, which --version and --help do without

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It warns of each look that begins while the last one goes on.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # It warns of each repeat with the whole URL, where secrets may be; how the run ended is logged without.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    ctx.obj = Context(config)
    ctx.obj.check_variables()
