"""Update the tables of settings in docs/connectors from the connectors: ``python -m tools.connector_pages``."""

import re
import sys
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from feeds import connectors
from feeds.connector import Connector, FeedSettings, PullSettings, PushSettings
from feeds.transport.client import OutboundSettings

FOLDER = Path(__file__).parents[1] / "docs" / "connectors"
BEGIN, END = "<!-- written by make generate -->", "<!-- end of the generated part -->"
INDEX = "README.md"
_SHARED = {"every feed": FeedSettings, "every pull": PullSettings, "every push": PushSettings}
_OUTBOUND = "a feed that connects to a server"


def pages() -> dict[str, str]:
    """Return the pages by file name, with the generated part for the current models."""
    made = {INDEX: _whole(INDEX, "# Connectors", _index())}
    for name, connector in connectors.every().items():
        about = _markdown(connector.__doc__).partition("\n\n")[0].replace("\n", " ")
        made[f"{name}.md"] = _whole(f"{name}.md", f"# `{name}`\n\n{' '.join(about.split())}", _own(connector))
    return made


def _whole(file: str, beginning: str, generated: str) -> str:
    """Insert the generated part into the existing page, or start a new page."""
    part = f"{BEGIN}\n{generated}\n{END}"
    path = FOLDER / file
    if not path.exists():
        return f"{beginning}\n\n{part}\n"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{part}{rest.partition(END)[2]}"


def _index() -> str:
    lines = ["| connector | what it does |", "| --- | --- |"]
    for name, connector in connectors.every().items():
        module = _markdown(sys.modules[connector.__module__].__doc__)
        lines.append(f"| [`{name}`]({name}.md) | {module.strip().partition(chr(10))[0].rstrip('.')} |")
    for title, model in {**_SHARED, _OUTBOUND: OutboundSettings}.items():
        base = {} if model in (FeedSettings, OutboundSettings) else FeedSettings.model_fields
        fields = {name: field for name, field in model.model_fields.items() if name not in base}
        lines += ["", f"## Settings of {title}", "", *_table(fields)]
    return "\n".join(lines)


def _markdown(docstring: str | None) -> str:
    """Return a docstring with literals as in Markdown."""
    return (docstring or "").replace("``", "`")


def _own(connector: type[Connector[FeedSettings]]) -> str:
    model: Any = connector.settings_model
    shared: dict[str, FieldInfo] = {}
    for base in (*_SHARED.values(), OutboundSettings):
        if issubclass(model, base):
            shared |= base.model_fields
    own = {name: field for name, field in model.model_fields.items() if repr(shared.get(name)) != repr(field)}
    has = [title for title, base in _SHARED.items() if issubclass(model, base)]
    has += [_OUTBOUND] if issubclass(model, OutboundSettings) else []
    also = (
        f"It also has the settings of {', '.join(has[:-1])}{' and ' if has[1:] else ''}{has[-1]}: [README.md]({INDEX})."
    )
    return "\n".join([*_table(own), "", also] if own else [also])


def _table(fields: dict[str, FieldInfo]) -> list[str]:
    lines = ["| setting | meaning | default |", "| --- | --- | --- |"]
    for name, field in fields.items():
        description = re.sub(r"\s+", " ", field.description or "").replace("|", "\\|")
        lines.append(f"| `{name}` | {description} | {_default(field)} |")
    return lines


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", (), [], {}):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{getattr(default, 'value', default)}`" if not isinstance(default, list | tuple) else f"`{list(default)}`"


if __name__ == "__main__":
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
