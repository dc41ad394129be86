"""The sentences of effects on the command line; the pages have their own in each language."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from server.store.proposals.proposals import Effect

# A new code needs a sentence in server/features/proposals/effect_texts.py too; a test compares the two.
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # Reviews
        "released-with-authority": "the reports are released; each of them alone allows readers to block its value",
        "released-allowlisted": "the reports are released, although the rules list their values as harmless",
        "request-released": (
            "the addressee is asked to act on {kind} {value} ({asks}) by {partner}, although the gate holds the request"
        ),
        "request": "request: {id}",
        "allowlist-entry": "{kind} {value} counts as harmless: it is delisted, and its reports wait for a review",
        "allowlist-entry-below": (
            "{kind} {value} counts as harmless, with every host below it: all are delisted, and their reports wait for "
            "a review"
        ),
        "coercion-confirmed": (
            "the holders count as coerced: their accounts are removed from widely read collections, and are never "
            "blocked"
        ),
        "report": "{kind} {value}: reported by {partner}, held by the rule {rule}",
        "values-delisted": "the values are delisted: their reports are refused, and count against their reporters",
        "listed-value": "{kind} {value}: listed in {collections}, which {readers} partners read",
        "grades": "{value}: {before} now, {after} then; listings that change: {listings}",
        "value-retracted": "{reports} reports are retracted as wrong; later reports of the value are held",
        "partner-reports-retracted": (
            "all reports of {partner}, which has left, are retracted; the readers' receipts give the reason: {reason}"
        ),
        "partner-retraction-begun": "the reports of {partner} are retracted within minutes",
        "review": "review: {id}",
        # Incidents
        "incident-hold": (
            "the {reports} reports of the incident {incident}, with {values} values, are held; they count again only "
            "when they are released"
        ),
        "incident-release": (
            "the held reports among the {reports} of the incident {incident}, with {values} values, count again"
        ),
        "incident-retract": (
            "the {reports} reports of the incident {incident}, with {values} values, are retracted; this cannot be "
            "undone"
        ),
        "incident-digest": "exactly the selected reports, with the digest {digest}; later ones are not part of it",
        "incident-partner": "{partner}: {reports} reports",
        "incident-collection": "{collection}: {listings} listings; {read} of {readers} readers have received some",
        "incident-begun": (
            "the decision on the {reports} reports of the incident {incident} is carried out within minutes"
        ),
        # A provider's finding, and reports against it
        "keeper-overruled": (
            "the reports stay: the provider's finding no longer counts, and the account is listed as reported"
        ),
        "keeper-confirmed": (
            "the provider's finding stays in force: the reports are refused, and count against their reporters"
        ),
        "keeper": "provider: {partner}, with the finding {answer}",
        "reports-of-kinds": "reports: {reports}, by partners of the kinds {kinds}",
        # Objections
        "objection-cleared": (
            "the value of the objection {id} is delisted everywhere as wrong; its reporters are told why"
        ),
        # Operators
        "admin-added": "{name} may log in as an administrator, with all rights of operators",
        "admin-promoted": (
            "{name}, whose present role is {role}, becomes an administrator, with all rights of operators"
        ),
        "approver-added": "{name} may log in as an approver, who confirms proposals of others",
        "approver-promoted": (
            "{name}, whose present role is {role}, becomes an approver, who confirms proposals of others"
        ),
        "admin-address": "{email} is the e-mail address of {name}; accounts with the same address are one person",
        "admin-link": "the one-time link for {name} on the pages of this hub: {path}",
        # Access and powers of partners
        "access-credentials": "{partner} gets new credentials, shown once to the person who confirms",
        "access-at-once": "the old credentials of {partner} end at once, not in a week",
        "access-certificate": "{partner}: the client certificate {certificate} is registered",
        "access-user": (
            "{name} may log in for {partner}, as {role}, with a one-time link; it is shown once, to the person who "
            "confirms"
        ),
        "access-link": (
            "{name} of {partner} gets a new one-time link, shown once to the person who confirms; the password, the "
            "second factor and all logins end"
        ),
        "access-role": "{name} of {partner} gets the role {role}, with the rights of this role at once",
        "access-return": "{partner}, which had left, returns with new credentials",
        "access-so-far": (
            "{partner} has {credentials} sets of credentials, {certificates} certificates and {users} users, the "
            "latest of {day}; all of them get these powers"
        ),
        "partner-added": "{partner} joins with new credentials, as a partner of the kind {partner_kind}",
        "partner-rights": "collections: reads {read}; writes {write}; matches {match}",
        "power-peer": "{partner} is another hub: it reads the hub reports, and loses its other collections",
        "power-trusted": "{partner} is trusted: a value that it calls a false positive is delisted at once",
        "power-vouched": (
            "this hub vouches for {partner}: it needs no record, and the daily limit of new values does not apply"
        ),
        "power-authority": (
            "{partner} has authority: its report alone allows readers to block, for the kinds {authority}"
        ),
        "power-institutions": "{partner} is the provider for {institutions}: it reports findings on these accounts",
        "power-organisation": (
            "{partner} belongs to {organisation} from now on: it has the record of its other partners, and shares "
            "their quotas"
        ),
        "power-kind": "{partner} becomes a partner of the kind {partner_kind}",
        "powers-given": "{partner} now has these powers",
        "new-credentials": "{partner}: user {user}, password {password}, token {token}; shown only once",
        "user-link": "the one-time link for {name} of {partner} on the pages of this hub: {path}",
        # The policy
        "policy-line": "{line}",
        "policy-trial": "of the last {reports} reports, with {values} values, {changed} values would change",
        "policy-unseen": "none of them was about {unseen}: the effect of the rules on these kinds is unknown",
        "policy-listings": "{collection}: {before} listings, then {after}",
        "policy-private": "private collections: {before} listings, then {after}",
        "policy-in-force": "policy {number} is in force; present listings follow within minutes",
        # Other hubs
        "peer-counts-again": "{peer} counts again: its reports list values at this hub, and no longer wait",
        "peer-contradiction": "it signed two different reports with the number {number}; they arrived {received}",
        "peer-key": "reports of {peer} count if they are signed with the key {key}",
        # Erasures
        "erase": "erase {subject}",
        "reason": "reason: {reason}",
        "erase-reports": "{reports} reports of {partners} partners, {versions} versions of reports and listings",
        "erase-mentions": "{mentions} sightings, opinions, notes, cases and flows that mention it",
        "erase-requests": "{requests} ended requests between institutions about it",
        "erase-open-requests": (
            "{requests} open requests between institutions about it are closed; the erasure waits until {until}"
        ),
        "erase-kept-by-police": "police preserve it with the request {request}: nothing is erased before {until}",
        "erase-listed": "it is listed in {collections}: it is first retracted as wrong",
        "erase-owned": "{partners} registered it as their own value: that entry is removed too",
        "erase-held": "later reports of it are held for review",
        "erase-for-ever": "this cannot be undone; docs/erasure.md says how to treat backups",
        "erase-unread": (
            "these partners have it and have not yet read its revocation: {partners}; they will read a tombstone"
        ),
        "erase-unread-more": (
            "these partners have it and have not yet read its revocation: {partners} and {more} more; they will read "
            "a tombstone"
        ),
        "erasure-begun": "erasure {id} has begun: {kinds}",
        "erasure-of": "erase a value, as erasure {id}: {kinds}",
        "erasure-ended": "erasure {id} has ended; scamfeed erasure list shows how much was removed",
        "files-later": "the rows are removed; the files are not yet rewritten: {error}",
    }
)


def english(effects: Iterable[Effect]) -> list[str]:
    """Return the lines in English; a line without a code, or with an unknown one, is its own text."""
    return [SENTENCES.get(effect.code, "{code}").format(code=effect.code, **_texts(effect)) for effect in effects]


def _texts(effect: Effect) -> dict[str, Any]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in effect.values.items()
        if name != "code"
    }
