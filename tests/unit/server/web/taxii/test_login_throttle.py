import base64
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, update
from sqlalchemy.pool import QueuePool

from schemas.partner import Partner, PartnerKind
from server.store import Store, partners
from server.store.credentials import PasswordVerifier, password_check
from server.store.objects.fast_reads import FastStore, NotFast
from server.store.operators import attempts
from server.store.partners import VerifiedLogin
from server.store.tables import credentials
from server.web.taxii.auth import Authenticator, VerifiedLogins
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import PartnerQuotas
from server.web.taxii.login_throttle import LoginThrottle
from server.web.taxii.proxies import TrustedProxies
from tests.postgres import Postgres


class Clock:
    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield store
    store.close()


def guess(throttle: LoginThrottle, remote: str, user: str, times: int) -> int:
    """Guess passwords, and return the number of guesses that were checked."""
    return sum(not throttle.take(remote, user) for _ in range(times))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def asking(authorization: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": authorization, "REMOTE_ADDR": "192.0.2.1"}


def statuses(authenticator: Authenticator, store: Store, user: str, *passwords: str) -> list[int]:
    """Return the response to each of these passwords, all from one address."""
    found = []
    for password in passwords:
        try:
            authenticator.recognise(store, asking(basic(user, password)))
            found.append(200)
        except TaxiiError as error:
            found.append(error.status)
    return found


def test_ten_guesses_and_then_one_in_six_seconds() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock=clock)
    assert guess(throttle, "192.0.2.1", "bank", 100) == 10
    clock.time += 6.5
    assert guess(throttle, "192.0.2.1", "bank", 100) == 1
    clock.time += 3_600
    assert guess(throttle, "192.0.2.1", "bank", 100) == 10


def test_guesses_from_elsewhere_do_not_lock_a_partner_out(store: Store) -> None:
    throttle = LoginThrottle(store)
    guess(throttle, "192.0.2.1", "bank", 100)
    assert throttle.take("192.0.2.1", "bank") > 0
    assert throttle.take("198.51.100.1", "bank") == 0
    assert throttle.take("192.0.2.1", "ngo") == 0


def test_address_that_tries_many_names_is_slowed_down() -> None:
    throttle = LoginThrottle(clock=Clock())
    assert sum(guess(throttle, "192.0.2.1", f"user{n}", 1) for n in range(500)) == 100


def test_all_workers_together_allow_ten_guesses(store: Store) -> None:
    workers = [LoginThrottle(store) for _ in range(4)]
    assert sum(guess(worker, "192.0.2.1", "bank", 1) for _ in range(20) for worker in workers) == 10
    # Further guesses write nothing more.
    assert all(worker.take("192.0.2.1", "bank") for worker in workers)


def test_unchecked_password_clears_no_wrong_one(store: Store) -> None:
    """Overloading the hub gains an attacker nothing, on this worker or any other."""
    workers = [LoginThrottle(store) for _ in range(5)]
    for worker in workers[:4]:
        assert guess(worker, "192.0.2.1", "bank", 2) == 2
        assert worker.take("192.0.2.1", "bank") == 0
        worker.give_back("192.0.2.1", "bank", was_right=False)
    assert guess(workers[4], "192.0.2.1", "bank", 20) == 2


