"""Dual control over access for partners with powers, and over granting these powers.

A person who issues such a partner's credentials could act in its name: dispute others' reports, block by one report, or
clear accounts. Secrets are shown once, to the person who confirms, and not stored.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from schemas.errors import Rejected
from schemas.partner import FocalFunction, Partner
from server.features.findings import keeping
from server.features.partners import membership, notices, powers
from server.features.partners.grants import CollectionRights
from server.features.partners.properties import Properties, changed_partner, new_partner
from server.features.partners.users import changes as users
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.hub import Hub
from server.store import partners
from server.store.credentials import Credentials, fingerprint_of
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.operators import users as stored_users
from server.store.operators.users import PartnerRole
from server.store.partners import NameTaken
from server.store.proposals.proposals import Effect

# Lines with secrets that are shown once.
NEW_CREDENTIALS, USER_LINK = "new-credentials", "user-link"


def for_credentials(partner: Partner, *, at_once: bool, purpose: str) -> Mapping[str, Any]:
    """Return the arguments for issuing new credentials; ``at_once``: the old ones end."""
    return {"partner": partner.name, "what": "credentials", "at_once": at_once, "purpose": purpose}


def for_certificate(partner: Partner, certificate: str, *, at_once: bool, purpose: str) -> Mapping[str, Any]:
    """Return the arguments of registering a client certificate. Raises ``BadCertificate``."""
    fingerprint = fingerprint_of(certificate).hex()
    given = {"certificate": fingerprint, "at_once": at_once, "purpose": purpose}
    return {"partner": partner.name, "what": "certificate", **given}


def for_user(partner: Partner, name: str, role: PartnerRole) -> Mapping[str, Any]:
    """Return the arguments of adding a user. Raises ``BadName``."""
    return {"partner": partner.name, "what": "user", "name": users.person_name(name), "role": str(role)}


def for_role(partner: Partner, name: str, role: PartnerRole) -> Mapping[str, Any]:
    """Return the arguments of another role of a user."""
    return {"partner": partner.name, "what": "role", "name": name, "role": str(role)}


def for_link(partner: Partner, name: str) -> Mapping[str, Any]:
    """Return the arguments of a new one-time link for a user."""
    return {"partner": partner.name, "what": "link", "name": name}


def for_return(partner: Partner, rights: CollectionRights) -> Mapping[str, Any]:
    """Return the arguments for restoring a partner that left, with these rights."""
    return {"partner": partner.name, "what": "return", "rights": [sorted(set(some)) for some in rights]}


def for_powers(partner: Partner, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of the properties that ``powers.split`` puts under dual control."""
    return {"partner": partner.name, "given": dict(given)}


def for_partner(
    partner: Partner, rights: CollectionRights, focal_point: tuple[FocalFunction, str] | None
) -> Mapping[str, Any]:
    """Return the arguments of a new partner with initial powers."""
    properties = partner.model_dump(mode="json", exclude={"name", "identity", "former_institutions"})
    given = {"name": partner.name, "properties": properties, "rights": [sorted(set(some)) for some in rights]}
    return {**given, "focal_point": list(focal_point) if focal_point else None}


def _announce_issue(tx: Tx, arguments: Arguments) -> None:
    notices.add(tx, str(arguments["partner"]), f"{arguments['what']}-proposed", {})


def _announce_powers(tx: Tx, arguments: Arguments) -> None:
    notices.add(tx, str(arguments["partner"]), "powers-proposed", {})


