"""Other hubs of the configuration: their keys, and how this hub uses their reports."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.durations import DurationText
from schemas.partner import CountryCode
from schemas.tlog import BadFormat
from schemas.tlog.notes import ED25519, VerifierKey

CountWord = Literal["as-own", "as-one", "not"]
PeerTlp = Literal["green", "amber"]
# Begins the stored name of a party at another hub. No partner's name has a colon.
_PARTY = "peer:"

# The settings of the connection to a peer. The connectors check their values.
CONNECTION = (
    "every",
    "token",
    "user",
    "password",
    "timeout",
    "answer_within",
    "retries",
    "max_bytes",
    "allow_private",
    "allow_http",
    "ca_file",
    "proxy",
    "proxy_user",
    "proxy_password",
)


@dataclass(frozen=True)
class PeerHub:
    """Another hub. ``key.name`` is the origin of its hub reports.

    ``partner`` is the name of the partner as which the peer reads here. ``connection`` has the settings of the
    connectors to it; they are empty if the peer has no ``url``.
    """

    name: str
    key: VerifierKey
    countries: frozenset[str] = frozenset()
    count: CountWord = "as-one"
    tlp: PeerTlp = "green"
    limits: bool = False
    lease: timedelta = timedelta(hours=24)
    most_reports: int = 5_000_000
    forget_after: timedelta = timedelta(days=30)
    partner: str = ""
    url: str = ""
    connection: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def origin(self) -> str:
        """Return the origin of its hub reports: the name of its key."""
        return self.key.name


def _is_hub_key(text: str) -> str:
    try:
        key = VerifierKey.parse(text)
    except BadFormat as error:
        raise ValueError(f"{error}; `scamfeed log status` at that hub prints its key") from None
    if key.kind != ED25519:
        raise ValueError("it is the key of a witness, not of a hub")
    return text


class PeerTable(BaseModel):
    """A ``[[peer]]`` table of the configuration."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100, description="the name of the hub, for operators")]
    key: Annotated[
        str,
        AfterValidator(_is_hub_key),
        Field(description="its public key, as `scamfeed log status` prints it there, obtained through another channel"),
    ]
    countries: Annotated[
        tuple[CountryCode, ...],
        Field(description="its findings and authorities count for providers in these countries"),
    ] = ()
    count: Annotated[
        CountWord,
        Field(
            description=(
                "`as-own`: each of its reporters counts; `as-one`: all of them count as one reporter; "
                "`not`: its reports are stored and relayed, and do not count"
            )
        ),
    ] = "as-one"
    tlp: Annotated[PeerTlp, Field(description="the most restricted marking that this hub sends it")] = "green"
    limits: Annotated[bool, Field(description="also send it reports with sharing limits, which it has to apply")] = (
        False
    )
    lease: Annotated[
        DurationText,
        Field(gt=timedelta(0), description="age of its newest head from which it is stale and blocks no value"),
    ] = timedelta(hours=24)
    most_reports: Annotated[int, Field(ge=1, description="hub reports of it that this hub stores")] = 5_000_000
    forget_after: Annotated[
        DurationText, Field(gt=timedelta(0), description="silence after which its hub reports are deleted")
    ] = timedelta(days=30)
    partner: Annotated[
        str, Field(max_length=100, description="the partner with `--peer` as which it reads here; empty: `name`")
    ] = ""
    url: Annotated[
        str,
        Field(
            pattern=r"^(https?://\S+)?$",
            description="its API root, as `https://hub.example.kh/feed/`; empty: other peers relay its hub reports",
        ),
    ] = ""

    @model_validator(mode="after")
    def _connection_is_known(self) -> Self:
        """Refuse unknown settings, and settings of a connection without a ``url``."""
        extra = self.model_extra or {}
        unknown = [name for name in extra if name not in CONNECTION]
        if unknown:
            known = ", ".join((*type(self).model_fields, *CONNECTION))
            raise ValueError(f"{unknown[0]}: no such setting; there are {known}")
        if extra and not self.url:
            raise ValueError(f"{', '.join(extra)}: only a peer with a url has a connection")
        return self

    @property
    def hub(self) -> PeerHub:
        """Return the peer as the hub uses it."""
        own = {
            name: getattr(self, name) for name in ("count", "tlp", "limits", "lease", "most_reports", "forget_after")
        }
        return PeerHub(
            self.name,
            VerifierKey.parse(self.key),
            frozenset(self.countries),
            partner=self.partner or self.name,
            url=self.url,
            connection=dict(self.model_extra or {}),
            **own,
        )


def refuse_doubles(tables: Sequence[PeerTable]) -> None:
    """Raise ``ValueError`` if two peers have the same name, partner or origin."""
    hubs = [table.hub for table in tables]
    for what, of_all in (
        ("name", [hub.name for hub in hubs]),
        ("partner", [hub.partner for hub in hubs]),
        ("name of the key", [hub.origin for hub in hubs]),
    ):
        twice = [word for word, count in Counter(of_all).items() if count > 1]
        if twice:
            raise ValueError(f"peer: two peers have the same {what}, {twice[0]}")


def peer_of(peers: Iterable[PeerHub], origin: str) -> PeerHub | None:
    """Return the peer with that origin, or None."""
    return next((peer for peer in peers if peer.origin == origin), None)


def peer_reading_as(peers: Iterable[PeerHub], partner: str) -> PeerHub | None:
    """Return the peer that reads as that partner, or None."""
    return next((peer for peer in peers if peer.partner == partner), None)


def party_at(origin: str) -> str:
    """Return the stored name of a sender, an addressee or an asker at another hub; no partner has this name."""
    return f"{_PARTY}{origin}"


def is_remote(party: str) -> bool:
    """Return whether the stored name of a party is that of one at another hub."""
    return party.startswith(_PARTY)
