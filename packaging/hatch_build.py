"""Puts the packages of this project below one package in a wheel, beside which other projects keep their own names.

In this repository the packages are ``server``, ``feeds``, ``mappers`` and ``schemas``. A wheel has them as
``scamfeed.server`` and so on. Only import statements are rewritten: the code names its own modules by ``__package__``
and ``__name__``. An editable installation keeps the names of the repository.
"""

import ast
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("feeds", "mappers", "schemas", "server")
_A_MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")


class CannotMap(ValueError):
    """A source file names a module in a way that the wheel cannot rename."""


class OnePackage(BuildHookInterface[Any]):
    """Hatchling's hook: the wheel gets the rewritten copy in place of the packages."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the copy and name it, with the entry points that fit it. Raises ``CannotMap``."""
        if version == "editable":
            return
        under = self.metadata.core.name.replace("-", "_")
        self._made = Path(tempfile.mkdtemp())
        write_mapped(Path(self.root), self._made / under, under)
        build_data["force_include"][str(self._made / under)] = under
        scripts = self.metadata.core.scripts
        for name, target in scripts.items():
            scripts[name] = f"{under}.{target}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copy."""
        if version != "editable":
            shutil.rmtree(self._made)


def write_mapped(root: Path, target: Path, under: str) -> None:
    """Write the packages in ``root`` to ``target``, as parts of the package ``under``. Raises ``CannotMap``."""
    target.mkdir(parents=True)
    (target / "__init__.py").write_text(
        '"""Scamfeed, as it is installed: see the packages in it."""\n', encoding="utf-8"
    )
    (target / "py.typed").touch()
    for package in PACKAGES:
        shutil.copytree(root / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in sorted(target.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        try:
            file.write_text(mapped(source, under, root), encoding="utf-8")
        except CannotMap as error:
            raise CannotMap(f"{file.relative_to(target)}:{error}") from error


def mapped(source: str, under: str, root: Path) -> str:
    """Return the source with ``under`` before each module of this project that it imports.

    ``root`` is the repository. Raises ``CannotMap``, with the line, for ``import server.store``, which would bind
    another name, and for a text that is the name of a module.
    """
    # Positions are in bytes of UTF-8.
    lines = source.encode().splitlines(keepends=True)
    places: list[tuple[int, int]] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if _is_ours(module):
                start = re.compile(rb"from\s+(?=%b\b)" % re.escape(module).encode()).match(
                    lines[node.lineno - 1], node.col_offset
                )
                if start is None:
                    raise CannotMap(f"{node.lineno}: write `from {module}` in one line")
                places.append((node.lineno - 1, start.end()))
            case ast.alias(name=name, asname=None) if "." in name and _is_ours(name):
                raise CannotMap(f"{node.lineno}: write `from … import …`, or `import {name} as …`")
            case ast.Import(names=names):
                places += [(name.lineno - 1, name.col_offset) for name in names if _is_ours(name.name)]
                if any(name.name in PACKAGES and name.asname is None for name in names):
                    raise CannotMap(f"{node.lineno}: write `import … as …`")
            case ast.Constant(value=str(text)) if _A_MODULE.fullmatch(text) and _exists(root, text):
                raise CannotMap(f"{node.lineno}: derive {text!r} from `__package__`; a wheel has it below {under}")
    for line, column in sorted(places, reverse=True):
        lines[line] = lines[line][:column] + f"{under}.".encode() + lines[line][column:]
    return b"".join(lines).decode()


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _exists(root: Path, name: str) -> bool:
    """Return whether a dotted name is a module, or something in a module."""
    at = root.joinpath(*name.split("."))
    return at.is_dir() or at.with_suffix(".py").is_file() or at.parent.with_suffix(".py").is_file()
