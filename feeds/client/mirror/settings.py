"""Settings of a mirror: its hubs and their collections, its file, the maximum age, and a bank's own words."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from feeds.errors import Misconfigured
from feeds.settings import Duration, Secret, duration
from feeds.transport.client import LoginSettings
from feeds.transport.connections import is_here
from schemas.tlog.notes import VerifierKey
from schemas.vocabulary import Action

_SQLITE = b"SQLite format 3\0"
# Answers other than grades: no copy lists the value, the text is not a value, or the copies are not current.
NONE, ERROR, UNKNOWN = "none", "error", "unknown"
_WORDS = {UNKNOWN: "ask-again"}


class MirroredHub(LoginSettings):
    """One hub: any TAXII 2.1 server, the login there, and the collections to copy."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="the hub's name in answers")]
    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the API root, or its discovery page")]
    collections: Annotated[
        tuple[str, ...],
        Field(min_length=1, max_length=1000, description='aliases, ids or titles; "*" means all readable collections'),
    ]
    private: Annotated[
        bool, Field(description="also copy private collections (for-…) as soon as the hub creates one for us")
    ] = True
    streams: Annotated[
        bool, Field(description="also read as soon as a collection changes, if the hub offers streams of changes")
    ] = True
    page: Annotated[int, Field(ge=1, le=10_000, description="objects a page")] = 5_000
    reread: Annotated[
        Duration, Field(description="how often a collection is read again completely, if the hub has no digest")
    ] = "7d"
    default_grade: Annotated[
        Action, Field(description="grade of indicators without one, such as those of other producers")
    ] = Action.INVESTIGATE
    ledger_key: Annotated[
        str | None, Field(description="public key of the hub's logs; objects read are checked against the logs")
    ] = None
    witness_keys: Annotated[
        tuple[str, ...],
        Field(max_length=100, description="public keys of witnesses; the status shows their cosignatures"),
    ] = ()

    @field_validator("ledger_key", "witness_keys")
    @classmethod
    def _are_keys(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for text in (given,) if isinstance(given, str) else given or ():
            VerifierKey.parse(text)
        return given


class MirrorOptions(BaseModel):
    """The table ``[mirror]``: where the copy is stored, how often it is synced, and where it is served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[Path, Field(description="the file of the copy")] = Path("mirror.db")
    every: Annotated[Duration, Field(description="how often the mirror syncs with its hubs")] = "1m"
    max_age: Annotated[
        Duration, Field(description="maximum age of a copy; an older one never answers block or none")
    ] = "1h"
    country: Annotated[
        str | None,
        Field(
            pattern="^([A-Z]{2})?$",
            description="country (ISO 3166-1 alpha-2) of numbers and banks without one; empty is none. Without it, the "
            "country that the hubs state",
        ),
    ] = None
    rehearse: Annotated[
        bool, Field(description="treat sandbox listings as real: only for a copy that no real payment uses")
    ] = False
    host: Annotated[str, Field(description="the address to serve on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="the port to serve on")] = 8100
    token: Annotated[
        Secret | None,
        Field(description="the Bearer token that clients must send; required unless the address is loopback"),
    ] = None

    @field_validator("file")
    @classmethod
    def _a_file(cls, file: Path) -> Path:
        if file.is_dir():
            raise ValueError("this is a folder; set a file in it")
        return file

    @model_validator(mode="after")
    def _served_here(self) -> Self:
        if self.token is None and not is_here(self.host):
            raise ValueError(
                "host: any machine that reaches this address may check values; set token, or serve on 127.0.0.1"
            )
        return self


class MirrorSettings(BaseModel):
    """All settings of a mirror, as in its TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mirror: MirrorOptions = MirrorOptions()
    actions: Annotated[
        dict[Action | Literal["none", "error", "unknown"], Annotated[str, Field(min_length=1, max_length=100)]],
        Field(
            description="your own word for each grade, for none (not listed), for error (not a value) and for unknown "
            "(the copies are not current)"
        ),
    ] = {}
    hub: Annotated[tuple[MirroredHub, ...], Field(min_length=1, max_length=100)]

    @field_validator("hub")
    @classmethod
    def _names_once(cls, hubs: tuple[MirroredHub, ...]) -> tuple[MirroredHub, ...]:
        names = [hub.name for hub in hubs]
        if len(set(names)) < len(names):
            raise ValueError("two hubs have the same name")
        return hubs

    def in_force(self) -> "CheckRules":
        """Return the settings that checks follow."""
        words = {str(grade): word for grade, word in self.actions.items()}
        wanted = {hub.name: list(hub.collections) for hub in self.hub}
        return CheckRules(
            max_age=duration(self.mirror.max_age).total_seconds(),
            actions=words,
            wanted=wanted,
            rehearse=self.mirror.rehearse,
            country=self.mirror.country,
        )


class CheckRules(BaseModel):
    """The settings that checks follow; they are stored in the copy's file, so that a check needs no other file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    max_age: float = 3600.0
    actions: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    rehearse: bool = False
    country: str | None = None

    def word(self, grade: str) -> str:
        """Return the configured word for a grade, or for an answer without a grade."""
        return self.actions.get(grade) or _WORDS.get(grade, grade)


def load(path: Path) -> MirrorSettings:
    """Load the settings from a TOML file. Raises ``Misconfigured`` with the place of the error.

    A relative path of the copy's file is relative to the folder of the settings.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: is no TOML: {error}") from None
    try:
        settings = MirrorSettings.model_validate(tables)
    except ValidationError as error:
        raise Misconfigured("; ".join(_faults(path, error))) from None
    file = path.parent / settings.mirror.file
    return settings.model_copy(update={"mirror": settings.mirror.model_copy(update={"file": file})})


def is_copy(path: Path) -> bool:
    """Return whether a file is a copy rather than settings."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _faults(path: Path, error: ValidationError) -> list[str]:
    # Without the input: it may be a secret in the wrong place.
    return [
        f"{path}: {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]
