"""Forms: the operation of each is run in the person's name, and what refuses it becomes a page with the reason."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from flask import Response

from schemas.partner import Partner
from server.operations.operation import Act, DualControlOperation, Operation
from server.operations.run import run
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals.proposals import Proposal
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.auth import inbox_check
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import PartnerQuotas

_BUSY = mark(
    "The same values are being changed, or your partner’s limit is reached. Nothing was changed. Try again later."
)
_NOT_ALLOWED = mark("Your partner may not send this to the hub. Nothing was changed. Ask the operator.")
_AGAIN = mark("You can try again from %(time)s.")

Result = TypeVar("Result")
Check = Callable[[Tx], object]
# The errors of an operation, each with the status and the text of the page.
Refusals = Mapping[type[Exception], tuple[int, Translatable]]


def own_partner(visit: Visit, tx: Tx) -> Partner:
    """Return the partner whose user asks: there is no other way to name one here."""
    return partners.get(tx, visit.known_user.partner or "")


@contextmanager
def refusing(refusals: Refusals) -> Iterator[None]:
    """Raise ``PageRefused`` for the errors in ``refusals``, of which the first that fits counts."""
    try:
        yield
    except tuple(refusals) as error:
        status, text = next(reason for known, reason in refusals.items() if isinstance(error, known))
        raise PageRefused(status, text) from None


@overload
def submit(visit: Visit, operation: Operation[Result], refusals: Refusals, *, check: Check | None = None) -> Result: ...


@overload
def submit(
    visit: Visit, operation: DualControlOperation[Result], refusals: Refusals, *, check: Check | None = None
) -> Result | Proposal: ...


@overload
def submit(visit: Visit, operation: Act[Any], refusals: Refusals, *, check: Check | None = None) -> Any: ...


def submit(visit: Visit, operation: Act[Any], refusals: Refusals, *, check: Check | None = None) -> Any:
    """Run the operation of a form, and return its result or its proposal.

    Raises ``PageRefused`` as ``refusing``; a view that shows the form again catches it, and shows its text there.
    """
    with refusing(refusals):
        return run(visit.site.hub, operation, visit.actor, check=check)


def go_on(visit: Visit, done: object, path: str) -> Response:
    """Go to the proposal if a form made one, else to a page."""
    return visit.go(f"/console/proposals/{done.id}" if isinstance(done, Proposal) else path)


def contribute(
    visit: Visit, operation: Operation[Result], partner: Partner, objects: int, refusals: Refusals | None = None
) -> Result:
    """Run the operation of a form as what a partner's program sends: it counts as so many objects of its limit."""
    try:
        return submit(visit, operation, refusals or {}, check=inbox_check(quotas_of(visit), partner, objects))
    except TaxiiError as error:
        raise refusal_of(error) from None


def quotas_of(visit: Visit) -> PartnerQuotas:
    """Return the limit on a partner's objects, which holds for those that are sent here, too."""
    return PartnerQuotas(objects_per_day=visit.site.settings.quota_objects_per_day)


def when_again(visit: Visit, error: TaxiiError) -> str:
    """Return the sentence that says after which time a form that was sent too often is accepted again."""
    seconds = next((int(value) for name, value in error.headers if name == "Retry-After"), 0)
    return visit.text(_AGAIN) % {"time": visit.language.moment(now() + seconds * 1_000_000)}


def refusal_of(error: TaxiiError) -> PageRefused:
    """Return the page for a refusal that programs get as a status."""
    if error.status in (429, 503):
        return PageRefused(429, _BUSY, error.headers)
    return PageRefused(403, _NOT_ALLOWED)
