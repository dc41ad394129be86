"""The files that a hub needs besides its database: those named by its settings, and those next to its store."""

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from server.features.backup.manifest import BadBackup
from server.release.hsm import PREFIX
from server.settings import DEFAULT_FILE, Settings
from server.signing_keys import signing_key_file

CONFIGURATION = "configuration"
_LISTS = "lists_dir"
# Settings of feeds that name a file, besides those whose names end so.
_FILES_OF_FEEDS = ("known_hosts", "columns")
VARIABLES = "SCAMFEED_"
# A backup is restored into the database that the settings name at that time.
_OF_THE_PLACE = ("SCAMFEED_DATABASE_URL", "SCAMFEED_READ_DATABASE_URL")


class NamedFile(NamedTuple):
    """A file and the setting that names it."""

    setting: str
    file: Path


def configuration_of(config: Path | None) -> Path | None:
    """Return the configuration file in use, or None."""
    return config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def place_of(setting: str, settings: Settings) -> Path | None:
    """Return the current path of a setting's file, or None if the setting is empty."""
    folder, _, name = setting.partition("/")
    if folder == _LISTS:
        return settings.lists_folder / name
    if setting == "ledger_key_file":
        return settings.ledger_keys
    if setting == "signing_key_file":
        return signing_key_file(settings)
    found = getattr(settings, setting, None)
    return found if isinstance(found, Path) else None


def files_beside_store(settings: Settings) -> dict[str, str]:
    """Return by setting the absolute paths that an SQLite store gives by default, and a store on PostgreSQL does not.

    Only existing files and folders, and only those of settings that are empty.
    """
    defaults = {
        "ledger_key_file": settings.ledger_keys,
        "signing_key_file": signing_key_file(settings),
        "lists_dir": settings.lists_folder,
    }
    return {
        setting: str(place.absolute())
        for setting, place in defaults.items()
        if place is not None and not getattr(settings, setting) and place.exists()
    }


def named_files(settings: Settings, config: Path | None) -> list[NamedFile]:
    """Return the files that a backup contains besides the database. Raises ``BadBackup`` if a named one is missing."""
    found = [NamedFile(CONFIGURATION, config)] if config else []
    found += _files_of_settings(settings)
    if settings.lists_folder.is_dir():
        lists = sorted(file for file in settings.lists_folder.iterdir() if file.is_file())
        found += [NamedFile(f"{_LISTS}/{file.name}", file) for file in lists]
    known = {named.file for named in found}
    for place, value in _values(_table(config)):
        file, name = Path(value), place.rsplit(".", 1)[-1]
        if (name.endswith("file") or name in _FILES_OF_FEEDS) and file not in known:
            known.add(file)
            found.append(NamedFile(place, _present(place, file)))
    return found


def _files_of_settings(settings: Settings) -> Iterator[NamedFile]:
    """Yield the files of settings; one that is set must exist, a default one may be missing."""
    for setting in Settings.model_fields:
        is_named = isinstance(getattr(settings, setting), Path)
        file = place_of(setting, settings)
        if file is None or str(file).startswith(PREFIX) or setting == _LISTS:
            continue
        if is_named or file.is_file():
            yield NamedFile(setting, _present(setting, file))


def _present(place: str, file: Path) -> Path:
    if not file.is_file():
        raise BadBackup(f"{place}: {file} is missing; a backup without it could not be restored")
    return file


def in_hsm(settings: Settings) -> list[str]:
    """Return the settings whose keys are in an HSM."""
    return [name for name in ("signing_key_file",) if str(place_of(name, settings)).startswith(PREFIX)]


def environment(config: Path | None) -> dict[str, str]:
    """Return the environment variables that configure the hub, and those that hold secrets of its feeds."""
    named = {value for place, value in _values(_table(config)) if place.endswith(".env")}
    return {
        name: text
        for name, text in sorted(os.environ.items())
        if (name.startswith(VARIABLES) or name in named) and name not in _OF_THE_PLACE
    }


def configuration_with(text: str, variables: dict[str, str]) -> str:
    """Return a configuration text merged with the settings of variables, which take precedence.

    Raises ``BadBackup``.
    """
    table = tomllib.loads(text)
    given: dict[str, Any] = {}
    for name, value in variables.items():
        if name.startswith(VARIABLES):
            # In the environment a list is written as JSON.
            is_list = value.startswith("[") or value.startswith("{")
            given[name.removeprefix(VARIABLES).lower()] = json.loads(value) if is_list else value
    top, sections, rest = text.partition("\n[") if not text.startswith("[") else ("", text, "")
    kept = [line for line in top.split("\n") if line.partition("=")[0].strip() not in given]
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()]
    made = "\n".join([*lines, *kept]) + sections + rest
    try:
        is_same = tomllib.loads(made) == table | given
    except tomllib.TOMLDecodeError:
        is_same = False
    if not is_same:
        raise BadBackup("the backup's variables and configuration cannot be merged: write a scamfeed.toml here")
    return made


def _table(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadBackup(f"{config}: cannot be read: {error}") from None


def _values(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a configuration's tables below the first level, with its dotted key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if place or isinstance(inner, dict | list):
                yield from _values(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _values(inner, f"{place}.{number}")
    elif isinstance(value, str):
        yield place, value
