"""Settings of a mirror: its hubs and their collections, its file, how old it may get, and a bank's own words."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from feeds.connector import Duration, Misconfigured, Secret, duration
from feeds.http.address_guard import is_here
from feeds.http.login import LoginSettings
from schemas.ledger.notes import VerifierKey
from schemas.vocabulary import Action

DEFAULT_CONFIGURATION = Path("mirror.toml")
_SQLITE = b"SQLite format 3\0"
# The answers that are no grade of a listing: nothing is known of the value, or it cannot be one.
NONE, ERROR = "none", "error"


class MirroredHub(LoginSettings):
    """One hub: any TAXII 2.1 server, the login there, and the collections to copy."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="the hub's name in answers")]
    url: Annotated[
        str, Field(pattern=r"^https?://\S+$", description="the API root, or the discovery page that names it")
    ]
    collections: Annotated[
        tuple[str, ...],
        Field(min_length=1, max_length=1000, description='aliases, ids or titles; "*" is all that may be read'),
    ]
    private: Annotated[
        bool, Field(description="follow private collections (for-…), as soon as the hub makes one for us")
    ] = True
    page: Annotated[int, Field(ge=1, le=10_000, description="objects a page")] = 5_000
    reread: Annotated[
        Duration, Field(description="how often a collection is read whole again, at a hub without a digest")
    ] = "7d"
    default_grade: Annotated[
        Action, Field(description="grade of indicators that state none, as those of other makers")
    ] = Action.INVESTIGATE
    ledger_key: Annotated[
        str | None, Field(description="public key of the hub's logs: what is read is checked against them")
    ] = None
    witness_keys: Annotated[
        tuple[str, ...],
        Field(max_length=100, description="public keys of witnesses whose cosignatures the status names"),
    ] = ()

    @field_validator("ledger_key", "witness_keys")
    @classmethod
    def _are_keys(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for text in (given,) if isinstance(given, str) else given or ():
            VerifierKey.parse(text)
        return given


class MirrorOptions(BaseModel):
    """The table ``[mirror]``: where the copy is kept, how often it is synced, and where it is served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[Path, Field(description="the file of the copy")] = Path("mirror.db")
    every: Annotated[Duration, Field(description="how often the hubs are asked for news")] = "1m"
    max_age: Annotated[Duration, Field(description="an older copy never answers block, and says that it is stale")] = (
        "1h"
    )
    rehearse: Annotated[
        bool, Field(description="listings of a sandbox count as real ones: for a copy that no real payment asks")
    ] = False
    host: Annotated[str, Field(description="the address to serve on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="the port to serve on")] = 8100
    token: Annotated[
        Secret | None, Field(description="a Bearer token to ask for; needed for another address than loopback")
    ] = None

    @field_validator("file")
    @classmethod
    def _a_file(cls, file: Path) -> Path:
        if file.is_dir():
            raise ValueError("this is a folder: name a file in it")
        return file

    @model_validator(mode="after")
    def _served_here(self) -> Self:
        if self.token is None and not is_here(self.host):
            raise ValueError("host: whoever reaches this address may ask; set token, or serve on 127.0.0.1")
        return self


class MirrorSettings(BaseModel):
    """All settings of a mirror, as its TOML file has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mirror: MirrorOptions = MirrorOptions()
    actions: Annotated[
        dict[Action | Literal["none", "error"], Annotated[str, Field(min_length=1, max_length=100)]],
        Field(description="your own word for each grade, for none (nothing known) and for error (no value)"),
    ] = {}
    hub: Annotated[tuple[MirroredHub, ...], Field(min_length=1, max_length=100)]

    @field_validator("hub")
    @classmethod
    def _names_once(cls, hubs: tuple[MirroredHub, ...]) -> tuple[MirroredHub, ...]:
        names = [hub.name for hub in hubs]
        if len(set(names)) < len(names):
            raise ValueError("two hubs have one name")
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
        )


class CheckRules(BaseModel):
    """The settings that checks follow; they are kept in the copy's file, so that the file alone is enough."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    max_age: float = 3600.0
    actions: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    rehearse: bool = False


def load(path: Path) -> MirrorSettings:
    """Return the settings in a TOML file. Raises ``Misconfigured`` with the place of the fault.

    The copy's file is beside the settings, unless its path is absolute.
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
    """Return whether a file is a copy itself, and no settings."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _faults(path: Path, error: ValidationError) -> list[str]:
    # Without the input: a secret may stand there by mistake.
    return [
        f"{path}: {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]
