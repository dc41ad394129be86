"""Whole numbers in text from outside: parameters, headers, forms and cursors."""


def whole_number(text: str, most: int) -> int | None:
    """Return the whole number that ``text`` writes in ASCII digits, or ``most`` for a larger one of any length.

    Return None for any other text: signs, blanks, fractions, digits of other scripts, or nothing.
    """
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0")
    # A text of thousands of digits is not read, because that takes long and ``int`` refuses it.
    return most if len(digits) > len(str(most)) else min(int(digits or "0"), most)
