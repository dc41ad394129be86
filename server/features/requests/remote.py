"""The side of a request that is at another hub: this hub's record of it, and the messages between the two hubs.

The sender's hub alone writes the sender's side (``RequestSide``), and the addressee's hub alone the other one
(``ResponseSide``). Each message states its side as a whole, so only the newest counts. No hub learns the accounts of a
chain beyond its own requests: of money that went on, only the sums travel back.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from mappers.records import PLAIN_OF_REQUEST, subject_of_request
from schemas import kinds
from schemas.fields import Currency, plain_amount
from schemas.partner import CountryCode, Name, Partner, PartnerKind, checked_institution
from schemas.records import Subject
from schemas.request import Request, RequestReason, RequestState
from server.features.requests.limits import MOST_HOPS
from server.features.requests.records import StoredRequest
from server.features.requests.states import Role
from server.release.peers import PeerHub

REQUEST, RESPONSE = "request", "response"
_MOST_CODES = 10
# A response is acknowledged, then agreed to or not, then done.
_MOST_STEPS = 3
_NONE = Decimal(0)


def _plain(amount: Decimal) -> str:
    return plain_amount(amount) if amount else "0"


_Sum = Annotated[
    Decimal,
    Field(ge=0, lt=10**30, max_digits=48, decimal_places=18),
    PlainSerializer(_plain, return_type=str, when_used="json"),
]


class _Known(BaseModel):
    """Content of another hub: properties that this hub does not know are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AskingInstitution(_Known):
    """The institution that asks from another hub. Its hub vouches for the name; this hub does not know it."""

    name: Name
    kind: PartnerKind
    country: CountryCode | None = None
    institutions: Annotated[
        tuple[Annotated[str, AfterValidator(checked_institution)], ...], Field(max_length=_MOST_CODES)
    ] = ()


class RequestSide(_Known):
    """The sender's side of a request. Once it is closed, nothing of the request is in it."""

    state: Literal[RequestState.OPEN, RequestState.CLOSED]
    reason: RequestReason | None = None
    request: dict[str, Any] | None = None
    by: AskingInstitution | None = None
    hops_left: Annotated[int, Field(ge=0, lt=MOST_HOPS)] = 0


class RemoteStep(_Known):
    """A step of the addressee."""

    state: RequestState
    amount: _Sum | None = None
    currency: Currency | None = None
    reason: RequestReason | None = None


class ResponseSide(_Known):
    """The addressee's side of a request: its steps, and the sums by outcome of the money that was passed on.

    ``refused`` is why its hub does not pass the request on; then there are no steps.
    """

    steps: Annotated[tuple[RemoteStep, ...], Field(max_length=_MOST_STEPS)] = ()
    went_on: _Sum = _NONE
    held: _Sum = _NONE
    done: _Sum = _NONE
    refused: Literal[RequestReason.PEER_QUOTA, RequestReason.NO_ADDRESSEE, RequestReason.NOT_ACCEPTED] | None = None


class Beyond(NamedTuple):
    """Sums of the money that went on from the account of a request: all of it, the part held there, the part done."""

    went_on: Decimal = _NONE
    held: Decimal = _NONE
    done: Decimal = _NONE


class RemoteSide(BaseModel):
    """The stored facts about the side at another hub.

    ``hub`` is the name of the peer, ``role`` that of the party there; both are empty for a hop between two partners of
    this hub. ``asker`` is the sender, if it is at another hub, and ``asker_hub`` that hub's name; hops have the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub: str = ""
    role: Role | None = None
    asker: AskingInstitution | None = None
    asker_hub: str = ""
    went_on: _Sum = _NONE
    held: _Sum = _NONE
    done: _Sum = _NONE

    @property
    def sender(self) -> str:
        """Return the name of a sender at another hub, as people read it."""
        return f"{self.asker.name} ({self.asker_hub})" if self.asker else ""

    @property
    def beyond(self) -> Beyond:
        """Return the sums of what its addressee's hub tells."""
        return Beyond(self.went_on, self.held, self.done)

    def written(self) -> str | None:
        """Return it as stored, None if there is nothing to store."""
        return None if self == NOTHING else self.model_dump_json(exclude_defaults=True)


NOTHING = RemoteSide()


def remote_of(stored: StoredRequest) -> RemoteSide:
    """Return what is stored of the side at another hub; for most requests nothing."""
    return NOTHING if stored.remote is None else RemoteSide.model_validate_json(stored.remote)


def peer_for(peers: Iterable[PeerHub], of: Subject) -> PeerHub | None:
    """Return the hub that has the provider of an account, by the country of the provider; None if there is none."""
    country = kinds.get(str(of.kind)).country_of(str(of.value)) if peers else ""
    found = [peer for peer in peers if country and country in peer.countries]
    return min(found, key=lambda peer: peer.name, default=None)


def asking(partner: Partner) -> AskingInstitution:
    """Return what another hub learns of a partner in whose name this hub asks."""
    return AskingInstitution(
        name=partner.name,
        kind=partner.kind,
        country=partner.country,
        institutions=partner.institutions[:_MOST_CODES],
    )


def request_side(stored: StoredRequest, request: Request, by: AskingInstitution, *, follows: bool) -> dict[str, Any]:
    """Return the open sender's side. A request that ``follows`` money from a third hub carries nothing of that hub's
    case: it has a number of its own.
    """
    plain = request.model_dump(mode="json", exclude_none=True)
    names = [name for name in PLAIN_OF_REQUEST if name in plain and not (follows and name == "legal_reference")]
    sent = {"of": subject_of_request(request.of), **{name: plain[name] for name in names}}
    if follows:
        sent["reference"] = _letters(stored.id)
    return {
        "state": str(RequestState.OPEN),
        "request": sent,
        "by": by.model_dump(mode="json", exclude_defaults=True),
        "hops_left": MOST_HOPS - stored.hop,
    }


def closed_side(reason: str | None) -> dict[str, Any]:
    """Return the sender's side of a closed request."""
    return {"state": str(RequestState.CLOSED), **({"reason": reason} if reason else {})}


def response_side(steps: Iterable[RemoteStep], beyond: Beyond) -> dict[str, Any]:
    """Return the addressee's side."""
    sums = {name: _plain(amount) for name, amount in beyond._asdict().items() if amount}
    written = [step.model_dump(mode="json", exclude_none=True) for step in steps]
    return {"steps": written, **sums}


def refused_side(reason: RequestReason) -> dict[str, Any]:
    """Return the addressee's side of a request that no institution of its hub has seen."""
    return {"steps": [], "refused": str(reason)}


def secured(stored: StoredRequest) -> Decimal:
    """Return the amount held by the addressee itself: what is done, or else what it agreed to."""
    amount = stored.done if stored.done is not None else stored.agreed
    return Decimal(amount) if amount else _NONE


def _letters(id_: str) -> str:
    """Return a request's id in letters alone, so that it cannot look like a person's number."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in id_ if digit != "-")[:20]
