"""The reasons for which a contribution is refused, held for review, or stored without being published."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from schemas.errors import Rejected
from server.release.results import Result


class Reason(Enum):
    """A rule that a contribution can meet: code, result, message to the sender, and what the sender can do.

    Several rules may share a code. ``{names}`` in a message are filled in by ``text`` and ``rejected``.
    """

    def __init__(self, code: str, result: Result, message: str, action: str) -> None:
        """Name the parts of a reason; ``message`` and ``action`` together are what the sender reads."""
        self.code = code
        self.result = result
        self.message = message
        self.action = action

    def text(self, **details: object) -> str:
        """Return the message and the way out as one sentence."""
        return f"{self.message}: {self.action}".format(**details)

    def explain(self, **details: object) -> "Explanation":
        """Return this reason with its message for one object."""
        return Explanation(self, self.text(**details), {name: str(detail) for name, detail in details.items()})

    def rejected(self, **details: object) -> Rejected:
        """Return the error that refuses one object for this reason."""
        return Rejected(self.code, self.text(**details))

    # Guard: the common rules of STIX objects.
    NOT_JSON = "malformed-json", Result.REFUSED, "the object is not JSON", "send valid JSON"
    NOT_AN_OBJECT = "not-an-object", Result.REFUSED, "the item is no JSON object", "send STIX objects"
    NOT_A_NUMBER = "not-a-number", Result.REFUSED, "NaN and Infinity are not JSON", "leave the property out"
    DUPLICATE_KEY = "duplicate-key", Result.REFUSED, "a property is given twice", "send each property once"
    TOO_DEEP = "too-deep", Result.REFUSED, "the object is nested too deeply", "write it flat"
    UNUSUAL_JSON = (
        "unusual-json",
        Result.REFUSED,
        "the object has numbers or characters that not every reader can read",
        "write numbers and characters plainly",
    )
    MISSING_TYPE = "missing-type", Result.REFUSED, "the object has no type", "add the property type"
    MALFORMED_TYPE = (
        "malformed-type",
        Result.REFUSED,
        "the type is malformed",
        "write a type of lower-case letters, digits and hyphens",
    )
    BUNDLE = "bundle", Result.REFUSED, "a bundle is no object of a collection", "send the objects in it"
    MISSING_ID = "missing-id", Result.REFUSED, "the object has no id", "add the property id"
    MALFORMED_ID = (
        "malformed-id",
        Result.REFUSED,
        "the id is malformed",
        "write the object's type, two hyphens and a UUID",
    )
    ID_OF_ANOTHER_TYPE = (
        "id-of-another-type",
        Result.REFUSED,
        "the id begins with another type than the object's",
        "begin the id with the object's type",
    )
    MISSING_SPEC_VERSION = (
        "missing-spec-version",
        Result.REFUSED,
        "an object of type {type} needs a spec_version",
        "add spec_version 2.1",
    )
    UNKNOWN_SPEC_VERSION = (
        "unknown-spec-version",
        Result.REFUSED,
        "the spec_version is unknown",
        "write 2.1, or leave it out for STIX 2.0",
    )
    MISSING_CREATED = (
        "missing-created",
        Result.REFUSED,
        "an object with versions needs the property created",
        "add created, the same in every version",
    )
    MISSING_MODIFIED = (
        "missing-modified",
        Result.REFUSED,
        "an object with versions needs the property modified",
        "add modified, later in every version",
    )
    MODIFIED_BEFORE_CREATED = (
        "modified-before-created",
        Result.REFUSED,
        "modified is before created",
        "set modified to the time of this version",
    )
    MALFORMED_CREATED = (
        "malformed-created",
        Result.REFUSED,
        "created is not a timestamp",
        "write it as 2026-01-31T09:30:00.000Z",
    )
    MALFORMED_MODIFIED = (
        "malformed-modified",
        Result.REFUSED,
        "modified is not a timestamp",
        "write it as 2026-01-31T09:30:00.000Z",
    )
    MALFORMED_REVOKED = "malformed-revoked", Result.REFUSED, "revoked is no boolean", "write true or false"

    # Guard: the properties that the release rules read.
    NOT_A_TEXT = "bad-property", Result.REFUSED, "{name}: is missing or no text", "write a text"
    NOT_A_LIST = "bad-property", Result.REFUSED, "{name}: is no list of texts", "write a list of texts"
    EMPTY_LIST = "bad-property", Result.REFUSED, "{name}: names no object", "name at least one object"
    BAD_EXTENSIONS = (
        "bad-property",
        Result.REFUSED,
        "extensions: is no object of objects",
        "write an object by extension, and details as an object",
    )
    BAD_TIMESTAMP = (
        "bad-property",
        Result.REFUSED,
        "{name}: is no timestamp: {why}",
        "write it as 2026-01-31T09:30:00.000Z",
    )
    FROM_THE_FUTURE = (
        "from-the-future",
        Result.REFUSED,
        "modified: is more than five minutes ahead of this server's clock",
        "set your clock",
    )
    TOO_MANY_REFERENCES = (
        "too-many-references",
        Result.REFUSED,
        "object_refs: names more than {most} objects",
        "send several objects",
    )

    # Guard: personal data of victims and account holders.
    PERSONAL_DATA = (
        "personal-data",
        Result.REFUSED,
        "{name}: there seems to be {what} in it",
        "take it out: no personal data of victims and holders is kept, here or anywhere",
    )
    PERSONAL_DATA_OR_SCAMMERS = (
        "personal-data",
        Result.REFUSED,
        "{name}: there seems to be {what} in it",
        "take it out; a scammer's own is reported as an indicator of its own ({kind})",
    )
    PERSON = (
        "personal-data",
        Result.REFUSED,
        "identity_class: the identity is a person",
        "name the organisation for which somebody acts",
    )
    NESTED_TOO_DEEP = (
        "personal-data",
        Result.REFUSED,
        "{name}: is nested too deeply to be searched for personal data",
        "write it flat",
    )

    # Guard: values that serve many, or are no scammer's. Each allowlist is a reason of its own (docs/guard.md).
    PARTNERS_OWN = (
        "partners-own",
        Result.HELD,
        "this is a partner's own, as it registered it",
        "wait; a person at this hub looks at it with that partner",
    )
    OPERATORS_ENTRY = (
        "operator-entries",
        Result.HELD,
        "this hub's operator knows this value as harmless (list operator-entries)",
        "report the value that the scam really used; a person at this hub looks at it",
    )
    DELISTED = (
        "delisted",
        Result.HELD,
        "this hub's operator found that this value, in this spelling or another, serves no scam",
        "write in the description what is new; a person at this hub looks at it",
    )

    # Guard: volume.
    UNUSUAL_VOLUME = (
        "unusual-volume",
        Result.HELD,
        "held for review: you sent far more than on any day of the last month",
        "wait; the hub's operator knows, and lifts this if the growth is meant",
    )
    MOSTLY_HELD = (
        "mostly-held",
        Result.HELD,
        "held for review: more than half of what you sent lately had to be held",
        "read the reasons in the statuses, and ask the hub's operator to lift this",
    )
    MANY_DOUBTS = (
        "many-doubts",
        Result.HELD,
        "held for review: you doubt more than {most} reports of others in one day",
        "wait; a person at this hub looks at the rest",
    )

    # Intake: what a partner may contribute, and what it listed before.
    NO_CREATOR = (
        "not-yours",
        Result.REFUSED,
        "created_by_ref is missing",
        "set it to your own identity, {identity}",
    )
    ANOTHERS_ID = (
        "not-yours",
        Result.REFUSED,
        "you contributed this id as another's object",
        "keep created_by_ref: it never changes",
    )
    NOT_YOURS = (
        "not-yours",
        Result.REFUSED,
        "the object is not your own",
        "contribute objects that your identity, {identity}, made",
    )
    ANOTHER_VALUE = (
        "another-value",
        Result.REFUSED,
        "a person at this hub looked at this id for the value that it had",
        "contribute another value under an id of its own",
    )
    MARKING_CHANGED = (
        "marking-changed",
        Result.REFUSED,
        "you defined this marking as another level before",
        "define a marking with another id",
    )
    LISTED_AGAIN = (
        "listed-again",
        Result.HELD,
        "you listed this value before, and it was taken back",
        "wait; a person at this hub looks at it",
    )
    TAKEN_BACK_SINCE = (
        "listed-again",
        Result.HELD,
        "you took this back since",
        "to list it again, send a version that is later than the revocation",
    )

    # Route: the audience of a report.
    UNKNOWN_MARKING = (
        "unknown-marking",
        Result.KEPT,
        "it bears a marking that this hub does not know as a TLP level",
        "contribute its marking-definition with the level in its content, or mark the object with TLP itself",
    )
    UNKNOWN_PARTNER = (
        "unknown-partner",
        Result.KEPT,
        "not_to_partners names somebody who is no partner here",
        "write names or identities as they are registered",
    )
    NAMES_NOBODY = (
        "names-nobody",
        Result.KEPT,
        "TLP:{tlp} is published only for partners that the object names, and it names none",
        "add only_partners",
    )
    NO_NAMED_PARTNER = (
        "no-named-partner",
        Result.KEPT,
        "no partner that only_partners names takes part here and is admitted by the other limits",
        "check the names, or widen the other limits",
    )
    NO_RULE = (
        "no-rule",
        Result.KEPT,
        "no rule of this hub lets a {kind} of this TLP level and origin into any collection",
        "widen its level if you may, or ask the hub's operator for a rule",
    )
    NO_PROTECTOR = (
        "no-protector",
        Result.KEPT,
        "its holder acts under coercion, and no bank, exchange or government within its limits reads its collection",
        "widen its limits, or report it to the authority yourself",
    )
    LIMITS_ADMIT_NOBODY = (
        "limits-admit-nobody",
        Result.KEPT,
        "nobody who reads its collection is admitted by all its limits",
        "widen its sharing limits",
    )
    EXPIRED = (
        "expired",
        Result.KEPT,
        "its valid_until has passed",
        "send a version with a later valid_until if the scam goes on",
    )
    ENDED_BY_KEEPER = (
        "ended-by-keeper",
        Result.KEPT,
        "the institution that keeps the account answered that it is closed, or not there",
        "report it again if it is used",
    )
    DISPUTED = (
        "disputed",
        Result.KEPT,
        "the value is in dispute",
        "wait; a person at this hub decides",
    )
    NOT_ENOUGH_KNOWN = (
        "not-enough-known",
        Result.KEPT,
        "no rule publishes the value until more is known of it",
        "wait for further reports, or raise the confidence if you know more",
    )

    # Route: annotations (sightings, opinions, notes, groupings, flows).
    TARGET_NOT_VISIBLE = (
        "target-not-visible",
        Result.KEPT,
        "it refers to an object that is not here for you to see",
        "refer to objects of your own, or to objects that you read here",
    )
    TARGET_WITHDRAWN = (
        "target-withdrawn",
        Result.KEPT,
        "what it refers to was taken back",
        "nothing; an outcome confirms all the same that you know of it",
    )
    NOT_THE_KEEPER = (
        "not-the-keeper",
        Result.REFUSED,
        "only the institution that keeps the account answers for it",
        "send an outcome or an opinion; if it is yours, ask the operator to register your institution",
    )
    NO_ANSWER_CODE = (
        "no-answer-code",
        Result.REFUSED,
        "qualification: is none of the answers that are known",
        "write one of {codes}",
    )
    ANSWER_STAYS = (
        "answer-stays",
        Result.REFUSED,
        "an answer is not taken back",
        "send a later version with another answer, as unknown",
    )
    SANDBOX_FULL = (
        "sandbox-full",
        Result.REFUSED,
        "a sandbox tries {most} objects of a part of a body at most",
        "send fewer at once",
    )
    LONG_QUESTION = (
        "long-question",
        Result.KEPT,
        "a question or an answer has up to {most} characters",
        "shorten it",
    )
    MANY_QUESTIONS = (
        "many-questions",
        Result.KEPT,
        "more than {most} questions of yours today; it is not passed on",
        "send a later version of it tomorrow",
    )
    NO_COMMON_COLLECTION = (
        "no-common-collection",
        Result.KEPT,
        "no collection that you read has both its ends",
        "report both ends first, so that one collection lists both",
    )
    WITHHELD_NUMBER = (
        "withheld-number",
        Result.PUBLISHED,
        "published without what could be a person's number: {names}",
        "write the case's number with letters if others need it",
    )

    # Requests between institutions, and their answers.
    NO_INSTITUTION = (
        "no-institution",
        Result.REFUSED,
        "requests go between banks, exchanges, platforms, telecoms and authorities",
        "ask one of these to send it for you",
    )
    REQUEST_CHANGED = (
        "request-changed",
        Result.REFUSED,
        "a request that was sent is not changed",
        "close it with the state closed, and send another under another id",
    )
    REQUEST_TIMES = (
        "request-times",
        Result.REFUSED,
        "{name} has to be in the future, and {days} days ahead at most",
        "send the request with another time",
    )
    REQUEST_TO_YOURSELF = (
        "request-to-yourself",
        Result.REFUSED,
        "the request would go to your own organisation",
        "name another partner, or an account that you do not keep",
    )
    TOO_MANY_REQUESTS = (
        "too-many-requests",
        Result.REFUSED,
        "your organisation may send {most} requests {per}",
        "{way}",
    )
    PERSONAL_NUMBER = (
        "personal-number",
        Result.REFUSED,
        "{name} could be a person's number",
        "write the number of the case or the order with letters in front",
    )
    UNKNOWN_REQUEST = (
        "unknown-request",
        Result.REFUSED,
        "there is no request of this id for you to see",
        "give the id as your collection requests-… has it",
    )
    NOT_THE_PARTY = (
        "not-the-party",
        Result.REFUSED,
        "the {by} alone may answer this request so",
        "as the {role} you may answer: {allowed}",
    )
    WRONG_STEP = (
        "wrong-step",
        Result.REFUSED,
        "the request is {state}, which cannot become {wanted}",
        "as the {role} you may answer: {allowed}",
    )
    WRONG_AMOUNT = (
        "wrong-amount",
        Result.REFUSED,
        "the amount is in another currency than the request's, or more than what is left of it",
        "give what is held, and what went on, of the {amount} that {of}",
    )
    NO_AMOUNT_TO_FOLLOW = (
        "no-amount-to-follow",
        Result.REFUSED,
        "the request names no amount, so that it cannot be followed to other accounts",
        "answer without went_to, and ask the sender for a request with an amount",
    )


class Explanation(NamedTuple):
    """Why one object is not published: the reason, the message to its sender, and what differs in that by object."""

    reason: Reason
    message: str
    details: Mapping[str, str]


def reasons_of(code: str) -> list[Reason]:
    """Return the reasons with this code; none for an allowlist's name."""
    return [reason for reason in Reason if reason.code == code]
