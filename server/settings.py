"""The settings, typed, in one place: environment over ``scamfeed.toml`` over the defaults here."""

import ipaddress
import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from schemas.reference.time_zones import find_zone
from server.release.route.policy import PolicyRule

DEFAULT_FILE = Path("scamfeed.toml")
_PREFIX = "SCAMFEED_"
_SHORTEST_SECRET = 32


class BadConfiguration(ValueError):
    """The configuration cannot be used; the message names the place, the rule and the way out."""


def _duration(value: Any) -> Any:
    """Read ``30m``, ``4h`` or ``1d``."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", value) if isinstance(value, str) else None
    if isinstance(value, str) and found is None:
        raise ValueError("not a duration: write it as 30m, 4h or 1d")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])}) if found else value


def _zone(name: str) -> str:
    if name:
        find_zone(name)
    return name


def _long(secret: SecretStr) -> SecretStr:
    if 0 < len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {_SHORTEST_SECRET} characters")
    return secret


class Settings(BaseSettings):
    """The settings of an operator: each a key of ``scamfeed.toml``, and a variable ``SCAMFEED_…`` in capitals."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", validate_default=True)

    database_url: Annotated[
        str,
        Field(
            pattern=r"^(sqlite:///|postgresql\+psycopg://).+",
            description="the store: sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
        ),
    ] = "sqlite:///scamfeed.db"
    read_database_url: Annotated[
        str,
        Field(
            pattern=r"^(postgresql\+psycopg://.+)?$",
            description="a streaming replica of the store on PostgreSQL, from which partners read; empty is none",
        ),
    ] = ""
    title: Annotated[str, Field(min_length=1, description="what the server calls itself in TAXII discovery")] = (
        "Scamfeed"
    )
    contact: Annotated[str, Field(description="whom partners may ask, shown in TAXII discovery")] = ""
    public_url: Annotated[
        str,
        Field(
            pattern=r"^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?)?$",
            description="where partners reach the server, as https://feed.example.org; empty takes it from requests",
        ),
    ] = ""
    public_collections: Annotated[
        list[str],
        Field(description="aliases of collections whose pages any cache in front may keep, and give to anybody"),
    ] = []
    rate_limit: Annotated[int, Field(ge=0, description="requests a minute and partner; 0 is no limit")] = 0
    lookup_values: Annotated[
        int,
        Field(ge=0, description="values that a partner may look up a minute, over all nodes; 0 is no limit"),
    ] = 600_000
    lookup_miss_cost: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="what an account, payment alias or phone number that is not found counts as, in values",
        ),
    ] = 20
    lookup_hit_seconds: Annotated[
        int, Field(ge=0, le=86_400, description="seconds that the answer about a listed value may be kept")
    ] = 300
    lookup_miss_seconds: Annotated[
        int, Field(ge=0, le=86_400, description="seconds that the answer about any other value may be kept")
    ] = 60
    check_rate_limit: Annotated[
        int,
        Field(ge=0, description="checks of public values a minute from one address, by each process; 0 is no limit"),
    ] = 30
    match_seed_file: Annotated[
        Path | None,
        Field(
            description="file of 64 hexadecimal digits, from which the keys of private matching follow, the same on "
            "all nodes; none is no private matching"
        ),
    ] = None
    match_per_request: Annotated[
        int, Field(ge=1, le=10_000, description="blinded values that one request may have evaluated")
    ] = 10_000
    match_per_day: Annotated[
        int, Field(ge=0, description="blinded values that a partner may have evaluated a day; 0 is no limit")
    ] = 50_000
    match_total_per_day: Annotated[
        int,
        Field(ge=0, description="blinded values that all partners together may have evaluated a day; 0 is no limit"),
    ] = 500_000
    quota_objects_per_day: Annotated[
        int, Field(ge=0, description="objects that a partner may post a day; 0 is no limit")
    ] = 0
    max_objects: Annotated[
        int, Field(ge=1, le=100_000, description="objects that one request may bring; more are refused with 413")
    ] = 20_000
    trusted_proxies: Annotated[
        str, Field(description="addresses of proxies whose X-Forwarded-For is believed, separated by commas")
    ] = ""
    client_certificate_header: Annotated[
        str,
        Field(
            pattern="^([A-Za-z][A-Za-z0-9-]*)?$",
            description="header in which those proxies send the verified client certificate; empty is none",
        ),
    ] = ""
    login_key: Annotated[
        SecretStr,
        AfterValidator(_long),
        Field(
            description="secret of 32 characters or more that all server nodes share, so that a password verified by "
            "one is taken by the others; empty is one of each node's own",
        ),
    ] = SecretStr("")
    console_key: Annotated[
        SecretStr,
        AfterValidator(_long),
        Field(
            description="secret of 32 characters or more, the same on all nodes, that encrypts users' second factors "
            "in the store; empty: whoever has the store can read them",
        ),
    ] = SecretStr("")
    console_hours: Annotated[
        int, Field(ge=1, le=168, description="hours after which a login to the pages ends, however busy it is")
    ] = 12
    console_idle_minutes: Annotated[
        int, Field(ge=5, le=1_440, description="minutes without a request after which a login to the pages ends")
    ] = 60
    oidc_issuer: Annotated[
        str,
        Field(
            pattern=r"^((https://|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)[^?#]*)?$",
            description="issuer of OpenID Connect where operators log in, exactly as it calls itself; empty is none",
        ),
    ] = ""
    oidc_client_id: Annotated[str, Field(description="what that provider calls this hub")] = ""
    oidc_client_secret: Annotated[SecretStr, Field(description="the secret of this hub at that provider")] = SecretStr(
        ""
    )
    oidc_roles_claim: Annotated[str, Field(min_length=1, description="claim of the ID token that has roles")] = "roles"
    oidc_roles: Annotated[
        dict[str, Literal["viewer", "analyst", "approver", "admin"]],
        Field(description="role of the console for each word of that claim; whoever has none of them is not let in"),
    ] = {}
    metrics_token: Annotated[
        SecretStr, Field(description="token that shows /metrics to other machines; empty is to this one only")
    ] = SecretStr("")
    access_log: Annotated[
        Literal["text", "json", "off"], Field(description="form of the access log, one line a request")
    ] = "text"
    quiet_hours: Annotated[
        int,
        Field(
            ge=0, description="the shortest silence of a partner, source or collection that raises an alert; 0: none"
        ),
    ] = 6
    audit_days: Annotated[
        int, Field(ge=0, le=36_500, description="days that the audit trail is kept; 0 is for ever")
    ] = 0
    status_days: Annotated[int, Field(ge=1, le=36_500, description="days that the status of a POST can be read")] = 30
    receipt_days: Annotated[
        int, Field(ge=0, le=36_500, description="days that retraction receipts are kept once closed; 0 is for ever")
    ] = 400
    delivery_days: Annotated[
        int,
        Field(ge=0, le=36_500, description="days that pushes of versions since superseded are kept; 0 is for ever"),
    ] = 400
    request_days: Annotated[
        int,
        Field(ge=0, le=36_500, description="days that requests between institutions are kept once closed; 0: for ever"),
    ] = 400
    requests_per_day: Annotated[
        int, Field(ge=0, description="requests to other institutions that a partner may send in 24 hours; 0: no limit")
    ] = 500
    requests_open: Annotated[
        int, Field(ge=0, description="requests of a partner that may be open at once; 0 is no limit")
    ] = 2_000
    request_unanswered_days: Annotated[
        int, Field(ge=1, le=3_650, description="days after its deadline that a request nobody answers is closed")
    ] = 30
    retraction_target: Annotated[
        timedelta,
        BeforeValidator(_duration),
        Field(gt=timedelta(0), description="time within which every partner should know of a retraction, as 4h"),
    ] = timedelta(hours=4)
    answer_target: Annotated[
        timedelta,
        BeforeValidator(_duration),
        Field(gt=timedelta(0), description="time within which a keeper should answer for what it keeps, as 4h"),
    ] = timedelta(hours=4)
    withheld_target: Annotated[
        timedelta,
        BeforeValidator(_duration),
        Field(
            gt=timedelta(0),
            description="time within which you should decide whether a keeper hears of a report that excludes it",
        ),
    ] = timedelta(hours=4)
    two_persons_readers: Annotated[
        int,
        Field(ge=0, description="what more partners than these read, or anybody, two persons take back on the pages"),
    ] = 20
    two_persons_days: Annotated[
        int,
        Field(
            ge=0,
            le=365,
            description="days for which a new account, or one with a new link, is no second person beside who added "
            "it, confirmed it or was shown the link",
        ),
    ] = 7
    erasure_wait_days: Annotated[
        int,
        Field(ge=0, le=6, description="days for which requests that were open before delay an erasure"),
    ] = 3
    two_persons_commands: Annotated[
        bool,
        Field(
            description="whether scamfeed review approve and reject leave to a second person what two persons decide "
            "on the pages"
        ),
    ] = False
    lists_dir: Annotated[
        Path | None, Field(description="folder of the updated allowlists; none is beside the store")
    ] = None
    hold_examples: Annotated[bool, Field(description="hold values for review that documentation uses as examples")] = (
        False
    )
    objection_days: Annotated[
        int, Field(ge=1, le=365, description="working days within which an objection is answered")
    ] = 15
    objection_limit: Annotated[
        int, Field(ge=0, description="objections that anybody may file a day, all together; 0: none, they are closed")
    ] = 1_000
    objection_key_file: Annotated[
        Path | None,
        Field(
            description="file of 64 hexadecimal digits, by which contacts of people who object are encrypted, the same "
            "on all nodes; none takes no contacts"
        ),
    ] = None
    ledger: Annotated[bool, Field(description="seal what is published into the ledger")] = True
    ledger_key_file: Annotated[
        Path | None,
        Field(
            description="file of the keys by which the ledger is signed, the same on all nodes, made when it is first "
            "needed; none is one beside an SQLite store, and no ledger on PostgreSQL"
        ),
    ] = None
    checkpoint_notes: Annotated[
        list[str],
        Field(
            description="aliases of the collections in which their own signed checkpoints are published as notes, one "
            "an hour at most, for partners that read TAXII alone"
        ),
    ] = []
    witness_allow_private: Annotated[
        bool, Field(description="ask witnesses of the ledger that are on this machine or its own network too")
    ] = False
    evidence_store: Annotated[
        str,
        Field(
            description="folder, or s3://bucket/folder, in which files of evidence are stored, encrypted; empty: they "
            "stay with their holders, and their hashes alone are kept"
        ),
    ] = ""
    evidence_key_file: Annotated[
        Path | None,
        Field(description="file of 64 hexadecimal digits, by which files of evidence are encrypted"),
    ] = None
    evidence_file_bytes: Annotated[int, Field(ge=1, description="the largest file of evidence, in bytes")] = 100 << 20
    evidence_partner_bytes: Annotated[
        int, Field(ge=0, description="how many bytes of evidence are stored of one partner")
    ] = 10 << 30
    evidence_per_day: Annotated[
        int, Field(ge=0, description="files of evidence that a partner may send a day; 0: none, operators add them")
    ] = 200
    evidence_media_types: Annotated[
        list[str],
        Field(description="media types, by content, of the evidence that partners may send; empty is any"),
    ] = [
        "application/pdf",
        "application/json",
        "audio/mpeg",
        "image/gif",
        "image/heic",
        "image/jpeg",
        "image/png",
        "image/webp",
        "message/rfc822",
        "text/csv",
        "text/html",
        "text/plain",
        "video/mp4",
    ]
    evidence_days: Annotated[
        int, Field(ge=0, le=36_500, description="days that evidence is kept once it was added; 0 is for ever")
    ] = 1_825
    timestamp_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://.+)?$",
            description="authority (RFC 3161) that time-stamps evidence; empty is none",
        ),
    ] = ""
    timestamp_ca_file: Annotated[Path | None, Field(description="certificates of that authority's root, in PEM")] = None
    signing_key_file: Annotated[
        Path | None,
        Field(
            description="file of the hub's private keys (Ed25519, PEM), which sign statements and files, the same on "
            "all nodes, or the pkcs11: URI of a key; none is one beside an SQLite store, made when it is first needed"
        ),
    ] = None
    timezone: Annotated[
        str,
        AfterValidator(_zone),
        Field(description="time zone of dates and times in files that name none, as Asia/Bangkok; empty is UTC"),
    ] = ""
    country: Annotated[
        str,
        Field(
            pattern="^([A-Z]{2})?$",
            description="country (ISO 3166-1 alpha-2) of numbers that are written as at home, on pages; empty is none",
        ),
    ] = "TH"
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level logged")] = "INFO"
    newcomer_days: Annotated[
        int, Field(ge=0, le=3_650, description="days for which a new partner's reports alone block nothing; 0 is none")
    ] = 30
    newcomer_outcomes: Annotated[
        int,
        Field(ge=0, description="reports that proved right after which a partner is new no more; 0 is by days alone"),
    ] = 10
    rule: Annotated[
        list[PolicyRule],
        Field(description="routing rules, one [[rule]] table each; none is the default rules"),
    ] = []
    feed: Annotated[list[dict[str, Any]], Field(description="the connectors, one [[feed]] table each")] = []

    @model_validator(mode="after")
    def _evidence_has_its_keys(self) -> "Settings":
        if self.evidence_store and self.evidence_key_file is None:
            raise ValueError("evidence_store: stored evidence is encrypted: set evidence_key_file")
        if self.timestamp_url and self.timestamp_ca_file is None:
            raise ValueError("timestamp_url: set timestamp_ca_file, by which its time-stamps are verified")
        return self

    @model_validator(mode="after")
    def _replica_is_of_the_store(self) -> "Settings":
        if self.read_database_url and self.database_file is not None:
            raise ValueError("read_database_url: a replica needs a database_url on PostgreSQL")
        return self

    @property
    def database_file(self) -> Path | None:
        """The file of the store, None where it is a database server."""
        file = self.database_url.removeprefix("sqlite:///")
        return Path(file) if file != self.database_url else None

    @property
    def lists_folder(self) -> Path:
        """The folder of the updated allowlists: as it is set, else beside the store's file."""
        beside = self.database_file.parent if self.database_file else Path()
        return self.lists_dir or beside / "scamfeed-lists"

    @property
    def ledger_keys(self) -> Path | None:
        """The file of the ledger's keys: as it is set, else beside the store's file; None where nothing is sealed."""
        file = self.database_file
        beside = None if file is None else file.with_name(f"{file.stem}-ledger.key")
        return (self.ledger_key_file or beside) if self.ledger else None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for network in value.split(","):
            if network.strip():
                ipaddress.ip_network(network.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before what ``load`` read from the file."""
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """Read the configuration from ``path``, else from ``scamfeed.toml`` in this folder if there is one.

    Raises ``BadConfiguration``.
    """
    _refuse_unknown_variables()
    source = path or DEFAULT_FILE
    table: dict[str, Any] = {}
    if path is not None or source.exists():
        try:
            table = tomllib.loads(source.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadConfiguration(f"{source}: cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"{source}: not TOML: {error}") from None
    try:
        return Settings(**table)
    except SettingsError as error:
        raise BadConfiguration(f"{error}: in the environment, a list is written as JSON") from None
    except ValidationError as error:
        raise BadConfiguration(
            "; ".join(_explain(problem, source) for problem in error.errors(include_input=False))
        ) from None


def _refuse_unknown_variables() -> None:
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(_PREFIX) and name not in known:
            raise BadConfiguration(f"{name}: no such setting; there are {', '.join(sorted(known))}")


def _explain(error: Any, source: Path) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) > 1:
        return f"{place}: no such key in {source}"
    if error["type"] == "extra_forbidden":
        return f"{place}: no such setting in {source}; there are {', '.join(Settings.model_fields)}"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
