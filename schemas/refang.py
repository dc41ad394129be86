"""Values as people write them in mails and reports, made plain again."""

import re
import unicodedata

from schemas.text import whole

# A longer text is no value of any kind.
_LONGEST = 8192
# A value with none of these needs no work but trimming; most rows of most files have none.
_SUSPECT = re.compile(r"[^\x21-\x7e]|[\[\](){}<>\\|`\"']|hxx|h\*\*p|meow:", re.IGNORECASE)

_INVISIBLE = dict.fromkeys(
    [
        *range(0x00, 0x20),
        *(0x7F, 0xAD, 0x034F, 0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2065),
        *range(0x2066, 0x2070),
    ]
)
_QUOTES = "\"'`<>“”‘’«»"
_SCHEME = re.compile(r"^\W*(?:hxxp|h\*\*p|htxp|meow)(s?)(?=\W)", re.IGNORECASE)
_COLON = re.compile(r"\s*[\[({]\s*(?::|colon)\s*(//)?\s*[\])}]\s*", re.IGNORECASE)
_SLASHES = re.compile(r"[\[({]\s*//?\s*[\])}]")
_DOT = re.compile(r"\s*[\[({]\s*(?:\.|dot|punto|จุด)\s*[\])}]\s*|\\\.|\s+dot\s+|\[\.|\.\]", re.IGNORECASE)
_AT = re.compile(r"\s*[\[({]\s*(?:@|at)\s*[\])}]\s*", re.IGNORECASE)
_LABEL = re.compile(r"^\[(\[[^\[\]]+\]|[^\[\]]+)\]$")


def refang(raw: str) -> str:
    """Give ``raw`` without defanging, quotes, invisible characters and outer white space.

    ``hxxps[://]bad[.]example`` becomes ``https://bad.example``. A value that is plain comes back as it is, and so
    does one of more than 8,192 characters; the time is linear in the length. Defanging is undone where it was done
    twice over (``bad[[.]]example``), not beyond. Half a surrogate pair becomes U+FFFD. Letters are not judged here: a
    homograph stays what it is.
    """
    value = whole(raw.strip())
    if len(value) > _LONGEST or _SUSPECT.search(value) is None:
        return value
    once = _refanged(value)
    return once if once == value or _SUSPECT.search(once) is None else _refanged(once)


def _refanged(raw: str) -> str:
    value = unicodedata.normalize("NFC", raw).translate(_INVISIBLE)
    # Runs of blanks would cost the expressions below the square of their length.
    value = " ".join(value.split()).strip(_QUOTES).strip()
    value = _SCHEME.sub(r"http\1", value)
    value = _COLON.sub(lambda match: ":" + (match[1] or ""), value)
    value = _SLASHES.sub(lambda match: match[0][1:-1].strip(), value)
    value = _DOT.sub(".", value)
    value = _AT.sub("@", value)
    return _LABEL.sub(r"\1", value).strip()
