"""The Markdown of the error table as HTML: it has code spans, and nothing else."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_CODE_SPAN = re.compile(r"`([^`]+)`")


def render_prose(text: str) -> Markup:
    """Return the text as HTML, everything in it escaped, with `<code>` for what stands between backticks."""
    parts = _CODE_SPAN.split(text)  # Prose and code take turns.
    rendered = [Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)]
    return Markup("").join(rendered)
