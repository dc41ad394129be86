import pytest
from hypothesis import given, settings, strategies as st

from schemas.tlog import BadFormat, BadProof
from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey, VerifierKey, read_lines, sign
from schemas.tlog.proofs import Checkpoint, CheckpointAddition, LogProof, open_checkpoint
from schemas.tlog.trees import leaf_hash, node_hash
from tests.searches import examples

# The example of Go's package golang.org/x/mod/sumdb/note.
_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"


def test_notes_match_go() -> None:
    key = SignerKey.parse(_SECRET)
    assert str(key.verifier) == _PUBLIC
    assert bytes(sign(_TEXT, [key])).decode() == f"{_TEXT}\n{_LINE}"
    note = SignedNote.parse(f"{_TEXT}\n{_LINE}".encode())
    [signed] = note.check([VerifierKey.parse(_PUBLIC)])
    assert signed.key == VerifierKey.parse(_PUBLIC)
    assert key.text == _SECRET


def test_the_secret_is_in_no_text_of_a_key() -> None:
    key = SignerKey.make("feed.example.org/log")
    assert key.text not in f"{key} {key!r} {[key]}"
    assert key.secret.hex() not in repr(key)


def test_changed_letter_is_detected() -> None:
    changed = _TEXT.replace("answer", "Answer")
    note = SignedNote.parse(f"{changed}\n{_LINE}".encode())
    with pytest.raises(BadProof, match="wrong"):
        note.check([VerifierKey.parse(_PUBLIC)])
    with pytest.raises(BadFormat, match="letter"):
        VerifierKey.parse(_PUBLIC.replace("Peter", "Pater"))


def test_unknown_signatures_are_ignored() -> None:
    note = sign(_TEXT, [SignerKey.make("other.example")])
    with pytest.raises(BadProof, match="none of the keys"):
        note.check([VerifierKey.parse(_PUBLIC)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n- name AAAAAAAA\n",
        "text\n\n— name AAAA\n".encode(),
        b"\xff\n\n",
        f"te\rxt\n\n{_LINE}".encode(),
        f"text\n\n{_LINE.strip()}".encode(),
        f"text\n\n{_LINE * 101}".encode(),
        "text\n\n— na+me AAAAAAAA\n".encode(),
        b"x" * 70000 + f"\n\n{_LINE}".encode(),
    ],
)
def test_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(BadFormat):
        SignedNote.parse(data)


@given(st.binary(max_size=400))
@settings(max_examples=examples(200))
def test_any_bytes_can_be_read(data: bytes) -> None:
    for read in (SignedNote.parse, LogProof.parse, CheckpointAddition.parse, read_lines):
        for text in (data, f"{_TEXT}\n{_LINE}".encode()[:100] + data):
            try:
                read(text)
            except BadFormat:
                continue


def test_cosignature_has_its_time() -> None:
    witness = SignerKey.make("witness.example/w1", COSIGNATURE)
    checkpoint = Checkpoint("feed.example.org/log/a", 2, node_hash(bytes(32), bytes(32)))
    hub = SignerKey.make("feed.example.org/log")
    note = checkpoint.sign([hub])
    cosigned = SignedNote(note.text, (*note.signatures, witness.sign(note.text, 1_795_546_800)))
    [signed] = SignedNote.parse(bytes(cosigned)).signed_by([witness.verifier])
    assert signed.time == 1_795_546_800
    # The same bytes are no signature of a log or of another text.
    assert witness.verifier._replace(kind=1).id != witness.verifier.id
    with pytest.raises(BadProof):
        witness.verifier.check("another\n", cosigned.signatures[1].signature)


def test_hub_key_verifies_checkpoints_of_its_own_logs_only() -> None:
    hub = SignerKey.make("feed.example.org/log")
    checkpoint = Checkpoint("feed.example.org/log/a", 0, bytes(32))
    data = bytes(checkpoint.sign([hub]))
    assert open_checkpoint(data, [hub.verifier])[0] == checkpoint
    assert open_checkpoint(data, [hub.verifier.for_origin(checkpoint.origin)])[0] == checkpoint
    for key in (hub.for_origin("feed.example.org/log/b"), hub.for_origin("feed.example.org/lo")):
        with pytest.raises(BadProof, match="another log"):
            open_checkpoint(data, [key.verifier])
    with pytest.raises(BadProof):
        hub.verifier.for_origin("feed.example.org/logs/a")


@pytest.mark.parametrize("text", ["a\n1\n", "a\n01\nAAAA\n", "a\n1\nAAAA\n", "a\n-1\n" + "A" * 43 + "=\n", "a\n\n\n"])
def test_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadFormat):
        Checkpoint.parse(text)


def test_written_proof_is_read_back_and_verified() -> None:
    hub = SignerKey.make("feed.example.org/log")
    sibling = leaf_hash(b"other")
    checkpoint = Checkpoint("feed.example.org/log/a", 2, node_hash(leaf_hash(b"entry"), sibling))
    proof = LogProof(0, (sibling,), bytes(checkpoint.sign([hub])), b'{"kind":1}')
    assert LogProof.parse(bytes(proof)) == proof
    assert proof.check(b"entry", [hub.verifier])[0] == checkpoint
    with pytest.raises(BadProof):
        proof.check(b"Entry", [hub.verifier])
    without = LogProof(0, (), proof.checkpoint)
    assert LogProof.parse(bytes(without)) == without


def test_request_to_a_witness_is_read_back() -> None:
    addition = CheckpointAddition(7, (bytes(32), bytes(range(32))), b"origin\n8\n")
    assert CheckpointAddition.parse(bytes(addition)) == addition
    assert bytes(addition).startswith(b"old 7\n")
    empty = CheckpointAddition(0, (), b"origin\n8\n")
    assert CheckpointAddition.parse(bytes(empty)) == empty
    for data in (b"old 07\n\nx", b"old -1\n\nx", b"7\n\nx", b"old 7\nAAAA\n\nx"):
        with pytest.raises(BadFormat):
            CheckpointAddition.parse(data)
