"""Trying cases on the release rules themselves, in a store that is thrown away."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers import extension, ids, records as record_mapper
from mappers.indicator import from_stix, to_stix
from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.tabular import ReportReader
from server.cli.policy_cases import BadCases, Cases, PolicyCase
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.query.active import indicators
from server.release.results import Results
from server.release.route.policy import FULL, BadPolicy, Policy
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.collections import Collection
from server.store.engine import Tx
from server.store.item import Item

# Partners of cases are registered a moment before, and stand for such as have long been here.
_NOBODY_NEW = NewcomerRule(days=0)


class Tried(NamedTuple):
    """What came of a case, by the names of ``Expected``, and those of them that are not as expected."""

    name: str
    found: dict[str, Any]
    wrong: list[str]


def run(cases: Cases, policy: Policy) -> Iterator[Tried]:
    """Try each case in a store of its own, by its rules, the file's, or else ``policy``. Raises ``BadCases``."""
    with TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'cases.db'}")
        try:
            set_up(store)
            with store.begin() as tx:
                _furnish(tx, cases)
            for case in cases.case:
                rules = Policy(case.rule or cases.rule or policy.rules, _NOBODY_NEW)
                with _undone(store) as tx:
                    found = _Trial(tx, rules, case).found()
                wrong = [n for n, said in case.expect.model_dump(exclude_none=True).items() if _differs(n, said, found)]
                yield Tried(case.name, found, wrong)
        finally:
            store.close()


class _Trial:
    """One case, contributed in a transaction, and what the partners read then."""

    def __init__(self, tx: Tx, policy: Policy, case: PolicyCase) -> None:
        self._tx = tx
        self._case = case
        self._policy = policy
        self._values: set[tuple[str, str]] = set()
        self._partners = {each.name: each for each in partners.all_partners(tx)}
        try:
            policy.refuse_unknown([each.alias for each in collections.all_collections(tx)])
        except BadPolicy as error:
            raise BadCases(str(error)) from None

    def found(self) -> dict[str, Any]:
        """Contribute all of it, and give what came of it by the names of ``Expected``."""
        for said in self._case.contribute:
            outcome = contribute(self._tx, self._partner(said), self._items(dict(said)), policy=self._policy)
        rooms = self._rooms()
        reading = {name: self._reading(name, rooms) for name in self._partners}
        grades = sorted({there[-1] for there in reading.values() if there})
        shared = {each.alias.removesuffix(FULL) for each in rooms if each.kind == "released"}
        answer, message = _answer(outcome)
        return {
            "collections": sorted(shared),
            "private_collections": sorted(name for name in reading if any(self._own(name, each) for each in rooms)),
            "readers": sorted(name for name, there in reading.items() if there),
            "grade": grades[0] if len(grades) == 1 else grades or None,
            "answer": answer,
            "message": message,
        }

    def _partner(self, said: dict[str, Any]) -> Partner:
        name = said.get("by")
        if name not in self._partners:
            raise BadCases(f"case {self._case.name!r}: by: it has to be one of the partners of this file")
        return self._partners[name]

    def _items(self, said: dict[str, Any]) -> list[Item]:
        by = said.pop("by")
        defaults = {"reporter": by, "reported_at": timestamp.text(timestamp.now())}
        try:
            if "record" in said:
                name = said.pop("record")
                said.setdefault("of", next(iter(self._seen_by(by)), None))
                objects = record_mapper.to_stix(tabular.read_record(name, said, defaults))
            else:
                report = ReportReader(defaults).report({name: _cell(each) for name, each in said.items()})
                self._values.add((report.kind, report.value))
                objects = to_stix(report)
        except Rejected as refusal:
            raise BadCases(f"case {self._case.name!r}: {refusal.message}") from None
        return [Item.of(obj) for obj in objects]

    def _rooms(self) -> dict[Collection, list[dict[str, Any]]]:
        """Give the collections that the rules fill and that have values of the case, each with what it has of them."""
        filled = [each for each in collections.all_collections(self._tx) if each.filled_by_release]
        # Of what somebody reads twice, the narrower room has the last word.
        filled.sort(key=lambda each: each.kind == "private")
        return {each: there for each in filled if (there := self._in(each))}

    def _reading(self, name: str, rooms: Mapping[Collection, list[dict[str, Any]]]) -> list[str]:
        """Give the grades that a partner reads, the one that it goes by last."""
        read = [each for collection, there in rooms.items() if self._reads(name, collection) for each in there]
        return [str(extension.context_of(each).get("grade")) for each in read]

    def _reads(self, name: str, collection: Collection) -> bool:
        return collections.rights(self._tx, name).get(collection.id, (False, False))[0]

    def _own(self, name: str, collection: Collection) -> bool:
        return collection.kind == "private" and self._reads(name, collection)

    def _seen_by(self, name: str) -> Iterator[str]:
        rooms = self._rooms()
        return (obj["id"] for each, there in rooms.items() if self._reads(name, each) for obj in there)

    def _in(self, collection: Collection) -> list[dict[str, Any]]:
        """Give the active indicators of the case's values in a collection."""
        return [each for each in indicators(self._tx, collection, timestamp.now()) if _value(each) in self._values]


def _furnish(tx: Tx, cases: Cases) -> None:
    """Make the collections and partners of a file."""
    try:
        for alias in cases.collection:
            collections.add_released(tx, alias, alias.replace("-", " ").capitalize())
        for each in cases.partner:
            said = each.model_dump(exclude={"read", "left"})
            partners.add(tx, Partner.model_validate({**said, "identity": ids.identity(each.name)}))
            for alias in each.read:
                collections.grant(tx, each.name, collections.get(tx, alias), read=True)
            if each.left:
                partners.remove(tx, each.name)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadCases(f"partner {each.name!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (LookupError, ValueError) as error:
        raise BadCases(str(error)) from None


class _Enough(Exception):
    """The case is over, and nothing of it is to stay."""


@contextmanager
def _undone(store: Store) -> Iterator[Tx]:
    try:
        with store.begin() as tx:
            yield tx
            raise _Enough
    except _Enough:
        return


def _answer(outcome: Results) -> tuple[str, str]:
    """Give the worst that was said of the objects of one contribution, and why."""
    for answer, refused in (("failed", outcome.failed), ("pending", outcome.pending)):
        if refused:
            return answer, refused[0].message
    return "accepted", ""


def _value(obj: dict[str, Any]) -> tuple[str, str] | None:
    try:
        report = from_stix(obj)
    except Rejected:
        return None
    return report.kind, report.value


def _differs(name: str, expected: Any, found: dict[str, Any]) -> bool:
    if name == "message":
        return expected not in found[name]
    return list(expected) != found[name] if isinstance(expected, tuple) else bool(expected != found[name])


def _cell(value: Any) -> str:
    """Give a value as a column has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
