"""The rows of one file of reports, in pieces that a pull can go on after."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, NamedTuple

from pydantic import Field, field_validator

from feeds import formats
from feeds.items import ReportSettings
from feeds.mapping import Duplicate, Mapped, Options, map_stream, parts


class FileSettings(ReportSettings):
    """What a pull of files may be told of them, where they leave it out themselves."""

    format: Annotated[str | None, Field(description="format of the files; recognised by content where not named")] = (
        None
    )

    @field_validator("format")
    @classmethod
    def _known_format(cls, name: str | None) -> str | None:
        if name is not None:
            formats.get(name.partition(":")[0])
        return name


class Piece(NamedTuple):
    """Some rows of a file: up to which ``row`` it has been read, and whether that is its end.

    ``failure`` says why it cannot be read on, where that is so; then it counts among the ``rejected``.
    """

    items: list[list[dict[str, Any]]]
    read: int
    rejected: Counter[str]
    row: int
    ends: bool
    failure: Exception | None


def pieces(stream: BinaryIO, name: str, options: Options, size: int, start: int = 0) -> Iterator[Piece]:
    """Give the rows of ``stream`` from number ``start`` on, ``size`` in a piece; the last piece may be empty."""
    row = start
    for part, failure in parts(map_stream(stream, name, options), size, start):
        row += len(part)
        rejected = Counter(each.reason for each in part if not isinstance(each, Mapped | Duplicate))
        if failure:
            rejected["unreadable-file"] += 1
        yield Piece(
            items=[each.objects for each in part if isinstance(each, Mapped)],
            read=len(part) + (failure is not None),
            rejected=rejected,
            row=row,
            ends=failure is not None or len(part) < size,
            failure=failure,
        )
