"""The settings, typed, in one place: environment variables override ``scamfeed.toml``, which overrides the defaults."""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from schemas.durations import DurationText
from schemas.timestamp import find_zone
from server.release.peer_feeds import peer_feeds
from server.release.peers import PeerTable, refuse_doubles
from server.release.route.deadlines import PolicyDeadline
from server.release.route.policy import MOST_DEADLINES, PolicyRule

DEFAULT_FILE = Path("scamfeed.toml")
_PREFIX = "SCAMFEED_"
_SHORTEST_SECRET = 32
# The name of a mail server, and an address, or none.
_HOST = r"^([A-Za-z0-9.-]+)?$"
_ADDRESS = r"^([A-Za-z0-9._+-]+@[A-Za-z0-9.-]+)?$"
# Variables from which a partner's commands read its token.
OTHER_VARIABLES = frozenset(("SCAMFEED_TOKEN",))


class BadConfiguration(ValueError):
    """The configuration cannot be used; the message names the place, the rule and the remedy."""


def _zone(name: str) -> str:
    if name:
        find_zone(name)
    return name


def _long(secret: SecretStr) -> SecretStr:
    if 0 < len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {_SHORTEST_SECRET} characters")
    return secret


class Settings(BaseSettings):
    """The settings of an operator: each is a key of ``scamfeed.toml``, and a variable ``SCAMFEED_…`` in capitals."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", validate_default=True)

    database_url: Annotated[
        str,
        Field(
            pattern=r"^(sqlite:///|postgresql\+psycopg://).+",
            description="the store: `sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`",
        ),
    ] = "sqlite:///scamfeed.db"
    read_database_url: Annotated[
        str,
        Field(
            pattern=r"^(postgresql\+psycopg://.+)?$",
            description=(
                "a streaming replica of a store on PostgreSQL that answers partners' reads: "
                "deploy/replica.md; empty: all reads use `database_url`"
            ),
        ),
    ] = ""
    title: Annotated[
        str, Field(min_length=1, description="the server's name in TAXII discovery, and the hub's identity in the feed")
    ] = "Scamfeed"
    contact: Annotated[str, Field(description="the contact for partners, shown there too")] = ""
    owner: Annotated[
        str, Field(max_length=200, description="the organisation that runs the hub, as pages and reports name it")
    ] = ""
    public_report: Annotated[
        bool, Field(description="show everybody the monthly report of published figures, at `/report`: trends.md")
    ] = False
    mark_file: Annotated[
        Path | None,
        Field(
            description=(
                "the owner's mark on pages and reports: a PNG of at most 2000 by 2000 pixels, or an SVG that runs and "
                "loads nothing, of at most 256 KiB; empty is none"
            )
        ),
    ] = None
    docs_folder: Annotated[
        Path | None,
        Field(
            description=(
                "folder with the documentation, as `make docs` builds it; the hub serves it to everybody at `/docs`; "
                "empty: none"
            )
        ),
    ] = None
    public_url: Annotated[
        str,
        Field(
            pattern=r"^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?)?$",
            description=(
                "the server's address for partners, as `https://feed.example.org`, which the discovery names;"
                " clients that accept no path there (cytaxii2) need it behind a proxy that ends TLS; empty: "
                "the request's own address over https, else a path"
            ),
        ),
    ] = ""
    public_collections: Annotated[
        list[str],
        Field(
            description=(
                "aliases of collections whose pages any cache in front may store and give to every client, as"
                ' `["public"]`: deploy/cache.md; none: only the partner\'s own cache may'
            )
        ),
    ] = []
    rate_limit: Annotated[int, Field(ge=0, description="requests a minute and organisation; 0 is no limit")] = 0
    lookup_values: Annotated[
        int,
        Field(
            ge=0,
            description="values that an organisation may look up a minute, over all nodes; 0 is no limit: lookups.md",
        ),
    ] = 600_000
    lookup_miss_cost: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="cost in values of an account, payment alias or phone number that is not found",
        ),
    ] = 20
    lookup_hit_seconds: Annotated[
        int, Field(ge=0, le=86_400, description="seconds for which a client may keep the answer about a listed value")
    ] = 300
    lookup_miss_seconds: Annotated[
        int, Field(ge=0, le=86_400, description="seconds for which a client may keep the answer about any other value")
    ] = 60
    check_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            description="checks of public values a minute from one address, and as many requests by hash prefix "
            "(safe-browsing.md), by each process; 0 is no limit",
        ),
    ] = 30
    match_seed_file: Annotated[
        Path | None,
        Field(
            description=(
                "file of 64 hexadecimal digits from which the keys of private matching are derived, the same "
                "on all nodes, readable only by its owner: matching.md; empty: no private matching"
            )
        ),
    ] = None
    match_per_request: Annotated[
        int, Field(ge=1, le=10_000, description="blinded values that one request may contain, up to 10,000")
    ] = 10_000
    match_per_day: Annotated[
        int,
        Field(ge=0, description="blinded values that an organisation may send a day, over all nodes; 0 is no limit"),
    ] = 50_000
    match_total_per_day: Annotated[
        int,
        Field(ge=0, description="blinded values that all partners together may send a day; 0 is no limit"),
    ] = 500_000
    quota_objects_per_day: Annotated[
        int, Field(ge=0, description="objects that an organisation may post a day; 0 is no limit")
    ] = 0
    max_objects: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description=(
                "objects that one request may contain, up to 100,000; a larger request is refused whole with "
                "413, and the error names the limit"
            ),
        ),
    ] = 20_000
    response_bytes: Annotated[
        int,
        Field(
            ge=1 << 20,
            description=(
                "bytes of responses that each process makes, or keeps for clients that read slowly. Beyond "
                "that, a request for a large response waits for 20 seconds at most, then it is refused with "
                "503 and `Retry-After`: robustness.md#clients-that-read-or-send-slowly"
            ),
        ),
    ] = 64 << 20
    response_bytes_of_one: Annotated[
        int,
        Field(
            ge=1 << 20, description="the part of these bytes that one partner, or one address without a login, may have"
        ),
    ] = 32 << 20
    streams_of_one: Annotated[
        int,
        Field(ge=1, description="streams of changes that one partner may keep open in each worker: streams.md"),
    ] = 100
    least_read_rate: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "bytes a second of a response that a client has to read, on average over a minute; a slower "
                "client is disconnected"
            ),
        ),
    ] = 4096
    trusted_proxies: Annotated[
        str,
        Field(description="addresses or networks of proxies, separated by commas, whose `X-Forwarded-For` is trusted"),
    ] = ""
    client_certificate_header: Annotated[
        str,
        Field(
            pattern="^([A-Za-z][A-Za-z0-9-]*)?$",
            description="header in which those proxies send the client certificate that they verified",
        ),
    ] = ""
    login_key: Annotated[
        SecretStr,
        AfterValidator(_long),
        Field(
            description=(
                "secret of 32 characters or more, the same on all server nodes: with it, other nodes accept "
                "for five minutes a password that one node has verified, by a keyed digest in the store; "
                "empty: only the processes of one node share this"
            ),
        ),
    ] = SecretStr("")
    console_key: Annotated[
        SecretStr,
        AfterValidator(_long),
        Field(
            description=(
                "secret of 32 characters or more, the same on all nodes, that encrypts users' second factors "
                "in the store; without it a copy of the store is enough to read them"
            ),
        ),
    ] = SecretStr("")
    console_hours: Annotated[
        int, Field(ge=1, le=168, description="hours after which a login to the pages ends, also during use")
    ] = 12
    console_idle_minutes: Annotated[
        int, Field(ge=5, le=1_440, description="minutes without a request after which a login to the pages ends")
    ] = 60
    oidc_issuer: Annotated[
        str,
        Field(
            pattern=r"^((https://|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)[^?#]*)?$",
            description="issuer of OpenID Connect at which operators log in, exactly in its own spelling; empty: none",
        ),
    ] = ""
    oidc_client_id: Annotated[str, Field(description="this hub's client id at that login provider")] = ""
    oidc_client_secret: Annotated[SecretStr, Field(description="this hub's secret at that login provider")] = SecretStr(
        ""
    )
    oidc_roles_claim: Annotated[str, Field(min_length=1, description="claim of the ID token that has roles")] = "roles"
    oidc_roles: Annotated[
        dict[str, Literal["viewer", "analyst", "approver", "admin"]],
        Field(
            description=(
                'role of the console for each word of that claim, as `{ "scam-desk" = "analyst" }`; a person '
                "without any of these words is refused"
            )
        ),
    ] = {}
    metrics_token: Annotated[
        SecretStr,
        Field(
            description=(
                "Bearer token that shows `/metrics` to other machines, and under other names than `localhost`"
                " or a loopback address; without it only this machine sees them"
            )
        ),
    ] = SecretStr("")
    access_log: Annotated[
        Literal["text", "json", "off"],
        Field(
            description=(
                "form of the log, with one line a request: `text`; `json`, in which each line is a document; "
                "`off`: text without the lines of requests"
            )
        ),
    ] = "text"
    quiet_hours: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "hours of the shortest silence of a partner, a source or a collection that raises an alert "
                "(feeds.md#quiet-partners-and-sources); 0: none"
            ),
        ),
    ] = 6
    audit_days: Annotated[
        int, Field(ge=0, le=36_500, description="days that the audit trail is kept; 0 is for ever")
    ] = 0
    status_days: Annotated[
        int, Field(ge=1, le=36_500, description="days for which the status of a POST is available")
    ] = 30
    receipt_days: Annotated[
        int, Field(ge=0, le=36_500, description="days that closed retraction receipts are kept; 0 is for ever")
    ] = 400
    delivery_days: Annotated[
        int,
        Field(
            ge=0,
            le=36_500,
            description=(
                "days that the record of a push is kept after a later version of the same object was pushed; "
                "0 is for ever"
            ),
        ),
    ] = 400
    request_days: Annotated[
        int,
        Field(
            ge=0,
            le=36_500,
            description="days that closed requests between institutions are kept; 0 is for ever; requests.md",
        ),
    ] = 400
    requests_per_day: Annotated[
        int,
        Field(
            ge=0, description="requests to other institutions that an organisation may send in 24 hours; 0 is no limit"
        ),
    ] = 500
    requests_open: Annotated[
        int, Field(ge=0, description="requests of an organisation that may be open at once; 0 is no limit")
    ] = 2_000
    request_unanswered_days: Annotated[
        int,
        Field(ge=1, le=3_650, description="days after its deadline at which a request without a response is closed"),
    ] = 30
    retraction_target: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description=(
                "target time for every partner that read a listing to learn of its delisting: `30m`, `4h`, "
                "`1d`; receipts.md"
            ),
        ),
    ] = timedelta(hours=4)
    answer_target: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description=(
                "target time for a provider's finding on an account that others report: `30m`, `4h`, `1d`; providers.md"
            ),
        ),
    ] = timedelta(hours=4)
    withheld_target: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description="target time for your decision whether a provider may see a report that excludes it",
        ),
    ] = timedelta(hours=4)
    two_persons_readers: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "a delisting needs dual control if more partners than this read the listing, or it is in "
                "`public` (console.md)"
            ),
        ),
    ] = 20
    two_persons_days: Annotated[
        int,
        Field(
            ge=0,
            le=365,
            description=(
                "days for which a new account, or one with a new link, cannot be the second person for the "
                "operator who added it, confirmed it or saw the link (console.md#two-persons-are-two-"
                "identities)"
            ),
        ),
    ] = 7
    erasure_wait_days: Annotated[
        int,
        Field(
            ge=0,
            le=6,
            description=(
                "days for which requests between institutions that were open when an erasure (erasure.md) was"
                " proposed delay it, 6 at most"
            ),
        ),
    ] = 3
    lists_dir: Annotated[
        Path | None,
        Field(
            description=(
                "folder of the lists of harmless values that `scamfeed lists update` wrote; guard.md; empty: "
                "`scamfeed-lists` next to the store"
            )
        ),
    ] = None
    hold_examples: Annotated[
        bool,
        Field(
            description=(
                "also hold examples from documentation for review (`example.com`, examples of IBANs and "
                "telephone numbers)"
            )
        ),
    ] = False
    objection_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            description=(
                "working days of the hub's `country`, by its public holidays, within which an objection is "
                "answered: objections.md"
            ),
        ),
    ] = 15
    objection_limit: Annotated[
        int, Field(ge=0, description="objections that the hub accepts a day, from all people together; 0 closes them")
    ] = 1_000
    objection_key_file: Annotated[
        Path | None,
        Field(
            description=(
                "file of 64 hexadecimal digits (`openssl rand -hex 32`, `chmod 600`) that encrypts the "
                "contacts of people who object. It is the same on all nodes and in no backup of the database;"
                " without it no contacts are accepted"
            )
        ),
    ] = None
    mail_host: Annotated[
        str,
        Field(
            pattern=_HOST,
            description="mail server (SMTP with STARTTLS) that sends reminders: reminders.md; empty: no mail is sent",
        ),
    ] = ""
    mail_port: Annotated[int, Field(ge=1, le=65_535, description="port of the mail server")] = 587
    mail_user: Annotated[str, Field(description="user at the mail server; empty: no login")] = ""
    mail_password: Annotated[SecretStr, Field(description="password of that user")] = SecretStr("")
    mail_from: Annotated[
        str,
        Field(
            pattern=_ADDRESS,
            description="address that reminders are sent from, which also gets those that are returned",
        ),
    ] = ""
    mail_ca_file: Annotated[
        Path | None,
        Field(description="certificates (PEM) that verify the mail server; empty: those of the system"),
    ] = None
    remind_before: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description=(
                "how long before a deadline a reminder is sent: `30m`, `1h`; for a short deadline its last quarter"
            ),
        ),
    ] = timedelta(hours=1)
    remind_reviews: Annotated[
        DurationText,
        Field(
            gt=timedelta(0), description="time after which operators are reminded of a review that waits: `4h`, `1d`"
        ),
    ] = timedelta(hours=4)
    remind_admins: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description=(
                "time after its deadline at which the institution's administrators are told of an unanswered request"
            ),
        ),
    ] = timedelta(hours=1)
    remind_operators: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description="time after its deadline at which the hub's operators are told of an unanswered request",
        ),
    ] = timedelta(hours=24)
    dns_servers: Annotated[
        list[Annotated[str, Field(pattern=r"^([0-9.]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$")]],
        Field(
            max_length=8,
            description=(
                "resolvers that the hub asks whether listed names still exist, as `192.0.2.53` or `[2001:db8::53]:53`: "
                "liveness.md; none: it asks nobody"
            ),
        ),
    ] = []
    liveness_private: Annotated[
        bool,
        Field(
            description=(
                "also ask `dns_servers` and registries about names that are not in the public list, which tells them "
                "these names: liveness.md"
            )
        ),
    ] = False
    rdap_bootstrap: Annotated[
        str,
        Field(
            pattern=r"^(https?://[^\s?#]+)?$",
            description="folder of IANA's lists of RDAP servers, read weekly; empty: only `rdap_servers`: dispatch.md",
        ),
    ] = "https://data.iana.org/rdap/"
    rdap_servers: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^[0-9a-z.:/-]{1,80}$")],
            Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")],
        ],
        Field(
            max_length=1_000,
            description=(
                "RDAP servers that IANA does not list, or lists wrongly, by top-level domain or network: "
                '`{ "th" = "https://rdap.example.th/" }`'
            ),
        ),
    ] = {}
    rdap_allow_private: Annotated[
        bool, Field(description="also ask RDAP servers on this machine and in private networks")
    ] = False
    registries_per_second: Annotated[
        float,
        Field(gt=0, le=1_000, description="questions a second to one RDAP server or resolver; five times that to all"),
    ] = 1.0
    dispatch: Annotated[
        bool,
        Field(
            description=(
                "report listed domains, URLs and addresses of grade `block` by mail to registrars and networks that "
                "are no partners: dispatch.md"
            )
        ),
    ] = False
    dispatch_from: Annotated[
        str,
        Field(
            pattern=_ADDRESS,
            description="address that these reports are sent from, and that answers and bounces go to",
        ),
    ] = ""
    dispatch_collection: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9-]+$",
            description="collection whose listings are reported; whatever it is, only those marked TLP:CLEAR are",
        ),
    ] = "public"
    dispatch_approvals: Annotated[
        int, Field(ge=10, le=10_000, description="the first so many of these mails wait for an operator's approval")
    ] = 10
    dispatch_per_day: Annotated[
        int, Field(ge=1, le=1_000, description="reports by mail that one addressee gets in 24 hours at most")
    ] = 24
    dispatch_combine: Annotated[
        DurationText,
        Field(
            gt=timedelta(0),
            description="time after a mail in which further values for the same addressee wait, to go in one mail",
        ),
    ] = timedelta(hours=1)
    dispatch_imap_host: Annotated[
        str,
        Field(
            pattern=_HOST,
            description="mail server (IMAP) with the mailbox of `dispatch_from`; empty: answers are not read",
        ),
    ] = ""
    dispatch_imap_port: Annotated[int, Field(ge=1, le=65_535, description="port of that mail server")] = 993
    dispatch_imap_tls: Annotated[
        Literal["implicit", "starttls"], Field(description="how TLS begins there: `implicit` or `starttls`")
    ] = "implicit"
    dispatch_imap_user: Annotated[str, Field(description="user of that mailbox")] = ""
    dispatch_imap_password: Annotated[SecretStr, Field(description="password of that user")] = SecretStr("")
    dispatch_imap_folder: Annotated[
        str, Field(pattern=r"^[\x20-\x7e]+$", description="folder of that mailbox to read")
    ] = "INBOX"
    dispatch_imap_private: Annotated[
        bool, Field(description="also connect to a mail server on this machine or in a private network")
    ] = False
    background: Annotated[
        bool,
        Field(
            description=(
                "also do the hub's work in the background, as sealing, publishing figures and closing what is due; "
                "false on a node that only answers, while another node does the work"
            )
        ),
    ] = True
    ledger: Annotated[bool, Field(description="seal published objects into the ledger (ledger.md)")] = True
    ledger_key_file: Annotated[
        Path | None,
        Field(
            description=(
                "file of the keys that sign the ledger, the same on all nodes, readable only by its owner, "
                "and in no backup of the database: ledger.md; empty: next to an SQLite store, made when it is"
                " first needed; on PostgreSQL nothing is sealed"
            )
        ),
    ] = None
    checkpoint_notes: Annotated[
        list[str],
        Field(
            description=(
                "aliases of the collections in which their own signed checkpoints are published as STIX "
                "notes, one an hour at most: ledger.md#checkpoints-as-notes"
            )
        ),
    ] = []
    witness_allow_private: Annotated[
        bool, Field(description="also ask witnesses of the ledger on this machine or its own network")
    ] = False
    evidence_store: Annotated[
        str,
        Field(
            description=(
                "folder, or `s3://bucket/folder`, in which files of evidence are stored, encrypted: "
                "evidence.md; empty: they stay with their holders, and only their hashes are kept"
            )
        ),
    ] = ""
    evidence_key_file: Annotated[
        Path | None,
        Field(
            description=(
                "file of 64 hexadecimal digits (`openssl rand -hex 32`, `chmod 600`) that encrypts files of "
                "evidence, in no backup of the database"
            )
        ),
    ] = None
    evidence_file_bytes: Annotated[int, Field(ge=1, description="the largest file of evidence, in bytes")] = 100 << 20
    evidence_partner_bytes: Annotated[int, Field(ge=0, description="bytes of evidence stored of one partner")] = (
        10 << 30
    )
    evidence_per_day: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "files of evidence that an organisation may send a day, over all nodes; 0: partners send "
                "none, operators add them"
            ),
        ),
    ] = 200
    evidence_media_types: Annotated[
        list[str],
        Field(description="media types, by content, of the evidence that partners may send; an empty list is any"),
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
        int, Field(ge=0, le=36_500, description="days that evidence is kept after it was added; 0 is for ever")
    ] = 1_825
    timestamp_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://.+)?$",
            description="authority (RFC 3161) that time-stamps evidence",
        ),
    ] = ""
    timestamp_ca_file: Annotated[Path | None, Field(description="certificates of that authority's root, in PEM")] = None
    signing_key_file: Annotated[
        Path | None,
        Field(
            description=(
                "file of the hub's private keys (Ed25519, PEM), which sign statements and files, the same on "
                "all nodes, readable only by its owner; or the `pkcs11:` URI of a key in an HSM: "
                "audit.md#the-hubs-keys; empty: `scamfeed-signing-key.pem` next to an SQLite store, made when"
                " it is first needed; none on PostgreSQL"
            )
        ),
    ] = None
    timezone: Annotated[
        str,
        AfterValidator(_zone),
        Field(
            description=(
                "time zone of dates and times without one, in mapped or contributed files and in pulls "
                "without a zone of their own: `Asia/Bangkok`, or an offset such as `+07:00`; empty: UTC"
            )
        ),
    ] = ""
    country: Annotated[
        str,
        Field(
            pattern="^([A-Z]{2})?$",
            description=(
                "country (ISO 3166-1, two letters) of telephone and account numbers that people enter on "
                "pages without a country; empty is none"
            ),
        ),
    ] = "TH"
    log_level: Annotated[
        str,
        Field(
            pattern="^(DEBUG|INFO|WARNING|ERROR)$",
            description="the least level that is logged: `DEBUG`, `INFO`, `WARNING`, `ERROR`",
        ),
    ] = "INFO"
    newcomer_days: Annotated[
        int,
        Field(
            ge=0,
            le=3_650,
            description=(
                "days after which a new partner has a record if one other organisation confirmed its reports;"
                " 0: every partner has one: standing.md#the-record-of-a-partner"
            ),
        ),
    ] = 30
    newcomer_outcomes: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "reports that proved right, by two others, by which a partner has a record at once; 0: only "
                "the days decide"
            ),
        ),
    ] = 10
    newcomer_values: Annotated[
        int,
        Field(
            ge=0,
            description="new values that an organisation without a record lists a day without a review; 0 is no limit",
        ),
    ] = 200
    newcomer_public_values: Annotated[
        int, Field(ge=0, description="how many of these may be in `public`; 0 is no limit")
    ] = 20
    ends_per_day: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "listings that an organisation ends within 24 hours, by retractions, findings, outcomes, lifted "
                "holds and reports of coercion, without a second person; 0 is no limit: reviews.md#many-ends"
            ),
        ),
    ] = 100
    burst: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "values that the reports of one organisation alone block in an hour, before further ones warn until a "
                "review; it may block twice as many as in its largest hour of an earlier day; 0 is no limit: "
                "reviews.md#many-blocks"
            ),
        ),
    ] = 500
    rule: Annotated[
        list[PolicyRule],
        Field(
            description=(
                "which collections take which reports, a `[[rule]]` table each: release-rules.md; without a "
                "table each kind goes to its collection, and TLP:CLEAR to `public` too"
            )
        ),
    ] = []
    deadline: Annotated[
        list[PolicyDeadline],
        Field(
            max_length=MOST_DEADLINES,
            description=(
                "the longest time for a response to a takedown request, a `[[deadline]]` table each: "
                "takedown.md#times-by-policy"
            ),
        ),
    ] = []
    peer: Annotated[
        list[PeerTable],
        Field(description="other hubs that this hub exchanges reports with, a `[[peer]]` table each: federation.md"),
    ] = []
    weight_step: Annotated[
        int,
        Field(
            ge=1,
            le=50,
            description="weights in hub reports are multiples of this, to identify reporters less: federation.md",
        ),
    ] = 1
    feed: Annotated[list[dict[str, Any]], Field(description="the connectors, a `[[feed]]` table each: feeds.md")] = []
    reminder_hook: Annotated[
        list[dict[str, Any]],
        Field(
            max_length=100,
            description="webhooks of near and past deadlines, a `[[reminder_hook]]` table each: reminders.md#webhooks",
        ),
    ] = []

    @model_validator(mode="after")
    def _evidence_has_its_keys(self) -> "Settings":
        if self.evidence_store and self.evidence_key_file is None:
            raise ValueError("evidence_store: stored evidence is encrypted: set evidence_key_file")
        if self.timestamp_url and self.timestamp_ca_file is None:
            raise ValueError("timestamp_url: set timestamp_ca_file, which verifies its time-stamps")
        return self

    @model_validator(mode="after")
    def _mail_has_its_addresses(self) -> "Settings":
        if self.mail_host and not (self.mail_from and self.public_url):
            raise ValueError("mail_host: mails have a sender and links to pages: set mail_from and public_url")
        return self

    @model_validator(mode="after")
    def _dispatch_has_its_addresses(self) -> "Settings":
        if self.dispatch and not (self.mail_host and self.dispatch_from):
            raise ValueError("dispatch: reports are sent by mail: set mail_host and dispatch_from")
        if self.dispatch_imap_host and not self.dispatch_imap_user:
            raise ValueError("dispatch_imap_host: set dispatch_imap_user")
        return self

    @field_validator("mark_file", "docs_folder", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        # As a path, an empty text is the current folder.
        return None if value == "" else value

    @field_validator("peer")
    @classmethod
    def _peers_differ(cls, tables: list[PeerTable]) -> list[PeerTable]:
        refuse_doubles(tables)
        return tables

    @model_validator(mode="after")
    def _replica_is_of_the_store(self) -> "Settings":
        if self.read_database_url and self.database_file is not None:
            raise ValueError("read_database_url: a replica needs a database_url on PostgreSQL")
        return self

    @property
    def feeds(self) -> list[dict[str, Any]]:
        """The connectors: those of the ``[[feed]]`` tables, and one for each ``[[peer]]`` table with a ``url``."""
        return [*self.feed, *peer_feeds((table.hub for table in self.peer), self.feed)]

    @property
    def database_file(self) -> Path | None:
        """The file of the store, None where it is a database server."""
        file = self.database_url.removeprefix("sqlite:///")
        return Path(file) if file != self.database_url else None

    @property
    def lists_folder(self) -> Path:
        """The folder of the updated allowlists: the setting, or next to the store's file."""
        beside = self.database_file.parent if self.database_file else Path()
        return self.lists_dir or beside / "scamfeed-lists"

    @property
    def ledger_keys(self) -> Path | None:
        """The file of the ledger's keys: the setting, or next to the store's file; None if there is no ledger."""
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
        """Let the environment override the file that ``load`` read."""
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """Read the configuration from ``path``, by default from ``scamfeed.toml`` in this folder if there is one.

    Raises ``BadConfiguration``.
    """
    source = path or DEFAULT_FILE
    table: dict[str, Any] = {}
    if path is not None or source.exists():
        try:
            table = tomllib.loads(source.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadConfiguration(f"{source}: cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"{source}: not TOML: {error}") from None
    refuse_unknown_variables(table)
    try:
        return Settings(**table)
    except SettingsError as error:
        raise BadConfiguration(f"{error}: in the environment, a list is written as JSON") from None
    except ValidationError as error:
        raise BadConfiguration(
            "; ".join(_explain(problem, source) for problem in error.errors(include_input=False))
        ) from None


def refuse_unknown_variables(table: Any = None) -> None:
    """Refuse a variable ``SCAMFEED_…`` that is neither a setting nor named in ``table``, as ``{ env = "NAME" }``.

    Raises ``BadConfiguration``.
    """
    known = {_PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known and name not in _named_in(table):
            raise BadConfiguration(f"{name}: {_no_such_setting(name, known)}")


def _named_in(table: Any) -> set[str]:
    """Return the variables that a configuration names as the source of a secret."""
    if isinstance(table, list):
        return set().union(*map(_named_in, table))
    if not isinstance(table, dict):
        return set()
    own = {table["env"]} if isinstance(table.get("env"), str) else set()
    return own.union(*map(_named_in, table.values()))


def _no_such_setting(name: str, known: Iterable[str], place: str = "") -> str:
    """Return the message that there is no such setting, with a similar one if there is one."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    meant = f"did you mean {near[0]}?" if near else "docs/settings.md lists them"
    return f"no such setting{place}; {meant}"


def _explain(error: Any, source: Path) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) > 1:
        return f"{place}: no such key in {source}"
    if error["type"] == "extra_forbidden":
        return f"{place}: {_no_such_setting(place, Settings.model_fields, f' in {source}')}"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
