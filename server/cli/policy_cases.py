"""Cases of the release policy: what is contributed, by whom, and who is to hear it."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from schemas.vocabulary import Action
from server.release.route.policy import PolicyRule

_Names = Annotated[tuple[str, ...], AfterValidator(lambda names: tuple(sorted(set(names))))]


class BadCases(ValueError):
    """The file holds no cases that can be tried; the message names the place."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Taking(_Table):
    """A partner of the cases: as it is registered, and the collections that it reads."""

    name: str
    kind: str
    country: str | None = None
    trusted: bool = False
    authority: tuple[str, ...] = ()
    institutions: tuple[str, ...] = ()
    organisation: str | None = None
    read: tuple[str, ...] = ()
    left: bool = False


class Expected(_Table):
    """What is to come of a case; what is left out may be anything.

    ``rooms`` are the shared collections that have the value in the end, without their twins; ``own_rooms`` the partners
    in whose own rooms it is; ``readers`` all who may read it; ``grade`` what every one of them reads; ``answer`` and
    ``message`` what the last contribution is answered with.
    """

    collections: _Names | None = None
    private_collections: _Names | None = None
    readers: _Names | None = None
    grade: Action | None = None
    answer: Literal["accepted", "pending", "failed"] | None = None
    message: str | None = None


class PolicyCase(_Table):
    """One case: what is contributed in order, ``by`` whom, as columns of reports, or of records where they say which.

    Its own rules, where it has some, go before those of the file.
    """

    name: str
    contribute: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    expect: Expected
    rule: tuple[PolicyRule, ...] = ()


class Cases(_Table):
    """A file of cases: ``rule`` and ``collection`` as a hub may have them, who takes part, and the cases."""

    rule: tuple[PolicyRule, ...] = ()
    collection: tuple[str, ...] = ()
    partner: Annotated[tuple[Taking, ...], Field(min_length=1)]
    case: Annotated[tuple[PolicyCase, ...], Field(min_length=1)]


def read(path: Path) -> Cases:
    """Read cases in TOML, JSON or YAML. Raises ``BadCases``."""
    try:
        text = path.read_text(encoding="utf-8")
        match path.suffix.lower():
            case ".json":
                said = json.loads(text)
            case ".yaml" | ".yml":
                said = yaml.safe_load(text)
            case _:
                said = tomllib.loads(text)
        return Cases.model_validate(said)
    except OSError as error:
        raise BadCases(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadCases(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise BadCases(f"{path}: neither TOML, JSON nor YAML: {error}") from None
