"""What each application in a test's own process need not do anew: read the catalogues, and compile the templates."""

import functools
from datetime import tzinfo

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from server.console import languages, site
from server.console.languages import Language


class _Compiled(BytecodeCache):
    """Templates that were compiled once; changed ones are told apart by their text."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def make_pages_quick() -> None:
    """Make the pages of this process quick."""
    languages._texts = functools.cache(languages._texts)
    environment = site._environment
    # Of each language and zone by itself: filters of constants are worked out when a template is compiled.
    kept: dict[tuple[str, tzinfo], _Compiled] = {}

    def with_kept(language: Language) -> Environment:
        made = environment(language)
        made.bytecode_cache = kept.setdefault((language.code, language.zone), _Compiled())
        return made

    site._environment = with_kept
