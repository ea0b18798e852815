"""The program's entry point, which is there even if the libraries of the CLI are not installed."""

from __future__ import annotations

import sys

_OF_EXTRA_CLI = frozenset({"rich", "typer"})


def main() -> None:
    """Run the command line, or say what to install for it: exit code 2."""
    try:
        from oms_cli.main import main as run
    except ModuleNotFoundError as error:
        if error.name not in _OF_EXTRA_CLI:
            raise
        from oms_core.bootstrap import advise_extra

        sys.stderr.write(f"error: invalid_setting: oms needs {error.name}; {advise_extra('cli')}\n")
        sys.exit(2)
    run()
