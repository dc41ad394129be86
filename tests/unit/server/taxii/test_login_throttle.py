import base64
import shutil
import uuid
from pathlib import Path

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, partners
from server.store.credentials import PasswordVerifier
from server.store.objects.fast_reads import FastStore, NotFast
from server.store.partners import VerifiedLogin
from server.taxii.auth import Authenticator
from server.taxii.errors import TaxiiError
from server.taxii.limits import PartnerQuotas
from server.taxii.login_throttle import LoginThrottle
from server.taxii.proxies import TrustedProxies
from server.taxii.verified_logins import VerifiedLogins


class Clock:
    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


def guess(throttle: LoginThrottle, remote: str, user: str, times: int) -> int:
    """Guess, and count how many guesses were let through."""
    through = 0
    for _ in range(times):
        if not throttle.wait(remote, user):
            through += 1
            throttle.failed(remote, user)
    return through


def test_ten_guesses_and_then_one_in_six_seconds() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    assert guess(throttle, "192.0.2.1", "bank", 100) == 10
    clock.time += 6.5
    assert guess(throttle, "192.0.2.1", "bank", 100) == 1
    clock.time += 3_600
    assert guess(throttle, "192.0.2.1", "bank", 100) == 10


def test_nobody_elsewhere_locks_a_partner_out() -> None:
    throttle = LoginThrottle(Clock())
    guess(throttle, "192.0.2.1", "bank", 100)
    assert throttle.wait("192.0.2.1", "bank") > 0
    assert throttle.wait("198.51.100.1", "bank") == 0
    assert throttle.wait("192.0.2.1", "ngo") == 0


def test_an_address_that_tries_many_names_is_slowed_too() -> None:
    throttle = LoginThrottle(Clock())
    assert sum(guess(throttle, "192.0.2.1", f"user{n}", 1) for n in range(500)) == 100


def test_only_so_many_wait_for_a_slow_verification() -> None:
    throttle = LoginThrottle(Clock())
    turns = [throttle.turn() for _ in range(2)]
    assert [turn.__enter__() for turn in turns] == [True, True]
    for turn in turns:
        turn.__exit__(None, None, None)
    with throttle.turn() as has_turn:
        assert has_turn


def test_of_a_name_that_is_longer_than_any_nothing_is_remembered(migrated_store: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    throttle = LoginThrottle()
    authenticator = Authenticator(TrustedProxies(), PartnerQuotas(), throttle)
    names = ["x" * 100, *("y" * length for length in (101, 1_000, 40_000))]
    with store.begin() as tx:
        for name in names:
            given = base64.b64encode(f"{name}:guess".encode()).decode()
            with pytest.raises(TaxiiError):
                authenticator.identify(tx, f"Basic {given}", remote="192.0.2.1")
    assert max(len(user or "") for _, user in throttle._debts) == 100
    assert throttle._debts["192.0.2.1", ""] > 0
    store.close()


def test_a_password_is_verified_once_for_all_processes_with_one_key(migrated_store: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    with store.begin() as tx:
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
    authorization = "Basic " + base64.b64encode(f"{given.user}:{given.password}".encode()).decode()
    notes = VerifiedLogins(store)

    def process() -> Authenticator:
        passwords = PasswordVerifier(b"k" * 32)
        return Authenticator(TrustedProxies(), PartnerQuotas(), passwords=passwords, note_login=notes.note)

    fast, slow = FastStore(store, patience=5), FastStore(store)
    with fast.read() as tx, pytest.raises(NotFast):
        process().identify(tx, authorization, is_fast=True)
    with slow.read() as tx:
        process().identify(tx, authorization)
    notes.wait()
    with fast.read() as tx:
        assert process().identify(tx, authorization, is_fast=True).partner.name == "bank"
    fast.close()
    slow.close()
    store.close()


def test_a_store_that_cannot_remember_a_login_stops_nobody(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'hub.db'}")
    notes = VerifiedLogins(store)
    notes.note(VerifiedLogin("bank", b"digest", "hash"))
    notes.wait()
    store.close()
