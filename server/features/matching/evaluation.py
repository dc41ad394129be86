"""The evaluation of private matching in a separate process, which is started when needed and restarted if it ends."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from schemas.api.matching import CHUNK, ELEMENT, PROOF, MatchOutput
from server.features.matching import evaluator
from server.features.matching.evaluator import (
    ANSWER,
    BAD_ELEMENT,
    DONE,
    EVALUATE,
    LENGTH,
    OUTPUTS,
    PUBLIC_KEY,
    REQUEST,
)

log = logging.getLogger(__name__)

_OUTPUT = 64
# The requests of partners that may wait in one server process, and the seconds that the first of them may take.
_MOST_WAITING = 8
_PATIENCE_SECONDS = 10.0
# The number of known inputs in one request, so that partners wait only briefly behind them.
_KNOWN_AT_ONCE = 250
_MOST_KEYS = 1_000


class BadElement(ValueError):
    """The bytes to evaluate are not an element of the group."""


class EvaluationBusy(Exception):
    """Too many evaluations are waiting, or the evaluating process has ended; try again."""


class Evaluation:
    """Evaluates in a separate process, one chunk after another. Threads may share it."""

    def __init__(self, seed_file: Path) -> None:
        """Use the seed in ``seed_file``."""
        self._seed_file = seed_file
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()
        self._places = threading.Semaphore(_MOST_WAITING)
        self._stopped = False
        # The public keys of the running process; a new process reads the file again.
        self._public: dict[bytes, bytes] = {}

    @property
    def process_id(self) -> int | None:
        """The evaluating process, None before it is needed."""
        return None if self._process is None else self._process.pid

    def public_key(self, info: bytes) -> bytes:
        """Return the public key that is derived with ``info``. Raises ``EvaluationBusy``."""
        known = self._public.get(info)
        if known is None:
            known = self._ask(PUBLIC_KEY, info, b"")
            if len(self._public) >= _MOST_KEYS:
                self._public.clear()
            self._public[info] = known
        return known

    def evaluate(self, info: bytes, blinded: bytes) -> tuple[bytes, bytes]:
        """Return evaluated elements, and a proof for each chunk of them.

        Raises ``BadElement`` and ``EvaluationBusy``.
        """
        evaluated, proofs = bytearray(), bytearray()
        for start in range(0, len(blinded), CHUNK * ELEMENT):
            # Other requests are served between two chunks.
            answer = self._ask(EVALUATE, info, blinded[start : start + CHUNK * ELEMENT])
            proofs += answer[:PROOF]
            evaluated += answer[PROOF:]
        return bytes(evaluated), bytes(proofs)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places for requests of partners. Raises ``EvaluationBusy`` if all are taken."""
        if not self._places.acquire(blocking=False):
            raise EvaluationBusy
        try:
            yield
        finally:
            self._places.release()

    def outputs(self, info: bytes, inputs: Sequence[bytes]) -> list[MatchOutput]:
        """Return the outputs for the hub's own inputs. Raises ``EvaluationBusy``."""
        found: list[MatchOutput] = []
        for start in range(0, len(inputs), _KNOWN_AT_ONCE):
            some = inputs[start : start + _KNOWN_AT_ONCE]
            answer = self._ask(OUTPUTS, info, b"".join(LENGTH.pack(len(text)) + text for text in some))
            found += [MatchOutput(answer[at : at + _OUTPUT]) for at in range(0, len(answer), _OUTPUT)]
        return found

    def stop(self) -> None:
        """End the process, and start no other."""
        self._stopped = True
        with self._asking:
            self._end()

    def _ask(self, what: bytes, info: bytes, body: bytes) -> bytes:
        if not self._asking.acquire(timeout=_PATIENCE_SECONDS):
            raise EvaluationBusy
        try:
            status, answer = self._exchange(what, info, body)
        except (OSError, EOFError) as error:
            log.warning("match-evaluation ended: it begins again")
            self._end()
            raise EvaluationBusy from error
        finally:
            self._asking.release()
        if status == BAD_ELEMENT:
            raise BadElement
        if status != DONE:
            raise EvaluationBusy
        return answer

    def _exchange(self, what: bytes, info: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Send a request and read its answer. Raises ``OSError`` and ``EOFError`` if the process has ended."""
        asked, answers = self._pipes()
        asked.write(REQUEST.pack(what, len(info), len(body)) + info + body)
        asked.flush()
        head = answers.read(ANSWER.size)
        if len(head) < ANSWER.size:
            raise EOFError
        status, length = ANSWER.unpack(head)
        answer = answers.read(length)
        if len(answer) < length:
            raise EOFError
        return status, answer

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._stopped:
            raise EOFError
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            # Pass the file and not the seed, because other users can see the arguments of a process.
            command = [sys.executable, "-P", "-m", evaluator.__name__, str(self._seed_file)]
            self._public.clear()
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise EOFError
        return asked, answers

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
