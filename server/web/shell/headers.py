"""The header fields that every page has: what a browser may load, run, embed and keep."""

from collections.abc import Sequence

_SCRIPTS = "script-src 'self'"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        _SCRIPTS,
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # With no-referrer, a form would be sent with the Origin "null", which is refused.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
# The search of the documentation is WebAssembly.
DOCS_POLICY = ("Content-Security-Policy", _POLICY.replace(_SCRIPTS, f"{_SCRIPTS} 'wasm-unsafe-eval'"))
FOR_EVER = ("Cache-Control", "public, max-age=31536000, immutable")


def page_headers(*, is_secure: bool, is_public: bool) -> Sequence[tuple[str, str]]:
    """Return the header fields of a page; what only one person may see is kept nowhere."""
    kept = "no-cache" if is_public else "no-store"
    own = (("Cache-Control", kept), ("Vary", "Accept, Accept-Language, Cookie, HX-Request"))
    return (*_ALWAYS, *own, *((_HTTPS_ONLY,) if is_secure else ()))
