"""``python -m schemas`` writes the JSON Schemas of the models into ``schemas/json``."""

from schemas.json_schema import FOLDER, documents

for name, text in documents().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
