"""The evaluator process: the vectors of RFC 9497, and its end and restart."""

import contextlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from voprf import ristretto

from feeds.client.match.protocol import BlindedValues, WrongProof
from server.features.matching import evaluator
from server.features.matching.evaluation import BadElement, Evaluation, EvaluationBusy
from server.release.key_files import BadKeyFile, read_key

# From the appendix of RFC 9497 (https://www.rfc-editor.org/rfc/rfc9497, A.1.2), as allVectors.json of
# https://github.com/cfrg/draft-irtf-cfrg-voprf has it: ristretto255-SHA512, mode 1.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc9497-ristretto255-voprf.json").read_text())
INFO = bytes.fromhex(VECTORS["keyInfo"])


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    file = tmp_path / "seed"
    file.write_text(VECTORS["seed"] + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def evaluation(seed: Path) -> Iterator[Evaluation]:
    made = Evaluation(seed)
    yield made
    made.stop()


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: f"batch-{vector['Batch']}")
def test_rfc_vectors_are_reproduced(vector: dict[str, str], evaluation: Evaluation) -> None:
    inputs = [bytes.fromhex(text) for text in vector["Input"].split(",")]
    blinded = bytes.fromhex(vector["BlindedElement"].replace(",", ""))
    evaluated, proofs = evaluation.evaluate(INFO, blinded)
    assert evaluation.public_key(INFO).hex() == VECTORS["pkSm"]
    assert evaluated.hex() == vector["EvaluationElement"].replace(",", "")
    assert len(proofs) == 64
    outputs = [output.octets.hex() for output in evaluation.outputs(INFO, inputs)]
    assert outputs == vector["Output"].split(",")


def test_blind_evaluation_gives_the_output_of_the_input(evaluation: Evaluation) -> None:
    inputs = [b"value %d" % number for number in range(2_300)]
    blinded = BlindedValues(inputs)
    evaluated, proofs = evaluation.evaluate(INFO, blinded.octets)
    assert len(proofs) == 3 * 64
    opened = blinded.outputs(evaluated, proofs, evaluation.public_key(INFO))
    assert opened == evaluation.outputs(INFO, inputs)
    # Blinding is new each time, so repeated inputs cannot be linked.
    assert BlindedValues(inputs[:1]).octets != BlindedValues(inputs[:1]).octets


def test_wrong_response_is_detected(evaluation: Evaluation) -> None:
    blinded = BlindedValues([b"first", b"second"])
    evaluated, proofs = evaluation.evaluate(INFO, blinded.octets)
    public = evaluation.public_key(INFO)
    swapped = evaluated[32:] + evaluated[:32]
    for elements, proof, key in (
        (evaluated, proofs, evaluation.public_key(b"another key")),
        (swapped, proofs, public),
        (evaluated, bytes(64), public),
        (evaluated[:32], proofs, public),
        (bytes(64), proofs, public),
        (evaluated, proofs + proofs, public),
        (evaluated, proofs, bytes(32)),
    ):
        with pytest.raises(WrongProof):
            blinded.outputs(elements, proof, key)


@pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32, b"\1" + bytes(31)])
def test_malformed_element_is_refused(element: bytes, evaluation: Evaluation) -> None:
    good = BlindedValues([b"value"]).octets
    with pytest.raises(BadElement):
        evaluation.evaluate(INFO, good + element)
    assert evaluation.evaluate(INFO, good)


def test_empty_request_is_not_evaluated() -> None:
    key = ristretto.Evaluator.from_seed(bytes(32), b"")
    for work, body in ((evaluator.evaluate, b""), (evaluator.outputs, evaluator.LENGTH.pack(0))):
        with pytest.raises(ValueError, match=r"element|empty"):
            work(key, body)
    answers = io.BytesIO()
    evaluator.serve(evaluator.Keys(bytes(32)), io.BytesIO(b"e"), answers)
    assert not answers.getvalue()


def test_killed_process_is_restarted(evaluation: Evaluation) -> None:
    public, before = evaluation.public_key(INFO), evaluation.outputs(INFO, [b"value"])
    killed = evaluation.process_id
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    # A request during the end of the process is refused. The next one starts another process.
    with contextlib.suppress(EvaluationBusy):
        evaluation.outputs(INFO, [b"value"])
    assert evaluation.outputs(INFO, [b"value"]) == before
    assert evaluation.process_id != killed
    assert evaluation.public_key(INFO) == public
    evaluation.stop()
    with pytest.raises(EvaluationBusy):
        evaluation.outputs(INFO, [b"value"])


def test_process_is_nice_and_ends_with_its_parent(seed: Path) -> None:
    program = (
        "import os, sys, time; from pathlib import Path; from server.features.matching.evaluation import Evaluation\n"
        "made = Evaluation(Path(sys.argv[1])); made.public_key(b'')\n"
        "print(made.process_id, os.getpriority(os.PRIO_PROCESS, made.process_id), flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(seed)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child, niceness = map(int, parent.stdout.readline().split())
    assert niceness >= 10
    assert VECTORS["seed"] not in Path(f"/proc/{child}/cmdline").read_text()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_number_of_places_is_bounded(evaluation: Evaluation) -> None:
    entered, leave = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        with evaluation.place():
            entered.release()
            leave.wait(60)

    holders = [threading.Thread(target=hold) for _ in range(8)]
    for holder in holders:
        holder.start()
        entered.acquire()
    with pytest.raises(EvaluationBusy), evaluation.place():
        pass
    leave.set()
    for holder in holders:
        holder.join()
    with evaluation.place():
        pass


def test_a_seed_is_a_secret_file_of_32_bytes(seed: Path, tmp_path: Path) -> None:
    read_key(seed)
    seed.chmod(0o640)
    assert stat.S_IMODE(seed.stat().st_mode) == 0o640
    with pytest.raises(BadKeyFile, match="chmod"):
        read_key(seed)
    for text in ("", "00" * 31, "zz" * 32, "é"):
        seed.write_text(text, encoding="utf-8")
        seed.chmod(0o600)
        with pytest.raises(BadKeyFile) as refused:
            read_key(seed)
        assert not text or text not in str(refused.value)
    with pytest.raises(BadKeyFile, match="cannot be read"):
        read_key(tmp_path / "none")
