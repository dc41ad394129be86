"""Settings of every feed: when it runs, for which partner, and where its secrets are."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from feeds.errors import Misconfigured
from schemas import kinds
from schemas.errors import Rejected
from schemas.vocabulary import Action

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Secret(BaseModel):
    """The place of a secret: ``{ env = "NAME" }`` or ``{ file = "/run/secrets/name" }``; it is read for each run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_plain(cls, data: Any) -> Any:
        if isinstance(data, str):
            raise ValueError(
                'the secret itself is not allowed here: give its place, { env = "NAME" } or { file = "PATH" }'
            )
        return data

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError('give either { env = "NAME" } or { file = "PATH" }')
        return self

    def reveal(self) -> str:
        """Return the secret. Raises ``Misconfigured`` if it is missing or empty."""
        if self.env is not None:
            text = os.environ.get(self.env, "")
            place = f"the environment variable {self.env}"
        else:
            place = f"the file {self.file}"
            try:
                text = Path(self.file or "").read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise Misconfigured(f"the secret in {place} cannot be read") from None
        if not text:
            raise Misconfigured(f"the secret in {place} is missing or empty")
        return text


def duration(text: str) -> timedelta:
    """Return the length of ``30s``, ``5m``, ``1h``, ``1d`` or ``250ms``. Raises ``ValueError``."""
    found = _DURATION.fullmatch(text)
    if found is None or not float(found[1]):
        raise ValueError("not a duration: write it as 30s, 5m, 1h or 1d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def _checked_duration(text: str) -> str:
    duration(text)
    return text


Duration = Annotated[str, AfterValidator(_checked_duration)]


class FeedSettings(BaseModel):
    """Settings of every feed: its name, its connector, and its schedule (without one a person starts it)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="the feed's own name")]
    connector: Annotated[str, Field(description="the connector: the name of a file in feeds/connectors")]
    every: Annotated[Duration | None, Field(description="interval of runs, such as 30s, 5m, 1h")] = None
    cron: Annotated[
        str | None,
        Field(pattern=r"^\s*\S+(\s+\S+){4}\s*$", description="times of runs, as five fields of cron, in UTC"),
    ] = None
    batch: Annotated[int, Field(ge=1, le=10_000, description="items a batch")] = 1000

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.every and self.cron:
            raise ValueError("set every or cron, not both")
        return self


class PullSettings(FeedSettings):
    """Settings of every pull."""

    contribute_as: Annotated[str, Field(description="the registered partner in whose name items are contributed")]
    second_hand: Annotated[
        bool,
        Field(description="the source collects from other hubs: its reports add nothing to those of others here"),
    ] = False


class PushSettings(FeedSettings):
    """Settings of every push."""

    partner: Annotated[
        str,
        Field(
            description="the registered partner that receives the objects; it must be allowed to read the collection"
        ),
    ]
    collection: Annotated[str, Field(description="alias of our collection whose objects are delivered")]
    kinds: Annotated[tuple[str, ...], Field(description="only indicators of these kinds")] = ()
    actions: Annotated[tuple[Action, ...], Field(description="only indicators that ask for one of these actions")] = ()
    countries: Annotated[
        tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...],
        Field(description="only indicators for one of these countries"),
    ] = ()
    least_grade: Annotated[
        Action | None, Field(description="only indicators of this grade or a stronger one: block, hold, …, investigate")
    ] = None
    as_added: Annotated[bool, Field(description="with `every`: also run about a second after an object is added")] = (
        True
    )
    verify_every: Annotated[
        Duration | None,
        Field(description="interval of verifications, after a run, that deliveries reach the peer (feed verify)"),
    ] = None

    @property
    def least(self) -> Action | None:
        """Return the weakest grade that is delivered; None for any."""
        return self.least_grade

    @property
    def selects(self) -> bool:
        """Return whether only some indicators are delivered."""
        return bool(self.kinds or self.actions or self.countries or self.least)

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(kinds.get(name).name for name in names)
        except Rejected as refusal:
            raise ValueError(refusal.message) from None
