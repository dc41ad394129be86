"""Hub reports: the reports of one hub's own partners about one value, as other hubs read them.

A hub report is a STIX indicator with the property ``hub_report`` in our extension. The hub that publishes it, the
origin, numbers and signs it. Inside programs an origin is known by the name of its signing key. Objects of other hubs
are read strictly: bounded, with known properties only, and with an id that only their origin can use.
"""

import hmac
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from hashlib import sha1
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from schemas.errors import Rejected
from schemas.partner import COUNTRY_PATTERN, PartnerKind
from schemas.tlog import BadFormat, BadProof
from schemas.tlog.entries import canonical_and_parsed, canonical_of
from schemas.tlog.notes import NoteSigner, VerifierKey
from schemas.vocabulary import WORD_PATTERN, Action, HolderStatus, QualificationCode, Tlp

EXTENSION = "extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c"
VERSION = 1
OPEN = "open"
MOST_REPORTERS = 50
MOST_SIGHTINGS = 20
MOST_DISPUTES = 50
MOST_SEEN = 1_000_000_000
# In bytes. The longest that this version writes is a third of it.
LONGEST = 64 * 1024
LARGEST_NUMBER = (1 << 53) - 1
_REPORT_LINE = "scamfeed hub report v1"
_NAMESPACE = UUID("bbf4c776-505e-4daf-a562-f7db5a330f95")
_TOKEN, _NONCE = 12, 16
_KEY = re.compile(r"(?P<origin>[^+\s]{1,300})\+(?P<id>[0-9a-f]{8})")

Token = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{18}$")]
Number = Annotated[int, Meta(ge=1, le=LARGEST_NUMBER)]
Moment = Annotated[datetime, Meta(tz=True)]
StreamName = Annotated[str, Meta(pattern="^(open|identity--[0-9a-f-]{36})$")]
Signature = Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{86}==$")]
KeyRef = Annotated[str, Meta(pattern=r"^[^+\s]{1,300}\+[0-9a-f]{8}$")]
_Percent = Annotated[int, Meta(ge=0, le=100)]
_Word = Annotated[str, Meta(pattern=WORD_PATTERN, max_length=60)]
_Country = Annotated[str, Meta(pattern=COUNTRY_PATTERN)]
_Countries = Annotated[tuple[_Country, ...], Meta(max_length=250)]


class TokenType(IntEnum):
    """The types of reporter tokens. Those of the types ``LINKED`` and ``PUBLIC`` match across origins."""

    PLAIN = 0
    LINKED = 1
    PUBLIC = 2


