"""Records as STIX objects.

An outcome is an opinion whose extension states the action, and a finding one whose extension states the provider's
code, so that readers of plain STIX see agreement or dissent. All of a request is in our extension; the note's own text
is for people, and contains no account.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mappers import common_objects, extension, ids, kinds, marking, pattern, wording
from mappers.indicator import Profile, terms_for
from mappers.kinds import observable_object, types_beyond_stix
from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import plain_amount
from schemas.kind import NO_DETAILS, Normal
from schemas.records import Case, Flow, Opinion, Outcome, Qualification, Record, Sighting, Subject
from schemas.request import Request, RequestAnswer, RequestWord
from schemas.vocabulary import (
    FINDINGS,
    FUNDS_HELD,
    OUTCOMES,
    OutcomeWord,
    scam_category,
)

FINDING = "qualification"
# The one relationship type that STIX defines between any two objects, and that OpenCTI stores between observables.
FLOW = "related-to"
# The properties of an outcome's totals, under the names of its fields.
TOTALS = ("count", "victims", "amount", "currency", "period_from", "period_to")
FIELDS_OF_CASE = ("scam_type", "countries", "first_seen", "last_seen", "reference")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000
REQUEST, ANSWER = "request", "request_answer"
REQUESTS = {
    RequestWord.FREEZE: ("Request to freeze money", "คำขอให้อายัดเงิน"),
    RequestWord.TRACE: ("Request to trace money", "คำขอให้ติดตามเส้นทางเงิน"),
    RequestWord.RETURN: ("Request to return money", "คำขอให้คืนเงิน"),
    RequestWord.INFORMATION: ("Request for information", "คำขอข้อมูล"),
    RequestWord.PRESERVE: ("Request to preserve evidence", "คำขอให้เก็บรักษาพยานหลักฐาน"),
    RequestWord.TAKE_DOWN: ("Request to take down", "คำขอให้นำเนื้อหาออก"),
    RequestWord.SUSPEND: ("Request to suspend", "คำขอให้ระงับการใช้งาน"),
    RequestWord.DISCONNECT: ("Request to disconnect a number", "คำขอให้ระงับหมายเลขโทรศัพท์"),
    RequestWord.BLOCK_PAGE: ("Request to block access", "คำขอให้ปิดกั้นการเข้าถึง"),
    RequestWord.RESTORE: ("Request to restore", "คำขอให้ยกเลิกการดำเนินการและคืนสภาพเดิม"),
}
_RESPONSE = ("Answer to a request", "คำตอบต่อคำขอ")
# Properties of a request that are in the extension under their own names.
PLAIN_OF_REQUEST = (
    *("asks", "reference", "amount", "currency", "uetr", "end_to_end_id", "transaction_hash", "deadline"),
    *("legal_basis", "legal_reference", "until", "payment"),
    *("basis", "authority", "location", "explanation", "scam_type", "territory", "evidence", "allowed", "restores"),
)
_PLAIN_OF_ANSWER = (
    *("request", "state", "amount", "currency", "reason", "payment"),
    *("response", "reference", "territory", "right_addressee"),
)


def to_stix(record: Record, profile: Profile = Profile.FULL) -> list[dict[str, Any]]:
    """Return the STIX objects of a record, its own last.

    Raises ``Rejected`` if the profile has none, and for a subject that is a value without a reporter.
    """
    match record:
        case Sighting():
            return [_sighting(record, profile)]
        case Outcome():
            return [_outcome(record, profile)]
        case Opinion():
            return [_opinion(record, profile)]
        case Qualification():
            return [_finding(record, profile)]
        case Flow():
            return _flow(record, profile)
        case Case():
            return [_case(record, profile)]
        case Request() | RequestAnswer():
            return [sent_request(record)]
    raise TypeError(f"no record: {type(record).__name__}")


def beside(record: Record) -> list[dict[str, Any]]:
    """Return the objects that a record refers to and that are not its reporter's: places and organisations."""
    if not isinstance(record, Sighting):
        return []
    named = record.seen_by is not None and not record.seen_by.startswith("identity--")
    organisations = [common_objects.identity_object(str(record.seen_by))] if named else []
    return [*organisations, *map(common_objects.location_object, record.countries)]


def _object(
    type_: str, id_: str, record: Record, own: Mapping[str, Any], labels: list[str] | None, **context: Any
) -> dict[str, Any]:
    """Return the object of a record: the properties that all records share, those of its type, and its context."""
    reported = timestamp.text(record.reported_at)
    properties = extension.build(**context, sharing=extension.write_sharing(record.sharing))
    return {
        "type": type_,
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": ids.identity(record.reporter),
        "created": reported,
        "modified": reported,
        "lang": record.lang,
        **{name: value for name, value in own.items() if value is not None},
        **({"labels": labels} if labels is not None else {}),
        "object_marking_refs": [marking.ref(record.tlp)],
        **({"extensions": {extension.ID: properties}} if len(properties) > 1 else {}),
    }


def _moment(time: datetime | None) -> str | None:
    return None if time is None else timestamp.text(time)


