"""What `--help` shows: paragraphs that fit the terminal, and the values that options take, but not their types."""

from __future__ import annotations

import inspect
import re
from typing import Any

from typer.core import TyperArgument


class PlainHelp:
    """Mixed into commands and groups: a flag takes no value, and the name of an argument says what it is."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, of which flags and arguments show no type."""
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if isinstance(param, TyperArgument):
                vars(param)["display_type_rich"] = _no_type
            elif param.is_flag:
                param.metavar = ""
        return params


def unwrapped(text: str) -> str:
    """Return a docstring with each paragraph on one line: Rich keeps line ends, and wraps once more."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _no_type(ctx: object) -> None:
    """Show no type."""
