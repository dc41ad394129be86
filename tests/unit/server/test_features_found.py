from pathlib import Path

import pytest

from server import features_found


def test_a_feature_that_cannot_be_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, text in (("", ""), ("broken", "from os import nothing_of_this_name")):
        (tmp_path / "some_features" / package).mkdir()
        (tmp_path / "some_features" / package / "__init__.py").write_text(text)
    (tmp_path / "some_features/broken/api.py").write_text("ROUTES = ()")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(features_found, "_FEATURES", "some_features")
    with pytest.raises(ImportError):
        list(features_found.feature_modules(".api"))
