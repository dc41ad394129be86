"""Apps, by the name that the operating system or the store uses, not by the one that people read."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import hosts
from schemas.reference.hosts import LONGEST_URL, looks_like_address
from schemas.reference.sites import STORES, Site
from schemas.text import ascii_digits

_LABELLED = re.compile(r"([A-Za-z][\w -]{1,30}?)\s*[:：]\s*(?:package(?: name)?\s*:?\s*)?(\S.*)")
_PACKAGE_NAME = re.compile(
    r"(?:com|org|net|edu|gov|io|co|me|app|dev|[a-z]{2})(?:\.[A-Za-z][A-Za-z0-9_]*){2,8}", re.ASCII
)
_BACKWARDS = ("com.", "org.", "net.")
# Suffixes of the internet that packages end in.
_LAST_WORDS = frozenset(
    [
        *("app", "bank", "bet", "cafe", "camera", "cards", "cash", "casino", "chat", "cloud", "club", "credit", "dev"),
        *("digital", "email", "exchange", "finance", "fit", "fitness", "fun", "game", "games", "gift", "gold", "group"),
        *("health", "insurance", "kids", "life", "link", "live", "loan", "loans", "love", "market", "media", "mobi"),
        *("mobile", "money", "music", "network", "news", "one", "online", "pay", "photo", "photos", "play", "plus"),
        *("poker", "pro", "services", "shop", "social", "store", "studio", "support", "systems", "tax", "team", "tech"),
        *("tools", "trade", "trading", "video", "vip", "wallet", "world", "zone"),
    ]
)
_ANDROID_URI = re.compile(r"(?:android-app://|package:)([^/]+)(?:/.*)?", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_FILE = re.compile(r".+\.(?:apk|apks|apkm|xapk|aab|ipa|exe|msi|dmg)", re.IGNORECASE)
_APP_STORE = re.compile(r"id[0-9]{6,12}", re.IGNORECASE)


class App(Kind):
    """An app for telephones, or an extension of a browser.

    The normal form is ``android:package``, whichever store it is in, ``ios:bundle`` in lower case, or the number that
    one store gives it (``app-store:123456789``). The same text may be an Android package and another maker's iOS
    bundle, so a name without its system is refused. The hash of a file is evidence (``sha256``) and no name: a new file
    is made for each victim.
    """

    name: ClassVar[str] = "app"
    title: ClassVar[Mapping[str, str]] = {"en": "App", "th": "แอปพลิเคชัน"}
    time_to_live: ClassVar[timedelta] = timedelta(days=180)
    columns: ClassVar[Mapping[str, str]] = {
        "os": "the operating system of a package or bundle (android, ios)",
        "store": "the store it is in, where the value is not its address there (google-play, app-store, appgallery, …)",
    }

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the app's system or store, and its name there."""
        if len(raw) > LONGEST_URL:
            raise Rejected("app-form", "far longer than any name of an app or address in a store; give that alone")
        column = _of_columns(given)
        if (found := STORES.read_address(raw)) is not None:
            if not found.name:
                raise Rejected(
                    "not-an-app", "this page of a store names no app: give the address of the app's own page"
                )
            return Normal(_agreed(found.name, column))
        text = ascii_digits(unicodedata.normalize("NFC", raw)).strip()
        if uri := _ANDROID_URI.fullmatch(text):
            text = "android:" + uri[1]
        if looks_like_address(text):
            raise Rejected("url-not-app", "the address is in no known store: report it as a URL (url)")
        store, name = _parted(text)
        if store is not None and column is not None and _system(store) != _system(column):
            raise _conflict()
        store = store or column
        found = STORES.read_name(store, name) if store else None
        if found is None:
            raise _no_app(store, name)
        return Normal(found.name)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is the address of an app in a store, or names its system or store in front."""
        if len(raw) > LONGEST_URL:
            return False
        if "/" in raw and STORES.is_own_page(raw):
            return True
        if ":" not in raw:
            return _may_be_a_package(raw)
        if "//" in raw:
            return False
        store, name = _parted(raw)
        return store is not None and STORES.read_name(store, name) is not None


def _may_be_a_package(raw: str) -> bool:
    """Return True if a name without a system may be an Android package, even if it may be a domain too (com.easy.app).

    Packages begin with a domain read backwards. Few domains begin so, and most of those end in no word that a package
    would end in.
    """
    if _PACKAGE_NAME.fullmatch(raw) is None:
        return False
    name = raw.lower()
    if not hosts.has_public_suffix(name):
        return True
    return name.startswith(_BACKWARDS) and name.rpartition(".")[2] in _LAST_WORDS


def _of_columns(given: Mapping[str, str]) -> Site | None:
    """Return the store, else the system, that the columns name. Raises ``Rejected``."""
    stores_named = [_named(given[column]) for column in ("store", "os") if given.get(column)]
    if len({_system(store) for store in stores_named}) > 1:
        raise _conflict()
    return stores_named[0] if stores_named else None


def _named(word: str) -> Site:
    if (store := STORES.find(word)) is None:
        known = ", ".join(known_store.name for known_store in STORES.every)
        raise Rejected("store-unknown", f"unknown store or operating system; known are: {known}")
    return store


def _system(store: Site) -> str:
    """Return the system that a store's apps run on, or the store itself if its apps run on no other system."""
    if "package" in store.groups or store.name == "appgallery":
        return "android"
    return "ios" if store.name == "testflight" else store.name


def _parted(text: str) -> tuple[Site | None, str]:
    """Return the store named in front of a name, and the name."""
    if _APP_STORE.fullmatch(text):
        return STORES.find("app-store"), text
    if (label := _LABELLED.fullmatch(text)) and (store := STORES.find(label[1])):
        return store, label[2]
    return None, text


def _agreed(name: str, column: Site | None) -> str:
    """Return the name from an address. Raises ``Rejected`` if the columns name another system."""
    store = STORES.find(name.partition(":")[0])
    if column is not None and store is not None and _system(store) != _system(column):
        raise _conflict()
    return name


def _conflict() -> Rejected:
    return Rejected("store-conflict", "the value and the os or store column name two systems; keep the right one")


def _no_app(store: Site | None, text: str) -> Rejected:
    """Return the reason why ``text`` is not the name of an app, and a hint at its real kind."""
    if _HASH.fullmatch(text):
        return Rejected(
            "hash-not-app", "the hash of a file: put it into the sha256 column as evidence, and name the app's package"
        )
    if _FILE.fullmatch(text):
        return Rejected(
            "file-not-app", "the name of a file, which anybody may change: name the package (android:…) that is in it"
        )
    if " " in text or ("." not in text and store is None):
        return Rejected(
            "display-name",
            "the name that people read is no identifier, many apps have the same: give the package, the bundle or the "
            "address in a store",
        )
    if store is None:
        return Rejected(
            "os-missing",
            "the same text may be an Android package and another maker's iOS bundle: name the system (an os or store "
            "column, or in front, as android: or ios:), or give the address in a store",
        )
    return Rejected(
        "app-form", f"not the form of names that {store.name} gives apps; copy it from the address in the store"
    )
