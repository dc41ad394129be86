"""The parts that all pages of one application share: the hub, the settings, the templates and the languages."""

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from mappers import wording
from schemas import kinds, timestamp
from schemas.api.lookup import LookupAnswer, LookupQuestion
from schemas.api.statements import ObjectionProgress, ObjectionReceipt, ObjectionRequest
from schemas.reference.bank_text import bank_of
from schemas.reference.local_form import local_form
from schemas.timestamp import find_zone
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.store.credentials import PasswordVerifier
from server.store.database.times import micros
from server.web.login.openid import OpenIdProvider
from server.web.shell import hub_texts, owner_mark
from server.web.shell.drawings import draw
from server.web.shell.field_words import field_label
from server.web.shell.languages import Language, load_languages
from server.web.shell.owner_mark import BadMark, OwnerMark
from server.web.shell.static_files import StaticFiles
from server.web.shell.tables import labelled
from server.web.taxii.limits import AddressQuota
from server.web.taxii.login_throttle import LoginThrottle
from server.web.taxii.proxies import TrustedProxies

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_FEATURES = _HERE.parents[1] / "features"
# Marks, embeddings, overrides and isolates of the direction of writing.
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_SECONDS = 60
_CHECKS_PER_MINUTE = 60
# In the languages that there are, far more than the pages keep.
_MOST = 100

Found = TypeVar("Found")
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

    def due(self, received: datetime) -> datetime:
        """Return the last second for the answer to an objection received at this moment."""

    def file(self, remote: str, ask: Callable[[], ObjectionRequest], key: str = "") -> ObjectionReceipt:
        """File an objection from an address; a form with the same ``key`` and content only once."""

    def follow(self, remote: str, token: str) -> ObjectionProgress:
        """Return how far the objection of a token has come, to an address."""


class FigureCache:
    """Keeps the content of public pages for a minute, by name: opening them again and again costs the store nothing."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: dict[str, tuple[float, object]] = {}
        self._reading = threading.RLock()

    def of(self, name: str, read: Callable[[], Found], seconds: float = _SECONDS) -> Found:
        """Return what ``read`` returned for this name so long ago at most; one name has one type."""
        with self._reading:
            until, found = self._kept.get(name, (0.0, None))
            if until < time.monotonic():
                found = read()
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[name] = time.monotonic() + seconds, found
            return found  # type: ignore[return-value]  # as ``read`` of this name returned it


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
    documents: FigureCache
    objections: ObjectionDesk
    # Checks of a form while a person writes, by the name of the person.
    checks: AddressQuota = field(default_factory=lambda: AddressQuota(_CHECKS_PER_MINUTE))

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
    environments = {code: environment_of(language) for code, language in languages.items()}
    return PageSite(
        hub,
        settings,
        is_ready,
        check_public,
        proxies,
        languages,
        environments,
        StaticFiles(_mark(settings)),
        LoginThrottle(),
        PasswordVerifier(),
        OpenIdProvider(settings),
        FigureCache(),
        FigureCache(),
        objections,
    )


def _mark(settings: Settings) -> OwnerMark | None:
    """Return the owner's mark; None without one, or with a file that is refused, which the log says."""
    if settings.mark_file is None:
        return None
    try:
        return owner_mark.read(settings.mark_file)
    except BadMark as error:
        log.error("mark-refused the pages are shown without it: %s", error)
        return None


def environment_of(language: Language) -> Environment:
    """Return the templates in one language; whatever is put into them is escaped."""
    made = Environment(
        loader=FileSystemLoader([_HERE / "templates", *sorted(_FEATURES.glob("*/templates"))]),
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
    # Their results are markup, which ``finalize`` leaves as it is.
    for name in ("gettext", "ngettext"):
        made.globals[name] = _without_turns_in(cast(Callable[..., str], made.globals[name]))
    filters: dict[str, Any] = {
        "moment": lambda moment: _time(language, moment, language.moment(moment)),
        "stamp": lambda text: _time(
            language, micros(timestamp.parse(text)), language.moment(micros(timestamp.parse(text)))
        ),
        "aware": lambda moment: _time(language, micros(moment), language.moment(micros(moment))),
        "share": lambda share: "" if share is None else language.percent(share),
        "month": lambda moment: language.month(moment),
        "named_month": lambda text: language.month(micros(timestamp.parse(f"{text}-15T00:00:00Z"))),
        "weekday": lambda moment: _time(language, moment, language.weekday(moment)),
        "day": lambda moment: _time(language, moment, language.day(moment)),
        "number": language.number,
        "duration": language.duration,
        "ago": language.ago,
        "measured": language.measured,
        "drawing": lambda chart: draw(chart, language),
        "word": lambda code, kind="": hub_texts.word_of_kind(language, code, kind),
        "why": lambda rule: hub_texts.short_reason(language, rule),
        "refusal": lambda refused, code=None: _refusal(language, refused, code),
        "field": lambda name: field_label(language, name),
        "own_words": lambda words: hub_texts.own_words(language, words),
        "collection_title": lambda collection: hub_texts.collection_title(language, collection),
        "collection_description": lambda collection: hub_texts.collection_description(language, collection),
        "labelled": labelled,
        "anchor": lambda text: "t" + hashlib.sha256(text.encode()).hexdigest()[:8],
        "kind_title": lambda kind: kinds.get(kind).title[language.code] if kind in kinds.every() else kind,
        "kind_of": lambda value, kind: _kind_of(language, value or "", kind),
        "local": lambda value, kind: local_form(kind, value),
        "institution": lambda text: bank.called(language.code) if (bank := bank_of(text)) else text,
        "scam_sentence": lambda kind, scam: wording.sentence(kind, scam, language.code),
    }
    made.filters |= filters
    return made


def _refusal(language: Language, refused: Any, code: str | None) -> str:
    """Return the sentence of an error with a reason and a message, or of a message with the ``code`` of its reason."""
    if code is None:
        return hub_texts.refusal_text(language, refused.reason, refused.message)
    return hub_texts.refusal_text(language, code, refused)


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


def _without_turns_in(translate: Callable[..., str]) -> Callable[..., str]:
    """Return a function that puts values without such signs into a translated text."""

    @pass_context
    def translated(context: Context, *texts: Any, **values: object) -> str:
        return translate(context, *texts, **{name: _without_turns(value) for name, value in values.items()})

    return translated


def _time(language: Language, moment: int, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(escape(language.machine_moment(moment)), escape(shown))
