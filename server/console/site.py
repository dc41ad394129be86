"""The parts that all pages of one application share: the hub, the settings, the templates and the languages."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Protocol
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mappers import wording
from schemas import kinds, timestamp
from schemas.api.lookup import LookupAnswer, LookupQuestion
from schemas.api.objection import ObjectionProgress, ObjectionReceipt, ObjectionRequest
from schemas.reference.banks.shown import bank_of
from schemas.reference.time_zones import find_zone
from server.console import words
from server.console.languages import Language, load_languages
from server.console.login.openid import OpenIdProvider
from server.console.public.figure_cache import FigureCache
from server.console.static_files import StaticFiles
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.store.credentials import PasswordVerifier
from server.store.database.times import micros
from server.taxii.login_throttle import LoginThrottle
from server.taxii.proxies import TrustedProxies

# Marks, embeddings, overrides and isolates of the direction of writing.
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Answers what ``public`` says of a value, to an address; raises ``TaxiiError`` 429 where it asks too often.
CheckPublic = Callable[[Store, str, LookupQuestion], LookupAnswer]


class ObjectionDesk(Protocol):
    """Takes objections and tells how far they are, by the rules and limits of the API; raises ``TaxiiError``."""

    @property
    def is_taken(self) -> bool:
        """Return whether this hub takes objections."""

    @property
    def takes_contacts(self) -> bool:
        """Return whether a contact is kept."""

    def file(self, remote: str, ask: Callable[[], ObjectionRequest]) -> ObjectionReceipt:
        """File an objection from an address."""

    def follow(self, remote: str, token: str) -> ObjectionProgress:
        """Return how far the objection of a token has come, to an address."""


@dataclass(frozen=True)
class PageSite:
    """The pages of one application; ``environments`` renders templates, by language."""

    hub: Hub
    settings: Settings
    is_ready: Callable[[], bool]
    check_public: CheckPublic
    proxies: TrustedProxies
    languages: Mapping[str, Language]
    environments: Mapping[str, Environment]
    static: StaticFiles
    throttle: LoginThrottle
    passwords: PasswordVerifier
    provider: OpenIdProvider
    figures: FigureCache
    objections: ObjectionDesk

    @property
    def base(self) -> str:
        """The path in front of every address, where a proxy serves the hub below one."""
        return urlsplit(self.settings.public_url).path.rstrip("/")


def open_site(
    hub: Hub,
    settings: Settings,
    is_ready: Callable[[], bool],
    check_public: CheckPublic,
    proxies: TrustedProxies,
    objections: ObjectionDesk,
) -> PageSite:
    """Return the site of a hub, its templates and catalogues read."""
    zone: tzinfo = find_zone(settings.timezone) if settings.timezone else UTC
    languages = load_languages(zone)
    environments = {code: _environment(language) for code, language in languages.items()}
    return PageSite(
        hub,
        settings,
        is_ready,
        check_public,
        proxies,
        languages,
        environments,
        StaticFiles(),
        LoginThrottle(),
        PasswordVerifier(),
        OpenIdProvider(settings),
        FigureCache(),
        objections,
    )


def _environment(language: Language) -> Environment:
    """Return the templates in one language; whatever is put into them is escaped."""
    made = Environment(
        loader=PackageLoader("server.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_turns,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        language.texts.gettext, language.texts.ngettext, newstyle=True
    )
    filters: dict[str, Any] = {
        "moment": lambda moment: _time(language, moment, language.moment(moment)),
        "stamp": lambda text: _time(
            language, micros(timestamp.parse(text)), language.moment(micros(timestamp.parse(text)))
        ),
        "aware": lambda moment: _time(language, micros(moment), language.moment(micros(moment))),
        "share": lambda share: "" if share is None else language.percent(share),
        "month": lambda moment: language.month(moment),
        "day": lambda moment: _time(language, moment, language.day(moment)),
        "number": language.number,
        "duration": language.duration,
        "word": lambda code: language.text(words.label(code)),
        "anchor": lambda text: "t" + hashlib.sha256(text.encode()).hexdigest()[:8],
        "kind_title": lambda kind: kinds.get(kind).title[language.code] if kind in kinds.every() else kind,
        "kind_of": lambda value, kind: _kind_of(language, value or "", kind),
        "institution": lambda text: bank.called(language.code) if (bank := bank_of(text)) else text,
        "scam_sentence": lambda kind, scam: wording.sentence(kind, scam, language.code),
    }
    made.filters |= filters
    return made


def _kind_of(language: Language, value: str, kind: str) -> str:
    """Return the kind of a value in words; of an account with its bank, where a name of that is known."""
    title = kinds.get(kind).title[language.code] if kind in kinds.every() else kind
    bank = bank_of(value) if kind == "bank-account" else None
    return title if bank is None else f"{title} · {bank.called(language.code)}"


def _without_turns(value: object) -> object:
    """Return what is put into a template; signs that turn the direction of writing, which hide what a text is, show."""
    if isinstance(value, str) and not isinstance(value, Markup) and not value.isascii():
        return _TURNS.sub("\ufffd", value)
    return value


def _time(language: Language, moment: int, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(escape(language.machine_moment(moment)), escape(shown))
