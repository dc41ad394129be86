"""Names that people confuse count as lookalikes, and others do not."""

import pytest

from schemas.text import in_latin_letters, look_alike, skeletons, with_latin_looks

ALIKE = [
    ("First Bank", "FIRST BANK"),
    ("First Bank", "  first   bank "),
    ("First Bank", "First-Bank."),
    ("First Bank", "First\u200bBank\u3164"),
    ("First Bank", "\uff26\uff49\uff52\uff53\uff54 Bank"),
    ("First Bank", "F\u0456rst B\u0430nk"),
    ("First Bank", "Fir\u0455t Ban\u043a"),
    ("First Bank", "F1rst Bank"),
    ("First Bank", "F|rst Bank"),
    ("HSBC", "\u0397S\u0412\u0421"),
    ("hsbc", "\u0397SBC"),
    ("Home", "\u041d\u043e\u043c\u0435"),
    ("Nova", "\u039dova"),
    ("Vera", "\u03bdera"),
    ("Modern", "Modem"),
    ("VV Bank", "W Bank"),
    ("Bank 10", "Bank lO"),
    (
        "\u0e18\u0e19\u0e32\u0e04\u0e32\u0e23\u0e41\u0e23\u0e01",
        "\u0e18\u0e19\u0e32\u0e04\u0e32\u0e23\u0e40\u0e40\u0e23\u0e01",
    ),
    ("\u0e2a\u0e32\u0e02\u0e32 \u0e51", "\u0e2a\u0e32\u0e02\u0e32 1"),
    ("\u0411\u0430\u043d\u043a", "\u0411\u0410\u041d\u041a"),
    ("Stra\u00dfe", "STRASSE"),
    ("!!", "!!"),
]
OTHER = [
    ("First Bank", "Second Bank"),
    ("Bank A", "Bank B"),
    ("Bank 1", "Bank 2"),
    ("Nan", "Van"),
    ("Yu", "Uu"),
    ("Anong", "Anon"),
    ("\u0e2a\u0e21\u0e0a\u0e32\u0e22", "\u0e2a\u0e21\u0e0a\u0e31\u0e22"),
    ("\u0e01\u0e48\u0e32", "\u0e01\u0e49\u0e32"),
    ("!!", "??"),
]


@pytest.mark.parametrize(("name", "other"), ALIKE, ids=ascii)
def test_confusable_names_look_alike(name: str, other: str) -> None:
    assert look_alike(name, other)
    assert look_alike(other, name)


@pytest.mark.parametrize(("name", "other"), OTHER, ids=ascii)
def test_other_names_do_not_look_alike(name: str, other: str) -> None:
    assert not look_alike(name, other)


def test_every_character_of_the_table_looks_like_its_letters() -> None:
    for char, letters in {"\u0430": "a", "\u03bf": "o", "\u0501": "d", "\u217c": "l", "\uff4f": "o"}.items():
        assert look_alike(f"x{char}x", f"x{letters}x"), ascii(char)
    assert all(skeletons(chr(code)) for code in range(0x21, 0x2000) if chr(code).isprintable())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p\u0430ss\u0440\u043ert 12", "passport 12"),
        ("\u0420\u0410\u0405\u0405\u0420\u041eR\u0422", "PASSPORT"),
        ("L\u0399CENCE", "LICENCE"),
        ("\u043f\u0430\u0441\u043f\u043e\u0440\u0442", "\u043f\u0430\u0441\u043f\u043e\u0440\u0442"),
        ("\u0e1a\u0e31\u0e15\u0e23 12", "\u0e1a\u0e31\u0e15\u0e23 12"),
        ("modern 10", "modern 10"),
    ],
    ids=ascii,
)
def test_only_words_that_look_latin_become_latin(text: str, expected: str) -> None:
    assert in_latin_letters(text) == expected


def test_russian_words_are_the_same_with_latin_letters() -> None:
    word, mixed = "\u043f\u0430\u0441\u043f\u043e\u0440\u0442", "\u043fac\u043fop\u0442"
    assert with_latin_looks(word) == with_latin_looks(mixed)
    assert len(with_latin_looks(word)) == len(word)
