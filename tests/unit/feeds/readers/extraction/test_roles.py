"""Roles of values in sentences: the nearest cue decides in every language, and is named as the reason."""

import time

import pytest

from feeds.readers.extraction.aliases import find_senders
from feeds.readers.extraction.cues import TextPurpose
from feeds.readers.extraction.numbers import find_numbers
from feeds.readers.extraction.roles import LineOfSentences
from tests.searches import WHOLE

VALUES, INNOCENT, CONTACT = TextPurpose.VALUES, TextPurpose.INNOCENT, TextPurpose.CONTACT
# Sentences with a value as V, its kind, the purpose and the idea of the cue; "" where no cue states a role.
SENTENCES = [
    ("She was called from V by a man.", "phone", VALUES, "reached"),
    ("He transferred the money to an account V there.", "bank-account", VALUES, "paid"),
    ("He transferred the money. The branch has V.", "bank-account", None, ""),
    ("After she had transferred the money she noted V.", "phone", None, ""),
    ("A man pretended to be an officer with V.", "phone", VALUES, "of_scammer"),
    ("The money left from her own account V yesterday.", "bank-account", INNOCENT, "own"),
    ("If it happened to you, text me at V.", "phone", INNOCENT, "own"),
    ("Residents received calls from V. Please call the police at V2.", "phone", VALUES, "reached"),
    ("Inspector R. Sample of the cyber police station (V) spoke.", "phone", CONTACT, "helper"),
    ("The genuine company is reached by the link V.", "url", INNOCENT, "real"),
    ("V turned out to be a fake shop.", "domain", VALUES, "scam_behind"),
    ("เหยื่อได้รับโทรศัพท์จากหมายเลข V", "phone", VALUES, "reached"),
    ("สอบถามที่สถานีตำรวจตัวอย่าง โทร. V", "phone", CONTACT, "helper"),
    ("Mangsa dihubungi individu tidak dikenali menggunakan V", "phone", VALUES, "reached"),
    ("Orang ramai boleh menghubungi talian V", "phone", CONTACT, "report"),
    ("Korban diminta membuka tautan V", "url", VALUES, "reached"),
    ("Anh ấy chuyển tiền vào tài khoản V", "bank-account", VALUES, "paid"),
    ("Ai bị giống mình thì nhắn zalo V", "phone", INNOCENT, "own"),
    ("As vítimas acessavam o site V", "url", VALUES, "reached"),
    ("O delegado atende na delegacia V", "phone", CONTACT, "report"),
    ("Llamaban desde el V", "phone", VALUES, "reached"),
    ("Si alguien más ha caído, escríbanme a V", "phone", INNOCENT, "own"),
    ("रकम खाते V में गई", "bank-account", VALUES, "paid"),
    ("जानकारी के लिए मुझे V पर फोन करें", "phone", CONTACT, "other_behind"),
    ("Huwag kayong magpadala sa V", "payment-alias", VALUES, "of_scammer"),
    ("对方自称官员，电话V", "phone", VALUES, "of_scammer"),
    ("请联系我V", "phone", INNOCENT, "own"),
]


@pytest.mark.parametrize(("sentence", "kind", "purpose", "idea"), SENTENCES, ids=[one[0] for one in SENTENCES])
def test_the_nearest_cue_of_the_sentence_decides(
    sentence: str, kind: str, purpose: TextPurpose | None, idea: str
) -> None:
    start = sentence.index("V")
    role = LineOfSentences(sentence, [(start, start + 1)]).role(start, start + 1, kind)
    assert (role and role.purpose, role.idea if role else "") == (purpose, idea)
    assert role is None or role.words.lower() in sentence.lower()


def test_words_of_another_value_are_no_cue() -> None:
    text = "See https://fake-scam.example.com/ and 0812345678"
    first, second = (4, 34), (39, 49)
    assert LineOfSentences(text, [first, second]).role(*second, "phone") is None
    assert LineOfSentences(text, [second]).role(*second, "phone") is not None


def test_a_sentence_begins_on_the_line_above() -> None:
    assert LineOfSentences("V yesterday", [(0, 1)], "The victim was called from ").role(0, 1, "phone") is not None


def test_the_time_is_linear_in_the_line() -> None:
    count = 8_000 if WHOLE else 2_000
    text = "call us from my scam police V " * count
    spans = [(place * 30 + 28, place * 30 + 29) for place in range(count)]
    begun = time.process_time()
    line = LineOfSentences(text, spans)
    assert all(line.role(*span, "phone") for span in spans)
    assert time.process_time() - begun < count / 1_000


@pytest.mark.long
@pytest.mark.parametrize("mark", [".", "!", "…", '."'])
def test_a_row_of_marks_takes_linear_time(mark: str) -> None:
    LineOfSentences("scam V", []).role(0, 1, "phone")
    begun = time.process_time()
    assert LineOfSentences(mark * 20_000 + " V", []).role(0, 1, "phone") is None
    assert time.process_time() - begun < 1


def test_many_words_for_senders_take_linear_time() -> None:
    begun = time.process_time()
    assert not find_senders("sender " * 10_000, "", "TH")
    assert time.process_time() - begun < 1


@pytest.mark.long
def test_many_codes_of_banks_take_linear_time() -> None:
    count = 40_000
    begun = time.process_time()
    assert len(find_numbers("12-34-56 12345678 " * count, "", "", "GB")) == count
    assert time.process_time() - begun < count / 16_000
