"""The bank of an account in a form: one of the hub's country, or another one by its name, code or BIC."""

from schemas.reference.bank_text import shown_banks
from server.web.shell.visit import Visit

BANK_FIELDS = ("bank", "other_bank", "country")
_LONGEST = 100


def bank_in_form(visit: Visit) -> tuple[str, str]:
    """Return the bank and its country, each "" if the form has none.

    A bank that is chosen from the list belongs to the hub's country, also if the form has another one.
    """
    listed, other, country = (visit.field(name, _LONGEST) for name in BANK_FIELDS)
    home = visit.site.settings.country
    if listed in (bank.bic for bank in shown_banks(home)) and not other:
        return listed, home
    return other or listed, country
