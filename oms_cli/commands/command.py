"""How a function becomes a command of `oms`: the options of every command, help, negative numbers, exit codes."""

from __future__ import annotations

import errno
import functools
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar, get_type_hints

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_group

from oms_cli.commands.session import EVERYWHERE, Everywhere, Invocation, parameters
from oms_cli.terminal import exits
from oms_cli.terminal.messages import say, say_error
from oms_cli.terminal.streams import forget_output, open_closed_streams
from oms_core.errors import OmsError

Run = TypeVar("Run", bound=Callable[..., None])

# What only the commands that serve import; adapters tell of their own extras (oms_core.bootstrap).
_OF_EXTRA_HTTP = frozenset({"flask", "granian", "prometheus_client", "pydantic"})
_OF_PYDANTIC = "Value error, "  # What Typer leaves of Pydantic's wording where a choice is none.
_OUTPUT_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
_NEGATIVE_NUMBER = re.compile(r"-[0-9].*")


def command(app: typer.Typer, name: str, *, without: frozenset[str] = frozenset()) -> Callable[[Run], Run]:
    """Register a function `run(session, ...)` as a command, with the options of every command but `without`."""

    def register(run: Run) -> Run:
        hints = get_type_hints(run, include_extras=True)
        own = [
            entry.replace(annotation=hints[entry.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for entry in inspect.signature(run).parameters.values()
            if entry.name != "session"
        ]

        @functools.wraps(run)
        def with_session(ctx: typer.Context, **given: Any) -> None:
            everywhere = Everywhere(**{key: given.pop(key) for key in list(given) if key in EVERYWHERE})
            invocation: Invocation = ctx.obj
            invocation.given = everywhere.over(invocation.given)
            run(invocation.session(), **given)

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        options = parameters(without=without)
        with_session.__signature__ = inspect.Signature([context, *own, *options])  # type: ignore[attr-defined]
        with_session.__annotations__ = {entry.name: entry.annotation for entry in [context, *own, *options]}
        app.command(name, cls=OmsCommand, help=_unwrapped(run.__doc__ or ""))(with_session)
        return run

    return register


def command_group(name: str, help: str) -> typer.Typer:
    """Return a group of commands, which shows its help when it is called without one."""
    return typer.Typer(name=name, cls=CommandGroup, help=help, no_args_is_help=True)


class PlainHelp:
    """Shows no type for a flag or an argument in the help of commands and groups."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, of which flags and arguments show no type."""
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if isinstance(param, TyperArgument):
                vars(param)["display_type_rich"] = _no_type
            elif param.is_flag:
                param.metavar = ""
        return params


class OmsCommand(PlainHelp, TyperCommand):
    """A command whose arguments may be negative numbers, which otherwise look like options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `-3` as an argument; any other unknown option stays an error."""
        ctx.ignore_unknown_options = any(_NEGATIVE_NUMBER.fullmatch(arg) for arg in args)
        return super().parse_args(ctx, args)


class CommandGroup(PlainHelp, TyperGroup):
    """A group of commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A command or group of the program: what its help says first, and how it is loaded and added to an application."""

    summary: str
    add_to: Callable[[typer.Typer], object]


class LoadedCommands(Mapping[str, Any]):
    """The commands of the program, each loaded when it is first asked for: most runs need one of them."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
            self._parts[name].add_to(alone)
            self._loaded[name] = get_group(alone).commands[name]
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


class OmsGroup(CommandGroup):
    """The program: whatever ends a command early becomes one line and an exit code, never a traceback.

    Only a defect passes through, with its traceback, and exits 1.
    """

    parts: Mapping[str, Part] = MappingProxyType({})

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = LoadedCommands(self.parts)
        self._summarizes = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  The signature is Typer's.
        """Return the names of the commands, none of which is loaded for it."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; while help is written, one that has nothing but its summary."""
        if self._summarizes:
            return TyperCommand(cmd_name, callback=None, help=self.parts[cmd_name].summary)
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with the first words of each command."""
        self._summarizes = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._summarizes = False

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the command line, which prints help and version."""
        with _readers_that_go():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _readers_that_go():
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002  The signature is Typer's.
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command line (sys.argv by default) and exit."""
        open_closed_streams()
        arguments = sys.argv[1:] if args is None else list(args)
        invocation = extra.pop("obj", None) or Invocation()
        run = functools.partial(
            super().main,
            arguments,
            prog_name=prog_name,
            complete_var=complete_var,
            standalone_mode=False,
            windows_expand_args=windows_expand_args,
            obj=invocation,
            **extra,
        )
        sys.exit(_exit_code(invocation, arguments, run))


@contextmanager
def _readers_that_go() -> Iterator[None]:
    """Exit with 141 when the reader of the output has gone. Typer would exit with 1, and so would Rich by itself."""
    try:
        yield
    except (BrokenPipeError, SystemExit) as error:
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        forget_output()
        raise typer.Exit(exits.BROKEN_PIPE) from error


def _exit_code(invocation: Invocation, arguments: Sequence[str], run: Callable[[], Any]) -> int:
    """Run, and say what went wrong. Typer itself turns Ctrl-C into 130."""
    try:
        code = _with_extra_named(run)
        sys.stdout.flush()
    except OmsError as error:
        exits.report(error, as_json=_is_json(invocation.given.output))
        return exits.exit_code(error)
    except TyperException as error:
        return _report_usage(error, as_json=any(map(_asks_for_json, arguments, [*arguments[1:], ""])))
    except typer.Abort:
        say("nothing was done")
        return exits.INTERRUPTED
    except BrokenPipeError:
        forget_output()
        return exits.BROKEN_PIPE
    except OSError as error:
        about = "output cannot be written:" if error.errno in _OUTPUT_FAULTS and not error.filename else None
        say_error(" ".join(str(part) for part in (about, error.strerror or error, error.filename) if part))
        return exits.BUG
    return code if isinstance(code, int) else 0


def _with_extra_named(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except ModuleNotFoundError as error:
        if error.name not in _OF_EXTRA_HTTP:
            raise
        from oms_core.bootstrap import advise_extra

        raise OmsError("invalid_setting", f"this needs {error.name}; {advise_extra('http')}") from error


def _report_usage(error: TyperException, *, as_json: bool) -> int:
    detail = error.format_message().replace("\n", " ").replace("\t", "").replace(_OF_PYDANTIC, "")
    if not detail:  # A group without a command: its help was shown.
        return error.exit_code
    if as_json:
        sys.stderr.write(json.dumps({"code": "usage", "detail": detail}) + "\n")
    else:
        say_error(f"usage: {detail}")
        context = getattr(error, "ctx", None)
        if context is not None:
            say(f"Try '{context.command_path} --help' for help.")
    return error.exit_code


def _asks_for_json(argument: str, following: str) -> bool:
    """Find `-o json` in a command line that could not be read."""
    name, _, value = argument.partition("=")
    if name in {"-o", "--output"}:
        return _is_json(value or following)
    return argument.startswith("-ojson")


def _is_json(output: str | None) -> bool:
    return output is not None and output.lower() in {"json", "jsonl"}


def _unwrapped(text: str) -> str:
    """Return a docstring with each paragraph on one line, because Rich keeps line ends and wraps again."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _no_type(ctx: object) -> None:
    """Show no type."""
