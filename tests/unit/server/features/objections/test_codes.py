"""Codes are accepted in any spelling in which people say and write them, and a wrong character is detected."""

import pytest

from schemas.errors import Rejected
from server.features.objections.codes import new_code, read_code


def test_code_is_read_in_any_spelling() -> None:
    code = new_code()
    plain = code.replace("-", "")
    assert len(code.split("-")) == 5
    assert not set(plain) & set("ILOU")
    said = plain.lower().replace("0", "o").replace("1", "l")
    for text in (plain, code.lower(), " ".join(code.split("-")), said, said.replace("l", "I")):
        assert read_code(text) == plain


def test_each_wrong_character_is_noticed() -> None:
    plain = read_code(new_code())
    for place, letter in enumerate(plain):
        for other in set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") - {letter}:
            with pytest.raises(Rejected, match="is wrong"):
                read_code(plain[:place] + other + plain[place + 1 :])


@pytest.mark.parametrize("text", ["", "7ZQ4", "U" * 20, "7" * 21, "é" * 20])
def test_other_texts_are_no_codes(text: str) -> None:
    with pytest.raises(Rejected, match="groups of 4"):
        read_code(text)
