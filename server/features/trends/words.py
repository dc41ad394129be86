"""The words by which figures divide reports and listings, and whether a report may count in public figures."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from mappers import extension
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner, provider_keys
from schemas.vocabulary import Action, Channel, HolderStatus, PaymentRail, ScamType
from server.features.trends.figures import NOT_STATED, Dimension
from server.release.route.audience import effective_tlp
from server.release.route.policy import SHARED

Words = dict[str, tuple[str, ...]]

_COUNTRY = re.compile(r"[A-Z]{2}")
_MOST_COUNTRIES = 10
# The properties of a stored report that say nothing of its words, and nothing of its readers.
_OF_ONE_REPORT = frozenset({"id", "created", "modified", "valid_from", "valid_until", "name", "pattern"})
# A number does not identify its telecom: it may have been ported.
_KEPT_ELSEWHERE = ("social-account", "payment-alias")
_SCAM_TYPES, _CHANNELS, _RAILS, _GRADES = (
    frozenset(map(str, words)) for words in (ScamType, Channel, PaymentRail, Action)
)


class ReportFigures(NamedTuple):
    """The words of a report, and whether its own markings and limits allow it in shared collections."""

    words: Words
    is_shared: bool


class ReportWords:
    """Reads the words of reports. Reports of one form are read once: most of a contribution have the same."""

    def __init__(self) -> None:
        """Begin with no known form."""
        self._known: dict[tuple[Any, ...], ReportFigures] = {}

    def of_report(self, obj: Mapping[str, Any], subject: str, reporter: Partner) -> ReportFigures:
        """Return the data that figures need of a partner's report, as ``of_report`` does."""
        kind, _, value = subject.partition(":")
        form = orjson.dumps({name: stated for name, stated in obj.items() if name not in _OF_ONE_REPORT})
        key = (form, kind, institution_of(kind, value), reporter.kind)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = of_report(obj, subject, reporter)
        return found


def of_report(obj: Mapping[str, Any], subject: str, reporter: Partner) -> ReportFigures:
    """Return the data that figures need of a partner's report of a value."""
    context = extension.context_of(obj) or _context_of_foreign(obj)
    words = _of_value(context, subject)
    words[Dimension.CHANNEL] = (_known(context.get("channel"), _CHANNELS),)
    words[Dimension.RAIL] = (_known(context.get("payment_rail"), _RAILS),)
    words[Dimension.REPORTER_KIND] = (reporter.kind.value,)
    return ReportFigures(words, context.get("holder_status") != HolderStatus.COERCED and is_shared(obj))


def of_listing(obj: Mapping[str, Any], subject: str) -> Words:
    """Return the words of a listing."""
    context = extension.context_of(obj)
    words = _of_value(context, subject)
    words[Dimension.GRADE] = (_known(context.get("grade"), _GRADES),)
    return words


def _of_value(context: Mapping[str, Any], subject: str) -> Words:
    kind, _, value = subject.partition(":")
    institution = institution_of(kind, value)
    stated = context.get("countries")
    countries = [
        word
        for word in (stated if isinstance(stated, list) else [])[:_MOST_COUNTRIES]
        if isinstance(word, str) and _COUNTRY.fullmatch(word)
    ]
    words: Words = {
        Dimension.KIND: (kind,),
        Dimension.SCAM_TYPE: (_known(context.get("scam_type"), _SCAM_TYPES),),
        Dimension.COUNTRY: tuple(sorted(set(countries))) or (NOT_STATED,),
    }
    if institution is not None:
        words[Dimension.INSTITUTION] = (institution,)
    return words


@lru_cache(maxsize=4096)
def institution_of(kind: str, value: str) -> str | None:
    """Return the institution that a value itself names; None if it names none, or several.

    A bank is named by its BIC, otherwise by country and code. The platform of a profile and the wallet of an alias are
    named as in the setting of a partner that is their provider: ``social-account:line``.
    """
    if kind in _KEPT_ELSEWHERE:
        providers = provider_keys(kind, value)
        return next(iter(providers)) if len(providers) == 1 else None
    if kind != "bank-account":
        return None
    parts = value.split(":")
    if len(parts) == 3:
        return parts[1] if len(parts[1]) == 8 and parts[1].isalnum() else f"{parts[0]}:{parts[1]}"
    try:
        iban = IBAN(value, allow_invalid=True)
        bic = iban.bic
        code = iban.bank_code
    except (SchwiftyException, ValueError, KeyError):
        return None
    if bic is not None:
        return str(bic)[:8]
    return f"{value[:2]}:{code}" if code else None


def _context_of_foreign(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return our properties, derived from an indicator made by other software."""
    try:
        return extension.context_of_report(from_stix(obj))
    except Rejected:
        return {}


def _known(word: Any, words: frozenset[str]) -> str:
    return word if isinstance(word, str) and word in words else NOT_STATED


def is_shared(obj: Mapping[str, Any]) -> bool:
    """Return whether the markings and limits of a partner's object allow it in shared collections."""
    if effective_tlp(obj) not in SHARED:
        return False
    try:
        sharing = extension.sharing(obj)
    except Rejected:
        return False
    return sharing is None or not sharing.limited
