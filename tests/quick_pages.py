"""Share work between the applications of a test process: catalogues, compiled templates and compiled routes."""

import functools
from datetime import tzinfo
from types import MethodType
from typing import Any

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from server.web.shell import languages, site
from server.web.shell.languages import Language


class _Compiled(BytecodeCache):
    """Compiled templates; changed ones are distinguished by their text."""

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
    environment = site.environment_of
    # Separately for each language and zone, since filters of constants are evaluated at compile time.
    kept: dict[tuple[str, tzinfo], _Compiled] = {}

    def with_kept(language: Language) -> Environment:
        made = environment(language)
        made.bytecode_cache = kept.setdefault((language.code, language.zone), _Compiled())
        return made

    site.environment_of = with_kept
    _share_compiled_routes()


def _share_compiled_routes() -> None:
    """Compile each path once. The result uses nothing of an application except the rule that it is called on."""
    compile_rule = Rule.compile
    made: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def compiled(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes)
        if rule.defaults:
            compile_rule(rule)
        elif key not in made:
            compile_rule(rule)
            builders = rule._build.__func__, rule._build_unknown.__func__
            made[key] = (rule._parts, rule._trace, rule._converters, *builders)
        else:
            rule._parts, rule._trace, rule._converters, build, build_unknown = made[key]
            rule.arguments.update(rule._converters)
            rule._build, rule._build_unknown = MethodType(build, rule), MethodType(build_unknown, rule)

    Rule.compile = compiled
