"""Writes indicators to a MISP instance, as attributes and objects of events, by its REST API."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
import requests
from pydantic import Field

from feeds.connector import Answer, Outgoing, Push, PushSettings, Secret, TryLater
from feeds.readers.stix import report_of
from feeds.transport.client import OutboundSettings, RequestRefused, open_session, peer_errors
from feeds.transport.envelopes import EnvelopeSender, refused_answer, skipped_answer
from mappers import ids
from mappers.misp import MispReport, to_misp
from schemas.errors import Rejected
from schemas.report import Report
from server.release.publish import identities
from server.store.item import Item

_PEER = "url"
_LARGEST = 10 << 20


class MispPushSettings(OutboundSettings, PushSettings):
    """The instance, and its user for writing."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the instance, such as https://misp.example")]
    key: Annotated[Secret, Field(description="the authentication key of a user who may add events (and publish them)")]
    publish: Annotated[bool, Field(description="publish the events, without mail")] = True
    distribution: Annotated[
        int,
        Field(
            ge=0, le=3, description="distribution of a new event: 0 own organisation, 1 community, 2 connected, 3 all"
        ),
    ] = 0
    parts: Annotated[
        int,
        Field(ge=1, le=4096, description="events per day, reporter and level, among which indicators are distributed"),
    ] = 1


class _MispIndicator(NamedTuple):
    """An indicator in MISP's form: its event, its ``attributes`` by UUID, and its first form."""

    item: Item
    report: Report
    spelled: MispReport
    event: str
    attributes: frozenset[str]


