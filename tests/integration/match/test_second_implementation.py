"""Another implementation of RFC 9497 (@noble/curves on node) as client of a hub, and as hub of a client."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.client.match.protocol import BlindedValues
from schemas import kinds
from schemas.api.matching import input_of, key_info
from server.features.matching.evaluation import Evaluation
from tests.times import CLOCK

NODE = Path(__file__).parent / "node"
INFO = key_info("8b0a5a39-6f3f-4d55-9c9c-0d6f5a3c5a11", 231)
SEED = "a3" * 32
INPUTS = [input_of(kinds.name_of("bank-account", "GB29NWBK60161331926819")), b"\0", *(b"v%d" % n for n in range(20))]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the locked packages next to the program."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node and npm here")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "oracle.mjs"):
        shutil.copy(NODE / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    # In `make dates` too by the real clock, for which the registry's certificate is valid.
    real = {name: value for name, value in os.environ.items() if name not in CLOCK}
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=real)
    if done.returncode:
        pytest.skip(f"npm cannot install here: {done.stderr[-300:]}")
    return folder


@pytest.fixture
def evaluation(tmp_path: Path) -> Iterator[Evaluation]:
    seed = tmp_path / "seed"
    seed.write_text(SEED)
    seed.chmod(0o600)
    made = Evaluation(seed)
    yield made
    made.stop()


def _run(oracle: Path, what: str, **asked: Any) -> Any:
    text = json.dumps({"what": what, **asked})
    done = subprocess.run(
        [str(shutil.which("node")), "oracle.mjs"],
        cwd=oracle,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _hex(texts: list[bytes]) -> list[str]:
    return [text.hex() for text in texts]


@pytest.mark.slow
def test_keys_and_outputs_are_the_same(oracle: Path, evaluation: Evaluation) -> None:
    theirs = _run(oracle, "outputs", seed=SEED, info=INFO.hex(), inputs=_hex(INPUTS))
    assert theirs["public"] == evaluation.public_key(INFO).hex()
    assert theirs["outputs"] == [output.octets.hex() for output in evaluation.outputs(INFO, INPUTS)]


@pytest.mark.slow
def test_foreign_client_accepts_our_proofs(oracle: Path, evaluation: Evaluation) -> None:
    blinded = _run(oracle, "blind", inputs=_hex(INPUTS))
    evaluated, proof = evaluation.evaluate(INFO, b"".join(bytes.fromhex(item["blinded"]) for item in blinded))
    items = [
        {**item, "input": text.hex(), "evaluated": evaluated[at * 32 : at * 32 + 32].hex()}
        for at, (item, text) in enumerate(zip(blinded, INPUTS, strict=True))
    ]
    opened = _run(oracle, "finalize", items=items, public=evaluation.public_key(INFO).hex(), proof=proof.hex())
    assert opened == [output.octets.hex() for output in evaluation.outputs(INFO, INPUTS)]


@pytest.mark.slow
def test_our_client_accepts_foreign_proofs(oracle: Path, evaluation: Evaluation) -> None:
    ours = BlindedValues(INPUTS)
    blinded = [ours.octets[at : at + 32].hex() for at in range(0, len(ours.octets), 32)]
    theirs = _run(oracle, "evaluate", seed=SEED, info=INFO.hex(), blinded=blinded)
    opened = ours.outputs(
        bytes.fromhex("".join(theirs["evaluated"])), bytes.fromhex(theirs["proof"]), evaluation.public_key(INFO)
    )
    assert opened == evaluation.outputs(INFO, INPUTS)