def test_guess_waiting_to_be_counted_holds_no_connection(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise concurrent guessers would hold all connections, and each would wait for another one."""
    throttle, held = LoginThrottle(store), []
    take, give_back = throttle.take, throttle.give_back

    def noting(count: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, **more: Any) -> Any:
            held.append(cast(QueuePool, store._engine.pool).checkedout())
            return count(*given, **more)

        return noted

    with store.begin() as tx:
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
        # Like an older release: only the slow verification shows whether it is correct.
        tx.execute(update(credentials).values(password_check=None))
    monkeypatch.setattr(throttle, "take", noting(take))
    monkeypatch.setattr(throttle, "give_back", noting(give_back))
    authenticator = Authenticator(TrustedProxies(), PartnerQuotas(), throttle)
    assert statuses(authenticator, store, given.user, "guess", given.password) == [401, 200]
    assert held == [0, 0, 0]


def test_concurrent_guesses_do_not_wait_for_each_other_on_postgresql(
    postgres: Postgres, postgres_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.database.engine._BUSY_SECONDS", 120)
    store = Store.open(postgres.url(postgres.database(postgres_template)))
    try:
        guessing = Authenticator(TrustedProxies(), PartnerQuotas(), LoginThrottle(store))
        began = time.monotonic()
        with ThreadPoolExecutor(32) as threads:
            found = list(threads.map(lambda number: statuses(guessing, store, f"bank {number}", "guess"), range(32)))
        assert {status for [status] in found} <= {401, 429, 503}
        assert time.monotonic() - began < 60, "they would wait two minutes for a connection"
    finally:
        store.close()


@pytest.mark.long
def test_guesses_during_a_long_write_leave_threads_to_others(store: Store) -> None:
    throttle = LoginThrottle(store)
    # The threads end after the write.
    with ThreadPoolExecutor(40) as threads, store.begin():
        guesses = [threads.submit(throttle.take, f"192.0.2.{number}", "bank") for number in range(40)]
        done = set(islice(as_completed(guesses, timeout=60), 24))
        assert [guess.result() for guess in done] == [1.0] * 24
        more, waiting = wait(set(guesses) - done, timeout=0.5)
        assert (len(more), len(waiting)) == (0, 16)
    assert [guess.result() for guess in waiting] == [0.0] * 16


def test_partners_and_people_are_counted_separately(store: Store) -> None:
    throttle = LoginThrottle(store)
    guess(throttle, "192.0.2.1", "bank", 100)
    with store.begin() as tx:
        assert attempts.take(tx, "192.0.2.1", "bank") == 0


def test_guesses_are_counted_without_a_store(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'hub.db'}")
    throttle = LoginThrottle(store)
    assert guess(throttle, "192.0.2.1", "bank", 20) == 10
    throttle.give_back("192.0.2.1", "bank")
    store.close()


def test_correct_password_is_accepted_despite_guesses_from_the_same_address(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
    guessing, asked = (
        Authenticator(TrustedProxies(), PartnerQuotas(), LoginThrottle(store), PasswordVerifier(b"k" * 32))
        for _ in range(2)
    )
    guesses = [f"guess {number}" for number in range(30)]
    assert statuses(guessing, store, given.user, *guesses) == [401] * 10 + [429] * 20
    # It has never been used before, in any process.
    assert statuses(asked, store, given.user, given.password, "another guess") == [200, 429]
    assert statuses(guessing, store, given.user, given.password) == [200]
    assert statuses(guessing, store, "nobody", *guesses) == [401] * 10 + [429] * 20


def test_correct_password_is_not_recorded(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
    for _ in range(20):
        asked = Authenticator(TrustedProxies(), PartnerQuotas(), LoginThrottle(store))
        assert statuses(asked, store, given.user, given.password) == [200]
    with store.read() as tx:
        assert attempts.count(tx) == 0


def test_older_credentials_get_their_fast_check_after_use(store: Store) -> None:
    with store.begin() as tx:
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
        tx.execute(update(credentials).values(password_check=None))
    notes = VerifiedLogins(store)
    asked = Authenticator(TrustedProxies(), PartnerQuotas(), LoginThrottle(store), note_login=notes.note)
    assert statuses(asked, store, given.user, given.password) == [200]
    notes.wait()
    with store.read() as tx:
        assert attempts.count(tx) <= 1
        assert tx.execute(select(credentials.c.password_check)).scalar() == password_check(given.password)
    guess(LoginThrottle(store), "192.0.2.1", given.user, 100)
    again = Authenticator(TrustedProxies(), PartnerQuotas(), LoginThrottle(store))
    assert statuses(again, store, given.user, given.password) == [200]


def test_waiting_slow_verifications_are_bounded() -> None:
    throttle = LoginThrottle(clock=Clock())
    turns = [throttle.turn() for _ in range(2)]
    assert [turn.__enter__() for turn in turns] == [True, True]
    for turn in turns:
        turn.__exit__(None, None, None)
    with throttle.turn() as has_turn:
        assert has_turn


def test_too_long_name_is_not_cached(migrated_store: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    throttle = LoginThrottle()
    authenticator = Authenticator(TrustedProxies(), PartnerQuotas(), throttle)
    names = ["x" * 100, *("y" * length for length in (101, 1_000, 40_000))]
    for name in names:
        with pytest.raises(TaxiiError):
            authenticator.recognise(store, asking(basic(name, "guess")))
    assert max(len(user or "") for _, user in throttle._debts) == 100
    assert ("192.0.2.1", "") in throttle._debts
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
        process().identify(tx, authorization, is_counted=True)
    notes.wait()
    with fast.read() as tx:
        assert process().identify(tx, authorization, is_fast=True).partner.name == "bank"
    fast.close()
    slow.close()
    store.close()


def test_store_that_cannot_cache_a_login_stops_no_partner(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'hub.db'}")
    notes = VerifiedLogins(store)
    for digest in (b"first", b"second"):
        notes.note(VerifiedLogin("bank", digest, "hash", b"12"))
        notes.wait()
    store.close()
    # Each loss is logged, and the next one gets its own thread.
    lost = [record.message for record in caplog.records if record.message.startswith("verified-logins-")]
    assert len(lost) == 2
    assert all(line.startswith("verified-logins-lost logins=1 ") for line in lost)