def _subject_ref(subject: Subject, profile: Profile) -> str:
    if subject.ref is not None:
        return subject.ref
    if subject.reporter is None or subject.kind is None or subject.value is None:
        raise Rejected(
            "indicator-not-named",
            "the indicator of this value is not named: give its id, or its reporter's name "
            "(of_reporter); scamfeed contribute finds those that the hub has",
        )
    mapper, normal = kinds.every()[subject.kind], Normal(subject.value, subject.details)
    spelled = pattern.write(terms_for(profile, mapper, normal))
    return ids.indicator(ids.identity(subject.reporter), spelled)


def _sighting(sighting: Sighting, profile: Profile) -> dict[str, Any]:
    """Return the sighting; without another place at the reporter's, as OpenCTI drops sightings without a place."""
    by, of = ids.identity(sighting.reporter), _subject_ref(sighting.of, profile)
    first, last = _moment(sighting.first_seen), _moment(sighting.last_seen)
    places = [] if sighting.seen_by is None else [ids.identity_of(sighting.seen_by)]
    places += [ids.location(country) for country in sighting.countries]
    own = {
        "description": sighting.description,
        "first_seen": first,
        "last_seen": last,
        "count": sighting.count,
        "sighting_of_ref": of,
        "where_sighted_refs": places if sighting.seen_by else [by, *places],
        "summary": False,
    }
    id_ = ids.sighting(by, of, first, last, places)
    return _object("sighting", id_, sighting, own, None, reference=sighting.reference)


def _outcome(outcome: Outcome, profile: Profile) -> dict[str, Any]:
    """Return the opinion of an outcome; one with totals may be about several indicators, to state these once."""
    by, meaning = ids.identity(outcome.reporter), OUTCOMES[outcome.outcome]
    refs = list(dict.fromkeys(_subject_ref(subject, profile) for subject in (outcome.of, *outcome.others)))
    id_ = _outcome_id(by, refs, outcome)
    plain = outcome.model_dump(mode="json", include={*TOTALS})
    own = {
        "created": _created(id_, outcome.reported_at),
        "explanation": outcome.description or wording.outcome(outcome.outcome),
        "opinion": meaning.opinion.value,
        "object_refs": refs,
    }
    labels = extension.labels_of({"outcome": outcome.outcome, "reason": outcome.reason})
    return _object(
        "opinion",
        id_,
        outcome,
        own,
        labels,
        outcome=outcome.outcome,
        outcome_reason=outcome.reason,
        effective_from=outcome.effective_from,
        effective_until=outcome.effective_until,
        **{name: plain[name] for name in TOTALS},
        reference=outcome.reference,
    )


def _outcome_id(by: str, refs: list[str], outcome: Outcome) -> str:
    """Return the id of an outcome: a repeated statement about the same subject is a new version of the same object.

    The id of totals is derived from their reference, or without one from their period. An outcome without totals keeps
    its original id.
    """
    # The id of a hold stays as it was when its word was another.
    word = FUNDS_HELD if outcome.outcome is OutcomeWord.HELD else outcome.outcome.value
    since = _moment(outcome.effective_from)
    named: list[str | None] = [outcome.reference]
    if outcome.reference is None:
        named = [day.isoformat() if day else None for day in (outcome.period_from, outcome.period_to)]
    if not outcome.has_totals or (len(refs) == 1 and not any(named)):
        return ids.opinion(by, refs[0], word, since)
    return ids.totals(by, refs, word, since, named)


def _created(id_: str, reported_at: datetime) -> str:
    """Return a time of creation in the day before the report that is nearly unique.

    OpenCTI merges opinions with the same word and the same ``created``, regardless of author and subject; and all rows
    of a file may have the same time.
    """
    return timestamp.text(max(reported_at - timedelta(milliseconds=int(id_[-12:], 16) % _DAY), _EPOCH))


def _opinion(opinion: Opinion, profile: Profile) -> dict[str, Any]:
    of = _subject_ref(opinion.of, profile)
    id_ = ids.opinion(ids.identity(opinion.reporter), of, opinion.opinion.value)
    own = {
        "created": _created(id_, opinion.reported_at),
        "explanation": opinion.description,
        "opinion": opinion.opinion.value,
        "object_refs": [of],
    }
    return _object("opinion", id_, opinion, own, extension.labels_of({}), reference=opinion.reference)


def _finding(finding: Qualification, profile: Profile) -> dict[str, Any]:
    """Return the opinion of a finding; a later finding about the same object is a later version of it."""
    of, effect = _subject_ref(finding.of, profile), FINDINGS[finding.code]
    own = {
        "explanation": finding.description or effect.meaning,
        "opinion": effect.opinion.value,
        "object_refs": [of],
    }
    return _object(
        "opinion",
        ids.opinion(ids.identity(finding.reporter), of, FINDING),
        finding,
        own,
        extension.labels_of({FINDING: finding.code}),
        qualification=finding.code,
        reference=finding.reference,
    )


