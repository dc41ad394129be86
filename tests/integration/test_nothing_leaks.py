"""A partner that may not know of a contribution sees, byte for byte, what it would see without it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.integration.two_worlds import (
    NAMES,
    VALUES,
    Clock,
    Ground,
    Step,
    difference,
    hub_ids,
    prepared,
    readers_of,
    world_on,
)
from tests.searches import examples

_LIMITS: tuple[dict[str, str], ...] = (
    {"tlp": "red"},
    {"tlp": "red", "only_partners": "Police"},
    {"tlp": "amber+strict", "only_partners": "Police;Second Bank"},
    {"tlp": "amber", "not_to_countries": "KH"},
    {"tlp": "green", "only_countries": "KH"},
    {"tlp": "clear", "only_partner_kinds": "government"},
    {"tlp": "green", "not_to_partners": "First Bank;Platform"},
    {"tlp": "amber", "purposes": "law-enforcement"},
    {"tlp": "clear", "only_partners": "Newcomer", "onward": "no"},
)
_VALUES = st.integers(0, len(VALUES) - 1)


def _columns(*choices: dict[str, str]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    confidence = st.sampled_from(({}, {"confidence": "30"}, {"confidence": "95", "action": "block"}))
    return st.tuples(st.sampled_from(choices), confidence).map(lambda both: tuple((both[0] | both[1]).items()))


_OPEN = _columns({"tlp": "clear"}, {"tlp": "green"}, {"tlp": "amber"}, {})
_SPEECH = ("sighting", "blocked", "no-action")
_VISIBLE = st.one_of(
    st.builds(Step, st.sampled_from(NAMES), st.just("report"), _VALUES, _OPEN),
    st.builds(
        Step,
        st.sampled_from(NAMES),
        st.sampled_from((*_SPEECH, "retract")),
        _VALUES,
        st.just(()),
    ),
)
_HIDDEN_BY = "Exchange"
_MEMBERS_ONLY = st.builds(Step, st.just(_HIDDEN_BY), st.just("report"), _VALUES, st.just((("tlp", "green"),)))
_HIDDEN = st.builds(
    Step,
    st.just(_HIDDEN_BY),
    st.sampled_from(("report", "report", "sighting", "blocked")),
    _VALUES,
    _columns(*_LIMITS),
)
# What is hidden is marked so; taking back what one said under limits is hidden as well.
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(False), _VISIBLE.filter(lambda step: step.by != _HIDDEN_BY)),
        st.tuples(st.just(True), _HIDDEN),
        st.tuples(st.just(True), _MEMBERS_ONLY),
        st.tuples(st.just(True), st.builds(Step, st.just(_HIDDEN_BY), st.just("retract"), _VALUES)),
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with TemporaryDirectory() as folder:
        yield prepared(Path(folder))


def see_no_difference(ground: Ground, steps: list[tuple[bool, Step]]) -> None:
    """Take the steps in two hubs, the hidden ones in one alone, and compare what those see who may not know of them."""
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory() as folder,
        world_on(ground, Path(folder) / "with.db") as told,
        world_on(ground, Path(folder) / "without.db") as untold,
    ):
        clock = Clock(patch)
        # Tags of pages grow at random: here a tag tells how often the rows of a page have changed, and no more.
        patch.setattr("server.store.objects.marks.secrets.randbelow", lambda _: 0)
        reports = [Step(step.by, "report", step.value, step.columns) for hidden, step in steps if hidden]
        may_know = {_HIDDEN_BY}.union(*(readers_of(told, step) for step in reports if step.columns))
        # Who reports a value too is told that others do whom nothing limits.
        open_to_members = {step.value for step in reports if step.columns == GREEN}
        may_know |= {step.by for _, step in steps if step.value in open_to_members}
        for number, (hidden, step) in enumerate(steps):
            clock.at(number)
            if not hidden and step.what in _SPEECH and step.by in may_know:
                continue  # what those who know say of it is no wider than what they know
            if hidden and step.what == "retract" and step.value in open_to_members:
                continue  # the shared rooms count their listings together: public tells by its id that there was one
            told.take(number, step)
            if not hidden:
                untold.take(number, step)
        clock.at(len(steps))
        ids = hub_ids(told, {step.value for _, step in steps})
        for name in sorted(set(NAMES) - may_know):
            assert told.answers_to(name) == untold.answers_to(name)
            seen, expected = told.sees(name, ids), untold.sees(name, ids)
            for path, answer in expected.items():
                assert seen[path] == answer, f"{name}: {path}: {difference(seen[path][2], answer[2])}"
            assert seen.keys() == expected.keys()


RED = (("tlp", "red"), ("only_partners", "Police"))
GREEN = (("tlp", "green"),)
CLEAR = (("tlp", "clear"),)
HIDDEN = (True, Step(_HIDDEN_BY, columns=RED))
OPEN = (False, Step("First Bank", columns=GREEN))

SCENES: dict[str, list[tuple[bool, Step]]] = {
    "something hidden is said of what all know": [OPEN, HIDDEN],
    "all learn later what some knew": [HIDDEN, OPEN],
    "what was taken back in secret is reported by another": [HIDDEN, (True, Step(_HIDDEN_BY, "retract")), OPEN],
    "what all knew is taken back and comes again": [
        OPEN,
        HIDDEN,
        (False, Step("First Bank", "retract")),
        (False, Step("Platform", columns=GREEN)),
    ],
    "somebody guesses an id and says that it was seen": [HIDDEN, (False, Step("Platform", "sighting"))],
    "somebody guesses an id and says what was done": [HIDDEN, (False, Step("Platform", "blocked"))],
    "something hidden is said of a sighting's value": [
        OPEN,
        (False, Step("Platform", "sighting")),
        HIDDEN,
        (True, Step(_HIDDEN_BY, "sighting", columns=RED)),
    ],
    "members know what the public learns later": [
        (True, Step(_HIDDEN_BY, columns=GREEN)),
        (False, Step("Police", columns=CLEAR)),
        (False, Step("Police", value=1, columns=CLEAR)),
    ],
    "something narrower is said of what the public knows": [
        (False, Step("Police", columns=CLEAR)),
        (True, Step(_HIDDEN_BY, columns=GREEN)),
    ],
    "a hidden outcome": [OPEN, (True, Step(_HIDDEN_BY, "blocked", columns=RED))],
}


@pytest.mark.parametrize("scene", SCENES)
def test_who_may_not_know_sees_no_difference_where(ground: Ground, scene: str) -> None:
    see_no_difference(ground, SCENES[scene])


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_who_may_not_know_sees_no_difference_whatever_happens(ground: Ground, steps: list[tuple[bool, Step]]) -> None:
    see_no_difference(ground, steps)
