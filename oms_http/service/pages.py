"""The HTML pages: Swagger UI over /openapi.json, what is at the root, every error code, and one page for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import flask_swagger_ui
from flask import Response
from markupsafe import Markup, escape

from oms_core.errors import ErrorCode, Retry
from oms_http.problems import STATUS_BY_CODE
from oms_http.service.static_content import StaticContent

# Only what this service serves is loaded, which also keeps the pages working without a network; no script or style
# stands in a page. Swagger UI draws its icons as data: images.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

DOCS = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>OMS API</title>
<link rel="stylesheet" href="/docs/index.css">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
DOCS_SCRIPT = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
});
"""
PROBLEM_STYLE = "body { font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }\n"

_PROBLEM = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{code}</title>
<link rel="stylesheet" href="/docs/problem.css">
</head>
<body>
<h1>{title}</h1>
<p>{explanation}</p>
<dl>
<dt>Code</dt><dd><code>{code}</code></dd>
<dt>HTTP status</dt><dd>{status}</dd>
<dt>Retry</dt><dd><code>{retry}</code>: {advice}</dd>
</dl>
<p><a href="/problems">All problems</a></p>
</body>
</html>
"""
_LIST = Markup("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/docs/problem.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<h1>{title}</h1>
<p>{introduction}</p>
<dl>
{entries}
</dl>
</body>
</html>
""")
_ENTRY = Markup('<dt><a href="{href}">{name}</a></dt><dd>{text}</dd>')
RETRY_ADVICE: Mapping[Retry, str] = MappingProxyType(
    {
        Retry.NEVER: "the same request will get the same answer.",
        Retry.SAME_KEY: "send the same request again, with the same idempotency key if it had one.",
        Retry.AFTER_CHANGE: "change the request, or what it met, before sending it again.",
        Retry.LOOK_UP: "look up whether it happened, or send it again with the same idempotency key.",
    }
)
_CODE_SPAN = re.compile(r"`([^`]+)`")
_SWAGGER_UI = Path(flask_swagger_ui.__file__).resolve().parent / "dist"
_CSS, _SCRIPT = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
_FILES: Mapping[str, str] = MappingProxyType(
    {
        "swagger-ui.css": _CSS,
        "index.css": _CSS,
        "swagger-ui-bundle.js": _SCRIPT,
        "favicon-32x32.png": "image/png",
    }
)
_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"start.js": (DOCS_SCRIPT, _SCRIPT), "problem.css": (PROBLEM_STYLE, _CSS)}
)


def docs_asset(name: str) -> StaticContent | None:
    """Return what belongs to the pages under this name; None where nothing does."""
    return _asset(name) if name in _FILES or name in _TEXTS else None


def html_response(page: str, *, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Answer with a page that may load nothing from elsewhere."""
    own = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _POLICY)]
    return Response(page, headers=[*own, *headers])


def problem_page(row: ErrorCode) -> str:
    """Explain an error code: what it means, and what the caller may do."""
    return _PROBLEM.format(
        code=escape(row.code),
        title=escape(row.title),
        explanation=render_prose(row.explanation),
        status=STATUS_BY_CODE[row.code],
        retry=escape(row.retry.value),
        advice=escape(RETRY_ADVICE[row.retry]),
    )


def index_page(index: Mapping[str, Any]) -> str:
    """Return the page at the root: everything that can be read without knowing more."""
    entries = [_ENTRY.format(href=link["href"], name=link["href"], text=link["title"]) for link in index["links"]]
    return _list_page(
        f"{index['title']} {index['version']}", "What can be asked for here. Under /v1 bring an API key.", entries
    )


def problems_page(problems: Iterable[Mapping[str, Any]]) -> str:
    """Return the page with every error code."""
    entries = [
        _ENTRY.format(
            href=problem["type"],
            name=problem["code"],
            text=Markup("{} {}. {}").format(problem["status"], problem["title"], render_prose(problem["explanation"])),
        )
        for problem in problems
    ]
    return _list_page(
        "Problems", render_prose("Every error has a `code` that never changes, and a page (RFC 9457)."), entries
    )


def render_prose(text: str) -> Markup:
    """Return the text as HTML, everything in it escaped, with `<code>` for what stands between backticks."""
    parts = _CODE_SPAN.split(text)  # Prose and code take turns.
    rendered = [Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)]
    return Markup("").join(rendered)


def _list_page(title: str, introduction: str, entries: Iterable[Markup]) -> str:
    return _LIST.format(title=title, introduction=introduction, entries=Markup("\n").join(entries))


@cache
def _asset(name: str) -> StaticContent:
    if name in _TEXTS:
        text, media_type = _TEXTS[name]
        return StaticContent.of_bytes(text.encode(), media_type=media_type)
    return StaticContent.of_bytes((_SWAGGER_UI / name).read_bytes(), media_type=_FILES[name])
