"""Why a file could not be read, in the reader's language: the readers name the exact fault in English only."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from server.web.shell.words import Translatable, mark

# The first that is found in the message of a reader applies.
_ADVICE: Mapping[str, Translatable] = MappingProxyType(
    {
        r"damaged|cut off": mark("The file is damaged. Fetch or export it again."),
        r"larger than|unzips to|unusually large": mark("The file is too large. Split it, or save it as CSV."),
        r"known encoding": mark("The encoding of the file is not known. Save it as UTF-8."),
        r"not text": mark("The hub does not read files of this type. Save the table as CSV or XLSX."),
        r"nested|complete JSON|XML|document": mark("The file has a structure that cannot be read. Export it again."),
    }
)
_OTHER = mark("The hub cannot read this file. Check its content, or save the table as CSV.")


def advice(error: str) -> Translatable:
    """Return what to do about a file with this fault, as an English text that the catalogues have."""
    return next((text for pattern, text in _ADVICE.items() if re.search(pattern, error)), _OTHER)
