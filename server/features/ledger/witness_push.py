"""Ask witnesses to cosign: C2SP tlog-witness, ``add-checkpoint``, over the same guarded sessions as feeds."""

import logging

import requests

from feeds.connector import Misconfigured, TryLater
from feeds.transport.client import OutboundSettings, open_session
from schemas.tlog import BadFormat, BadProof
from schemas.tlog.notes import SignedNote, read_lines
from schemas.tlog.proofs import Checkpoint, CheckpointAddition
from schemas.tlog.trees import consistency_proof
from server.features.ledger import cosigning
from server.jobs.repeated import RepeatedStep
from server.store import Store, Tx
from server.store.ledger import growth, reading, witnesses
from server.store.ledger.growth import Tree
from server.store.ledger.witnesses import Unwitnessed, Witness

log = logging.getLogger(__name__)

_SECONDS = 30.0
# The maximum number of logs in one round of a witness.
_MOST_LOGS = 100
_LONGEST_ANSWER = 64 * 1024


class WitnessPush:
    """Asks the witnesses of one store that have an address to cosign."""

    def __init__(self, store: Store, *, allow_private: bool = False) -> None:
        """Ask for ``store``; ``allow_private`` includes witnesses on this machine and its network."""
        self._store = store
        self._settings = OutboundSettings(
            timeout="10s", answer_within="30s", retries=1, max_bytes=_LONGEST_ANSWER, allow_private=allow_private
        )

    def push(self) -> int:
        """Ask each witness to cosign the logs that it is behind with, and return the number of cosigned checkpoints."""
        with self._store.read() as tx:
            asked = [witness for witness in witnesses.all_witnesses(tx) if witness.url]
        if not asked:
            return 0
        with cosigning.asking(self._store) as is_mine:
            return sum(self._push_to(witness) for witness in asked) if is_mine else 0

    def _push_to(self, witness: Witness) -> int:
        url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        with self._store.read() as tx:
            behind = witnesses.behind(tx, witness.name, _MOST_LOGS)
        cosigned = 0
        try:
            with open_session(self._settings, url, repeat_posts=True) as session:
                for place in behind:
                    cosigned += self._ask(session, url, witness, place)
        except (Misconfigured, TryLater, requests.RequestException) as error:
            log.warning("witness-unreached name=%s cause=%s", witness.name, type(error).__name__)
        return cosigned

    def _ask(self, session: requests.Session, url: str, witness: Witness, place: Unwitnessed) -> int:
        """Ask about one log; again if the witness is at another size than the known one."""
        size: int | None = place.cosigned
        for _ in range(2):
            with self._store.read() as tx:
                tree = growth.tree_of(tx, place.collection)
                if tree is None or size is None or size > tree.noted:
                    break
                body = bytes(_addition(tx, tree, size))
            answer = session.post(url, data=body, headers={"Content-Type": "text/plain; charset=utf-8"})
            if answer.status_code == 200:
                return self._take(witness, tree, answer.content)
            size = _size(answer)
        log.warning("witness-refused name=%s log=%s status=%s", witness.name, place.collection, _status_of(size))
        return 0

    def _take(self, witness: Witness, tree: Tree, data: bytes) -> int:
        note = SignedNote.parse(tree.note)
        try:
            mine = tuple(
                line for line in read_lines(data) if (line.name, line.id) == (witness.key.name, witness.key.id)
            )
            SignedNote(note.text, mine).check([witness.key])
        except (BadFormat, BadProof) as error:
            log.warning("witness-signature-refused name=%s cause=%s", witness.name, error)
            return 0
        signers = [(witness.name, None)]
        cosigning.keep(self._store, tree.collection, tree.noted, note, mine, signers, in_passing=True)
        return 1


def _status_of(size: int | None) -> str:
    """Return the state of a witness that refused, or that is at a size which this hub does not have."""
    return "refused" if size is None else f"it is at size {size}"


def _addition(tx: Tx, tree: Tree, old: int) -> CheckpointAddition:
    size = Checkpoint.parse(SignedNote.parse(tree.note).text).size
    proof = consistency_proof(reading.nodes(tx, tree, size), old, size) if old else []
    return CheckpointAddition(old, tuple(proof), tree.note)


def _size(answer: requests.Response) -> int | None:
    """Return the size of a log at a witness by its response, or None."""
    text = answer.text.strip() if answer.status_code == 409 else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


class WitnessThread(RepeatedStep):
    """Asks every half a minute while it runs, in one of the hub's processes."""

    begins_at_once = False

    def __init__(self, push: WitnessPush) -> None:
        """Ask by ``push``."""
        super().__init__("witnesses", _SECONDS, "witnesses wait", "witness failure")
        self._push = push

    def step(self) -> None:
        """Ask each witness once."""
        self._push.push()