def _flow(flow: Flow, profile: Profile) -> list[dict[str, Any]]:
    """Return both observables and the relationship. Raises ``Rejected`` in the profile core."""
    if profile is Profile.CORE:
        raise Rejected(
            "not-in-profile", "a flow joins observables, which the profile core leaves out: use the profile full"
        )
    source, target = _observable(flow.source, profile), _observable(flow.target, profile)
    first, last = _moment(flow.first_seen), _moment(flow.last_seen)
    own = {
        "relationship_type": FLOW,
        "description": flow.description or wording.flow(str(flow.source.kind), str(flow.target.kind)),
        "source_ref": source["id"],
        "target_ref": target["id"],
        "start_time": first,
        # STIX 2.1 §5.1 wants it later than the start.
        "stop_time": last if last != first else None,
    }
    relationship = _object(
        "relationship",
        ids.flow(ids.identity(flow.reporter), source["id"], target["id"], first, flow.reference),
        flow,
        own,
        extension.labels_of({"flow": "transfer"}),
        source=_end(flow.source),
        target=_end(flow.target),
        amount=None if flow.amount is None else flow.model_dump(mode="json")["amount"],
        currency=flow.currency,
        transfers=flow.count,
        first_seen=flow.first_seen,
        last_seen=flow.last_seen,
        reference=flow.reference,
    )
    return [source, target, relationship]


def observable_ids(kind: str, value: str, details: Mapping[str, str] = NO_DETAILS) -> frozenset[str]:
    """Return the ids of the observables by which flows name a value: with the details of its kind, and without."""
    mapper = kinds.every()[kind]
    return frozenset(mapper.observable_id(mapper.terms(Normal(value, given))) for given in (details, NO_DETAILS))


def _observable(end: Subject, profile: Profile) -> dict[str, Any]:
    mapper = kinds.every()[str(end.kind)]
    return observable_object(mapper, terms_for(profile, mapper, Normal(str(end.value), end.details)))


def _end(end: Subject) -> dict[str, Any]:
    return {"kind": str(end.kind), **({"details": dict(end.details)} if end.details else {})}


def _case(case: Case, profile: Profile) -> dict[str, Any]:
    """Return the grouping of a case.

    A case keeps its id by the reporter's own number, else by its name: members may come later. In the core profile it
    has no members of types that STIX itself lacks.
    """
    refs = list(dict.fromkeys(_subject_ref(member, profile) for member in case.members))
    if profile is Profile.CORE:
        refs = [ref for ref in refs if ref.partition("--")[0] not in types_beyond_stix()]
        if not refs:
            raise Rejected(
                "not-in-profile", "no member is of a type that every STIX parser takes: use the profile full"
            )
    own = {
        "name": case.name,
        "description": case.description,
        "context": case.context.value,
        "object_refs": refs,
    }
    return _object(
        "grouping",
        ids.grouping(ids.identity(case.reporter), case.reference or case.name),
        case,
        own,
        extension.labels_of({"type": case.scam_type}, case.countries),
        scam_category=scam_category(case.scam_type),
        evidence=[proof.model_dump(exclude_none=True) for proof in case.evidence],
        **{name: getattr(case, name) for name in FIELDS_OF_CASE},
    )


def subject_of_request(subject: Subject) -> dict[str, Any]:
    """Return the account or wallet of a request, or of one of its destinations, in the extension."""
    details = {"details": dict(subject.details)} if subject.details else {}
    return {"kind": str(subject.kind), "value": str(subject.value), **details}


def sent_request(exchange: Request | RequestAnswer) -> dict[str, Any]:
    """Return the note with which a partner sends a request or a response."""
    by = ids.identity(exchange.reporter)
    if isinstance(exchange, Request):
        content, name, texts = _request(exchange), REQUEST, REQUESTS[exchange.asks]
    else:
        content, name, texts = _answer(exchange), ANSWER, _RESPONSE
    named = {"type": name, "created_by_ref": by, "content": {key: str(content[key]) for key in sorted(content)}}
    own = {"abstract": texts[0], "content": " / ".join(texts), "object_refs": [by]}
    labels = extension.labels_of({"request": content.get("asks", content.get("state"))})
    return _object("note", "note--" + ids.in_scamfeed(named), exchange, own, labels, **{name: content})


def _request(request: Request) -> dict[str, Any]:
    plain = request.model_dump(mode="json", exclude_none=True)
    return {
        "asks": plain["asks"],
        "of": subject_of_request(request.of),
        **({"addressee": ids.identity_of(request.addressee)} if request.addressee else {}),
        **({"also_to": sorted(map(ids.identity_of, request.also_to))} if request.also_to else {}),
        **{name: plain[name] for name in PLAIN_OF_REQUEST if plain.get(name)},
    }


def _answer(answer: RequestAnswer) -> dict[str, Any]:
    plain = answer.model_dump(mode="json", exclude_none=True)
    went_to = [
        {"of": subject_of_request(destination.of), "amount": plain_amount(destination.amount)}
        for destination in answer.went_to
    ]
    named = {name: plain[name] for name in _PLAIN_OF_ANSWER if plain.get(name)}
    return {**named, **({"went_to": went_to} if went_to else {})}
