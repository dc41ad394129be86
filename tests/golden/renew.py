"""Write the golden bundles anew (``make generate``), after a change of the mapping that is meant."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "contract"))

from test_kinds import REPORTER, bundle, report_of  # noqa: E402 - needs the path above
from test_records import everything as records_said  # noqa: E402

from mappers import companions  # noqa: E402
from mappers.indicator import to_stix  # noqa: E402
from schemas import kinds  # noqa: E402
from schemas.vocabulary import Tlp  # noqa: E402

for name, kind in kinds.every().items():
    made = {each["id"]: each for each in companions.with_reporter(REPORTER, None, [Tlp.GREEN])}
    for example in kind.examples():
        if example.value is not None:
            made |= {each["id"]: each for each in to_stix(report_of(name, example))}
    text = json.dumps(bundle(list(made.values())), ensure_ascii=False, indent=1)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")

(HERE / "records.json").write_text(
    json.dumps(bundle(records_said()), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
)
