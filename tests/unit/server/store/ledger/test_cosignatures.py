"""Stored cosignatures: a reader of the log can submit known ones again without any effect."""

from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey, latest, sign
from server.store import Store
from server.store.database.times import now
from server.store.ledger import heads, witnesses
from server.store.ledger.witnesses import Witness

TEXT = "hub.example/log/takedown\n3\nAAAA\n"
LOG, WITNESS = SignerKey.make("hub.example/log/takedown"), SignerKey.make("bank.example/witness", COSIGNATURE)
COLLECTION, SIZE = 1, 3


def test_repeated_cosignature_is_in_the_note_once(store: Store) -> None:
    old, new = WITNESS.sign(TEXT, 1_000), WITNESS.sign(TEXT, 2_000)
    assert latest([old] * 50 + [new] + [old] * 49) == (new,)
    note = sign(TEXT, [LOG])
    for lines in ((new,), (old,) * 100, (new,) * 100):
        with store.begin() as tx:
            heads.cosign(tx, COLLECTION, SIZE, note, lines)
            kept = SignedNote.parse(heads.cosigned(tx, COLLECTION) or b"")
        assert kept.signatures == (*note.signatures, new)


def test_old_cosignature_does_not_make_a_witness_look_active(store: Store) -> None:
    with store.begin() as tx:
        witnesses.add(tx, Witness("bank", WITNESS.verifier, None))
        for seconds, known in ((2_000, 2_000), (2_000, 2_000), (1_000, 2_000), (3_000, 3_000)):
            witnesses.note_cosigned(tx, "bank", COLLECTION, SIZE, seconds)
            assert witnesses.last_cosigned(tx) == {"bank": known * 1_000_000}
        witnesses.note_cosigned(tx, "bank", COLLECTION, SIZE, 1 << 62)
        assert witnesses.last_cosigned(tx)["bank"] <= now()
