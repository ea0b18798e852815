"""No module imports one that leads back to it: each can be read, and tested, after those that it builds on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.house.sources import committed_files, tree_of

FOLDERS_OF_PACKAGES = {"adapters", "ddl"}


def module_of(path: Path) -> str:
    """Name the module that a file is, by its path below the folder that holds its package."""
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] in FOLDERS_OF_PACKAGES else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.AST, modules: Set[str]) -> Iterator[str]:
    """Name the modules that are imported below a node, wherever that stands but under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=otherwise):
                yield from imported(ast.Module(body=otherwise, type_ignores=[]), modules)
            case ast.Import(names=aliases):
                yield from ({alias.name for alias in aliases} & modules)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                inner = {f"{module}.{alias.name}" for alias in aliases}
                yield from inner & modules
                if inner - modules and module in modules:
                    yield module
            case _:
                yield from imported(child, modules)


def circle(trees: Mapping[str, ast.Module]) -> list[str]:
    """Return the modules of a circle, each of which imports the next one; an empty list where there is none."""
    imports = {module: set(imported(tree, trees.keys())) - {module} for module, tree in trees.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_module_imports_one_that_leads_back_to_it() -> None:
    trees = {module_of(path): tree_of(path) for path in committed_files("*.py")}
    assert {"oms_core.oms", "oms_core", "oms_peewee.storage", "oms_cli.main", "tests.house.sources"} <= trees.keys()
    assert not circle(trees)


def test_a_circle_would_be_found() -> None:
    def read(**texts: str) -> dict[str, ast.Module]:
        return {name.replace("_", "."): ast.parse(text) for name, text in texts.items()}

    assert not circle(read(a="import b", a_x="from a import y", b=""))
    assert circle(read(a="import b", b="def f():\n    import a")) in (["a", "b", "a"], ["b", "a", "b"])
    assert circle(read(a="from a.x import y", a_x="from a import z"))
    assert circle(read(a_x="from a import y", a_y="from a.x import z"))
    assert not circle(read(a="import b", b="if TYPE_CHECKING:\n    import a"))
    assert circle(read(a="import b", b="if TYPE_CHECKING:\n    import c\nelse:\n    import a", c=""))
