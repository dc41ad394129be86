"""Settings for the pages of an HTTP API: where each names the next one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests
from pydantic import BaseModel, ConfigDict, Field, model_validator

from feeds.connector import Misconfigured
from feeds.http.client import origin

# From where a page is asked: nothing at the beginning, else its URL, its cursor or its number.
Place = Mapping[str, Any]


class Paging(BaseModel):
    """The place where a page names the next one.

    ``link``: its header ``Link``; ``url``: a URL in its JSON; ``cursor``: a word in its JSON, which goes into a
    parameter; ``page``: nowhere, pages are numbered, and an empty page is the last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Annotated[Literal["link", "url", "cursor", "page"], Field(description="how pages follow each other")]
    path: Annotated[
        str | None, Field(description="where in the JSON the URL or cursor is, as meta.next; numbers count in lists")
    ] = None
    parameter: Annotated[str | None, Field(min_length=1, description="query parameter for the cursor or number")] = None
    first: Annotated[int, Field(ge=0, description="number of the first page")] = 1
    keep: Annotated[bool, Field(description="the next run goes on from the last cursor, not from the beginning")] = (
        False
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wants = {"path": self.by in ("url", "cursor"), "parameter": self.by in ("cursor", "page")}
        for name, wanted in wants.items():
            if (getattr(self, name) is not None) != wanted:
                raise ValueError(f"by {self.by} {'needs' if wanted else 'has no'} {name}")
        if self.keep and self.by != "cursor":
            raise ValueError("keep is for cursors")
        return self

    def url(self, base: str, place: Place) -> str:
        """Return the URL of a page of ``base``."""
        if "url" in place:
            return str(place["url"])
        if self.parameter is None or (self.by == "cursor" and "cursor" not in place):
            return base
        word = place.get("cursor") if self.by == "cursor" else place.get("page", self.first)
        parts = urlsplit(base)
        query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != self.parameter]
        return urlunsplit(parts._replace(query=urlencode([*query, (self.parameter, str(word))])))

    def following(self, place: Place, response: requests.Response, document: Any) -> Place | None:
        """Return the place of the next page, None after the last. Raises ``Misconfigured``.

        ``document`` is the page's JSON, None if it has none or none is wanted.
        """
        if self.by == "page":
            return {"page": int(place.get("page", self.first)) + 1}
        if self.by == "link":
            found: Any = response.links.get("next", {}).get("url")
        else:
            if document is None:
                raise Misconfigured("paging.path: the answer is no JSON to look into")
            found = _at(document, (self.path or "").split("."))
        if found in (None, "", False):
            return None
        if not isinstance(found, str | int | float):
            raise Misconfigured(f"paging.path: {self.path} is no {self.by}")
        if self.by == "cursor":
            return {"cursor": str(found)}
        try:
            url = urljoin(response.url, str(found))
        except ValueError as error:
            raise Misconfigured(f"paging: what {self.path or 'the link'} says is no URL") from error
        if origin(url) != origin(response.url):
            raise Misconfigured(f"paging: {self.path or 'the link'} leads to another server than the configured one")
        return {"url": url}


def _at(document: Any, path: list[str]) -> Any:
    """Return the value at a path; None if there is none."""
    for name in path:
        if isinstance(document, dict):
            document = document.get(name)
        elif (
            isinstance(document, list) and name.lstrip("-").isdecimal() and -len(document) <= int(name) < len(document)
        ):
            document = document[int(name)]
        else:
            return None
    return document
