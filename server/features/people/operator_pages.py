"""The pages of the people who may log in: operators are added, changed and removed; users of partners are listed."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from server.features.partners.users.changes import BadName
from server.features.people.operators.operations import (
    AddOperator,
    ChangeOperatorRole,
    IssuedLink,
    MakeAdmin,
    NoAddress,
    NotAlone,
    RemoveOperator,
    RenewOperatorLink,
    SetOperatorAddress,
)
from server.operations.operation import Act
from server.operations.rights import ADMINS
from server.store import partners
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import LINK_HOURS, NameInUse, OperatorRole, UnknownUser, User
from server.web.shell.forms import Refusals, go_on, submit
from server.web.shell.lists import asked, page_of
from server.web.shell.routes import FORM, HUB, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PAGE = 100
_LONGEST = 100
_CONFIRMERS = (OperatorRole.APPROVER, OperatorRole.ADMIN)
# What each role may do, and whether a second person has to agree to it.
ROLES: Mapping[OperatorRole, Translatable] = {
    OperatorRole.VIEWER: mark("sees everything on these pages"),
    OperatorRole.ANALYST: mark("also decides reviews, and proposes what needs two persons"),
    OperatorRole.APPROVER: mark("also confirms what others propose; a second person has to agree to this role"),
    OperatorRole.ADMIN: mark("also manages partners and people; a second person has to agree to this role"),
}
_NOBODY = mark("There is no such person.")
_NO_ROLE = mark("Choose the role.")
_SAME_ROLE = mark("The person has this role already.")
_REFUSALS: Refusals = {
    BadName: (422, mark("The name has 1 to 60 letters, digits and spaces.")),
    NoAddress: (422, mark("This is no e-mail address. Write it as somebody@bank.example, or leave it out.")),
    NameInUse: (422, mark("This name, or one that looks like it, is in use, or the person has this role already.")),
    NotAlone: (
        409,
        mark(
            "You cannot do this alone: another administrator changes your own account, and a lost account of an "
            "approver or administrator is replaced at the command line (scamfeed operator link)."
        ),
    ),
    UnknownUser: (404, _NOBODY),
    ValueError: (409, mark("This cannot be proposed now: it is proposed already, or nothing would change.")),
}


def show_people(visit: Visit) -> Response:
    """Show the operators, the users of partners, and a form for a new operator."""
    return _people_page(visit)


def _people_page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    words, after = asked(visit, "words"), asked(visit, "after")
    with visit.site.hub.store.read() as tx:
        found = users.all_users(tx)
        identities = {partner.name: partner.identity for partner in partners.all_partners(tx)}
    of_partners = [user for user in found if user.partner is not None and _matches(user, words)]
    shown, following = page_of(
        visit, [user for user in of_partners if _place(user) > after], _PAGE, lambda last: (_place(last),), words=words
    )
    return visit.page(
        "operator/people.html",
        status,
        operators=[user for user in found if user.partner is None],
        members=shown,
        identities=identities,
        following=following,
        words=words,
        roles=ROLES,
        given={name: visit.field(name, _LONGEST) for name in ("name", "role", "email")},
        problem=problem,
        now=now(),
    )


def _matches(user: User, words: str) -> bool:
    return words.casefold() in f"{user.name} {user.partner}".casefold()


def _place(user: User) -> str:
    return f"{user.partner}:{user.plain_name}"


def add_operator(visit: Visit) -> Response:
    """Add an operator and show the link once, or propose an approver or administrator."""
    name, email, role = visit.field("name", _LONGEST), visit.field("email", _LONGEST) or None, _role(visit)
    if role is None:
        return _people_page(visit, 422, _NO_ROLE)
    kind: type[AddOperator | MakeAdmin] = MakeAdmin if role in _CONFIRMERS else AddOperator
    operation: Act[Any] = kind.model_validate({"operator": name, "email": email, "role": role})
    try:
        done = submit(visit, operation, _REFUSALS)
    except PageRefused as refused:
        return _people_page(visit, refused.status, refused.text)
    return _link_page(visit, name, done) if isinstance(done, IssuedLink) else go_on(visit, done, "/console/people")


def _role(visit: Visit) -> OperatorRole | None:
    given = visit.field("role")
    return OperatorRole(given) if given in set(OperatorRole) else None


def show_person(visit: Visit, id: str) -> Response:
    """Show an operator, with the forms to change the account."""
    return _person_page(visit, id)


def _person_page(visit: Visit, id: str, status: int = 200, problem: str = "") -> Response:
    found = _operator(visit, id)
    return visit.page(
        "operator/person.html",
        status,
        person=found,
        roles=ROLES,
        problem=problem,
        confirms=found.role in _CONFIRMERS,
        is_own=found.name == visit.known_user.name,
        now=now(),
    )


def _operator(visit: Visit, id: str) -> User:
    """Return the operator with an id. Raises ``PageRefused``."""
    with visit.site.hub.store.read() as tx:
        found = users.by_id(tx, id)
    if found is None or found.partner is not None:
        raise PageRefused(404, _NOBODY)
    return found


def _changed(visit: Visit, id: str, operation: Act[Any]) -> Response:
    """Run a change of an account, and go to what shows it, or show the page again with the reason."""
    try:
        done = submit(visit, operation, _REFUSALS)
    except PageRefused as refused:
        return _person_page(visit, id, refused.status, refused.text)
    return go_on(visit, done, f"/console/people/{id}")


def change_role(visit: Visit, id: str) -> Response:
    """Change an operator's role, or propose it, where the new role confirms proposals."""
    found, role = _operator(visit, id), _role(visit)
    if role is None:
        return _person_page(visit, id, 422, _NO_ROLE)
    if role in _CONFIRMERS and found.role != OperatorRole.ADMIN:
        return _changed(visit, id, MakeAdmin.model_validate({"operator": found.name, "role": role}))
    if str(role) == found.role:
        return _person_page(visit, id, 422, _SAME_ROLE)
    return _changed(visit, id, ChangeOperatorRole.model_validate({"operator": found.name, "role": role}))


