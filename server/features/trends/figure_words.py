"""The figures in plain words: what each counts, and the names of the words that they are told by."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType

from mappers import wording
from schemas import kinds
from server.features.trends import periods
from server.features.trends.figures import NOT_STATED, Dimension
from server.store.database.times import micros
from server.web.shell import words
from server.web.shell.languages import Language
from server.web.shell.words import Translatable, mark

MEANINGS: Mapping[str, Translatable] = MappingProxyType(
    {
        "reports": mark(
            "Web addresses, numbers, accounts and wallets that an organisation reported for the first time, and that"
            " were published to other partners."
        ),
        "listed": mark("Values that were published to partners for the first time, or again after they had ended."),
        "delisted": mark("Published values that were delisted before their end."),
        "sightings": mark("How often partners saw a published value in use."),
        "actions": mark("Outcomes of published values at partners: blocked, held, taken down and so on."),
        "outcomes": mark(
            "Money and people, as partners stated it. Different outcomes may be of the same money: they are not to be"
            " added up. Amounts are rounded down."
        ),
        "report-to-listing": mark("From the first report of a value until partners could read it."),
        "listing-to-read": mark("From when partners could read it until the first of them had read it."),
        "listing-to-action": mark("From when partners could read it until the first of them said that it had acted."),
        "delisting-to-all": mark("From the removal of an entry until all its readers knew."),
        "wrong": mark(
            "Entries that were found to be wrong: after an objection, a partner’s dispute, or a finding of the"
            " account-holding bank."
        ),
        "wrong-listed-for": mark("The time for which such an entry was published."),
        "keeper-answers": mark("First findings of banks and platforms about their own accounts."),
        "objections": mark("Objections to public entries that a person has decided."),
    }
)

TITLES: Mapping[str, Translatable] = MappingProxyType({"delisted": mark("Entries removed")})

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
        Dimension.CHANNEL: mark("By contact channel"),
        Dimension.RAIL: mark("By payment method"),
        Dimension.COUNTRY: mark("By country"),
    }
)
RANKED: Mapping[Dimension, Translatable] = MappingProxyType(
    {
        Dimension.KIND: mark("Newly reported values by what they are."),
        Dimension.SCAM_TYPE: mark("Newly reported values by what the scam pretended."),
        Dimension.CHANNEL: mark("Newly reported values by where the victim was contacted."),
        Dimension.RAIL: mark("Newly reported values by how money was to be paid."),
        Dimension.COUNTRY: mark(
            "Newly reported values by the countries that the reports name; a report may name several."
        ),
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
_QUARTER = mark("quarter %(quarter)s of %(year)s")
_NOT_STATED = mark("Not stated")
_OTHER = mark("Other")


def title_of(figure: str) -> Translatable:
    """Return the title of a figure, or the label of any other word."""
    return TITLES.get(figure) or words.label(figure)


def moment_of(month: str) -> int:
    """Return the first noon of a month, which is in it in every time zone."""
    first = date.fromisoformat(f"{month}-01")
    return micros(datetime(first.year, first.month, 1, 12, tzinfo=UTC))


def month_name(language: Language, month: str) -> str:
    """Return the name of a month, as "2026-10", of a quarter, as "2026-Q3", or of a year in a language."""
    if not periods.is_period(month):
        return language.month(moment_of(month))
    quarter = month.partition("-Q")[2]
    shown = language.year(moment_of(periods.last_month(month)))
    return language.text(_QUARTER) % {"quarter": quarter, "year": shown} if quarter else shown


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
