"""The sentences of effects, as the command line prints them; the pages have their own, in each language."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from server.store.proposals.proposals import Effect

# A new code needs a sentence in server/console/operator/effect_texts.py too; a test compares the two.
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # Reviews
        "released-with-authority": "the reports are released: each of them alone lets readers block its value",
        "released-allowlisted": "the reports are released, although the rules know their values as harmless",
        "coercion-confirmed": (
            "the holders count as coerced: their accounts leave the collections that many read, and are never blocked"
        ),
        "report": "{kind} {value}: reported by {partner}, held by the rule {rule}",
        "values-delisted": "the values are delisted: their reports are refused, and count against who made them",
        "listed-value": "{kind} {value}: listed in {collections}, which {readers} partners read",
        "grades": "{value}: {before} now, {after} then; listings that change: {listings}",
        "value-retracted": "{reports} reports are taken back as found wrong; later reports of the value are held",
        "partner-reports-retracted": (
            "all reports of {partner}, which has left, are taken back; on the receipts of readers stands: {reason}"
        ),
        "partner-retraction-begun": "the reports of {partner} are taken back within minutes",
        "review": "review: {id}",
        # A keeper, and who reports against its answer
        "keeper-overruled": (
            "the reports stand: the keeper's answer counts no more, and the account is listed as they have it"
        ),
        "keeper-confirmed": ("the keeper's answer stands: the reports are refused, and count against their reporters"),
        "keeper": "keeper: {partner}, which answered {answer}",
        "reports-of-kinds": "reports: {reports}, by partners of the kinds {kinds}",
        # Objections
        "objection-cleared": (
            "the value of the objection {id} is taken back everywhere, as found wrong; its reporters read why"
        ),
        # Operators
        "admin-added": "{name} may log in as an administrator, and do all that operators can",
        "admin-promoted": "{name}, who is {role} now, becomes an administrator, and may do all that operators can",
        "admin-link": "the link for {name}, which works once, on the pages of this hub: {path}",
        # The policy
        "policy-line": "{line}",
        "policy-trial": "of the last {reports} reports, with {values} values, {changed} values would change",
        "policy-unseen": "none of them was of {unseen}: nothing is known of what the rules would do to these",
        "policy-listings": "{collection}: {before} listings, then {after}",
        "policy-private": "private collections: {before} listings, then {after}",
        "policy-in-force": "policy {number} is in force; what is listed already follows within minutes",
        # Erasures
        "erase": "erase {subject}",
        "reason": "reason: {reason}",
        "erase-reports": "{reports} reports of {partners} partners, {versions} versions of reports and listings",
        "erase-mentions": "{mentions} sightings, opinions, notes, cases and flows that mention it",
        "erase-requests": "{requests} requests between institutions about it, which have ended",
        "erase-open-requests": (
            "{requests} requests between institutions about it are open, and are closed: it waits until {until}"
        ),
        "erase-kept-by-police": "police keep it by the request {request}: nothing is erased before {until}",
        "erase-listed": "it is listed in {collections}: it is retracted first, as found wrong",
        "erase-owned": "it is registered as the own value of {partners}: that is removed too",
        "erase-held": "later reports of it are held for review",
        "erase-for-ever": "nothing brings it back; backups are to be treated as docs/erasure.md says",
        "erase-unread": (
            "they have it, and have not read yet that it was withdrawn: {partners}; they will read a tombstone"
        ),
        "erase-unread-more": (
            "they have it, and have not read yet that it was withdrawn: {partners} and {more} more; "
            "they will read a tombstone"
        ),
        "erasure-begun": "erasure {id} has begun: {kinds}",
        "erasure-of": "erase a value, as erasure {id}: {kinds}",
        "erasure-ended": "erasure {id} has ended; scamfeed erasure list has the numbers of what went",
        "files-later": "the rows are gone, the files are not rewritten yet: {error}",
    }
)


def english(effects: Iterable[Effect]) -> list[str]:
    """Return the lines in English; one without a code, or with one of another version, is its own text."""
    return [SENTENCES.get(effect.code, "{code}").format(code=effect.code, **_texts(effect)) for effect in effects]


def _texts(effect: Effect) -> dict[str, Any]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in effect.values.items()
        if name != "code"
    }
