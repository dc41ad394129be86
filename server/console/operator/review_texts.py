"""The sentences about reviews: why something waits, and what speaks against a value, in the reader's language."""

from collections.abc import Mapping
from types import MappingProxyType

from server.console.languages import Language
from server.console.words import Translatable, label, mark
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.query.cautions import Caution

_LISTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "list-sites": mark("One of the most used sites: a block would hit everybody there (list %(list)s)"),
        "list-shared": mark("Serves many besides a scammer: anybody can have pages there (list %(list)s)"),
        "list-owned": mark("Belongs to a bank, a public body or a known company (list %(list)s)"),
        "list-addresses": mark("An address that many customers share (list %(list)s)"),
        "list-wallets": mark("A wallet of an exchange, or one that is nobody’s (list %(list)s)"),
        "list-numbers": mark("A public hotline, or the number of an institution (list %(list)s)"),
        "list-ranges": mark("A number that is kept free, or a public one (list %(list)s)"),
        "list-accounts": mark("An example account, which nobody holds (list %(list)s)"),
        "list-apps": mark("An institution’s own app (list %(list)s)"),
        "list-profiles": mark("An institution’s own account (list %(list)s)"),
        "list": mark("Known as harmless (list %(list)s)"),
    }
)
CAUTION_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        **_LISTS,
        "own-value": mark("A partner has registered it as its own"),
        "entered": mark("An operator entered it as harmless"),
        "delisted": mark("This hub found it harmless before"),
        "objected": mark("People object to its listing: %(count)s"),
        "often-wrong": mark("Reports of %(partner)s that proved wrong: %(wrong)s, right: %(right)s"),
        "holder": mark("The holder may be a victim: %(status)s"),
        "keeper-clears": mark("%(partner)s, which keeps it, answered: %(answer)s"),
        "keeper-answered": mark("%(partner)s, which keeps it, answered: %(answer)s"),
        "doubted": mark("%(partner)s doubts it: %(says)s; %(reason)s"),
    }
)
# A number of reports, and names, stand as they are.
_LABELLED = frozenset(("status", "answer", "says", "reason"))
_RULES: Mapping[str, Translatable] = MappingProxyType(
    {
        "partners-own": mark("A partner has registered this value, or the domain above it, as its own."),
        "operators-entry": mark("An operator entered this value as harmless."),
        "delisted": mark("This hub found the value harmless before. Every report of it waits since then."),
        "listed-again": mark("The value was revoked, and who was found wrong with it reports it again."),
        "unusual-volume": mark(
            "The partner sends far more than on its other days. Everything of it waits until somebody lifts that."
        ),
        "mostly-held": mark(
            "More than half of what the partner sent was held. Everything of it waits until somebody lifts that."
        ),
        "many-doubts": mark("The partner doubts far more reports of others than one can look at in a day."),
        "disputed": mark("A trusted partner says that it is no scam. The value is listed nowhere until you decide."),
        "doubted": mark("A partner says that it is no scam. The value stays listed until you decide."),
        "coerced": mark(
            "The holder may act under coercion. Approved, the account leaves the collections that many read."
        ),
        "withheld-from-keeper": mark(
            "The report excludes the bank that keeps the account. Approved, that bank reads the report."
        ),
        "keeper-contradicted": mark(
            "The bank that keeps the account cleared it, and an authority reports it again. Two persons decide."
        ),
        "retracted": mark("An operator retracted it."),
    }
)


def caution_text(language: Language, caution: Caution) -> str:
    """Return what speaks against a value, as a sentence."""
    values = {
        name: language.text(label(str(value))) if name in _LABELLED else value for name, value in caution.values.items()
    }
    return language.text(CAUTION_TEXTS[caution.code]) % values


def rule_text(language: Language, rule: str) -> str:
    """Return why a rule, or a list, holds something; "" for a rule of another version of the program."""
    if (allowlist := ALLOWLISTS.get(rule)) is not None:
        text = _LISTS.get(f"list-{allowlist.entry_type}", _LISTS["list"])
        return language.text(text) % {"list": rule}
    return language.text(_RULES[rule]) if rule in _RULES else ""
