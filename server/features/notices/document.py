"""A notice on paper: one page of A4 as PDF, in English or Thai, with the signed statement attached."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from mappers.records import REQUESTS
from schemas import timestamp
from schemas.request import RequestWord
from schemas.takedown import marked, scripts_of
from server.features.notices.statement import digest_of
from server.features.notices.words import texts_of, time_text
from server.web.shell.typesetting import typeset

# Rows of each list on the page; the attached file has all of them.
_ROWS = 6
_LONGEST = 60
# Takedown requests on the page, characters of a location, and names of its marked characters.
_REQUESTS, _LONGEST_LOCATION, _NAMES = 3, 300, 30


def pdf_of(document: Mapping[str, Any], language: str, zone: str = "") -> bytes:
    """Return a signed notice as PDF/A-3, times in ``zone``. Raises ``PdfUnavailable``."""
    return typeset(
        Path(__file__).parent / "notice.typ",
        _Page(document, language, zone).data(),
        timestamp.parse(document["statement"]["made"]),
        "a-3b",
        document=orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(),
    )


class _Page:
    """The words of one page."""

    def __init__(self, document: Mapping[str, Any], language: str, zone: str) -> None:
        self._document = document
        self._stated: Mapping[str, Any] = document["statement"]
        self._language, self._zone = language, zone
        self._texts = texts_of(language)

    def data(self) -> dict[str, Any]:
        """Return the words of the page, by their keys in the template."""
        stated, texts = self._stated, self._texts
        read = ("collection", "added", "says", "by", "from")
        stated_itself = [*stated["outcomes"], *self._answered()]
        sections = [
            {"heading": texts["summary"], "text": self._summary()},
            self._table("published", read, stated["published"], self._published),
            self._table("delivered", ("feed", "at", "attempts", "answer"), stated["delivered"], self._delivered),
            self._table("receipts", ("collection", "opened", "closed", "how"), stated["receipts"], self._receipt),
            self._requests(stated["requests"]),
            self._table("outcomes", ("received", "outcome", "reason"), stated_itself, self._outcome),
            {"heading": texts["not-known"], "items": [texts[word] for word in stated["not_known"]]},
        ]
        keys = [signature["key"] for signature in self._document["signatures"]]
        return {
            "language": self._language,
            "title": texts["title"],
            "hub": stated["hub"]["name"],
            "head": [
                [texts["partner"], stated["partner"]["name"]],
                [texts["value"], f"{stated['value']['value']} ({stated['value']['kind']})"],
                [texts["made"], self._time(stated["made"])],
            ],
            "sections": [section for section in sections if section is not None],
            "signed": {
                "heading": texts["signed"],
                "text": texts["check"],
                "rows": [[texts["digest"], digest_of(stated)], *([texts["key"], key] for key in keys)],
            },
        }

    def _summary(self) -> str:
        stated, published = self._stated, self._stated["published"]
        named = {
            "hub": stated["hub"]["name"],
            "partner": stated["partner"]["name"],
            "value": stated["value"]["value"],
        }
        if not published:
            return self._texts["nothing"].format(**named)
        first = self._time(min(row["date_added"] for row in published))
        given = [row["given"]["by"] for row in published if row["given"] is not None and not row["revoked"]]
        given += [row["at"] for row in stated["delivered"] if row["accepted"]]
        revoked = [row["date_added"] for row in published if row["revoked"]]
        known = {"by": self._time(min(given))} if given else {}
        told = self._texts["given" if given else "not-given"].format(**named, first=first, **known)
        return f"{told} {self._texts['revoked'].format(at=self._time(min(revoked)))}" if revoked else told

    def _table(
        self,
        name: str,
        columns: Sequence[str],
        entries: Sequence[Mapping[str, Any]],
        cells: Callable[[Mapping[str, Any]], list[str]],
    ) -> dict[str, Any] | None:
        """Return a section with a table, None if it has no rows."""
        if not entries:
            return None
        shown, more = entries[:_ROWS], len(entries) - _ROWS
        heading = self._texts[name].format(partner=self._stated["partner"]["name"])
        rows = [[_short(cell) for cell in cells(entry)] for entry in shown]
        section = {"heading": heading, "columns": [self._texts[column] for column in columns], "rows": rows}
        return section | ({"more": self._texts["more"].format(count=more)} if more > 0 else {})

    def _requests(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return the section of takedown requests: exact locations, with a name for each marked character."""
        if not entries:
            return None
        texts, more = self._texts, len(entries) - _REQUESTS
        section = {
            "heading": texts["requests"].format(partner=self._stated["partner"]["name"]),
            "text": texts["marks"],
            "requests": [self._request(entry) for entry in entries[:_REQUESTS]],
        }
        return section | ({"more": texts["more"].format(count=more)} if more > 0 else {})

    def _request(self, row: Mapping[str, Any]) -> dict[str, Any]:
        texts, location = self._texts, row["location"] or ""
        shown = marked(location[:_LONGEST_LOCATION])
        names = [part.name for part in shown if part.name]
        parts = [[part.text, bool(part.name)] for part in shown]
        if len(location) > _LONGEST_LOCATION:
            parts.append(["…", False])
        scripts = scripts_of(location)
        served = [self._time(row["served_at"]), row["served_by"]] if row["served_at"] else [texts["not-served"]]
        due = [f"{texts['due']} {self._time(row['due_at'])}"] if row["due_at"] else []
        told = [f"{step['response']} ({self._time(step['at'])})" for step in row["responses"][-_REQUESTS:]]
        rows = [
            [texts["asked"], f"{REQUESTS[RequestWord(row['asks'])][self._language == 'th']}, {row['sender']}"],
            [texts["names"], _short_list(names)],
            [texts["scripts"], ", ".join(scripts) if len(scripts) > 1 else ""],
            [texts["location-digest"], row["location_sha256"]],
            [texts["opened-request"], self._time(row["opened"])],
            [texts["served"], ", ".join([*served, *due])],
            [texts["responses"], ", ".join(told) or texts["no-response"]],
        ]
        return {"location": parts, "rows": [pair for pair in rows if pair[1]]}

    def _published(self, row: Mapping[str, Any]) -> list[str]:
        given = row["given"]
        if row["revoked"]:
            says = self._texts["withdrawn"]
        elif row["valid_until"] is None:
            says = row["action"] or ""
        else:
            says = self._texts["valid"].format(action=row["action"] or "", until=self._time(row["valid_until"]))
        addresses = [] if given is None else sorted({request["address"] for request in given["requests"]})
        by = self._texts["never"] if given is None else self._time(given["by"])
        login = given.get("login") if given is not None else None
        logins = [] if login is None else [f"{self._texts[login['by']]} {login['id']}"]
        return [row["collection"], self._time(row["date_added"]), says, by, ", ".join([*addresses, *logins])]

    def _delivered(self, row: Mapping[str, Any]) -> list[str]:
        answer = self._texts["accepted" if row["accepted"] else "failed"]
        return [row["feed"], self._time(row["at"]), str(row["attempts"]), answer]

    def _receipt(self, row: Mapping[str, Any]) -> list[str]:
        closed = self._texts["open"] if row["closed"] is None else self._time(row["closed"])
        return [
            row["collection"],
            self._time(row["opened"]),
            closed,
            self._texts.get(row["how"] or "", row["how"] or ""),
        ]

    def _answered(self) -> list[Mapping[str, Any]]:
        """Return the partner's findings as provider, in the form of outcomes."""
        return [
            {"received": row["answered"], "outcome": row["code"], "reason": self._texts["provider"], "withdrawn": False}
            for row in self._stated["answers"]
            if row["answered"] is not None
        ]

    def _outcome(self, row: Mapping[str, Any]) -> list[str]:
        word = row["outcome"] or row.get("opinion") or ""
        back = f" ({self._texts['taken-back']})" if row["withdrawn"] else ""
        return [self._time(row["received"]), f"{word}{back}", row["reason"] or ""]

    def _time(self, text: str) -> str:
        return time_text(text, self._language, self._zone)


def _short_list(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMES], *(["…"] if len(names) > _NAMES else [])])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
