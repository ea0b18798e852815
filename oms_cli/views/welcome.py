"""What `oms serve` says once it answers: where, on what, and a first order to copy."""

from __future__ import annotations

import sys

from oms_cli.terminal.streams import is_closed

_STOCK = (
    "curl -X PUT {url}/v1/inventory/WIDGET{authorization} -H 'Content-Type: application/json'"
    """ -d '{{"on_hand": 25}}'"""
)
_ORDER = (
    "curl -X POST {url}/v1/orders{authorization} -H 'Content-Type: application/json'"
    """ -d '{{"customer_id": "C1", "lines": [{{"sku": "WIDGET", "quantity": 2}}]}}'"""
)


def welcome(url: str, *, database: str, metrics_url: str, authorization: str) -> None:
    """Print it on stdout, because log collectors read stderr. `authorization` is the option that brings an API key."""
    if is_closed(sys.stdout):
        return
    facts = {"docs": f"{url}/docs", "metrics": metrics_url, "database": database}
    lines = [f"OMS answers on {url}", ""]
    lines += [f"  {name:<9} {fact}" for name, fact in facts.items()]
    lines += ["", "A first order to copy: stock 25 widgets, then sell 2.", ""]
    lines += [f"  {command.format(url=url, authorization=authorization)}" for command in (_STOCK, _ORDER)]
    if sys.stdout.isatty():
        _print_on_terminal([*lines, "", "Ctrl-C stops it."])
    else:
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _print_on_terminal(lines: list[str]) -> None:
    """Print with some colour, and leave long lines whole, so that they can be copied."""
    from rich.text import Text

    from oms_cli.terminal.tables import terminal_console

    console = terminal_console(sys.stdout)
    for number, line in enumerate(lines):
        text = Text(line, style="bold green" if number == 0 else "")
        text.highlight_regex(r"^  (docs|metrics|database)\b", "dim")
        text.highlight_regex(r"^  curl.*", "cyan")
        console.print(text, soft_wrap=True)
