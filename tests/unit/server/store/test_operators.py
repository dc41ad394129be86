"""Users and their sessions, on both databases."""

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, partners
from server.store.operators import sessions, users
from server.store.operators.users import LinkOver, NameInUse, OperatorRole, PartnerRole, UnknownUser

HOUR = 3_600 * 1_000_000


def test_a_link_sets_a_password_once(store: Store) -> None:
    with store.begin() as tx:
        secret = users.add(tx, "Somsri", OperatorRole.ADMIN, "test")
        assert users.set_password(tx, secret, "correct horse battery").name == "Somsri"
        with pytest.raises(LinkOver):
            users.set_password(tx, secret, "another one entirely")
        assert users.get(tx, "SOMSRI").password is not None
        newer = users.renew_link(tx, "somsri")
        assert users.get(tx, "somsri").password is None
        assert users.of_link(tx, newer).name == "Somsri"


def test_a_name_is_taken_however_it_is_written_and_the_transaction_goes_on(store: Store) -> None:
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


def test_who_comes_by_a_provider_is_one_user_with_the_role_of_now(store: Store) -> None:
    with store.begin() as tx:
        first = users.add_by_subject(tx, "https://login.example 17", "somsri", OperatorRole.VIEWER)
        again = users.add_by_subject(tx, "https://login.example 17", "another name", OperatorRole.APPROVER)
        assert (first.id, again.role, again.name) == (again.id, "approver", "somsri")
        with pytest.raises(NameInUse):
            users.add_by_subject(tx, "https://login.example 18", "Somsri", OperatorRole.ADMIN)
