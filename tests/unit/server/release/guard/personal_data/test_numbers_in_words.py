"""Numbers of persons are found in words as well, and words that are no number pass."""

import pytest

from server.release.guard.personal_data.free_text import find_personal_data, may_contain_personal_data

TELEPHONE, CARD = "a person's telephone number", "the number of a payment card"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call zero eight one two three four five six seven eight", TELEPHONE),
        ("Call Oh Eight One, double two, three four five six seven.", TELEPHONE),
        ("her number is zero-eight-one-two-three-four-five-six-seven-eight", TELEPHONE),
        ("ZERO EIGHT ONE 234 5678", TELEPHONE),
        ("plus six six eight one two three four five six seven eight", TELEPHONE),
        ("โทรศูนย์แปดหนึ่งสองสามสี่ห้าหกเจ็ดแปดนะคะ", TELEPHONE),
        ("โทร ศูนย์ แปด หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด", TELEPHONE),
        ("電話 零八一二三四五六七八", TELEPHONE),
        ("her card: four one one one, one one one one, one one one one, one one one one", CARD),
    ],
)
def test_number_in_words_is_found(text: str, found: str) -> None:
    assert may_contain_personal_data(text)
    assert find_personal_data(text, ("TH",)) == found


@pytest.mark.parametrize(
    "text",
    [
        "one of the two or three callers rang four or five times, at six or seven, once at eight and once at nine",
        "one, two, three, four, five, six, seven: all reports of the week",
        "double check all five of them",
        "หนึ่งในสองคนโทรมาสามครั้ง ตอนแปดโมงและเก้าโมง เสียเงินหกถึงเจ็ดพันบาท",
        "三人の被害者のうち二人は一度、もう一人は四度電話した",
    ],
)
def test_counting_words_are_no_number(text: str) -> None:
    assert find_personal_data(text, ("TH",)) is None


def test_the_reported_number_may_be_in_words() -> None:
    text = "the caller says zero eight one two three four five six seven eight"
    assert find_personal_data(text, ("TH",), frozenset({"+66812345678", "66812345678"})) is None
