"""The options that the parts of `make bench` share."""

from __future__ import annotations

import argparse
from pathlib import Path


def options_of_rounds(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Make a parser with --rounds and --json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help="in which all take turns (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the tables there too")
    return parser


def options(description: str | None, *, seconds: float, rounds: int) -> argparse.ArgumentParser:
    """Make a parser with --seconds too."""
    parser = options_of_rounds(description, rounds=rounds)
    parser.add_argument("--seconds", type=float, default=seconds, help="of each measurement (%(default)s)")
    return parser


def options_of_comparison(description: str | None, *, seconds: float, rounds: int) -> argparse.ArgumentParser:
    """Make a parser with --base too."""
    parser = options(description, seconds=seconds, rounds=rounds)
    add_base(parser)
    return parser


def add_base(parser: argparse.ArgumentParser) -> None:
    """Add --base."""
    parser.add_argument("--base", type=Path, metavar="CHECKOUT", help="one with its .venv, to measure beside this one")


def options_of_pairs(description: str | None, *, requests: int) -> argparse.ArgumentParser:
    """Make a parser with --requests and --json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=requests, help="of each half of a pair (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the tables there too")
    return parser
