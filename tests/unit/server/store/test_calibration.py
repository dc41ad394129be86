from server.store import Store, calibration
from server.store.calibration import Calibration, Verdict


def test_how_right_a_partner_was_adds_up(store: Store) -> None:
    with store.begin() as tx:
        calibration.note(tx, [Verdict("a", "domain", 1.0, True), Verdict("a", "domain", 0.5, False)])
        calibration.note(tx, [Verdict("a", "domain", 1.0, False), Verdict("b", "domain", 0.0, False)])
        known = calibration.every(tx)
    assert known["a", "domain"] == Calibration(1, 2, 1.25, 3)
    assert known["b", "domain"].brier == 0.0
    assert Calibration().brier is None
