"""No module imports itself by way of others."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.house.sources import committed_files


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Name the modules of one circle, each of which imports the one before it; none where there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    paths = committed_files("oms_*/*.py", "adapters/oms_*/*.py", "ddl/oms_*/*.py")
    packages = sorted({next(part for part in path.parts if part.startswith("oms_")) for path in paths})
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert "oms_core.oms" in imports["oms_core"]
    assert not circle(imports)


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, True),
        ({"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}, False),
    ],
)
def test_a_circle_would_be_found(imports: dict[str, set[str]], found: bool) -> None:
    assert bool(circle(imports)) is found
