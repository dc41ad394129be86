"""What partners did about listings, where that tells of reporters: who was right, and what is in dispute."""

from collections.abc import Iterable, Set
from functools import partial

from server.release.calibration import verdicts
from server.release.confidence import Doubt
from server.release.publication import Publication
from server.release.scene import Scene
from server.release.values import DISPUTED, Value, Verdict
from server.store import calibration, reviews
from server.store.reviews import Held

_DISPUTED = "a trusted partner holds it for a false positive; it is listed nowhere until somebody has looked at it"


class Disputes:
    """Heeds what partners say became of listings."""

    def __init__(self, scene: Scene, publication: Publication) -> None:
        """Look at what is out in ``publication``."""
        self._scene = scene
        self._publication = publication

    def heed(self, values: Iterable[Value], new: Set[str]) -> None:
        """Take to heart the verdicts among the ``new`` objects: a trusted partner's against a listing disputes it."""
        came_out: list[calibration.Verdict] = []
        for value in values:
            fresh = [verdict for verdict in value.verdicts if verdict.id in new]
            for verdict in fresh:
                self._heed(value, verdict)
            if fresh:
                came_out += self._came_out(value, new)
        calibration.note(self._scene.tx, came_out)

    def _heed(self, value: Value, verdict: Verdict) -> None:
        judged = verdict.judged
        if judged.partner.trusted and judged.doubt is Doubt.DISPUTED:
            listed = [id_ for id_ in value.listings if self._publication.out(id_)]
            reviews.hold(self._scene.tx, judged.partner.name, [Held(id_, None, DISPUTED, _DISPUTED) for id_ in listed])
            value.disputed |= bool(listed)

    def _came_out(self, value: Value, new: Set[str]) -> list[calibration.Verdict]:
        """Give what counts for reporters: others acted on it. What counts against them, somebody looks at first."""
        before = [verdict.judged for verdict in value.verdicts if verdict.id not in new]
        said = [claim.said for claim in value.claims]
        after = [verdict.judged for verdict in value.verdicts]
        return verdicts(said, before, after, partial(self._scene.reliability, kind=value.kind))
