"""Scripts of SQL, cut into statements: a distributed PostgreSQL passes each on, and takes one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A semicolon in one of these ends nothing (PostgreSQL manual, 4.1).
_TOKEN = re.compile(
    r"""(?P<quoted>'[^']*' | "[^"]*" | (?P<dollar>\$\w*\$).*?(?P=dollar))
      | (?P<comment>--[^\n]* | /\*.*?\*/)
      | (?P<end>;)
      | [^'"$/;-]+ | .""",
    re.VERBOSE | re.DOTALL,
)


def statements_of(script: str) -> Iterator[str]:
    """Cut a script at its semicolons; comments between statements go with the next one.

    What is left after the last semicolon is a statement too, unless it is blank or all comment.
    """
    begins_at, has_words = 0, False
    for token in _TOKEN.finditer(script):
        if token["end"]:
            if has_words:
                yield script[begins_at : token.start()].strip()
            begins_at, has_words = token.end(), False
        elif not token["comment"] and not token[0].isspace():
            has_words = True
    if has_words:
        yield script[begins_at:].strip()
