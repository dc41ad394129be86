"""The reasons for which a contribution is refused, held for review, or stored without being published."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from schemas.errors import Rejected
from server.release.results import Result


class Reason(Enum):
    """A rule that affects a contribution: code, result, message to the sender, and advice on what to do.

    Several rules may share a code. ``text`` and ``rejected`` fill in the ``{names}`` in a message.
    """

    def __init__(self, code: str, result: Result, message: str, action: str) -> None:
        """Name the parts of a reason; the sender reads ``message`` and ``action`` together."""
        self.code = code
        self.result = result
        self.message = message
        self.action = action

    def text(self, **details: object) -> str:
        """Return the message and the action as one sentence."""
        return f"{self.message}: {self.action}".format(**details)

    def explain(self, **details: object) -> "Explanation":
        """Return this reason with its message for one object."""
        return Explanation(self, self.text(**details), {name: str(detail) for name, detail in details.items()})

    def rejected(self, **details: object) -> Rejected:
        """Return the error that refuses one object for this reason."""
        return Rejected(self.code, self.text(**details))

    # Guard: the common rules of STIX objects.
    NOT_JSON = "malformed-json", Result.REFUSED, "the object is not JSON", "send valid JSON"
    NOT_AN_OBJECT = "not-an-object", Result.REFUSED, "the item is not a JSON object", "send STIX objects"
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
    BUNDLE = "bundle", Result.REFUSED, "a collection does not store bundles", "send the objects in it"
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
        "the id begins with a type other than the object's",
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
    MALFORMED_REVOKED = "malformed-revoked", Result.REFUSED, "revoked is not a boolean", "write true or false"

    # Guard: the properties that the release rules read.
    NOT_A_TEXT = "bad-property", Result.REFUSED, "{name}: is missing or not a text", "write a text"
    NOT_A_LIST = "bad-property", Result.REFUSED, "{name}: is not a list of texts", "write a list of texts"
    EMPTY_LIST = "bad-property", Result.REFUSED, "{name}: names no object", "name at least one object"
    BAD_EXTENSIONS = (
        "bad-property",
        Result.REFUSED,
        "extensions: is not an object of objects",
        "write one object for each extension, and details as an object",
    )
    BAD_TIMESTAMP = (
        "bad-property",
        Result.REFUSED,
        "{name}: is not a timestamp: {why}",
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
        "{name}: it seems to contain {what}",
        "remove it: personal data of victims and account holders must not be stored or passed on",
    )
    PERSONAL_DATA_OR_SCAMMERS = (
        "personal-data",
        Result.REFUSED,
        "{name}: it seems to contain {what}",
        "remove it; report data that belongs to a scammer as a separate indicator ({kind})",
    )
    PERSON = (
        "personal-data",
        Result.REFUSED,
        "identity_class: the identity is a person",
        "name the organisation that the person acts for",
    )
    NESTED_TOO_DEEP = (
        "personal-data",
        Result.REFUSED,
        "{name}: is nested too deeply to be searched for personal data",
        "write it flat",
    )

    # Guard: values that serve many people, or that do not belong to scammers. Each allowlist is a reason of its own
    # (docs/guard.md).
    PARTNERS_OWN = (
        "partners-own",
        Result.HELD,
        "a partner registered this value as its own",
        "wait; a person at this hub will review it with that partner",
    )
    OPERATORS_ENTRY = (
        "operator-entries",
        Result.HELD,
        "this hub's operator knows this value as harmless (list operator-entries)",
        "report the value that the scam really used; a person at this hub will review it",
    )
    DELISTED = (
        "delisted",
        Result.HELD,
        "this hub's operator found that this value, in this or another spelling, is not used in a scam",
        "describe the new facts in the description; a person at this hub will review it",
    )

    # Guard: volume.
    UNUSUAL_VOLUME = (
        "unusual-volume",
        Result.HELD,
        "held for review: you sent far more objects than on any day of the last month",
        "wait; the hub's operator has been notified, and lifts the limit if the growth is intended",
    )
    MOSTLY_HELD = (
        "mostly-held",
        Result.HELD,
        "held for review: more than half of the objects that you sent recently had to be held",
        "read the reasons in the statuses, and ask the hub's operator to lift the limit",
    )
    MANY_DOUBTS = (
        "many-doubts",
        Result.HELD,
        "held for review: you disputed more than {most} reports of other partners in one day",
        "wait; a person at this hub will review the rest",
    )
    NEW_PARTNER = (
        "new-partner",
        Result.HELD,
        "held for review: an organisation without a record may list {most} new values a day{where} without a review",
        "wait; a person at this hub will review the rest. The limit ends as soon as your organisation has a record",
    )

    MANY_BLOCKS = (
        "many-blocks",
        Result.PUBLISHED,
        "published as warn at most: your organisation alone reported more than {most} values to block in one hour",
        "wait; a person at this hub will review the rest. A second organisation's report of a value lifts it at once",
    )

    HELD_BY_HUB = (
        "held-by-hub",
        Result.HELD,
        "held: an operator of this hub holds your report of this value, with others of an incident",
        "read the incident on the page Incidents, and correct what caused it",
    )
    NEW_OWNER = (
        "new-owner",
        Result.HELD,
        "held: the domain was registered again, or the number assigned again, after your report: it has a new owner",
        "report it again if the new owner uses it in a scam too",
    )
    HELD_BY_PARTNER = (
        "held-by-partner",
        Result.HELD,
        "held: your organisation holds its report of this value, with others of an incident",
        "release or retract the reports of the incident on the page Incidents",
    )

    MANY_ENDS = (
        "many-ends",
        Result.HELD,
        "held for review: your organisation ended {most} listings within 24 hours, so the listing stays",
        "ask a second person of your organisation to confirm it on the page Ends, or ask the operator of this hub",
    )
    END_REJECTED = (
        "many-ends",
        Result.HELD,
        "a person rejected the end, so the listing stays",
        "send a later version, or ask the operator of this hub",
    )

    # Intake: rights to contribute, and earlier listings.
    NO_CREATOR = (
        "not-yours",
        Result.REFUSED,
        "created_by_ref is missing",
        "set it to your own identity, {identity}",
    )
    ANOTHERS_ID = (
        "not-yours",
        Result.REFUSED,
        "the object with this id has another maker or another created_by_ref",
        "do not change created_by_ref; give your own object an id of its own",
    )
    ANOTHER_OBSERVABLE = (
        "another-observable",
        Result.REFUSED,
        "the collection has an observable with this id that describes something else",
        "use a UUIDv5 of its properties as id (STIX 2.1 section 2.9); if you do already, tell the operator",
    )
    NOT_YOURS = (
        "not-yours",
        Result.REFUSED,
        "the object is not your own",
        "contribute objects made by your identity, {identity}",
    )
    ANOTHER_VALUE = (
        "another-value",
        Result.REFUSED,
        "a person at this hub reviewed this id with the value that it had then",
        "contribute the other value under an id of its own",
    )
    MARKING_CHANGED = (
        "marking-changed",
        Result.REFUSED,
        "you defined this marking with another level before",
        "define the new level in a marking with another id",
    )
    LISTED_AGAIN = (
        "listed-again",
        Result.HELD,
        "you reported this value before, and it was retracted",
        "wait; a person at this hub will review it",
    )
    TAKEN_BACK_SINCE = (
        "listed-again",
        Result.HELD,
        "you have revoked this object",
        "to list it again, send a version later than the revocation",
    )

    # Route: the audience of a report.
    UNKNOWN_MARKING = (
        "unknown-marking",
        Result.KEPT,
        "it has a marking that this hub does not know as a TLP level",
        "contribute its marking-definition with the level in its content, or mark the object with TLP itself",
    )
    UNKNOWN_PARTNER = (
        "unknown-partner",
        Result.KEPT,
        "not_to_partners names an organisation that is not a partner here",
        "write names or identities as registered at this hub",
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
        "none of the partners named in only_partners is active here and within the other limits",
        "check the names, or widen the other limits",
    )
    NO_RULE = (
        "no-rule",
        Result.KEPT,
        "no rule of this hub admits a {kind} of this TLP level and origin to any collection",
        "choose a wider level if you may, or ask the hub's operator for a rule",
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
        "no reader of its collection is within all its limits",
        "widen its sharing limits",
    )
    EXPIRED = (
        "expired",
        Result.KEPT,
        "its valid_until has passed",
        "send a version with a later valid_until if the scam continues",
    )
    ENDED_BY_PROVIDER = (
        "ended-by-keeper",
        Result.KEPT,
        "the provider of the account reported that it is closed or does not exist",
        "report it again if it is still used",
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
        "no rule publishes the value until more is known about it",
        "wait for more reports, or raise the confidence if you know more",
    )

    # Route: annotations (sightings, opinions, notes, groupings, flows).
    TARGET_NOT_VISIBLE = (
        "target-not-visible",
        Result.KEPT,
        "it refers to an object that is not visible to you here",
        "refer to your own objects, or to objects that you read here",
    )
    TARGET_WITHDRAWN = (
        "target-withdrawn",
        Result.KEPT,
        "the object that it refers to was revoked",
        "nothing; an outcome still confirms that you know of the revocation",
    )
    NOT_THE_PROVIDER = (
        "not-the-keeper",
        Result.REFUSED,
        "only the provider of the account may report a finding on it",
        "send an outcome or an opinion; if you are the provider, ask the operator to register your institution",
    )
    NO_ANSWER_CODE = (
        "no-answer-code",
        Result.REFUSED,
        "qualification: is not a known finding",
        "write one of {codes}",
    )
    ANSWER_STAYS = (
        "answer-stays",
        Result.REFUSED,
        "a finding cannot be revoked",
        "send a later version with another finding, such as unknown",
    )
    SANDBOX_FULL = (
        "sandbox-full",
        Result.REFUSED,
        "a sandbox tries at most {most} objects in each part of a body",
        "send fewer at once",
    )
    LONG_QUESTION = (
        "long-question",
        Result.KEPT,
        "a question or a reply has at most {most} characters",
        "shorten it",
    )
    MANY_QUESTIONS = (
        "many-questions",
        Result.KEPT,
        "you sent more than {most} questions today; this one is not passed on",
        "send a later version tomorrow",
    )
    MANY_QUESTIONS_ABOUT_VALUE = (
        "many-questions-about-value",
        Result.KEPT,
        "your organisation asked {most} questions about it today; this one is not passed on",
        "wait for the answers, or ask again tomorrow",
    )
    CONTACT_IN_QUESTION = (
        "contact-in-question",
        Result.KEPT,
        "the text has a link, the name of a host, a mailbox or a user's name; following it would show who you are",
        "leave it out; put a blank after each full stop",
    )
    NO_COMMON_COLLECTION = (
        "no-common-collection",
        Result.KEPT,
        "no collection that you read lists both ends of the flow",
        "report both ends first, so that a collection lists both",
    )
    WITHHELD_NUMBER = (
        "withheld-number",
        Result.PUBLISHED,
        "published without properties that could contain a person's number: {names}",
        "if others need the case number, write it with letters",
    )

    # Requests between institutions, and their responses.
    NO_INSTITUTION = (
        "no-institution",
        Result.REFUSED,
        "requests go between banks, exchanges, platforms, telecoms and authorities",
        "ask one of these to send it for you",
    )
    NO_AUTHORITY = (
        "no-authority",
        Result.REFUSED,
        "only partners of kind {kinds} with authority for {of} may send a request on the basis of a {basis}",
        "name another legal basis, or ask the operator to register your authority",
    )
    SHARED_DOMAIN = (
        "shared-domain",
        Result.REFUSED,
        "blocking this domain would block many others: {instead}",
        "name the page (url) instead of the domain",
    )
    HOLDER_COERCED = (
        "holder-coerced",
        Result.REFUSED,
        "the holder acts under coercion and is protected",
        "ask for information, or send an order of an authority",
    )
    DEMAND_HELD = (
        "demand-held",
        Result.HELD,
        "an operator of this hub decides about this value first",
        "wait for the decision; a request to trace or to preserve is not held",
    )
    REQUEST_CHANGED = (
        "request-changed",
        Result.REFUSED,
        "a request cannot be changed after it was sent",
        "close it with the state closed, and send a new request with another id",
    )
    REQUEST_TIMES = (
        "request-times",
        Result.REFUSED,
        "{name} has to be in the future, at most {days} days ahead",
        "send the request with another time",
    )
    REQUEST_TO_YOURSELF = (
        "request-to-yourself",
        Result.REFUSED,
        "the request would go to your own organisation",
        "name another partner, or an account with another provider",
    )
    TOO_MANY_REQUESTS = (
        "too-many-requests",
        Result.REFUSED,
        "your organisation may have at most {most} requests {per}",
        "{way}",
    )
    PERSONAL_NUMBER = (
        "personal-number",
        Result.REFUSED,
        "{name} could be a person's number",
        "write letters before the number of the case or order",
    )
    TOO_MANY_OBJECTIONS = (
        "too-many-objections",
        Result.REFUSED,
        "another hub may pass on at most {most} objections a day",
        "pass the others on later",
    )
    UNKNOWN_OBJECTION = (
        "unknown-objection",
        Result.REFUSED,
        "no objection with this id or about this value is known",
        "use the id under which it was passed on",
    )
    UNKNOWN_REQUEST = (
        "unknown-request",
        Result.REFUSED,
        "no request with this id is visible to you",
        "use the id shown in your collection requests-…",
    )
    NOT_THE_PARTY = (
        "not-the-party",
        Result.REFUSED,
        "only the {by} may give this response",
        "as the {role} you may respond with: {allowed}",
    )
    WRONG_STEP = (
        "wrong-step",
        Result.REFUSED,
        "the request is {state}, which cannot become {wanted}",
        "as the {role} you may respond with: {allowed}",
    )
    RESPONSE_NEEDED = (
        "response-needed",
        Result.REFUSED,
        "a takedown request needs a response",
        "give one of: {allowed}",
    )
    RESPONSE_MISPLACED = (
        "response-misplaced",
        Result.REFUSED,
        "only a takedown request has a response, and this request is about money",
        "give its state instead",
    )
    WRONG_RESPONSE = (
        "wrong-response",
        Result.REFUSED,
        "{wanted} does not fit the request or its state",
        "give one of: {allowed}",
    )
    TOO_MANY_RESPONSES = (
        "too-many-responses",
        Result.REFUSED,
        "the request has {most} different responses, which is the most",
        "ask its sender to close it and to send another one",
    )
    WRONG_LOCATION = (
        "wrong-location",
        Result.REFUSED,
        "the location is another value than the request is about",
        "send the location alone, or make both the same",
    )
    NOTHING_TO_RESTORE = (
        "nothing-to-restore",
        Result.REFUSED,
        "no takedown request of yours about this value has that id",
        "name the earlier request in restores, with the same value",
    )
    WRONG_AMOUNT = (
        "wrong-amount",
        Result.REFUSED,
        "the amount is in a currency other than the request's, or exceeds the amount that is left",
        "state the held and the transferred part of the {amount} that {of}",
    )
    NO_AMOUNT_TO_FOLLOW = (
        "no-amount-to-follow",
        Result.REFUSED,
        "the request names no amount, so it cannot be followed to other accounts",
        "respond without went_to, and ask the sender for a request with an amount",
    )
    NOT_A_PEER = (
        "not-a-peer",
        Result.REFUSED,
        "only a hub that is a peer of this one may send hub reports",
        "send your reports without hub_report, or ask the operator for an agreement between the hubs",
    )
    PEER_QUOTA = (
        "peer-quota",
        Result.REFUSED,
        "your hub has sent as many hub reports as it may in a minute",
        "send the rest after a minute",
    )
    HUB_REPORT_REFUSED = (
        "hub-report-refused",
        Result.REFUSED,
        "the hub report is refused: {why}",
        "send it unchanged, as its origin signed it, and only of hubs that this one knows",
    )


class Explanation(NamedTuple):
    """Why one object is not published: the reason, the message to its sender, and the details of this object."""

    reason: Reason
    message: str
    details: Mapping[str, str]


def reasons_of(code: str) -> list[Reason]:
    """Return the reasons with this code; none for an allowlist's name."""
    return [reason for reason in Reason if reason.code == code]
