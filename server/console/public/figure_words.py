"""The figures in plain words: what each counts, and the names of the words that they are told by."""

from collections.abc import Mapping
from types import MappingProxyType

from mappers import wording
from schemas import kinds
from server.console import words
from server.console.languages import Language
from server.console.words import Translatable, mark
from server.release.trends.figures import NOT_STATED, Dimension

MEANINGS: Mapping[str, Translatable] = MappingProxyType(
    {
        "reports": mark(
            "Web addresses, numbers, accounts and wallets that an organisation reported for the first time, and that"
            " were published to other partners."
        ),
        "listed": mark("Values that were published to partners for the first time, or again after they had ended."),
        "delisted": mark("Published values that were taken back before their time was over."),
        "sightings": mark("How often partners saw a published value in use."),
        "actions": mark("What partners did about published values: blocked, held, taken down and so on."),
        "outcomes": mark(
            "Money and people, as partners stated it. Different outcomes may be of the same money: they are not to be"
            " added up. Amounts are rounded down."
        ),
        "report-to-listing": mark("From the first report of a value until partners could read it."),
        "listing-to-read": mark("From when partners could read it until the first of them had read it."),
        "listing-to-action": mark("From when partners could read it until the first of them said that it had acted."),
        "delisting-to-all": mark("From taking an entry back until everybody who had been given it knew."),
        "wrong": mark(
            "Entries that were found to be wrong: after an objection, a partner’s doubt, or the answer of the bank that"
            " keeps the account."
        ),
        "wrong-listed-for": mark("How long such an entry had been published before."),
        "keeper-answers": mark("First answers of banks and platforms about what they keep themselves."),
        "objections": mark("Objections to public entries that a person has decided."),
    }
)

TITLES: Mapping[str, Translatable] = MappingProxyType({"delisted": mark("Entries taken back")})

# What became of the people of an outcome, after their number.
PEOPLE: Mapping[str, Translatable] = MappingProxyType(
    {
        "held": mark("whose money was held"),
        "returned": mark("who got money back"),
        "declined": mark("whose payment was declined"),
        "warned": mark("who were warned"),
        "customer-stopped": mark("who stopped the payment themselves"),
    }
)

DIMENSIONS: Mapping[Dimension, Translatable] = MappingProxyType(
    {
        Dimension.KIND: mark("By kind"),
        Dimension.SCAM_TYPE: mark("By type of scam"),
        Dimension.CHANNEL: mark("By where people were met"),
        Dimension.RAIL: mark("By how the money moved"),
        Dimension.COUNTRY: mark("By country"),
    }
)

_CHANNELS: Mapping[str, Translatable] = MappingProxyType(
    {
        "social-media": mark("Social media"),
        "messaging": mark("Messages"),
        "phone": mark("Telephone call"),
        "sms": mark("SMS"),
        "email": mark("E-mail"),
        "website": mark("Web site"),
        "ad": mark("Advertisement"),
        "app": mark("App"),
        "marketplace": mark("Market place"),
        "in-person": mark("In person"),
    }
)
_RAILS: Mapping[str, Translatable] = MappingProxyType(
    {
        "bank": mark("Bank transfer"),
        "instant": mark("Instant payment"),
        "card": mark("Card"),
        "crypto": mark("Crypto"),
        "gift-card": mark("Gift card"),
        "cash": mark("Cash"),
        "telco": mark("Telephone bill"),
    }
)
_NOT_STATED = mark("Not stated")
_OTHER = mark("Other")


def name_of(language: Language, dimension: str, word: str) -> str:
    """Return the name of a word of a dimension in a language; the word itself where it has none."""
    if word in (NOT_STATED, "unknown"):
        return language.text(_NOT_STATED)
    if word == "other":
        return language.text(_OTHER)
    if dimension == Dimension.KIND and word in kinds.every():
        return kinds.get(word).title[language.code]
    if dimension == Dimension.SCAM_TYPE:
        return wording.scam_name(word, language.code) or word
    if dimension == Dimension.COUNTRY:
        return str(language.locale.territories.get(word, word))
    tables = {Dimension.CHANNEL: _CHANNELS, Dimension.RAIL: _RAILS}
    return language.text(tables.get(Dimension(dimension), {}).get(word) or words.label(word))
