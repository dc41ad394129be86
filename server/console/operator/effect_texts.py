"""The sentences of what proposals do, in the language of who reads them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas import kinds
from server.console.languages import Language
from server.console.words import Translatable, label, mark
from server.store.proposals.proposals import Effect

# The same codes, with the same fields, as in server/release/by_two_persons/sentences.py.
EFFECT_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "released-with-authority": mark("The reports are released: each of them alone lets readers block its value."),
        "released-allowlisted": mark("The reports are released, although the rules know their values as harmless."),
        "coercion-confirmed": mark(
            "The holders count as coerced: their accounts leave the collections that many read, and are never blocked."
        ),
        "report": mark("%(kind)s %(value)s: reported by %(partner)s, held by the rule “%(rule)s”"),
        "values-delisted": mark("The values are delisted: their reports are refused, and count against who made them."),
        "listed-value": mark("%(kind)s %(value)s: listed in %(collections)s, which %(readers)s partners read"),
        "grades": mark("%(value)s: %(before)s now, %(after)s then; listings that change: %(listings)s"),
        "value-retracted": mark(
            "Reports that are taken back as found wrong: %(reports)s. Later reports of the value are held."
        ),
        "partner-reports-retracted": mark(
            "All reports of %(partner)s, which has left, are taken back. On the receipts of readers stands: %(reason)s"
        ),
        "partner-retraction-begun": mark("The reports of %(partner)s are taken back within minutes."),
        "review": mark("Review: %(id)s"),
        "keeper-overruled": mark(
            "The reports stand: the keeping bank’s answer counts no more, and the account is listed as they have it."
        ),
        "keeper-confirmed": mark(
            "The answer of the keeping bank stands: the reports are refused, and count against who made them."
        ),
        "keeper": mark("Keeping bank: %(partner)s, which answered “%(answer)s”"),
        "reports-of-kinds": mark("Reports: %(reports)s, by partners of the kinds: %(kinds)s"),
        "objection-cleared": mark(
            "The value of the objection %(id)s is taken back everywhere, as found wrong; its reporters read why."
        ),
        "admin-added": mark("%(name)s may log in as an administrator, and do all that operators can."),
        "admin-promoted": mark(
            "%(name)s, whose role is “%(role)s” now, becomes an administrator, and may do all that operators can."
        ),
        "admin-link": mark("The link for %(name)s, which works once, on the pages of this hub: %(path)s"),
        "policy-line": mark("%(line)s"),
        "policy-trial": mark("Of the last %(reports)s reports, with %(values)s values, %(changed)s would change."),
        "policy-unseen": mark("None of them was of %(unseen)s: nothing is known of what the rules would do to these."),
        "policy-listings": mark("%(collection)s: %(before)s listings, then %(after)s"),
        "policy-private": mark("Private collections: %(before)s listings, then %(after)s"),
        "policy-in-force": mark("Policy %(number)s is in force. What is listed already follows within minutes."),
        "erase": mark("Every trace of this value is erased: %(subject)s"),
        "reason": mark("Reason: %(reason)s"),
        "erase-reports": mark(
            "%(reports)s reports of %(partners)s partners go, and %(versions)s versions of reports and listings."
        ),
        "erase-mentions": mark("%(mentions)s sightings, opinions, notes, cases and flows that mention it go."),
        "erase-requests": mark("%(requests)s requests between institutions about it go, which have ended."),
        "erase-open-requests": mark(
            "%(requests)s requests between institutions about it are open, and are closed. It waits until %(until)s."
        ),
        "erase-kept-by-police": mark("Police keep it by the request %(request)s. Nothing is erased before %(until)s."),
        "erase-listed": mark("It is listed in %(collections)s: it is retracted first, as found wrong."),
        "erase-owned": mark("It is registered as the own value of %(partners)s: that is removed too."),
        "erase-held": mark("Later reports of it are held for review."),
        "erase-for-ever": mark("Nothing brings it back. Backups are to be treated as docs/erasure.md says."),
        "erase-unread": mark(
            "They have it, and have not read yet that it was withdrawn: %(partners)s. They will read a tombstone."
        ),
        "erase-unread-more": mark(
            "They have it, and have not read yet that it was withdrawn: %(partners)s and %(more)s more. "
            "They will read a tombstone."
        ),
        "erasure-begun": mark("The erasure %(id)s has begun: %(kinds)s"),
        "erasure-of": mark("A value is erased, as erasure %(id)s: %(kinds)s"),
        "erasure-ended": mark("The erasure %(id)s has ended."),
        "files-later": mark("The rows are gone; the files are not rewritten yet: %(error)s"),
    }
)
# Values that are codes with labels; the others stand as they are.
_LABELLED = frozenset(("rule", "before", "after", "answer", "role", "kinds"))


def effect_text(language: Language, effect: Effect) -> str:
    """Return one line in a language; one of another version of the program as it was written."""
    text = EFFECT_TEXTS.get(effect.code)
    if text is None:
        return effect.code
    return language.text(text) % {name: _shown(language, name, value) for name, value in effect.values.items()}


def _shown(language: Language, name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(language, name, entry) for entry in value)
    if isinstance(value, int):
        return language.number(value)
    if name == "kind" and value in kinds.every():
        return kinds.get(value).title[language.code]
    return language.text(label(str(value))) if name in _LABELLED else str(value)
