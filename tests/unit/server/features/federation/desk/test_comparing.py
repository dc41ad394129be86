"""Two hubs compare members: each learns the common ones, and a wrong or oversized message nothing."""

import base64
from collections.abc import Iterable

import msgspec
import pytest

from feeds.client.match.protocol import WrongProof
from schemas.api.matching import ELEMENT, TAG
from schemas.api.overlap import MOST_INPUTS, CommonMembers, OverlapRequest
from server.features.federation.members import comparing
from server.features.federation.members.comparing import BadComparison, CommonMember, MemberComparison, TooManyMembers
from server.features.federation.members.registers import RegisteredMember


def member(name: str, *numbers: str, proof: str | None = None) -> RegisteredMember:
    return RegisteredMember(name, (name,), frozenset(numbers), proof)


OURS = [
    member("first bank", "LEI:0000FIRST", "TH:FIRSTHBK", proof="aa"),
    member("second bank", "LEI:0000SECOND", proof="bb"),
    member("third bank", "LEI:0000THIRD"),
    member("no number"),
]
THEIRS = [
    member("primeira", "LEI:0000FIRST", proof="aa"),
    member("segunda", "LEI:0000SECOND", proof="cc"),
    member("another", "LEI:0000OTHER"),
]


def found(common: Iterable[CommonMember]) -> dict[str, tuple[tuple[str, ...], bool]]:
    return {each.member.organisation: (each.numbers, each.is_linked) for each in common}


def test_both_hubs_learn_the_common_members_and_their_links() -> None:
    comparison = MemberComparison(OURS)
    answer = comparing.answer(THEIRS, comparison.request())
    common = comparison.common(answer)
    assert found(common) == {
        "first bank": (("LEI:0000FIRST",), True),
        "second bank": (("LEI:0000SECOND",), False),
    }
    told = comparing.told(common)
    assert told == CommonMembers(["LEI:0000FIRST", "LEI:0000SECOND"], ["aa"])
    assert found(comparing.common_told(THEIRS, told)) == {
        "primeira": (("LEI:0000FIRST",), True),
        "segunda": (("LEI:0000SECOND",), False),
    }


def test_messages_reveal_no_number_and_differ_each_time() -> None:
    first, second = MemberComparison(OURS), MemberComparison(OURS)
    answers = [comparing.answer(THEIRS, comparison.request()) for comparison in (first, second)]
    octets = [base64.b64decode(answer.tags) for answer in answers]
    tags = [{some[at : at + TAG] for at in range(0, len(some), TAG)} for some in octets]
    assert first.request() != second.request()
    # The key of each answer is new, so that tags of two answers have nothing in common.
    assert not tags[0] & tags[1]
    assert b"LEI" not in base64.b64decode(first.request().blinded) + octets[0]


def test_claimed_link_without_the_secret_is_not_accepted() -> None:
    told = CommonMembers(["LEI:0000SECOND", "LEI:NOBODY"], ["cc", "not-a-proof"])
    assert found(comparing.common_told(OURS, told)) == {"second bank": (("LEI:0000SECOND",), False)}


def test_answer_evaluated_with_another_key_is_refused() -> None:
    comparison = MemberComparison(OURS)
    honest, other = (comparing.answer(THEIRS, comparison.request()) for _ in range(2))
    with pytest.raises(WrongProof):
        comparison.common(msgspec.structs.replace(honest, public=other.public))


@pytest.mark.parametrize(
    "blinded",
    ["", "***", base64.b64encode(bytes(ELEMENT)).decode(), base64.b64encode(b"x" * 33).decode()],
    ids=["empty", "no Base64", "identity element", "odd length"],
)
def test_request_of_another_form_is_refused(blinded: str) -> None:
    with pytest.raises(BadComparison):
        comparing.answer(THEIRS, OverlapRequest(blinded))


def test_oversized_sets_are_refused_on_both_sides() -> None:
    many = [member(f"bank {number}", f"LEI:{number}") for number in range(MOST_INPUTS + 1)]
    with pytest.raises(TooManyMembers):
        MemberComparison(many)
    too_long = OverlapRequest(base64.b64encode(bytes(ELEMENT * (MOST_INPUTS + 1))).decode())
    with pytest.raises(BadComparison):
        comparing.answer(THEIRS, too_long)
    comparison = MemberComparison(OURS)
    answer = comparing.answer(THEIRS, comparison.request())
    tags = base64.b64encode(bytes(TAG * (MOST_INPUTS + 1))).decode()
    with pytest.raises(BadComparison):
        comparison.common(msgspec.structs.replace(answer, tags=tags))
