"""How many digits the account numbers of banks have, where a number that is shorter has lost its leading zeros."""

from schemas.errors import Rejected
from schemas.reference.banks import thailand

# Banks whose numbers have this many digits today; longer ones are of other products, and are taken as they are.
_USUAL = {
    "GSBATHBK": 12,
    "GOHUTHB1": 12,
    "BAABTHBK": 12,
    "KKPBTHBK": 14,
    "TFPCTHB1": 14,
    "BARBINBB": 14,
    "HDFCINBB": 14,
    "ICICINBB": 12,
    "AXISINBB": 15,
    "BMRIIDJA": 13,
    "BRINIDJA": 15,
    "CENAIDJA": 10,
    "BNINIDJA": 10,
    "MBBEMYKL": 12,
}
# A spreadsheet takes away as many zeros as stand in front; more than these are no accident.
_MOST_LOST = 2


def check(bank: str, number: str) -> None:
    """Refuse a bare number at the bank with that BIC which is shorter than the bank's are. Raises ``Rejected``."""
    exact = thailand.digits(bank)
    wanted = min(exact) if exact else _USUAL.get(bank, 0)
    if wanted and number.isdecimal() and wanted - _MOST_LOST <= len(number) < wanted:
        raise Rejected(
            "digits-lost",
            f"account numbers of this bank have {wanted} digits: leading zeros were lost, as spreadsheets do; "
            "write the number as text, with its zeros",
        )
    if exact and len(number) not in exact:
        raise Rejected("account-form", f"account numbers of this bank have {exact[0]} digits")
