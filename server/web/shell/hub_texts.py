"""What the hub itself says on a page in the reader's language: refusals by their codes, collections, and allowlists.

These texts are English where they are made, since programs and commands read them, too. Pages in English show them as
they are; in Thai the catalogues ``refusals`` and ``hub`` have a sentence for each.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from mappers import wording
from schemas.errors import Rejected
from schemas.vocabulary import OutcomeWord
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.store.collections import DEFAULTS, FULL_TEXTS, PRIVATE_TEXTS, TRENDS, Collection
from server.web.shell.field_words import field_label, with_labels
from server.web.shell.languages import ENGLISH, Language
from server.web.shell.words import Translatable, label, mark

_GENERAL, _FIELD = "general", "bad-field"
# Kinds of accounts that a provider keeps.
_ACCOUNTS = frozenset(("bank-account", "payment-alias", "payment-card"))
_FULL = "-full"
_GENERATED = frozenset(map(wording.outcome, OutcomeWord))
_DEFAULT_TEXTS = {
    **{alias: (title, description) for alias, _, title, description in DEFAULTS},
    TRENDS[0]: TRENDS[1:],
}
# Why something is held: by a list of harmless values, and by another rule.
LIST_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "list-sites": mark("One of the most used sites: a block would hit everybody there (%(list)s)"),
        "list-shared": mark("Many others use it: anybody can have pages there (%(list)s)"),
        "list-owned": mark("Belongs to a bank, a public body or a known company (%(list)s)"),
        "list-addresses": mark("An address that many customers share (%(list)s)"),
        "list-wallets": mark("A wallet of an exchange, or one without an owner (%(list)s)"),
        "list-numbers": mark("A public hotline, or the number of an institution (%(list)s)"),
        "list-ranges": mark("A number that is kept free, or a public one (%(list)s)"),
        "list-accounts": mark("An example account without a holder (%(list)s)"),
        "list-apps": mark("An institution’s own app (%(list)s)"),
        "list-profiles": mark("An institution’s own account (%(list)s)"),
        "list": mark("Known as harmless (%(list)s)"),
    }
)
_HARMLESS = mark("Known as harmless")
_SHORT_OF_LISTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "sites": mark("Popular site"),
        "services": mark("Popular site"),
        "shared": mark("Shared service"),
        "owned": mark("Institution’s own"),
        "institutions": mark("Institution’s own"),
        "apps": mark("Institution’s own"),
        "profiles": mark("Institution’s own"),
        "companies": mark("Institution’s own"),
        "addresses": mark("Shared address"),
        "wallets": mark("Exchange’s wallet"),
        "numbers": mark("Hotline"),
        "ranges": mark("Reserved number"),
        "accounts": mark("Example account"),
        "aliases": mark("Example account"),
    }
)
_SHORT: Mapping[str, Translatable] = MappingProxyType(
    {
        # Harmless by the form of the value, without a list
        **dict.fromkeys(
            ("public-bodies", "schools", "non-profits", "public-aliases", "short-giros"),
            _SHORT_OF_LISTS["institutions"],
        ),
        **dict.fromkeys(
            ("established-companies", "system-apps", "long-sold-apps", "platform-pages"), _SHORT_OF_LISTS["companies"]
        ),
        **dict.fromkeys(("public-numbers", "main-numbers", "company-lines"), _SHORT_OF_LISTS["numbers"]),
        "special-addresses": _SHORT_OF_LISTS["addresses"],
        "example-numbers": _SHORT_OF_LISTS["ranges"],
        "documentation": mark("Example value"),
        "partners-own": mark("Partner’s own"),
        "operators-entry": _HARMLESS,
        "operator-entries": _HARMLESS,
        "delisted": mark("Cleared before"),
        "listed-again": mark("Reported again"),
        "unusual-volume": mark("Volume"),
        "mostly-held": mark("Often held"),
        "new-partner": mark("New partner"),
        "many-doubts": mark("Many doubts"),
        "many-ends": mark("Many removals"),
        "many-blocks": mark("Many blocks"),
        "peer-found-wrong": mark("Other hub disagrees"),
        "coerced": mark("Coercion"),
        "withheld-from-keeper": mark("Bank excluded"),
        "keeper-contradicted": mark("Bank disagrees"),
        "held-by-partner": mark("Partner’s stop"),
        "held-by-hub": mark("Hub’s stop"),
    }
)
RULE_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "partners-own": mark("A partner has registered this value, or the domain above it, as its own."),
        "operators-entry": mark("An operator entered this value as harmless."),
        "delisted": mark("This hub found the value harmless before. Every report of it waits since then."),
        "listed-again": mark("The value was delisted, and a partner whose report of it was wrong reports it again."),
        "unusual-volume": mark(
            "The partner sends far more than on other days. All its contributions wait until an operator lifts the "
            "throttle."
        ),
        "mostly-held": mark(
            "More than half of the partner’s contributions were held. All of them wait until an operator lifts the "
            "throttle."
        ),
        "new-partner": mark("The partner has no record yet, and reported more new values than it may list in a day."),
        "held-by-hub": mark(
            "An operator holds the report, with others of an incident. The incident decides on all of them."
        ),
        "held-by-partner": mark("The organisation itself holds the report, with others of an incident."),
        "many-doubts": mark("The partner doubts far more reports of others than one can look at in a day."),
        "many-blocks": mark(
            "The organisation alone reported more values to block in one hour than it may. This one is listed as a "
            "warning until you decide. One decision is about all of them."
        ),
        "many-ends": mark(
            "The organisation ended as many listings today as it may. This one stays listed until you approve its end, "
            "or a second person of the organisation does."
        ),
        "disputed": mark("A trusted partner says that it is no scam. The value is not listed until you decide."),
        "doubted": mark("A partner says that it is no scam. The value stays listed until you decide."),
        "peer-found-wrong": mark(
            "Another hub found the listing wrong, and your partners report the value. It is disputed until you decide."
        ),
        "coerced": mark(
            "The holder may act under coercion. If you approve this, the account leaves the widely read collections."
        ),
        "withheld-from-keeper": mark(
            "The report excludes the account-holding bank. If you approve this, that bank reads the report."
        ),
        "keeper-contradicted": mark(
            "The account-holding bank cleared it, and an authority reports it again. Two persons decide."
        ),
        "retracted": mark("An operator retracted it."),
    }
)


def refusal_text(language: Language, code: str, english: str) -> str:
    """Return why something is refused or held, with the labels of fields.

    A code without a translation has a general sentence, with the label of the field or else the code.
    """
    if language.code == ENGLISH:
        return with_labels(language, english)
    found = language.find(f"refusal:{code}") or rule_text(language, code)
    if found:
        return found
    if code.startswith("bad-"):
        field = field_label(language, code.removeprefix("bad-").replace("-", "_"))
        return f"“{field}”: {language.find(f'refusal:{_FIELD}')}"
    return f"{language.find(f'refusal:{_GENERAL}')} ({code})"


def rule_text(language: Language, rule: str) -> str:
    """Return why a rule, or a list, holds something; "" for a rule of another version of the program."""
    if (allowlist := ALLOWLISTS.get(rule)) is not None:
        text = LIST_TEXTS.get(f"list-{allowlist.entry_type}", LIST_TEXTS["list"])
        return language.text(text) % {"list": language.text(allowlist.what)}
    return language.text(RULE_TEXTS[rule]) if rule in RULE_TEXTS else ""


def text_of(language: Language, refusal: Rejected) -> str:
    """Return the sentence of a refusal."""
    return refusal_text(language, refusal.reason, refusal.message)


def word_text(language: Language, code: str) -> str:
    """Return a code in words; the code itself where there are none."""
    english = label(code)
    if english == code and (scam := wording.scam_names(language.code).get(code)):
        return scam
    if english == code and code in ALLOWLISTS:
        words = language.text(ALLOWLISTS[code].what)
        return words[:1].upper() + words[1:]
    return language.text(english)


def word_of_kind(language: Language, code: str, kind: str = "") -> str:
    """Return the label of a word about a value: an account is blocked by other words than a site in some languages."""
    of_account = f"{code}-account"
    return word_text(language, of_account if kind in _ACCOUNTS and label(of_account) != of_account else code)


def list_text(language: Language, code: str) -> str:
    """Return what is in a list of harmless values, as a part of a sentence."""
    return language.text(ALLOWLISTS[code].what) if code in ALLOWLISTS else word_text(language, code)


def short_reason(language: Language, rule: str) -> str:
    """Return in a word or two why a rule, or a list, holds something."""
    allowlist = ALLOWLISTS.get(rule)
    if allowlist is not None:
        return language.text(_SHORT_OF_LISTS.get(str(allowlist.entry_type), _HARMLESS))
    return language.text(_SHORT[rule]) if rule in _SHORT else word_text(language, rule)


def own_words(language: Language, words: str) -> str:
    """Return the words of a partner; of a text that the hub wrote for it in two languages, the reader's."""
    return words.partition(" / ")[2] if language.code != ENGLISH and words in _GENERATED else words


def collection_title(language: Language, collection: Collection) -> str:
    """Return the title of a collection; one that an operator chose stays as it is."""
    return _collection_text(language, collection, 0)


def collection_description(language: Language, collection: Collection) -> str:
    """Return the description of a collection; one that an operator chose stays as it is."""
    return _collection_text(language, collection, 1)


def _collection_text(language: Language, collection: Collection, place: int) -> str:
    given = (collection.title, collection.description)[place]
    if language.code == ENGLISH:
        return given
    if collection.owner is not None and collection.use in PRIVATE_TEXTS:
        pattern = PRIVATE_TEXTS[collection.use][place]
        found = re.fullmatch(re.escape(pattern).replace(r"\{\}", "(.*)"), given, re.DOTALL)
        return language.text(pattern).format(*found.groups()) if found else given
    is_full = collection.alias.endswith(_FULL) and given.endswith(FULL_TEXTS[place])
    plain = given.removesuffix(FULL_TEXTS[place]).rstrip() if is_full else given
    own = _DEFAULT_TEXTS.get(collection.alias.removesuffix(_FULL), ("", ""))[place]
    shown = language.text(plain) if plain and plain == own else plain
    return f"{shown} {language.text(FULL_TEXTS[place])}".strip() if is_full else shown
