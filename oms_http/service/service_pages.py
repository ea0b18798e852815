"""The pages that lead to the others: what the service has at its root, and the list of error codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from oms_http.service.prose import render_prose

_PAGE = Markup("""<!DOCTYPE html>
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


def index_page(index: Mapping[str, Any]) -> str:
    """Return the page at the root: everything that can be read without knowing more."""
    entries = [_ENTRY.format(href=link["href"], name=link["href"], text=link["title"]) for link in index["links"]]
    return _page(
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
    return _page(
        "Problems", render_prose("Every error has a `code` that never changes, and a page (RFC 9457)."), entries
    )


def _page(title: str, introduction: str, entries: Iterable[Markup]) -> str:
    return _PAGE.format(title=title, introduction=introduction, entries=Markup("\n").join(entries))
