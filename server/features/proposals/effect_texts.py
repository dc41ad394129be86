"""The sentences about the effects of proposals, in the reader's language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas import kinds
from server.store.proposals.proposals import Effect
from server.web.shell.hub_texts import word_text
from server.web.shell.languages import Language
from server.web.shell.words import Translatable, mark

# The same codes, with the same fields, as in server/operations/sentences.py.
EFFECT_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "released-with-authority": mark(
            "The reports are released. Each of them alone allows readers to block its value."
        ),
        "released-allowlisted": mark("The reports are released, although the rules list their values as harmless."),
        "request-released": mark(
            "The addressee is asked by %(partner)s to act on %(kind)s %(value)s (%(asks)s), although the hub holds the "
            "request."
        ),
        "request": mark("Request: %(id)s"),
        "allowlist-entry": mark(
            "%(kind)s %(value)s counts as harmless. It is delisted, and its reports wait for a review."
        ),
        "allowlist-entry-below": mark(
            "%(kind)s %(value)s counts as harmless, with every host below it. All are delisted, and their reports wait "
            "for a review."
        ),
        "coercion-confirmed": mark(
            "The holders count as coerced. Their accounts are removed from widely read collections, and are never "
            "blocked."
        ),
        "report": mark("%(kind)s %(value)s: reported by %(partner)s, held by the rule “%(rule)s”"),
        "values-delisted": mark(
            "The values are delisted. Their reports are refused, and count against their reporters."
        ),
        "listed-value": mark("%(kind)s %(value)s: listed in %(collections)s, which %(readers)s partners read"),
        "grades": mark("%(value)s: %(before)s now, %(after)s then; listings that change: %(listings)s"),
        "value-retracted": mark(
            "Reports that are retracted as wrong: %(reports)s. Later reports of the value are held."
        ),
        "partner-reports-retracted": mark(
            "All reports of %(partner)s, which has left, are retracted. The readers’ receipts give the reason: "
            "%(reason)s"
        ),
        "partner-retraction-begun": mark("The reports of %(partner)s are retracted within minutes."),
        "review": mark("Review: %(id)s"),
        "incident-hold": mark(
            "The reports of the incident %(incident)s are held: %(reports)s, with %(values)s values. They count again "
            "only if they are released."
        ),
        "incident-release": mark(
            "The held reports of the incident %(incident)s count again. It has %(reports)s reports, with %(values)s "
            "values."
        ),
        "incident-retract": mark(
            "The reports of the incident %(incident)s are retracted: %(reports)s, with %(values)s values. This cannot "
            "be undone."
        ),
        "incident-digest": mark(
            "Exactly the selected reports, with the digest %(digest)s. Later ones are not part of it."
        ),
        "incident-partner": mark("%(partner)s: %(reports)s reports"),
        "incident-collection": mark(
            "%(collection)s: %(listings)s listings. Readers that have received some: %(read)s of %(readers)s."
        ),
        "incident-begun": mark(
            "The decision on the %(reports)s reports of the incident %(incident)s is carried out within minutes."
        ),
        "keeper-overruled": mark(
            "The reports stay. The account-holding bank’s finding no longer counts, and the account is listed as "
            "reported."
        ),
        "keeper-confirmed": mark(
            "The account-holding bank’s finding stays in force. The reports are refused, and count against their "
            "reporters."
        ),
        "keeper": mark("Account-holding bank: %(partner)s, with the finding “%(answer)s”"),
        "reports-of-kinds": mark("Reports: %(reports)s, by partners of the kinds: %(kinds)s"),
        "objection-cleared": mark(
            "The value of the objection %(id)s is delisted everywhere as wrong. Its reporters are told why."
        ),
        "admin-added": mark("%(name)s may log in as an administrator, with all rights of operators."),
        "admin-promoted": mark(
            "%(name)s, whose present role is “%(role)s”, becomes an administrator, with all rights of operators."
        ),
        "approver-added": mark("%(name)s may log in as an approver, who confirms proposals of others."),
        "approver-promoted": mark(
            "%(name)s, whose present role is “%(role)s”, becomes an approver, who confirms proposals of others."
        ),
        "admin-address": mark(
            "%(email)s is the e-mail address of %(name)s. Accounts with the same address count as one person."
        ),
        "admin-link": mark("The one-time link for %(name)s on the pages of this hub: %(path)s"),
        "access-credentials": mark(
            "%(partner)s gets new credentials. They are shown once, to the person who confirms this."
        ),
        "access-at-once": mark("The old credentials of %(partner)s end at once, not in a week."),
        "access-certificate": mark("%(partner)s: the client certificate %(certificate)s is registered."),
        "access-user": mark(
            "%(name)s may log in for %(partner)s, as “%(role)s”. The one-time link is shown once, to the person who "
            "confirms this."
        ),
        "access-link": mark(
            "%(name)s of %(partner)s gets a new one-time link, shown once to the person who confirms this. The "
            "password, the second factor and all logins end."
        ),
        "access-role": mark("%(name)s of %(partner)s gets the role “%(role)s”, with the rights of this role at once."),
        "access-return": mark("%(partner)s, which had left, returns with new credentials."),
        "access-so-far": mark(
            "%(partner)s has %(credentials)s sets of credentials, %(certificates)s certificates and %(users)s users, "
            "the latest of %(day)s. All of them get these powers."
        ),
        "partner-added": mark("%(partner)s joins with new credentials, as a partner of the kind “%(partner_kind)s”."),
        "partner-rights": mark("Collections: it reads %(read)s; it writes %(write)s; it matches %(match)s."),
        "power-peer": mark("%(partner)s is another hub: it reads the hub reports, and loses its other collections."),
        "power-trusted": mark("%(partner)s is trusted: a value that it calls a false positive is delisted at once."),
        "power-vouched": mark(
            "This hub vouches for %(partner)s: it needs no record, and the daily limit of new values does not apply."
        ),
        "power-authority": mark(
            "%(partner)s has authority: its report alone allows readers to block, for the kinds: %(authority)s"
        ),
        "power-institutions": mark(
            "%(partner)s is the provider for %(institutions)s, and reports findings on these accounts."
        ),
        "power-organisation": mark(
            "%(partner)s belongs to %(organisation)s from now on: it has the record of its other partners, and shares "
            "their quotas."
        ),
        "power-kind": mark("%(partner)s becomes a partner of the kind “%(partner_kind)s”."),
        "powers-given": mark("%(partner)s now has these powers."),
        "new-credentials": mark(
            "%(partner)s: user name %(user)s, password %(password)s, token %(token)s. They are shown only once."
        ),
        "user-link": mark("The one-time link for %(name)s of %(partner)s on the pages of this hub: %(path)s"),
        "policy-line": mark("%(line)s"),
        "policy-trial": mark("Of the last %(reports)s reports, with %(values)s values, %(changed)s would change."),
        "policy-unseen": mark("None of them was about %(unseen)s: the effect of the rules on these kinds is unknown."),
        "policy-listings": mark("%(collection)s: %(before)s listings, then %(after)s"),
        "policy-private": mark("Private collections: %(before)s listings, then %(after)s"),
        "policy-in-force": mark("Policy %(number)s is in force. Present listings follow within minutes."),
        "peer-counts-again": mark("%(peer)s counts again: its reports list values at this hub, and no longer wait."),
        "peer-contradiction": mark(
            "It signed two different reports with the number %(number)s. They arrived %(received)s."
        ),
        "peer-key": mark("Reports of %(peer)s count if they are signed with the key %(key)s."),
        "erase": mark("Every trace of this value is erased: %(subject)s"),
        "reason": mark("Reason: %(reason)s"),
        "erase-reports": mark(
            "%(reports)s reports of %(partners)s partners are removed, and %(versions)s versions of reports and "
            "listings."
        ),
        "erase-mentions": mark("%(mentions)s sightings, opinions, notes, cases and flows that mention it are removed."),
        "erase-requests": mark("%(requests)s ended requests between institutions about it are removed."),
        "erase-open-requests": mark(
            "%(requests)s open requests between institutions about it are closed. The erasure waits until %(until)s."
        ),
        "erase-kept-by-police": mark(
            "Police preserve it with the request %(request)s. Nothing is erased before %(until)s."
        ),
        "erase-listed": mark("It is listed in %(collections)s. It is first retracted as wrong."),
        "erase-owned": mark("%(partners)s registered it as their own value. That entry is removed too."),
        "erase-held": mark("Later reports of it are held for review."),
        "erase-for-ever": mark("This cannot be undone. docs/erasure.md says how to treat backups."),
        "erase-unread": mark(
            "These partners have it and have not yet read its revocation: %(partners)s. They will read a tombstone."
        ),
        "erase-unread-more": mark(
            "These partners have it and have not yet read its revocation: %(partners)s and %(more)s more. They will "
            "read a tombstone."
        ),
        "erasure-begun": mark("The erasure %(id)s has begun: %(kinds)s"),
        "erasure-of": mark("A value is erased, as erasure %(id)s: %(kinds)s"),
        "erasure-ended": mark("The erasure %(id)s has ended."),
        "files-later": mark("The rows are removed; the files are not yet rewritten: %(error)s"),
    }
)
# Values that are codes with labels; the others stand as they are.
_LABELLED = frozenset(("rule", "before", "after", "answer", "role", "kinds", "partner_kind"))


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
    if name in ("kind", "authority") and value in kinds.every():
        return kinds.get(value).title[language.code]
    return word_text(language, str(value)) if name in _LABELLED else str(value)