class MispPush(Push[MispPushSettings]):
    """Keeps one event for each reporter, TLP level and day; revoked indicators are soft-deleted there.

    After each batch it asks MISP what was stored, because MISP silently skips what it rejects.
    """

    name: ClassVar[str] = "misp-push"
    settings_model = MispPushSettings

    def __init__(self, settings: MispPushSettings) -> None:
        super().__init__(settings)
        self._session: requests.Session | None = None
        self._outgoing: Outgoing | None = None
        self._reporters: dict[str, str] = {}
        self._envelopes = EnvelopeSender(_PEER, self._send, most_bytes=_LARGEST)

    def begin(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        with outgoing.store.read() as tx:
            self._reporters = identities.names(tx)

    def push(self, items: Sequence[Item]) -> list[Answer]:
        self._opened()
        indicators = [item for item in items if item.type == "indicator"]
        others = [skipped_answer(item, "MISP receives only indicators") for item in items if item.type != "indicator"]
        return self._envelopes.send(indicators) + others

    def close(self) -> None:
        """Close the connection; the next run connects with the key that is valid then."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _send(self, items: Sequence[Item]) -> list[Answer]:
        answers: list[Answer] = []
        all_indicators: list[_MispIndicator] = []
        for item in items:
            indicator = self._in_misp_terms(item)
            if isinstance(indicator, Answer):
                answers.append(indicator)
            else:
                all_indicators.append(indicator)
        if all_indicators:
            self._move(all_indicators)
            for event in dict.fromkeys(indicator.event for indicator in all_indicators):
                self._edit(event, [indicator for indicator in all_indicators if indicator.event == event])
            there = self._there(all_indicators)
            answers += [self._answer(indicator, there) for indicator in all_indicators]
        return answers

    def _in_misp_terms(self, item: Item) -> _MispIndicator | Answer:
        uuid = item.id.partition("--")[2]
        try:
            report = report_of(msgspec.json.decode(item.body), self._reporters)
        except Rejected as refusal:
            return self._forget(item, uuid) if item.revoked else refused_answer(item, refusal.reason)
        spelled = to_misp(report, revoked=item.revoked, uuid=uuid)
        if spelled is None:
            return skipped_answer(item, "MISP has no type for this kind of value")
        inner = spelled.body["Attribute"] if spelled.section == "Object" else [spelled.body]
        if item.revoked:
            # MISP counts in seconds, and accepts only later versions than its own.
            for part in (spelled.body, *inner):
                part["timestamp"] = str(int(report.reported_at.timestamp()) + 1)
        attributes = frozenset(str(attribute["uuid"]) for attribute in inner)
        return _MispIndicator(item, report, spelled, self._event(item, report), attributes)

    def _forget(self, item: Item, uuid: str) -> Answer:
        """Delete the object with the id of an erased value from MISP; its kind and event are no longer known."""
        try:
            for section in ("attributes", "objects"):
                self._ask(f"{section}/delete/{uuid}/1", {}, may_lack=True)
        except RequestRefused as refusal:
            return refused_answer(item, f"MISP did not delete it ({refusal})")
        return Answer(item, True, "success")

    def _event(self, item: Item, report: Report) -> str:
        """Return the event of an indicator: the same for all its versions with the same TLP level."""
        created = str(msgspec.json.decode(item.body)["created"])[:10]
        part = int(item.id[-4:], 16) % self.settings.parts
        alias = self._outgoing.collection.alias if self._outgoing else self.settings.collection
        names = {"reporter": report.reporter, "tlp": report.tlp, "collection": alias, "day": created, "part": part}
        return ids.in_scamfeed({**names, "type": "misp-push"})

    def _edit(self, event: str, indicators: Sequence[_MispIndicator]) -> None:
        """Write attributes and objects to an event, and create it if there is something to write."""
        if (
            self._ask(f"events/edit/{event}/metadata:1", {"Event": _event_body(event, indicators)}, may_lack=True)
            is None
        ):
            indicators = [indicator for indicator in indicators if not indicator.item.revoked]
            if not indicators:
                return
            report = indicators[0].report
            about = {
                "info": f"Scamfeed, {self.settings.collection}: {report.reporter}",
                "date": report.reported_at.date().isoformat(),
                "analysis": "2",
                "threat_level_id": "4",
                "distribution": str(self.settings.distribution),
                "Tag": [{"name": f"tlp:{report.tlp}"}],
            }
            self._ask("events/add/metadata:1", {"Event": _event_body(event, indicators) | about})
        if self.settings.publish:
            self._ask(f"events/publish/{event}", {})

    def _move(self, indicators: Sequence[_MispIndicator]) -> None:
        """Remove indicators with a new TLP level from their old events: MISP does not move a UUID."""
        there = self._there(indicators)
        for indicator in indicators:
            if any(there.get(uuid, indicator.event) != indicator.event for uuid in indicator.attributes):
                self._delete(indicator, for_good=True)

    def _there(self, indicators: Sequence[_MispIndicator]) -> dict[str, str]:
        """Return the event of each attribute that is stored and not deleted, by UUID."""
        uuids = sorted(uuid for indicator in indicators for uuid in indicator.attributes)
        asked = {"returnFormat": "json", "uuid": uuids, "includeEventUuid": 1}
        answer = self._ask("attributes/restSearch", asked)
        try:
            found = answer["response"]["Attribute"]
            return {
                str(attribute["uuid"]): str(attribute.get("event_uuid", ""))
                for attribute in found
                if not attribute.get("deleted")
            }
        except (LookupError, TypeError, AttributeError) as error:
            raise TryLater(f"{_PEER}: its response is not in MISP's format") from error

    def _answer(self, indicator: _MispIndicator, there: dict[str, str]) -> Answer:
        if not indicator.item.revoked:
            kept = all(uuid in there for uuid in indicator.attributes)
            return (
                Answer(indicator.item, True, "success")
                if kept
                else refused_answer(indicator.item, "MISP did not store it")
            )
        if any(uuid in there for uuid in indicator.attributes):
            try:
                self._delete(indicator)
            except RequestRefused as refusal:
                return refused_answer(indicator.item, f"MISP did not delete it ({refusal})")
        return Answer(indicator.item, True, "success")

    def _delete(self, indicator: _MispIndicator, *, for_good: bool = False) -> None:
        what = "attributes" if indicator.spelled.section == "Attribute" else "objects"
        self._ask(f"{what}/delete/{indicator.spelled.body['uuid']}" + ("/1" if for_good else ""), {}, may_lack=True)

    def _ask(self, path: str, body: dict[str, Any], *, may_lack: bool = False) -> Any:
        """Send a POST and return the answer; None if its object does not exist and ``may_lack`` is set."""
        opened = self._opened()
        with peer_errors(_PEER):
            answer = opened.post(f"{self.settings.url.rstrip('/')}/{path}", json=body)
            if may_lack and answer.status_code == requests.codes.not_found:
                return None
            answer.raise_for_status()
            return answer.json()

    def _opened(self) -> requests.Session:
        """Return a session whose key MISP has accepted."""
        if self._session is None:
            # Repeated requests write the same content to the same UUIDs.
            opened = open_session(self.settings, self.settings.url, repeat_posts=True)
            opened.headers.update({"Authorization": self.settings.key.reveal(), "Accept": "application/json"})
            with peer_errors(_PEER):
                opened.get(f"{self.settings.url.rstrip('/')}/servers/getVersion").raise_for_status()
            self._session = opened
        return self._session


def _event_body(event: str, indicators: Sequence[_MispIndicator]) -> dict[str, Any]:
    """Return an event's attributes and objects."""
    by_section = {
        section: [indicator.spelled.body for indicator in indicators if indicator.spelled.section == section]
        for section in ("Attribute", "Object")
    }
    return {"uuid": event, **by_section}
