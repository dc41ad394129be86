"""Partners: registration, credentials, certificates."""

import hashlib
import logging
import ssl
from datetime import timedelta

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, credentials, partners, tables, value_index
from server.store.collections import Collection
from server.store.objects.fast_reads import FastStore
from tests.unit.server.store.registered import BANK, POLICE

NGO = Partner(name="ngo", kind=PartnerKind.NGO, identity="identity--22222222-2222-4222-8222-222222222222")


def test_a_partner_is_known_by_its_password_and_by_its_token(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        partners.add(tx, NGO)
    with store.read() as tx:
        verifier = credentials.PasswordVerifier()
        assert partners.by_password(tx, given.user, given.password, verifier) == BANK
        assert partners.by_password(tx, given.user, given.password, verifier) == BANK
        assert partners.by_token(tx, given.token) == BANK
        assert partners.get(tx, BANK.name) == BANK
        assert partners.all_partners(tx) == [BANK, NGO]


def test_no_other_credentials_authenticate(store: Store) -> None:
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


def test_rotation_without_overlap_ends_old_credentials_at_once_cached_or_not(store: Store) -> None:
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


def test_correct_password_is_verified_slowly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = credentials.hash_password("right")
    verifier = credentials.PasswordVerifier()
    assert verifier.matches("right", [stored])
    slow: list[object] = []
    monkeypatch.setattr(credentials._ARGON2, "verify", lambda *given: slow.append(given) or False)
    assert verifier.matches("right", [stored])
    assert not slow
    assert not verifier.matches("wrong", [stored])
    assert not verifier.matches("right", [])
    assert len(slow) == 2


def _verified_elsewhere(store: Store, key: bytes) -> tuple[credentials.Credentials, credentials.PasswordVerifier]:
    """Let one process verify a password, and return the verifier of another process with the same key."""
    logins: list[partners.VerifiedLogin] = []
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        verifier = credentials.PasswordVerifier(key)
        assert partners.by_password(tx, given.user, given.password, verifier, note_login=logins.append) == BANK
        assert partners.by_password(tx, given.user, given.password, verifier, note_login=logins.append) == BANK
        assert len(logins) == 1
        partners.remember_logins(tx, logins)
    return given, credentials.PasswordVerifier(key)


class _TooSlow(Exception):
    pass


def _refuse_slow(known: bool) -> None:
    raise _TooSlow


def test_password_verified_by_one_process_is_accepted_by_others_with_its_key(store: Store) -> None:
    given, other = _verified_elsewhere(store, b"k" * 32)
    with store.read() as tx:
        assert partners.by_password(tx, given.user, given.password, other, _refuse_slow) == BANK
        for verifier in (credentials.PasswordVerifier(b"l" * 32), credentials.PasswordVerifier()):
            with pytest.raises(_TooSlow):
                partners.by_password(tx, given.user, given.password, verifier, _refuse_slow)
        with pytest.raises(_TooSlow):
            partners.by_password(tx, given.user, given.password + "x", other, _refuse_slow)
        with pytest.raises(_TooSlow):
            partners.by_password(tx, "Another", given.password, other, _refuse_slow)
        rows = repr(tx.exec_driver_sql("SELECT * FROM verified_logins").all())
    assert given.password not in rows
    assert repr(b"k" * 32) not in rows


def test_a_password_that_was_verified_elsewhere_ends_after_minutes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, other = _verified_elsewhere(store, b"k" * 32)
    later = partners.now() + 301 * 1_000_000
    monkeypatch.setattr(partners, "now", lambda: later)
    with store.begin() as tx:
        with pytest.raises(_TooSlow):
            partners.by_password(tx, given.user, given.password, other, _refuse_slow)
        partners.remember_logins(tx, [])
        assert tx.exec_driver_sql("SELECT count(*) FROM verified_logins").scalar_one() == 0


@pytest.mark.parametrize("ending", ["rotated", "left"])
def test_a_password_that_was_verified_elsewhere_ends_with_its_credentials(store: Store, ending: str) -> None:
    given, other = _verified_elsewhere(store, b"k" * 32)
    with store.begin() as tx:
        rows = tx.exec_driver_sql("SELECT partner, digest, token_hash, until FROM verified_logins").all()
        if ending == "rotated":
            partners.rotate(tx, BANK.name, overlap=timedelta(0))
        else:
            partners.remove(tx, BANK.name)
        assert tx.exec_driver_sql("SELECT count(*) FROM verified_logins").scalar_one() == 0
        # A process that verified it before the end may store its row too late.
        late = dict(zip(("partner", "digest", "token_hash", "until"), rows[0], strict=True))
        tx.execute(tables.verified_logins.insert(), late)
    with store.read() as tx, pytest.raises(_TooSlow):
        partners.by_password(tx, given.user, given.password, other, _refuse_slow)


def test_password_with_ended_credentials_is_not_cached(store: Store) -> None:
    logins: list[partners.VerifiedLogin] = []
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        verifier = credentials.PasswordVerifier(b"k" * 32)
        partners.by_password(tx, given.user, given.password, verifier, note_login=logins.append)
        partners.rotate(tx, BANK.name, overlap=timedelta(0))
        partners.remember_logins(tx, logins)
        assert tx.exec_driver_sql("SELECT count(*) FROM verified_logins").scalar_one() == 0


def test_granted_rights_are_valid_until_revoked(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        other = collections.add(tx, "other", "Other")
        assert collections.rights(tx, BANK.name) == {}
        collections.grant(tx, BANK.name, collection, read=True)
        collections.grant(tx, BANK.name, collection, read=True)
        collections.grant(tx, BANK.name, other, write=True)
        assert collections.rights(tx, BANK.name) == {collection.id: (True, False), other.id: (False, True)}
        collections.grant(tx, BANK.name, collection, write=True)
        collections.revoke(tx, BANK.name, other)
        assert collections.rights(tx, BANK.name) == {collection.id: (True, True)}
        with pytest.raises(partners.UnknownPartner):
            collections.grant(tx, "nobody", collection, read=True)


def test_a_partner_lists_and_removes_its_own_certificates(store: Store) -> None:
    with store.begin() as tx:
        for partner in (BANK, NGO):
            partners.add(tx, partner)
        first = partners.set_certificate(tx, BANK.name, "11" * 32)
        second = partners.set_certificate(tx, BANK.name, "22" * 32)
        theirs = partners.set_certificate(tx, NGO.name, "33" * 32)
        found = {kept.fingerprint: kept.expires for kept in partners.certificates_of(tx, BANK.name)}
        assert found.keys() == {first, second}
        assert found[second] is None
        assert found[first] is not None
        for wrong in (theirs, "no hexadecimal", ""):
            assert not partners.remove_certificate(tx, BANK.name, wrong)
        assert partners.remove_certificate(tx, BANK.name, first)
        assert [kept.fingerprint for kept in partners.certificates_of(tx, BANK.name)] == [second]
        assert [kept.fingerprint for kept in partners.certificates_of(tx, NGO.name)] == [theirs]
        partners.rotate(tx, BANK.name)
        assert [kept.expires is None for kept in partners.credentials_of(tx, BANK.name)] == [True, False]


def test_certificate_belongs_to_one_partner_in_every_notation(store: Store) -> None:
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
            with pytest.raises(credentials.BadCertificate):
                partners.set_certificate(tx, BANK.name, wrong)
        partners.set_certificate(tx, BANK.name, "00" * 32, overlap=timedelta(0))
        assert partners.by_certificate(tx, der) is None


def test_wrong_password_takes_the_same_verifications_for_every_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[object] = []
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.rotate(tx, BANK.name)
        partners.rotate(tx, BANK.name)
        partners.add(tx, NGO)
        monkeypatch.setattr(credentials._ARGON2, "verify", lambda *given: slow.append(given) or False)
        for user in (BANK.name, NGO.name, "nobody"):
            slow.clear()
            assert partners.by_password(tx, user, "wrong") is None
            assert len(slow) == 3


DER = b"not really DER, and nobody looks"


def test_the_registration_of_a_partner_is_stored_and_changed(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        assert partners.get(tx, BANK.name) == BANK
        changed = BANK.model_copy(update={"trusted": False, "authority": (), "named": False})
        before = partners.moments(tx)[BANK.name]
        partners.change(tx, changed)
        assert partners.get(tx, BANK.name) == changed
        created, modified = partners.moments(tx)[BANK.name]
        assert created == before[0]
        assert modified > before[1]
        with pytest.raises(partners.UnknownPartner):
            partners.change(tx, POLICE)


def test_partner_is_the_same_on_the_fast_path(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
    with FastStore(store).read() as tx:
        assert partners.by_token(tx, given.token) == BANK


def test_former_partner_cannot_authenticate_and_stays_registered(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        given = partners.add(tx, BANK)
        partners.set_certificate(tx, BANK.name, hashlib.sha256(DER).hexdigest())
        collections.grant(tx, BANK.name, collection, read=True, write=True)
        value_index.add_own_values(tx, BANK.name, ["domain:bank.example"])
        # From now on, the password is cached as correct.
        assert partners.by_password(tx, given.user, given.password) == BANK
    with store.begin() as tx:
        partners.remove(tx, BANK.name)
    with store.read() as tx:
        assert partners.by_password(tx, given.user, given.password) is None
        assert partners.by_token(tx, given.token) is None
        assert partners.by_certificate(tx, DER) is None
        assert collections.rights(tx, BANK.name) == {}
        assert collections.right(tx, BANK.name, collection.id) is None
        assert partners.all_partners(tx) == [BANK]
        assert list(partners.departed_partners(tx)) == [BANK.name]
        assert value_index.owners_of(tx, ["domain:bank.example"]) == {"domain:bank.example": BANK.name}
        assert partners.get(tx, BANK.name, gone=True) == BANK


def test_former_partner_gets_no_rights_and_no_credentials(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        partners.add(tx, BANK)
        partners.remove(tx, BANK.name)
        for attempt in (
            lambda: partners.get(tx, BANK.name),
            lambda: partners.rotate(tx, BANK.name),
            lambda: collections.grant(tx, BANK.name, collection, read=True),
            lambda: partners.set_certificate(tx, BANK.name, "ab" * 32),
            lambda: partners.remove(tx, BANK.name),
            lambda: partners.change(tx, BANK),
        ):
            with pytest.raises(partners.PartnerLeft, match="has left"):
                attempt()
        with pytest.raises(partners.NameTaken):
            partners.add(tx, BANK)


def bank(name: str) -> Partner:
    return Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name))


def test_registry_has_the_current_readers_of_both_variants(store: Store) -> None:
    with store.begin() as tx:
        collection, full = collections.add_released(tx, "collection", "Collection")
        other, _ = collections.add_released(tx, "other", "Other")
        exchange = collections.add(tx, "exchange", "Exchange")
        for name in ("First", "Second", "Third", "Gone"):
            partners.add(tx, bank(name))
        collections.grant(tx, "First", collection, read=True)
        collections.grant(tx, "Second", full, read=True)
        collections.grant(tx, "Third", other, write=True)
        collections.grant(tx, "Third", exchange, read=True)
        collections.grant(tx, "Gone", collection, read=True)
        partners.remove(tx, "Gone")
        found = partners.load_registry(tx)
    assert found.readers == {"collection": {"First", "Second"}}
    assert found.partners.keys() == {"First", "Second", "Third"}
    assert found.gone.keys() == {"Gone"}
    assert found.by_identity[ids.identity("Gone")].name == "Gone"
    assert {"Gone", ids.identity("Gone"), "First"} <= found.called
