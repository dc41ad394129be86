"""Users and their sessions, on both databases."""

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, partners
from server.store.operators import attempts, passkeys, sessions, users
from server.store.operators.passkeys import PasskeyRefused
from server.store.operators.users import LinkOver, NameInUse, OperatorRole, PartnerRole, UnknownUser

HOUR = 3_600 * 1_000_000


def test_a_link_sets_a_password_once(store: Store) -> None:
    with store.begin() as tx:
        secret = users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
        assert users.set_password(tx, secret, "correct horse battery").name == "Somsri"
        with pytest.raises(LinkOver):
            users.set_password(tx, secret, "another one entirely")
        assert users.get(tx, "SOMSRI").password is not None
        newer = users.renew_link(tx, "somsri", "test")
        assert users.get(tx, "somsri").password is None
        assert users.of_link(tx, newer).name == "Somsri"


def test_name_is_taken_in_every_spelling_and_the_transaction_continues(store: Store) -> None:
    with store.begin() as tx:
        users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
        with pytest.raises(NameInUse):
            users.add(tx, "SOM SRI", OperatorRole.VIEWER, "test")
        assert [user.name for user in users.all_users(tx)] == ["Somsri"]


def test_a_code_is_used_once_and_wrong_ones_are_counted(store: Store) -> None:
    with store.begin() as tx:
        users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
        user = users.get(tx, "Somsri")
        users.set_totp(tx, user.id, b"encrypted", 7)
        assert not users.use_code(tx, user.id, 7)
        users.count_wrong_code(tx, user.id)
        assert users.locked(tx, user.id).wrong_codes == 1
        assert users.use_code(tx, user.id, 8)
        assert users.locked(tx, user.id).wrong_codes == 0


def test_sessions_are_found_touched_and_ended(store: Store) -> None:
    with store.begin() as tx:
        users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
        user = users.get(tx, "Somsri")
        first, second = (sessions.begin(tx, user.id, "full", lasts=HOUR) for _ in range(2))
        found = sessions.find(tx, first, idle=HOUR)
        assert found is not None
        assert found.user == user
        sessions.touch(tx, found.hash)
        assert len(sessions.of_user(tx, user.id)) == 2
        assert sessions.end_others(tx, user.id, found.hash) == 1
        assert sessions.find(tx, second, idle=HOUR) is None
        sessions.end(tx, found.hash)
        assert sessions.find(tx, first, idle=HOUR) is None


def test_a_removed_user_takes_its_sessions_with_it(store: Store) -> None:
    with store.begin() as tx:
        partners.add(tx, Partner(name="First Bank", kind=PartnerKind.BANK, identity=ids.identity("First Bank")))
        users.add(tx, "Malee", PartnerRole.READER, "test", "First Bank")
        secret = sessions.begin(tx, users.get(tx, "Malee").id, "full", lasts=HOUR)
        users.remove(tx, "Malee")
        assert sessions.find(tx, secret, idle=HOUR) is None
        with pytest.raises(UnknownUser):
            users.get(tx, "Malee")


def test_openid_login_is_one_user_with_the_current_role(store: Store) -> None:
    with store.begin() as tx:
        first = users.add_by_subject(tx, "https://login.example 17", "somsri", OperatorRole.VIEWER)
        again = users.add_by_subject(tx, "https://login.example 17", "another name", OperatorRole.APPROVER)
        assert (first.id, again.role, again.name) == (again.id, "approver", "somsri")
        with pytest.raises(NameInUse):
            users.add_by_subject(tx, "https://login.example 18", "Somsri", OperatorRole.ADMIN)


def test_challenge_is_valid_once(store: Store) -> None:
    with store.begin() as tx:
        users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
        found = sessions.find(tx, sessions.begin(tx, users.get(tx, "Somsri").id, "full", lasts=HOUR), idle=HOUR)
        assert found is not None
        assert sessions.take_challenge(tx, found.hash) is None
        sessions.keep_challenge(tx, found.hash, b"first")
        sessions.keep_challenge(tx, found.hash, b"second")
        assert sessions.take_challenge(tx, found.hash) == b"second"
        assert sessions.take_challenge(tx, found.hash) is None


def test_passkeys_belong_to_one_user_and_end_with_a_new_link(store: Store) -> None:
    with store.begin() as tx:
        for name in ("Somsri", "Malee"):
            users.add(tx, name, OperatorRole.ADMIN, "test")
        somsri, malee = (users.get(tx, name).id for name in ("Somsri", "Malee"))
        passkeys.add(tx, b"one", somsri, "telephone", b"key", 0)
        passkeys.add(tx, b"two", somsri, "key", b"key", 4)
        with pytest.raises(PasskeyRefused):
            passkeys.add(tx, b"one", malee, "the same", b"key", 0)
        assert not passkeys.remove(tx, malee, b"one")
        passkeys.use(tx, b"two", 5)
        assert [(key.name, key.signatures) for key in passkeys.of_user(tx, somsri)] == [("telephone", 0), ("key", 5)]
        assert passkeys.remove(tx, somsri, b"one")
        for number in range(passkeys.MOST - 1):
            passkeys.add(tx, b"%d" % number, somsri, "another", b"key", 0)
        with pytest.raises(PasskeyRefused):
            passkeys.add(tx, b"one too many", somsri, "another", b"key", 0)
        users.renew_link(tx, "Somsri", "test")
        assert passkeys.of_user(tx, somsri) == []
        passkeys.add(tx, b"one", malee, "hers now", b"key", 0)
        users.remove(tx, "Malee")


def test_password_attempts_count_on_all_nodes_for_one_name(store: Store) -> None:
    other = Store.open(store.url)
    nodes = (store, other)

    def take(number: int, remote: str = "192.0.2.1", name: str = "somsri") -> int:
        with nodes[number % 2].begin() as tx:
            return attempts.take(tx, remote, name)

    assert [take(number) for number in range(10)] == [0] * 10
    assert 0 < take(10) <= attempts.PAIR.each
    assert take(12, name="malee") == 0
    assert take(13, remote="192.0.2.2") == 0
    with other.begin() as tx:
        assert attempts.wait(tx, "192.0.2.1", "somsri") > 0
        attempts.give_back(tx, "192.0.2.1", "somsri")
        assert attempts.wait(tx, "192.0.2.1", "somsri") == 0
    other.close()


def test_address_and_ipv6_network_have_their_own_limits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # One attempt is added every half second, so a hundred attempts may take longer.
    monkeypatch.setattr("server.store.database.sql.database_time", lambda _: 1_700_000_000_000_000)
    with store.begin() as tx:
        assert not any(attempts.take(tx, f"2001:db8::{number:x}", f"name {number}") for number in range(100))
        # One more attempt is allowed each half second, even during the count.
        assert any(attempts.take(tx, f"2001:db8::{number:x}", f"name {number}") for number in range(100, 200))
        assert attempts.take(tx, "2001:db8:0:1::1", "another") == 0
        assert attempts.take(tx, "::ffff:192.0.2.1", "another") == 0


def test_expired_attempts_are_deleted(store: Store) -> None:
    with store.begin() as tx:
        attempts.take(tx, "192.0.2.1", "somsri")
        assert attempts.count(tx) == 2
        assert not attempts.are_over(tx)
        tx.exec_driver_sql("UPDATE login_attempts SET until = until - 60000000")
        assert attempts.are_over(tx)
        assert attempts.forget(tx, most=1) == 1
        assert attempts.forget(tx) == 1
        assert attempts.count(tx) == 0
