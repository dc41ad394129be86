"""The comparison of members with a peer, by the oblivious function of private matching.

The asking hub blinds its members; the answering hub evaluates them with a key that it uses once, and adds the tags of
its own members. So each hub learns the common members, and nothing about the others except their number.
"""

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from feeds.client.match.protocol import BlindedValues
from schemas.api.matching import ELEMENT, PROOF, TAG
from schemas.api.overlap import (
    MOST_INPUTS,
    CommonMembers,
    OverlapAnswer,
    OverlapRequest,
    link_input,
    number_input,
    unique_tags,
)
from server.features.federation.members.registers import RegisteredMember
from server.features.matching.evaluator import LENGTH, SEED, Keys, evaluate, outputs

_INFO = b"scamfeed/overlap/1"
_OUTPUT = 64


class TooManyMembers(ValueError):
    """A hub has more numbers than two hubs compare at once."""


class BadComparison(ValueError):
    """The message of the other hub has another form than the protocol."""


class CommonMember(NamedTuple):
    """A member of both hubs: the numbers that both know, and whether both have the same secret of it."""

    member: RegisteredMember
    numbers: tuple[str, ...]
    is_linked: bool


class MemberComparison:
    """The side of the hub that asks. One object is one comparison."""

    def __init__(self, members: Iterable[RegisteredMember]) -> None:
        """Blind the numbers and links of ``members``. Raises ``TooManyMembers``."""
        self._members = list(members)
        self._inputs = list(_inputs(self._members))
        self._blinded = BlindedValues(self._inputs) if self._inputs else None

    @property
    def size(self) -> int:
        """The number of inputs."""
        return len(self._inputs)

    def request(self) -> OverlapRequest:
        """Return the request to the other hub."""
        return OverlapRequest(_text(b"" if self._blinded is None else self._blinded.octets))

    def common(self, answer: OverlapAnswer) -> list[CommonMember]:
        """Return the members that both hubs have. Raises ``BadComparison`` and ``WrongProof``."""
        if self._blinded is None:
            return []
        tags = _octets(answer.tags)
        if len(tags) % TAG or len(tags) > MOST_INPUTS * TAG:
            raise BadComparison("the other hub sent more members than two hubs compare at once")
        theirs = {tags[at : at + TAG] for at in range(0, len(tags), TAG)}
        try:
            public = bytes.fromhex(answer.public)
        except ValueError:
            raise BadComparison("the other hub's public key has an unknown form") from None
        found = self._blinded.outputs(_octets(answer.evaluated), _octets(answer.proof), public)
        outputs = zip(self._inputs, found, strict=True)
        return common_of(self._members, {text for text, output in outputs if output.tag in theirs})


def answer(members: Iterable[RegisteredMember], request: OverlapRequest) -> OverlapAnswer:
    """Return the answer to another hub, made with a new key. Raises ``BadComparison`` and ``TooManyMembers``."""
    blinded = _octets(request.blinded)
    if not blinded or len(blinded) % ELEMENT or len(blinded) > MOST_INPUTS * ELEMENT:
        raise BadComparison(f"send 1 to {MOST_INPUTS:,} blinded inputs")
    key = Keys(secrets.token_bytes(SEED)).get(_INFO)
    try:
        evaluated = evaluate(key, blinded)
    except ValueError:
        raise BadComparison("an input is not an element of the group") from None
    own = outputs(key, b"".join(LENGTH.pack(len(text)) + text for text in _inputs(members)))
    tags = unique_tags(own[at : at + TAG] for at in range(0, len(own), _OUTPUT))
    public = key.public_key.serialize().hex()
    return OverlapAnswer(public, _text(evaluated[PROOF:]), _text(evaluated[:PROOF]), _text(tags))


def told(common: Sequence[CommonMember]) -> CommonMembers:
    """Return the common members for the other hub, which has them too."""
    numbers = sorted({number for found in common for number in found.numbers})
    links = sorted(found.member.proof for found in common if found.is_linked and found.member.proof)
    return CommonMembers(numbers, links)


def common_told(members: Iterable[RegisteredMember], given: CommonMembers) -> list[CommonMember]:
    """Return the members of this hub among those that the other hub names; it knows the secret of linked ones."""
    named = {number_input(number) for number in given.numbers[:MOST_INPUTS]}
    proven = {link_input(proof) for proof in given.links[:MOST_INPUTS]}
    return common_of(members, named | proven)


def common_of(members: Iterable[RegisteredMember], inputs: set[bytes]) -> list[CommonMember]:
    """Return the members of whose numbers or links the inputs are among these."""
    found = []
    for member in members:
        numbers = tuple(sorted(number for number in member.numbers if number_input(number) in inputs))
        is_linked = member.proof is not None and link_input(member.proof) in inputs
        if numbers or is_linked:
            found.append(CommonMember(member, numbers, is_linked))
    return found


def _inputs(members: Iterable[RegisteredMember]) -> list[bytes]:
    """Return the inputs of members: their numbers, and the proofs of their links. Raises ``TooManyMembers``."""
    found: Mapping[bytes, None] = dict.fromkeys(
        text
        for member in members
        for text in (
            *map(number_input, sorted(member.numbers)),
            *((link_input(member.proof),) if member.proof is not None else ()),
        )
    )
    if len(found) > MOST_INPUTS:
        raise TooManyMembers(f"two hubs compare at most {MOST_INPUTS:,} numbers and links: this hub has {len(found):,}")
    return list(found)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadComparison("the message of the other hub is not Base64") from None