def set_address(visit: Visit, id: str) -> Response:
    """Set or remove an operator's e-mail address."""
    email = visit.field("email", _LONGEST) or None
    return _changed(visit, id, SetOperatorAddress(operator=_operator(visit, id).name, email=email))


def renew_link(visit: Visit, id: str) -> Response:
    """Issue a new link for an operator, and show it once."""
    name = _operator(visit, id).name
    try:
        done = submit(visit, RenewOperatorLink(operator=name), _REFUSALS)
    except PageRefused as refused:
        return _person_page(visit, id, refused.status, refused.text)
    return _link_page(visit, name, done)


def remove_operator(visit: Visit, id: str) -> Response:
    """Remove an operator."""
    try:
        submit(visit, RemoveOperator(operator=_operator(visit, id).name), _REFUSALS)
    except PageRefused as refused:
        return _person_page(visit, id, refused.status, refused.text)
    return visit.go("/console/people")


def _link_page(visit: Visit, name: str, made: IssuedLink) -> Response:
    address = f"{visit.root}/welcome/{made.secret}"
    return visit.page("operator/operator_link.html", person=name, id=made.user, address=address, hours=LINK_HOURS)


ROUTES = (
    Route("/console/people", ADMINS, show_people, tab=Tab(HUB, 4, mark("People"))),
    Route("/console/people/add", may_run(AddOperator, MakeAdmin), add_operator, methods=FORM, is_fresh=True),
    Route("/console/people/<id>", ADMINS, show_person),
    Route(
        "/console/people/<id>/role", may_run(ChangeOperatorRole, MakeAdmin), change_role, methods=FORM, is_fresh=True
    ),
    Route("/console/people/<id>/email", may_run(SetOperatorAddress), set_address, methods=FORM, is_fresh=True),
    Route("/console/people/<id>/link", may_run(RenewOperatorLink), renew_link, methods=FORM, is_fresh=True),
    Route("/console/people/<id>/remove", may_run(RemoveOperator), remove_operator, methods=FORM, is_fresh=True),
)
