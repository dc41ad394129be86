"""Examples of the operations on partners, as ``examples`` has them; DOUBTER has powers, REPORTER has none."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.partner import FocalFunction, Partner, PartnerKind
from server.features.partners import possession
from server.features.partners.access.operations import (
    GrantRights,
    NameCredential,
    RegisterCertificate,
    RegisterOwnCertificate,
    RemoveOwnCertificate,
    RevokeRights,
    RotateCredentials,
    RotateOwnCredentials,
    SetRights,
)
from server.features.partners.grants import CollectionRights
from server.features.partners.operations import (
    AddPartner,
    ChangePartner,
    LiftThrottle,
    RemovePartner,
    RestorePartner,
    SetFocalPoints,
    SetOwnValues,
)
from server.features.partners.properties import Properties, new_partner
from server.features.partners.users.operations import (
    AddPartnerUser,
    ChangePartnerUserRole,
    RemovePartnerUser,
    RenewUserLink,
)
from server.operations.operation import Act
from server.release.hub import Hub
from server.store import hub_identity, partners, quotas
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators import users
from server.store.operators.users import PartnerRole
from tests import operators_desk as desk
from tests.certificates import certified, curve_key, signed

Example = Callable[[Hub], Act[Any]]
WORDS = {"kind": PartnerKind.BANK, "country": "TH"}
FINGERPRINT = "ab" * 32
RIGHTS = CollectionRights(read=["wallets"])


def _partner(hub: Hub, name: str = desk.REPORTER) -> Partner:
    with hub.store.read() as tx:
        return partners.get(tx, name, gone=True)


def _after(prepare: Callable[[Tx], object], make: Callable[[Partner], Act[Any]], name: str = desk.REPORTER) -> Example:
    """Return an example that first prepares the hub in a transaction of its own."""

    def made(hub: Hub) -> Act[Any]:
        with hub.store.begin() as tx:
            prepare(tx)
        return make(_partner(hub, name))

    return made


def _of(make: Callable[[Partner], Act[Any]], name: str = desk.REPORTER) -> Example:
    return lambda hub: make(_partner(hub, name))


def _certificate_with_proof(hub: Hub) -> Act[Any]:
    partner, key = _partner(hub), curve_key()
    with hub.store.read() as tx:
        proof = signed(key, possession.statement(hub_identity.identity(tx), partner))
    return RegisterOwnCertificate(partner=partner, certificate=certified(key), signature=proof)


def _user(tx: Tx) -> None:
    users.add(tx, "Nok", PartnerRole.READER, "Somebody", desk.REPORTER)


def _user_of_doubter(tx: Tx) -> None:
    users.add(tx, "Nok", PartnerRole.READER, "Somebody", desk.DOUBTER)


def _leave(name: str) -> Callable[[Tx], object]:
    return lambda tx: partners.remove(tx, name)


EXAMPLES: Mapping[str, Example] = {
    "own certificate add": _certificate_with_proof,
    "own certificate remove": _after(
        lambda tx: partners.set_certificate(tx, desk.REPORTER, FINGERPRINT),
        lambda partner: RemoveOwnCertificate(partner=partner, fingerprint=FINGERPRINT),
    ),
    "own credentials rotate": _of(lambda partner: RotateOwnCredentials(partner=partner)),
    "partner add": lambda hub: AddPartner(partner=new_partner("New Bank", Properties(**WORDS)), collections=RIGHTS),
    "partner certificate": _of(lambda partner: RegisterCertificate(partner=partner, certificate=FINGERPRINT)),
    "partner credential name": _after(
        lambda tx: partners.set_certificate(tx, desk.REPORTER, FINGERPRINT),
        lambda partner: NameCredential(partner=partner, credential=FINGERPRINT[:16], purpose="SIEM"),
    ),
    "partner focal-point": _of(
        lambda partner: SetFocalPoints(partner=partner, contacts={FocalFunction.PREVENTION: "desk@bank.example"})
    ),
    "partner grant": _of(lambda partner: GrantRights(partner=partner, collections=RIGHTS)),
    "partner lift-throttle": _after(
        lambda tx: quotas.throttle(tx, desk.REPORTER, "mostly-held", now()),
        lambda partner: LiftThrottle(partner=partner),
    ),
    "partner own": _of(lambda partner: SetOwnValues(partner=partner, subjects=("domain:bank.example",))),
    "partner remove": _of(lambda partner: RemovePartner(partner=partner)),
    "partner restore": _after(_leave(desk.SENDER), lambda partner: RestorePartner(partner=partner), desk.SENDER),
    "partner revoke": _of(
        lambda partner: RevokeRights(partner=partner, collections=CollectionRights(read=["takedown"]))
    ),
    "partner rights": _of(lambda partner: SetRights(partner=partner, collections=RIGHTS)),
    "partner rotate": _of(lambda partner: RotateCredentials(partner=partner)),
    "partner set": _of(lambda partner: ChangePartner(partner=partner, properties=Properties(country="SG"))),
    "partner user add": _of(lambda partner: AddPartnerUser(partner=partner, user="Nok", role=PartnerRole.READER)),
    "partner user link": _after(_user, lambda partner: RenewUserLink(partner=partner, user="Nok")),
    "partner user role": _after(
        _user, lambda partner: ChangePartnerUserRole(partner=partner, user="Nok", role=PartnerRole.WRITER)
    ),
    "partner user remove": _after(_user, lambda partner: RemovePartnerUser(partner=partner, user="Nok")),
}

NEED_SECOND_PERSON: Mapping[str, Example] = {
    "partner add": lambda hub: AddPartner(partner=new_partner("Police", Properties(**WORDS, authority=["domain"]))),
    "partner add: vouched": lambda hub: AddPartner(partner=new_partner("Police", Properties(**WORDS, vouched=True))),
    "partner certificate": _of(
        lambda partner: RegisterCertificate(partner=partner, certificate=FINGERPRINT), desk.DOUBTER
    ),
    "partner remove": _of(lambda partner: RemovePartner(partner=partner, reason="its reports are invented")),
    "partner restore": _after(_leave(desk.DOUBTER), lambda partner: RestorePartner(partner=partner), desk.DOUBTER),
    "partner rotate": _of(lambda partner: RotateCredentials(partner=partner), desk.DOUBTER),
    "partner set": _of(lambda partner: ChangePartner(partner=partner, properties=Properties(trusted=True))),
    "partner set: vouched": _of(lambda partner: ChangePartner(partner=partner, properties=Properties(vouched=True))),
    "partner user add": _of(
        lambda partner: AddPartnerUser(partner=partner, user="Nok", role=PartnerRole.READER), desk.DOUBTER
    ),
    "partner user link": _after(
        _user_of_doubter, lambda partner: RenewUserLink(partner=partner, user="Nok"), desk.DOUBTER
    ),
    "partner user role": _after(
        _user_of_doubter,
        lambda partner: ChangePartnerUserRole(partner=partner, user="Nok", role=PartnerRole.WRITER),
        desk.DOUBTER,
    ),
}
