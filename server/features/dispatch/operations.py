"""Approve mails to addressees outside the hub, keep their contacts, and record their responses."""

from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from email_validator import EmailNotValidError, validate_email
from pydantic import Field

from schemas.errors import Rejected
from server.features.dispatch import outbox, records
from server.features.dispatch.outbox import Contact, DispatchMail
from server.features.dispatch.records import RESPONSES, TASKS, Dispatch
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS, ANYBODY, APPROVERS
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.database.times import now

Response = Literal[*RESPONSES]  # type: ignore[valid-type]
_Id = Field(pattern=r"^[0-9a-f]{32}$", description="the id of the report")
_NOT_OPEN = "not-open"


class ChangedDispatch(NamedTuple):
    """The reports that an operation changed."""

    ids: list[str]


class _OfDispatch(Operation[ChangedDispatch]):
    what: ClassVar[str] = "dispatch"

    def entries(self, result: ChangedDispatch) -> Iterable[TrailEntry]:
        """Return an entry for each report or mail."""
        return [TrailEntry(self.verb, self.what, reference=id_) for id_ in result.ids]


class ApproveMails(_OfDispatch):
    """Approve mails that wait, so that they are sent."""

    name: ClassVar[str] = "dispatch approve"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "APPROVE"

    ids: tuple[str, ...] = Field(min_length=1, max_length=100, description="the ids of the mails")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedDispatch:
        """Approve them. A mail that is approved already stays so. Raises ``LookupError`` for an unknown one."""
        at = now()
        mails = [_mail(tx, id_) for id_ in self.ids]
        return ChangedDispatch([mail.id for mail in mails if outbox.approve(tx, mail, actor.name, at)])


class DiscardMail(_OfDispatch):
    """Discard a mail that waits for approval; its reports end."""

    name: ClassVar[str] = "dispatch discard"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "DISCARD"

    id: str = Field(description="the id of the mail")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedDispatch:
        """Discard it. Raises ``LookupError``, and ``Rejected`` if it does not wait for approval."""
        mail = _mail(tx, self.id)
        if mail.state == "discarded":
            return ChangedDispatch([])
        if mail.state != "approval":
            raise Rejected(_NOT_OPEN, "this mail does not wait for approval")
        outbox.end(tx, mail.id, "discarded", now())
        for row in records.of_mail(tx, mail.id):
            records.change(tx, row, state="ended")
        return ChangedDispatch([mail.id])


class SetContact(Operation[Contact]):
    """Set whether an address gets reports by mail, or takes a web form only."""

    name: ClassVar[str] = "dispatch contact"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "SET"
    what: ClassVar[str] = "dispatch-contact"

    address: str = Field(max_length=254, description="the e-mail address", repr=False)
    state: Literal["good", "bad", "form"] = Field(
        description="`good`: it gets mails; `bad`: mails come back; `form`: it takes a web form only"
    )
    form: str = Field("", max_length=500, pattern=r"^(https://[^\s]+)?$", description="the address of the web form")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Contact:
        """Store it. Raises ``Rejected`` for a text that is no address."""
        address = checked_address(self.address)
        outbox.set_contact(tx, address, self.state, self.form or None, now())
        return Contact(address, self.state, self.form or None, 0)


class AssignAddressee(_OfDispatch):
    """Send a report without an addressee to an address."""

    name: ClassVar[str] = "dispatch assign"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ASSIGN"

    id: str = _Id
    address: str = Field(max_length=254, description="the e-mail address for abuse of the addressee", repr=False)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedDispatch:
        """Assign it. Raises ``LookupError``, and ``Rejected`` if it is no task."""
        row, address = _row(tx, self.id), checked_address(self.address)
        if row.state == "ready" and row.address == address:
            return ChangedDispatch([])
        if row.state not in TASKS:
            raise Rejected(_NOT_OPEN, "this report does not wait for a person")
        known = outbox.contact(tx, address)
        if known is not None and known.state != "good":
            raise Rejected(_NOT_OPEN, "this address takes no mails; set it as good first, or choose another")
        records.change(tx, row, state="ready", address=address, mail=None)
        return ChangedDispatch([row.id])