class HubHold(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A hold that a reporter asks for, without its case number."""

    until: Moment
    # As long as partners may write them.
    amount: Annotated[str, Meta(pattern=r"^[0-9]{1,30}(\.[0-9]{1,18})?$")] | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z0-9]{2,12}$")] | None = None


class HubLimits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The sharing limits of an entry that another hub can apply: they name no partner."""

    only_partner_kinds: Annotated[tuple[PartnerKind, ...], Meta(max_length=20)] = ()
    only_countries: _Countries = ()
    not_to_countries: _Countries = ()
    purposes: Annotated[tuple[_Word, ...], Meta(max_length=20)] = ()


class ReporterEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One organisation's report, without its name.

    ``weight`` is its stated confidence times its reliability, per cent. ``authority``: its word suffices for the value.
    """

    by: Token
    weight: Annotated[int, Meta(ge=0, le=99)]
    at: Moment
    until: Moment
    kind: PartnerKind
    authority: bool = False
    newcomer: bool = False
    asks: Action | None = None
    holder_status: HolderStatus | None = None
    hold: HubHold | None = None
    tlp: Tlp = Tlp.GREEN
    limits: HubLimits | None = None


class HubDispute(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One organisation's doubt; ``record`` is its reliability, per cent."""

    by: Token
    word: Annotated[str, Meta(pattern="^(doubted|disputed)$")]
    record: _Percent
    at: Moment
    until: Moment
    decides: bool = False


class HubSighting(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The sightings of one organisation."""

    by: Token
    first: Moment | None = None
    last: Moment | None = None
    count: Annotated[int, Meta(ge=0, le=MOST_SEEN)] = 1


class HubFinding(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The provider's finding. ``provider`` is the institution, such as ``TH:004``; ``proof`` its own seal."""

    code: QualificationCode
    at: Moment
    until: Moment
    provider: Annotated[str, Meta(min_length=2, max_length=100, pattern=r"^[A-Za-z0-9:@*._+-]+$")]
    proof: Annotated[str, Meta(max_length=8192, pattern="^[A-Za-z0-9+/=]+$")] | None = None


class HubDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub itself found the listing wrong: by its operator, a review or an objection."""

    word: Annotated[str, Meta(pattern="^(operator|review|objection)$")]
    at: Moment
    until: Moment


class Erased(Struct, frozen=True, forbid_unknown_fields=True):
    """The order to delete all data about the value."""

    reason: Annotated[str, Meta(pattern="^(court-order|cleared|law)$")]


class HubReport(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The property ``hub_report``. Entries are in the order of their weights; ``more`` counts reporters left out."""

    # Written always.
    version: int
    stream: StreamName
    number: Number
    nonce: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{22}$")]
    reports: Annotated[tuple[ReporterEntry, ...], Meta(max_length=MOST_REPORTERS)] = ()
    more: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    disputes: Annotated[tuple[HubDispute, ...], Meta(max_length=MOST_DISPUTES)] = ()
    sightings: Annotated[tuple[HubSighting, ...], Meta(max_length=MOST_SIGHTINGS)] = ()
    finding: HubFinding | None = None
    spare_until: Moment | None = None
    hub_decision: HubDecision | None = None
    erased: Erased | None = None
    key: KeyRef = ""
    signature: Signature = ""

    @property
    def has_protections(self) -> bool:
        """Return whether it protects the holder of the value, or a person, in any way."""
        return bool(self.disputes or self.finding or self.spare_until or self.hub_decision)

    @property
    def is_empty(self) -> bool:
        """Return whether it has nothing about the value."""
        return not (self.reports or self.sightings or self.has_protections)


class _Context(Struct, frozen=True, forbid_unknown_fields=True):
    """The properties of our extension that a hub report may have. ``mappers.report_reader`` reads those of reports."""

    extension_type: str
    hub_report: HubReport
    kind: str = ""
    scam_category: str = ""
    scam_type: str = ""
    scam_types: tuple[_Word, ...] = ()
    channel: str = ""
    payment_rail: str = ""
    requested_action: str = ""
    reporters: int = 0
    countries: tuple[str, ...] = ()
    details: dict[str, str] = msgspec.field(default_factory=dict)
    evidence: tuple[dict[str, str], ...] = ()
    first_seen: str = ""
    last_seen: str = ""


class _Extensions(Struct, frozen=True, forbid_unknown_fields=True, rename={"ours": EXTENSION}):
    ours: _Context


class _Indicator(Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    spec_version: str
    id: str
    created_by_ref: str
    created: str
    modified: str
    pattern: str
    pattern_type: str
    valid_from: str
    valid_until: str
    object_marking_refs: Annotated[tuple[str, ...], Meta(min_length=1, max_length=1)]
    extensions: _Extensions
    indicator_types: tuple[str, ...] = ()
    pattern_version: str = "2.1"
    confidence: int = 0
    revoked: bool = False


class _AnyReport(Struct, frozen=True):
    """The properties that every version has."""

    version: Annotated[int, Meta(ge=1)]
    stream: StreamName
    number: Number
    nonce: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{22}$")]
    key: KeyRef
    signature: Signature


class _AnyContext(Struct, frozen=True):
    hub_report: _AnyReport


class _AnyExtensions(Struct, frozen=True, rename={"ours": EXTENSION}):
    ours: _AnyContext


class _AnyIndicator(Struct, frozen=True):
    id: str
    type: Annotated[str, Meta(pattern="^indicator$")]
    spec_version: Annotated[str, Meta(pattern="^2\\.1$")]
    created_by_ref: Annotated[str, Meta(pattern="^identity--[0-9a-f-]{36}$")]
    modified: Moment
    extensions: _AnyExtensions
    revoked: bool = False


_any = msgspec.json.Decoder(_AnyIndicator)
_known = msgspec.json.Decoder(_Indicator)


class SignedReport(NamedTuple):
    """A hub report of any hub as read: well formed, with a signature that is still to be verified.

    ``report`` is None for a version that this program does not know. ``body`` is the canonical form.
    """

    id: str
    identity: str
    origin: str
    key_id: str
    stream: str
    number: int
    revoked: bool
    report: HubReport | None
    obj: dict[str, Any]
    body: bytes

    def verify(self, key: VerifierKey) -> None:
        """Check that this key signed it. Raises ``BadProof``."""
        signature = _own(self.obj)["signature"]
        # Without this property the canonical form stays canonical. Writing it again takes half as long as the check.
        property_ = f'"signature":"{signature}",'.encode()
        if self.body.count(property_) == 1:
            text = f"{_REPORT_LINE}\n{self.body.replace(property_, b'').decode()}"
        else:
            text = signed_text(self.obj)
        check_signature(key, self.origin, self.key_id, text, signature)


def is_hub_report(obj: Mapping[str, Any]) -> bool:
    """Return whether an object has the property ``hub_report`` in our extension, of any form."""
    extensions = obj.get("extensions")
    context = extensions.get(EXTENSION) if isinstance(extensions, Mapping) else None
    return isinstance(context, Mapping) and "hub_report" in context


def read(body: bytes) -> SignedReport:
    """Read a hub report of any hub. Raises ``Rejected`` for one that is too long, malformed, or has another's id.

    The signature is not verified. ``mappers.hub_report.value_of`` reads the value.
    """
    if len(body) > LONGEST:
        raise Rejected("hub-report-too-long", f"a hub report has at most {LONGEST} bytes")
    try:
        body, obj = canonical_and_parsed(body)
        found = _any.decode(body)
        report = None
        if found.extensions.ours.hub_report.version == VERSION:
            report = _known.decode(body).extensions.ours.hub_report
    except BadFormat as error:
        raise Rejected("hub-report-form", f"not a hub report: {error}") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise Rejected("hub-report-form", f"not a hub report: {_place(error)}") from None
    stated = found.extensions.ours.hub_report
    origin, _, key_id = stated.key.rpartition("+")
    if found.id != report_id(origin, stated.nonce):
        raise Rejected("hub-report-id", "the id is not derived from the origin's key and the nonce")
    if report is not None and report.is_empty != found.revoked:
        raise Rejected("hub-report-form", "not a hub report: it has to be revoked exactly if it has no entries")
    return SignedReport(
        id=found.id,
        identity=found.created_by_ref,
        origin=origin,
        key_id=key_id,
        stream=stated.stream,
        number=stated.number,
        revoked=found.revoked,
        report=report,
        obj=obj,
        body=body,
    )


def sign(obj: Mapping[str, Any], key: NoteSigner) -> bytes:
    """Return an object with the key's signature, in canonical form. Raises ``BadSigningKey`` for a missing HSM."""
    unsigned = _with_own(obj, {**_own(obj), "key": key_ref(key.verifier)})
    signature = signature_text(key, signed_text(unsigned))
    return canonical_of(_with_own(unsigned, {**_own(unsigned), "signature": signature}))


def signed_text(obj: Mapping[str, Any]) -> str:
    """Return the text that the origin signs: a line that names the format, and the object without its signature."""
    own = {name: value for name, value in _own(obj).items() if name != "signature"}
    return f"{_REPORT_LINE}\n{canonical_of(_with_own(obj, own)).decode()}"


def _own(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    own: Mapping[str, Any] = obj["extensions"][EXTENSION]["hub_report"]
    return own


def _with_own(obj: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    extensions = obj["extensions"]
    return {**obj, "extensions": {**extensions, EXTENSION: {**extensions[EXTENSION], "hub_report": own}}}


def _place(error: Exception) -> str:
    """Return the complaint about an object without its values."""
    text = str(error)
    return text.partition(" - at `")[2].rstrip("`") or "a property is missing or unknown"


def key_ref(key: VerifierKey) -> str:
    """Return the name and id of a key, as the property ``key`` has it."""
    return f"{key.name}+{key.id.hex()}"


def signature_text(key: NoteSigner, text: str) -> str:
    """Return a key's signature of a text, in base64."""
    return b64encode(key.sign(text).signature).decode()


def check_signature(key: VerifierKey, origin: str, key_id: str, text: str, signature: str) -> None:
    """Check that a key, which an object names by origin and id, signed a text. Raises ``BadProof``."""
    if (key.name, key.id.hex()) != (origin, key_id):
        raise BadProof(f"signed by another key than {key_ref(key)}")
    key.check(text, b64decode(signature))


def report_id(origin: str, nonce: str) -> str:
    """Return the id of an origin's hub report: no origin can use the id of another's."""
    # The same id as uuid5 returns, in a third of the time.
    digest = bytearray(sha1(_NAMESPACE.bytes + f"hub report {origin} {nonce}".encode(), usedforsecurity=False).digest())
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80
    text = digest[:16].hex()
    return f"indicator--{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def nonce(secret: bytes, subject: str, life: int = 0) -> str:
    """Return the nonce of a value, by a secret of the hub; ``life`` counts the ends of its hub report (STIX §3.6)."""
    named = f"{subject}\n{life}" if life else subject
    return _text(hmac.digest(secret, named.encode(), "sha256")[:_NONCE])


def plain_token(secret: bytes, organisation: str, subject: str) -> str:
    """Return the token of an organisation for a value, by a secret of the hub: other hubs cannot identify it."""
    return _token(TokenType.PLAIN, secret, f"{organisation}\n{subject}")


def linked_token(secret: bytes, subject: str) -> str:
    """Return the token for a value of the organisation with this secret, the same at all of its hubs."""
    return _token(TokenType.LINKED, secret, subject)


def public_token(source: str, subject: str) -> str:
    """Return the token for a value of a public list, the same at all hubs that read the list."""
    return _token(TokenType.PUBLIC, source.encode(), subject)


# Begins the secret of a partner that passes on a public list; the name of the list follows.
PUBLIC_LIST = b"public list "


def token_of_link(secret: bytes, subject: str) -> str:
    """Return the token for a value of the organisation, or of the public list, with this secret of a link."""
    if secret.startswith(PUBLIC_LIST):
        return public_token(secret.removeprefix(PUBLIC_LIST).decode(), subject)
    return linked_token(secret, subject)


def token_type(token: str) -> TokenType | None:
    """Return the type of a token, None for one of a later version."""
    first = b64decode(token[:4], altchars=b"-_")[0]
    return TokenType(first) if first in set(TokenType) else None


def _token(type_: TokenType, secret: bytes, text: str) -> str:
    return _text(bytes([type_]) + hmac.digest(secret, text.encode(), "sha256")[:_TOKEN])


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
