"""Rules of the operations on partners: limits of own access, exact rights, and changes in two parts."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mappers import ids
from schemas.partner import FocalFunction, Partner, PartnerKind
from server.features.partners import possession
from server.features.partners.access import listing
from server.features.partners.access.operations import (
    MOST_CERTIFICATES,
    MOST_CREDENTIALS,
    NameCredential,
    RegisterOwnCertificate,
    RemoveOwnCertificate,
    RotateOwnCredentials,
    SetRights,
    TooMany,
    UnknownCertificate,
    UnknownCredential,
)
from server.features.partners.grants import CollectionRights, rights_of
from server.features.partners.operations import ChangePartner, RemovePartner, SetFocalPoints, SetOwnValues
from server.features.partners.possession import NotPossessed
from server.features.partners.properties import Properties
from server.features.partners.users.changes import SameRole
from server.features.partners.users.operations import AddPartnerUser, ChangePartnerUserRole
from server.operations.operation import Actor
from server.operations.run import NotPermitted, run
from server.release.hub import Hub
from server.store import Store, audit, collections, hub_identity, partners
from server.store.database.engine import Tx
from server.store.operators import users
from server.store.operators.users import PartnerRole
from server.store.partners import UnknownPartner
from server.store.proposals.proposals import Proposal
from tests.certificates import certified, curve_key, signed

ADMIN = Actor("Anong", "admin")
OWN_ADMIN = Actor("Nok", "partner-admin", "Example Bank")
COMMAND = Actor.system("Somsri")


@pytest.fixture
def hub(initial_store: Path, tmp_path: Path) -> Iterator[Hub]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    yield Hub(store)
    store.close()


@pytest.fixture
def bank(hub: Hub) -> Partner:
    made = Partner(name="Example Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Example Bank"))
    with hub.store.begin() as tx:
        partners.add(tx, made)
        collections.grant(tx, made.name, collections.get(tx, "takedown"), read=True)
        collections.grant(tx, made.name, collections.get(tx, "inbox"), write=True)
    return made


def read(hub: Hub, what: Callable[[Tx], Any]) -> Any:
    with hub.store.read() as tx:
        return what(tx)


def verbs(hub: Hub, actor: Actor) -> list[str]:
    """Return the verbs of an actor in the audit trail, the oldest first."""
    events = [entry.event for entry in read(hub, lambda tx: audit.tail(tx, 100))]
    return [event.method for event in reversed(events) if event.remote == actor.name]


def own_certificate(hub: Hub, bank: Partner, key: Any, signer: Any) -> RegisterOwnCertificate:
    statement = possession.statement(read(hub, hub_identity.identity), bank)
    return RegisterOwnCertificate(partner=bank, certificate=certified(key), signature=signed(signer, statement))


def test_a_partner_has_a_maximum_of_credentials(hub: Hub, bank: Partner) -> None:
    for _ in range(MOST_CREDENTIALS - 1):
        run(hub, RotateOwnCredentials(partner=bank), OWN_ADMIN)
    with pytest.raises(TooMany):
        run(hub, RotateOwnCredentials(partner=bank), OWN_ADMIN)
    assert len(read(hub, lambda tx: partners.credentials_of(tx, bank.name))) == MOST_CREDENTIALS
    assert verbs(hub, OWN_ADMIN) == ["ROTATE"] * (MOST_CREDENTIALS - 1)


def test_a_partner_has_a_maximum_of_certificates(hub: Hub, bank: Partner) -> None:
    with hub.store.begin() as tx:
        for number in range(MOST_CERTIFICATES):
            partners.set_certificate(tx, bank.name, f"{number:064x}")
    key = curve_key()
    with pytest.raises(TooMany):
        run(hub, own_certificate(hub, bank, key, key), OWN_ADMIN)
    run(hub, RemoveOwnCertificate(partner=bank, fingerprint=f"{3:064x}"), OWN_ADMIN)
    fingerprint = run(hub, own_certificate(hub, bank, key, key), OWN_ADMIN)
    assert fingerprint in {known.fingerprint for known in read(hub, lambda tx: partners.certificates_of(tx, bank.name))}


def test_a_certificate_without_its_key_is_refused(hub: Hub, bank: Partner) -> None:
    with pytest.raises(NotPossessed):
        run(hub, own_certificate(hub, bank, curve_key(), curve_key()), OWN_ADMIN)
    assert read(hub, lambda tx: partners.certificates_of(tx, bank.name)) == []


def test_an_unknown_certificate_is_not_removed(hub: Hub, bank: Partner) -> None:
    with pytest.raises(UnknownCertificate):
        run(hub, RemoveOwnCertificate(partner=bank, fingerprint="ab" * 32), OWN_ADMIN)
    assert verbs(hub, OWN_ADMIN) == []


def test_set_rights_grants_and_revokes_the_difference(hub: Hub, bank: Partner) -> None:
    chosen = CollectionRights(read=["wallets"])
    run(hub, SetRights(partner=bank, collections=chosen), ADMIN)
    assert read(hub, lambda tx: rights_of(tx, bank.name)) == CollectionRights(["wallets"], [], [])
    assert read(hub, lambda tx: collections.rights(tx, bank.name)[collections.get(tx, "inbox").id]) == (False, True)
    assert verbs(hub, ADMIN) == ["REVOKE", "GRANT"]
    run(hub, SetRights(partner=bank, collections=chosen), ADMIN)
    assert verbs(hub, ADMIN) == ["REVOKE", "GRANT"]


def test_a_change_with_a_new_power_is_made_in_two_parts(hub: Hub, bank: Partner) -> None:
    change = ChangePartner(partner=bank, properties=Properties(country="SG", trusted=True))
    assert isinstance(run(hub, change, ADMIN), Proposal)
    changed = read(hub, lambda tx: partners.get(tx, bank.name))
    assert (changed.country, changed.trusted) == ("SG", False)
    assert verbs(hub, ADMIN) == ["CHANGE", "PROPOSE"]


def test_a_partner_that_left_is_removed_again_only_to_retract_its_reports(hub: Hub, bank: Partner) -> None:
    run(hub, RemovePartner(partner=bank), ADMIN)
    run(hub, RemovePartner(partner=bank, reason="its reports are invented"), ADMIN)
    assert verbs(hub, ADMIN) == ["REMOVE"]
    with pytest.raises(UnknownPartner):
        run(hub, ChangePartner(partner=bank, properties=Properties(country="SG")), ADMIN)


def test_each_contact_has_an_entry_with_the_one_before(hub: Hub, bank: Partner) -> None:
    contacts = {FocalFunction.PREVENTION: "desk@bank.example", FocalFunction.PROTECTION: "1441"}
    run(hub, SetFocalPoints(partner=bank, contacts=contacts), ADMIN)
    run(hub, SetFocalPoints(partner=bank, contacts={FocalFunction.PREVENTION: None}), ADMIN)
    entries = read(hub, lambda tx: audit.tail(tx, 1))
    assert verbs(hub, ADMIN) == ["FOCAL-POINT"] * 3
    assert entries[0].event.reference == f"{bank.identity} prevention was desk@bank.example"


def test_own_values_are_registered_and_removed(hub: Hub, bank: Partner) -> None:
    subjects = ("domain:bank.example", "domain:bank.test")
    assert run(hub, SetOwnValues(partner=bank, subjects=subjects), COMMAND) == list(subjects)
    assert run(hub, SetOwnValues(partner=bank, subjects=subjects[:1]), COMMAND) == []
    assert run(hub, SetOwnValues(partner=bank, subjects=subjects[:1], removes=True), COMMAND) == [subjects[0]]
    assert verbs(hub, COMMAND) == ["OWN", "OWN", "DISOWN"]


def test_a_credential_is_named_when_it_is_issued_and_later(hub: Hub, bank: Partner) -> None:
    run(hub, RotateOwnCredentials(partner=bank, purpose="SIEM"), OWN_ADMIN)
    with hub.store.begin() as tx:
        partners.set_certificate(tx, bank.name, "ab" * 32)
    found = read(hub, lambda tx: listing.credentials(tx, bank.name))
    assert [(row.by, row.purpose) for row in found] == [
        ("password-and-token", "SIEM"),
        ("password-and-token", ""),
        ("certificate", ""),
    ]
    for row, purpose in zip(found, ("TAXII client", "old SIEM", "proxy"), strict=True):
        run(hub, NameCredential(partner=bank, credential=row.id, purpose=purpose), ADMIN)
    named = read(hub, lambda tx: listing.credentials(tx, bank.name))
    assert [row.purpose for row in named] == ["TAXII client", "old SIEM", "proxy"]
    assert [row.id for row in named] == [row.id for row in found]


def test_the_purpose_of_another_partners_credential_is_not_changed(hub: Hub, bank: Partner) -> None:
    other = Partner(name="Other Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Other Bank"))
    with hub.store.begin() as tx:
        partners.add(tx, other)
    [theirs] = read(hub, lambda tx: listing.credentials(tx, other.name))
    with pytest.raises(UnknownCredential):
        run(hub, NameCredential(partner=bank, credential=theirs.id, purpose="mine"), OWN_ADMIN)
    with pytest.raises(NotPermitted):
        run(hub, NameCredential(partner=other, credential=theirs.id, purpose="mine"), OWN_ADMIN)
    assert [row.purpose for row in read(hub, lambda tx: listing.credentials(tx, other.name))] == [""]


@pytest.mark.parametrize("purpose", ["x" * 61, "two\nlines", " SIEM", "\u202eMEIS"])
def test_a_purpose_is_one_plain_line(bank: Partner, purpose: str) -> None:
    with pytest.raises(ValidationError):
        NameCredential(partner=bank, credential="ab" * 8, purpose=purpose)


def _role(hub: Hub, name: str) -> str:
    return str(read(hub, lambda tx: users.get(tx, name)).role)


def test_the_role_of_a_user_is_changed_by_one_person_where_the_partner_has_no_powers(hub: Hub, bank: Partner) -> None:
    run(hub, AddPartnerUser(partner=bank, user="Malee", role=PartnerRole.READER), ADMIN)
    run(hub, ChangePartnerUserRole(partner=bank, user="Malee", role=PartnerRole.ADMIN), ADMIN)
    assert _role(hub, "Malee") == "admin"
    assert verbs(hub, ADMIN) == ["ADD", "CHANGE"]
    with pytest.raises(SameRole):
        run(hub, ChangePartnerUserRole(partner=bank, user="Malee", role=PartnerRole.ADMIN), ADMIN)


def test_more_rights_at_a_partner_with_powers_need_two_persons_and_fewer_one(hub: Hub, bank: Partner) -> None:
    run(hub, AddPartnerUser(partner=bank, user="Malee", role=PartnerRole.WRITER), ADMIN)
    with hub.store.begin() as tx:
        partners.change(tx, bank.model_copy(update={"trusted": True}))
    with hub.store.begin() as tx:
        for name in ("Anong", "Somsri"):
            users.add(tx, name, users.OperatorRole.ADMIN, "test")
    proposed = run(hub, ChangePartnerUserRole(partner=bank, user="Malee", role=PartnerRole.ADMIN), ADMIN)
    assert isinstance(proposed, Proposal)
    assert _role(hub, "Malee") == "writer"
    run(hub, ChangePartnerUserRole(partner=bank, user="Malee", role=PartnerRole.READER), ADMIN)
    assert _role(hub, "Malee") == "reader"