class RecordMailedResponse(_OfDispatch):
    """Record what an addressee outside the hub answered, or that a report was sent by its web form."""

    name: ClassVar[str] = "dispatch respond"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "RESPOND"

    id: str = _Id
    response: Response | Literal["sent-by-form"] = Field(
        description="the response, or `sent-by-form` when you sent the report by the web form"
    )
    reference: str = Field("", max_length=100, description="the addressee's own reference")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedDispatch:
        """Record it. Raises ``LookupError``, and ``Rejected`` if nothing was sent."""
        row = _row(tx, self.id)
        if self.response == "sent-by-form":
            if row.state == "closed":
                return ChangedDispatch([])
            if row.state not in TASKS:
                raise Rejected(_NOT_OPEN, "this report does not wait for a person")
            records.change(tx, row, state="closed", their_reference=self.reference or None)
            return ChangedDispatch([row.id])
        if row.state not in ("mailed", "gone", "closed", "responded", *TASKS):
            raise Rejected(_NOT_OPEN, "this report was not sent, or was withdrawn")
        return _responded(tx, row, self.response, self.reference)


class AnswerReport(_OfDispatch):
    """Answer a report by the link in its mail, without a login; each link answers once."""

    name: ClassVar[str] = "dispatch answer"
    rights: ClassVar[frozenset[str]] = ANYBODY
    verb: ClassVar[str] = "RESPOND"

    token: str = Field(max_length=100, description="the token of the link", repr=False)
    response: Response = Field(description="the response")
    reference: str = Field("", max_length=100, description="the addressee's own reference")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedDispatch:
        """Record it. Raises ``LookupError`` for another link, and ``Rejected`` if it was used."""
        row = records.of_token(tx, self.token)
        if row is None or row.state in ("lookup", "ready", "ended"):
            raise LookupError("this link is not from a mail of this hub")
        if row.state == "responded":
            if row.response == self.response:
                return ChangedDispatch([])
            raise Rejected(_NOT_OPEN, "this report was answered already")
        if row.state == "corrected":
            raise Rejected(_NOT_OPEN, "the hub withdrew this report")
        return _responded(tx, row, self.response, self.reference)


class CloseAnswer(_OfDispatch):
    """Close an answer by mail that a person has read."""

    name: ClassVar[str] = "dispatch close"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "CLOSE"

    id: str = Field(pattern=r"^[0-9a-f]{64}$", description="the id of the answer")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ChangedDispatch:
        """Close it; one that is closed already stays so."""
        found = outbox.close_answer(tx, self.id)
        return ChangedDispatch([] if found is None else [found.mail])


def checked_address(text: str) -> str:
    """Return a mail address in its normal form. Raises ``Rejected``."""
    try:
        found = validate_email(text, check_deliverability=False).ascii_email
    except EmailNotValidError:
        found = None
    if found is None:
        raise Rejected("not-an-address", "address: this is no e-mail address; write it as name@host.example")
    return found.lower()


def _responded(tx: Tx, row: Dispatch, response: str, reference: str) -> ChangedDispatch:
    if (row.state, row.response, row.their_reference or "") == ("responded", response, reference):
        return ChangedDispatch([])
    records.change(tx, row, state="responded", response=response, their_reference=reference or None, responded=now())
    return ChangedDispatch([row.id])


def _mail(tx: Tx, id_: str) -> DispatchMail:
    found = outbox.find(tx, id_)
    if found is None:
        raise LookupError("there is no mail with this id")
    return found


def _row(tx: Tx, id_: str) -> Dispatch:
    found = records.find(tx, id_)
    if found is None:
        raise LookupError("there is no report with this id")
    return found