def _effects_of_issue(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the issued access. Raises ``UnknownPartner``, ``UnknownUser`` and ``NameInUse``."""
    del hub
    what = str(arguments["what"])
    partner = partners.get(tx, str(arguments["partner"]), gone=what == "return")
    basis: list[Any] = [partner.identity]
    told: dict[str, Any] = {"partner": partner.name}
    if what == "certificate":
        told["certificate"] = arguments["certificate"]
    elif what == "user":
        told |= {"name": arguments["name"], "role": arguments["role"]}
        stored_users.refuse_alike(tx, str(arguments["name"]))
    elif what == "link":
        found = users.find(tx, partner, str(arguments["name"]))
        told["name"] = found.name
        basis.append(found.id)
    elif what == "role":
        found, role = users.find(tx, partner, str(arguments["name"])), PartnerRole(arguments["role"])
        users.refuse_same(found, role)
        told |= {"name": found.name, "role": str(role)}
        basis += [found.id, found.role]
    elif what == "return" and partner.name not in partners.departed_partners(tx):
        raise NameTaken(f"the partner {partner.name!r} is already active")
    lines = [Effect(f"access-{what}", told), *_under_dual_control(partner)]
    if arguments.get("at_once"):
        lines.append(Effect("access-at-once", {"partner": partner.name}))
    return Effects(lines, basis)


def _issue_credentials(hub: Hub, tx: Tx, partner: Partner, given: Arguments, by: Signatures) -> Effect:
    del hub
    at_once, purpose = bool(given["at_once"]), str(given.get("purpose", ""))
    made = membership.rotate(tx, partner, by.confirmed_by, at_once=at_once, purpose=purpose)
    return _shown_credentials(partner, made)


def _register_certificate(hub: Hub, tx: Tx, partner: Partner, given: Arguments, by: Signatures) -> Effect:
    del hub
    certificate, at_once, purpose = str(given["certificate"]), bool(given["at_once"]), str(given.get("purpose", ""))
    membership.set_certificate(tx, partner, certificate, by.confirmed_by, at_once=at_once, purpose=purpose)
    return Effect("access-certificate", {"partner": partner.name, "certificate": certificate})


def _add_user(hub: Hub, tx: Tx, partner: Partner, given: Arguments, by: Signatures) -> Effect:
    del hub
    name, role = str(given["name"]), PartnerRole(given["role"])
    secret = users.add(tx, partner, name, role, by.proposed_by, shown_to=by.confirmed_by)
    return _shown_link(partner, name, secret)


def _renew_link(hub: Hub, tx: Tx, partner: Partner, given: Arguments, by: Signatures) -> Effect:
    del hub
    name = str(given["name"])
    return _shown_link(partner, name, users.renew_link(tx, partner, name, by.confirmed_by))


def _change_role(hub: Hub, tx: Tx, partner: Partner, given: Arguments, by: Signatures) -> Effect:
    name, role = str(given["name"]), PartnerRole(given["role"])
    users.change_role(hub, tx, partner, name, role, by.confirmed_by)
    return Effect("access-role", {"partner": partner.name, "name": name, "role": str(role)})


def _bring_back(hub: Hub, tx: Tx, partner: Partner, given: Arguments, by: Signatures) -> Effect:
    joined = membership.restore(hub, tx, partner, CollectionRights(*given["rights"]), by.confirmed_by)
    return _shown_credentials(partner, joined.credentials)


_ISSUED: Mapping[str, Callable[[Hub, Tx, Partner, Arguments, Signatures], Effect]] = MappingProxyType(
    {
        "credentials": _issue_credentials,
        "certificate": _register_certificate,
        "user": _add_user,
        "link": _renew_link,
        "role": _change_role,
        "return": _bring_back,
    }
)


def _issue(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    what = str(arguments["what"])
    partner = partners.get(tx, str(arguments["partner"]), gone=what == "return")
    return [_ISSUED[what](hub, tx, partner, arguments, signatures)]


def _effects_of_powers(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the partner's new powers, and its present access. Raises ``UnknownPartner`` and ``Rejected``."""
    del hub
    before = partners.get(tx, str(arguments["partner"]))
    split = powers.split(tx, before, Properties(**arguments["given"]))
    if not split.by_two:
        raise Rejected("not-open", "the partner has these properties already")
    changed = changed_partner(before, Properties(**arguments["given"]))
    given = [line for line in _under_dual_control(changed) if line not in _under_dual_control(before)]
    given += _joined(tx, changed, before)
    if changed.kind != before.kind:
        given.append(Effect("power-kind", {"partner": before.name, "partner_kind": str(changed.kind)}))
    basis = [
        before.identity,
        *(before.model_dump(mode="json")[name] for name in sorted(split.by_two) if name in _BASIS),
        # Access that one person issues after the proposal would get powers unknown to the second person.
        _last_issued(tx, before),
    ]
    return Effects(given, basis, _access_so_far(tx, before))


_BASIS = frozenset(("trusted", "vouched", "authority", "institutions", "peer", "kind", "organisation"))


def _give(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    before = partners.get(tx, str(arguments["partner"]))
    changed = changed_partner(before, Properties(**arguments["given"]))
    membership.change(hub, tx, before, changed, signatures.confirmed_by)
    return [Effect("powers-given", {"partner": before.name})]


def _effects_of_partner(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the rights of the new partner. Raises ``BadProperties`` and ``NameTaken``."""
    del hub
    partner = _new(arguments)
    membership.refuse_alike(tx, partner)
    read, write, match = map(list, arguments["rights"])
    lines = [
        Effect("partner-added", {"partner": partner.name, "partner_kind": str(partner.kind)}),
        *_under_dual_control(partner),
        *_joined(tx, partner),
        *([Effect("partner-rights", {"read": read, "write": write, "match": match})] if read or write or match else []),
    ]
    return Effects(lines, arguments["properties"])


def _add_partner(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    partner, by = _new(arguments), signatures.confirmed_by
    joined = membership.add(hub, tx, partner, CollectionRights(*arguments["rights"]), by)
    if arguments.get("focal_point"):
        function, contact = arguments["focal_point"]
        membership.set_focal_point(tx, partner, FocalFunction(function), str(contact), by)
    return [_shown_credentials(partner, joined.credentials)]


def _new(arguments: Arguments) -> Partner:
    return new_partner(str(arguments["name"]), Properties(**arguments["properties"]))


def _joined(tx: Tx, partner: Partner, before: Partner | None = None) -> list[Effect]:
    """Return that a partner is to belong to an organisation of others, if it is."""
    if not powers.joins_others(tx, partner, before):
        return []
    named = {"partner": partner.name, "organisation": partner.organisation or partner.name}
    return [Effect("power-organisation", named)]


def _under_dual_control(partner: Partner) -> list[Effect]:
    """Return the properties of a partner that are under dual control, one line each."""
    name = {"partner": partner.name}
    return [
        *([Effect("power-trusted", name)] if partner.trusted else []),
        *([Effect("power-vouched", name)] if partner.vouched else []),
        *([Effect("power-peer", name)] if partner.peer else []),
        *([Effect("power-authority", {**name, "authority": list(partner.authority)})] if partner.authority else []),
        *(
            [Effect("power-institutions", {**name, "institutions": list(partner.institutions)})]
            if partner.institutions
            else []
        ),
    ]


def _access_so_far(tx: Tx, partner: Partner) -> list[Effect]:
    """Return how much active access the partner has, and when the latest was issued: all of it gets the powers too."""
    issued = partners.credentials_of(tx, partner.name)
    certificates = partners.certificates_of(tx, partner.name)
    people = users.of(tx, partner)
    counts = {"credentials": len(issued), "certificates": len(certificates), "users": len(people)}
    last = _last_issued(tx, partner)
    day = stamp(last)[:10] if last else "-"
    return [Effect("access-so-far", {"partner": partner.name, **counts, "day": day})]


def _last_issued(tx: Tx, partner: Partner) -> int:
    """Return when active access of a partner was last issued (microseconds), 0 if there is none."""
    moments = [row.created for row in partners.credentials_of(tx, partner.name)]
    moments += [row.created for row in partners.certificates_of(tx, partner.name)]
    moments += [person.link_made or person.created for person in users.of(tx, partner)]
    return max(moments, default=0)


def _shown_credentials(partner: Partner, made: Credentials) -> Effect:
    shown = {"user": made.user, "password": made.password, "token": made.token}
    return Effect(NEW_CREDENTIALS, {"partner": partner.name, **shown})


def _shown_link(partner: Partner, name: str, secret: str) -> Effect:
    return Effect(USER_LINK, {"partner": partner.name, "name": name, "path": f"/welcome/{secret}"})


def _finish(hub: Hub) -> Sequence[Effect]:
    """Update the listings for providers; the workers finish what cannot be done now."""
    keeping.resume(hub, idle_since=now() + 1)
    return []


ISSUE = DualControlAction(
    "issue-access", _effects_of_issue, _issue, _finish, announce=_announce_issue, shows_secrets=True
)
GIVE = DualControlAction("give-powers", _effects_of_powers, _give, _finish, announce=_announce_powers)
ADD = DualControlAction("add-partner", _effects_of_partner, _add_partner, _finish, shows_secrets=True)
