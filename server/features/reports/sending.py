"""Files and rows that a partner sends: tried, or contributed in its name, with the outcome of each row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, BinaryIO, cast

from pydantic import ValidationError

from feeds.mapping.contribute import HubInbox, contribute_outcomes
from feeds.mapping.not_read import FileRead
from feeds.mapping.options import FileOptions
from feeds.mapping.outcomes import FileOutcome, FirstValues
from feeds.mapping.records import map_reports_or_records
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.readers.columns.word_tables import BadCustomNames, CustomNames, named_columns, use_custom_names
from schemas import timestamp
from schemas.errors import Rejected, rejection_of
from schemas.partner import Partner
from server.features.reports.repeats import RepeatsInbox
from server.operations.operation import Actor
from server.operations.run import Check
from server.release.hub import Hub
from server.release.results import Result

# Values of one request, as many as the objects of an envelope; and rows that are answered one by one.
MOST_VALUES, MOST_ROWS = 20_000, 1_000
# Names of columns in one request, and characters of each.
_MOST_NAMES, _LONGEST_NAME = 50, 200


@dataclass(frozen=True)
class Sending:
    """A partner that sends files or rows to a hub, and in whose name that is written.

    ``check`` returns the checks for the first transaction of so many objects, and for the others.
    """

    hub: Hub
    partner: Partner
    actor: Actor
    check: Callable[[int], tuple[Check | None, Check | None]]

    def read(
        self,
        stream: IO[bytes],
        name: str,
        given: FileOptions,
        names: CustomNames,
        *,
        start: int = 0,
        dry_run: bool = False,
        stops: tuple[type[Exception], ...] = (),
    ) -> FileOutcome:
        """Contribute the reports or records of a file from value number ``start``, at most ``MOST_VALUES``.

        Rows without a date are of now. With ``dry_run`` they are only understood. One of the errors in ``stops`` ends
        the reading where something was contributed before, and is the ``stopped`` of the result; else it is raised.
        """
        undated = timestamp.now()
        options = replace(given.options(self.partner.name, undated), reporter_kind=self.partner.kind)
        inbox = HubInbox(self.hub, self.partner, self.actor, self.check)
        found = FileOutcome(FileRead(name))
        tally = found.file.counts.tally
        with use_custom_names(names):
            mapped = map_reports_or_records(cast(BinaryIO, stream), name, options, find=inbox.find, tally=tally)
            values = FirstValues(mapped, start + MOST_VALUES)
            outcomes: Iterator[Mapped | Duplicate | Reject]
            if dry_run:
                outcomes = islice(values, start, None)
            else:
                outcomes = contribute_outcomes(RepeatsInbox(inbox, undated), values, name, options, start, tally)
            try:
                if dry_run:
                    found.gather(outcomes, most_rows=MOST_ROWS)
                else:
                    found.gather(outcomes, most_rows=MOST_ROWS, result=Result.PUBLISHED.value)
            except stops as error:
                if not found.file.counts.read:
                    raise
                found.stopped = error
        found.more = values.more or found.stopped is not None
        return found


def read_options(given: Sequence[tuple[str, str]], timezone: str = "") -> tuple[FileOptions, CustomNames]:
    """Return the options among pairs of names and texts, by the names that ``scamfeed contribute`` has for them.

    ``timezone`` is the zone if they have none. Raises ``Rejected`` with the name of a wrong option.
    """
    texts: dict[str, str] = {"timezone": timezone}
    columns: list[str] = []
    for name, text in given:
        field = name.replace("-", "_")
        if field == "columns":
            columns += [text] if text else []
        elif field not in FileOptions.model_fields:
            raise Rejected("unknown-option", f"there is no such option; there are: {', '.join(option_names())}")
        else:
            texts[field] = text.upper() if field == "country" else text
    if len(columns) > _MOST_NAMES or any(len(pair) > _LONGEST_NAME for pair in columns):
        raise Rejected("bad-columns", f"columns: give at most {_MOST_NAMES}, each of {_LONGEST_NAME} characters")
    try:
        options = FileOptions.model_validate({name: text for name, text in texts.items() if text})
        return options, named_columns(columns)
    except ValidationError as error:
        raise rejection_of(error) from None
    except BadCustomNames as error:
        raise Rejected("bad-columns", f"columns: {error}") from None


def option_names() -> list[str]:
    """Return the names of the options of a file."""
    return [name.replace("_", "-") for name in FileOptions.model_fields] + ["columns"]
