"""All banks whose BIC is known here, with the codes that their country's clearing has for them."""

from typing import NamedTuple

from schemas.reference.banks import codes, names, thai_banks


class ListedBank(NamedTuple):
    """A bank: its country, its BIC, its codes there, and a name that people write, "" where none is known."""

    country: str
    bic: str
    codes: tuple[str, ...]
    name: str


def listed_banks() -> list[ListedBank]:
    """Return the banks that have a code, by country and BIC."""
    found: dict[tuple[str, str], tuple[set[str], str]] = {}
    unnamed = ((country, bic, others, "") for country, bic, others in codes.bank_codes())
    for country, bic, others, name in (*thai_banks.bank_codes(), *names.bank_codes(), *unnamed):
        known, called = found.get((country, bic), (set(), ""))
        found[country, bic] = known | set(others), called or name
    return [
        ListedBank(country, bic, tuple(sorted(known)), name)
        for (country, bic), (known, name) in sorted(found.items())
        if known
    ]
