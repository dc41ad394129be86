import pytest

from server.store import Store, reputation
from server.store.reputation import Calibration, JudgedReport


def test_judged_reports_of_a_partner_add_up(store: Store) -> None:
    with store.begin() as tx:
        reputation.add(tx, [JudgedReport("a", "domain", 1.0, True), JudgedReport("a", "domain", 0.5, False)])
        reputation.add(tx, [JudgedReport("a", "domain", 1.0, False), JudgedReport("b", "domain", 0.0, False)])
        known = reputation.calibrations_of(tx, 5)
    assert known["a", "domain"] == Calibration(1, 2, 1.25, 1.0, 1.5, 1.25)
    assert known["b", "domain"].brier == 0.0
    assert Calibration().brier is None


@pytest.mark.parametrize(
    ("judges", "credit"),
    [(["friend"] * 20, 5.0), (["friend"] * 20 + ["another"] * 3, 8.0), ([reputation.HUB] * 20, 20.0)],
)
def test_credit_from_any_one_judge_is_bounded_and_from_the_hub_it_is_not(
    store: Store, judges: list[str], credit: float
) -> None:
    with store.begin() as tx:
        reputation.add(tx, [JudgedReport("a", "domain", 1.0, True, judge) for judge in judges])
        known = reputation.calibrations_of(tx, 5)
    assert (known["a", "domain"].credit, known["a", "domain"].confirmed) == (credit, len(judges))


def test_credit_grows_by_the_weight_of_the_judge(store: Store) -> None:
    with store.begin() as tx:
        reputation.add(tx, [JudgedReport("a", "domain", 0.8, True, "judge", 0.5)])
        assert reputation.calibrations_of(tx, 5)["a", "domain"].credit == pytest.approx(0.4)
