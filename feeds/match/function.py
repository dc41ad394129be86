"""The partner's part of the function: values are blinded, and what comes back is verified and opened."""

from collections.abc import Sequence

from voprf import ristretto

from feeds.connector import Misconfigured
from schemas.api.matching import CHUNK, ELEMENT, PROOF, MatchOutput


class WrongProof(Misconfigured):
    """The hub did not evaluate with the key that it names; nothing of the answer is taken."""


class BlindedValues:
    """The inputs of one request, blinded; what opens the answer stays here."""

    def __init__(self, inputs: Sequence[bytes]) -> None:
        """Blind ``inputs``, each anew."""
        pairs = [ristretto.Client.blind(text) for text in inputs]
        self._clients = [client for client, _ in pairs]
        self.octets = b"".join(blinded.serialize() for _, blinded in pairs)

    def outputs(self, evaluated: bytes, proofs: bytes, public_key: bytes) -> list[MatchOutput]:
        """Return the outputs, in the order of the inputs. Raises ``WrongProof``."""
        chunks = range(0, len(self._clients), CHUNK)
        if len(evaluated) != len(self._clients) * ELEMENT or len(proofs) != len(chunks) * PROOF:
            raise WrongProof("the hub answers another number of elements than it was asked for")
        found: list[MatchOutput] = []
        for place, start in enumerate(chunks):
            proof = proofs[place * PROOF : (place + 1) * PROOF]
            elements = evaluated[start * ELEMENT : (start + CHUNK) * ELEMENT]
            found += _opened(self._clients[start : start + CHUNK], proof + elements, public_key)
        return found


def _opened(clients: Sequence[ristretto.Client], answer: bytes, public_key: bytes) -> list[MatchOutput]:
    try:
        key = ristretto.PublicKey.deserialize(public_key)
        batch = ristretto.VerifiableBatchOutput.deserialize(answer)
        return [MatchOutput(bytes(output)) for output in ristretto.Client.finalize_batch(clients, batch, key)]
    except ValueError as error:
        raise WrongProof("the hub answers what is no evaluation") from error
    except BaseException as error:
        # What the library panics with at a wrong proof is no Exception.
        if type(error).__name__ != "PanicException":
            raise
    raise WrongProof("the hub evaluated with another key than it names; ask its operator")
