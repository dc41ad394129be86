import hashlib
import logging
import ssl
from datetime import timedelta

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners, passwords
from server.store.collections import Collection

BANK = Partner(
    name="Bänk of Siam",
    kind=PartnerKind.BANK,
    country="TH",
    identity="identity--11111111-1111-4111-8111-111111111111",
)
NGO = Partner(name="ngo", kind=PartnerKind.NGO, identity="identity--22222222-2222-4222-8222-222222222222")


def test_a_partner_is_known_by_its_password_and_by_its_token(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        partners.add(tx, NGO)
    with store.read() as tx:
        assert partners.by_password(tx, given.user, given.password) == BANK
        assert partners.by_password(tx, given.user, given.password) == BANK
        assert partners.by_token(tx, given.token) == BANK
        assert partners.get(tx, BANK.name) == BANK
        assert partners.every(tx) == [BANK, NGO]


def test_nothing_else_opens_the_door(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        other = partners.add(tx, NGO)
    with store.read() as tx:
        assert partners.by_password(tx, given.user, given.token) is None
        assert partners.by_password(tx, given.user, "") is None
        assert partners.by_password(tx, given.user, other.password) is None
        assert partners.by_password(tx, "nobody", given.password) is None
        assert partners.by_token(tx, given.password) is None
        assert partners.by_token(tx, "") is None
        assert partners.by_token(tx, "\ud800") is None


def test_a_name_and_an_identity_are_taken_once(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        with pytest.raises(partners.NameTaken):
            partners.add(tx, BANK)
        with pytest.raises(partners.NameTaken):
            partners.add(tx, BANK.model_copy(update={"name": "other"}))
        partners.add(tx, NGO)


def test_old_credentials_work_on_for_a_while_after_rotation(store: Store) -> None:
    with store.begin() as tx:
        old = partners.add(tx, BANK)
        new = partners.rotate(tx, BANK.name)
        assert partners.by_password(tx, old.user, old.password) == BANK
        assert partners.by_token(tx, old.token) == BANK
        assert partners.by_password(tx, new.user, new.password) == BANK
        assert partners.by_token(tx, new.token) == BANK


def test_rotation_without_overlap_ends_the_old_ones_at_once_remembered_or_not(store: Store) -> None:
    with store.begin() as tx:
        old = partners.add(tx, BANK)
        assert partners.by_password(tx, old.user, old.password) == BANK
        new = partners.rotate(tx, BANK.name, overlap=timedelta(0))
        assert partners.by_password(tx, old.user, old.password) is None
        assert partners.by_token(tx, old.token) is None
        assert partners.by_password(tx, new.user, new.password) == BANK
        with pytest.raises(partners.UnknownPartner):
            partners.rotate(tx, "nobody")


def test_credentials_are_kept_as_hashes_and_never_printed(
    store: Store, tmp_path: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        rows = repr(tx.exec_driver_sql("SELECT * FROM credentials").all())
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in rows
    for secret in (given.password, given.token):
        assert len(secret) == 43
        assert secret not in rows
        assert secret not in repr(given)
        assert secret not in caplog.text


def test_a_right_password_is_verified_slowly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = passwords.hash_password("right")
    verifier = passwords.Verifier()
    assert verifier.matches("right", [stored])
    slow: list[object] = []
    monkeypatch.setattr(passwords._ARGON2, "verify", lambda *given: slow.append(given) or False)
    assert verifier.matches("right", [stored])
    assert not slow
    assert not verifier.matches("wrong", [stored])
    assert not verifier.matches("right", [])
    assert len(slow) == 2


def test_rights_are_what_was_granted_and_not_revoked(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        other = collections.add(tx, "other", "Other")
        assert partners.rights(tx, BANK.name) == {}
        partners.grant(tx, BANK.name, room, read=True)
        partners.grant(tx, BANK.name, room, read=True)
        partners.grant(tx, BANK.name, other, write=True)
        assert partners.rights(tx, BANK.name) == {room.id: (True, False), other.id: (False, True)}
        partners.grant(tx, BANK.name, room, write=True)
        partners.revoke(tx, BANK.name, other)
        assert partners.rights(tx, BANK.name) == {room.id: (True, True)}
        with pytest.raises(partners.UnknownPartner):
            partners.grant(tx, "nobody", room, read=True)


def test_a_certificate_belongs_to_one_partner_whichever_way_it_is_named(store: Store) -> None:
    der = b"not really DER, and nobody looks"
    fingerprint = hashlib.sha256(der).hexdigest()
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.add(tx, NGO)
        assert partners.by_certificate(tx, der) is None
        assert partners.set_certificate(tx, BANK.name, ssl.DER_cert_to_PEM_cert(der)) == fingerprint
        colons = ":".join(fingerprint.upper()[at : at + 2] for at in range(0, 64, 2))
        assert partners.set_certificate(tx, BANK.name, colons) == fingerprint
        assert partners.by_certificate(tx, der) == BANK
        with pytest.raises(partners.NameTaken):
            partners.set_certificate(tx, NGO.name, fingerprint)
        for wrong in ("", "ab", "-----BEGIN CERTIFICATE-----\n", "zz" * 32):
            with pytest.raises(partners.BadCertificate):
                partners.set_certificate(tx, BANK.name, wrong)
        partners.set_certificate(tx, BANK.name, "00" * 32, overlap=timedelta(0))
        assert partners.by_certificate(tx, der) is None


def test_a_wrong_password_takes_equally_many_verifications_for_everybody(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[object] = []
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.rotate(tx, BANK.name)
        partners.rotate(tx, BANK.name)
        partners.add(tx, NGO)
        monkeypatch.setattr(passwords._ARGON2, "verify", lambda *given: slow.append(given) or False)
        for user in (BANK.name, NGO.name, "nobody"):
            slow.clear()
            assert partners.by_password(tx, user, "wrong") is None
            assert len(slow) == 3
