"""Threads, locks and forks: each is dealt with in one place, so that none is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import committed_files, tree_of

STARTING = {"Thread", "Timer", "ThreadPoolExecutor", "start_new_thread", "to_thread"}
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event"}
# Where threads are started otherwise, and why.
MAY_START_THREADS = {
    "oms_core/runtime/background_thread.py": "the place where they are started",
    "oms_http/server/stores.py": "asyncio hands work to an executor",
}
# What is locked only as long as one call, one process or one thread lives, so that no child ever sees it.
MAY_LOCK: dict[str, str] = {
    "oms_core/runtime/group_committer.py:_Ticket.__init__": "one request's gate",
    "oms_core/runtime/outcomes.py:_Waiter.__init__": "one request's",
    "oms_core/worker/heartbeat.py:Heartbeat.__init__": "of one run of a worker, whose threads no child has",
    "oms_core/worker/pipeline.py:run_in_turn": "of one call",
    "oms_core/worker/worker.py:Worker.__init__": "until `run` brings another",
    "oms_cli/processes/metrics_listener.py:_Server.__init__": "of a program that forks nothing",
    "oms_cli/processes/worker_process.py:run_process": "of a program that forks nothing",
    "oms_http/server/answer_room.py:AnswerRoom.__init__": "of a server process, which forks nothing",
    "oms_http/server/batch_thread.py:BatchThread.__init__": "of a server process, which forks nothing",
    "oms_http/server/serving.py:serve": "of the server's parent, which spawns",
    "adapters/oms_memory/broker.py:Exchange.__init__": "its queue makes another",
    "adapters/oms_nats/holding.py:Holdings.__init__": "its inbox makes another",
    "adapters/oms_rabbitmq/links.py:Link.__init__": "whoever was forked has dropped the link",
}


def product_files() -> list[Path]:
    tops = ("oms_core", "oms_http", "oms_cli", "adapters")
    return [
        path
        for path in committed_files()
        if path.suffix == ".py" and path.parts[0] in tops and "oms_contracts" not in path.parts
    ]


def called_name(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return name
    return ""


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Give every function by its qualified name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from functions(node, f"{name}.")


def makes_a_lock(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="threading"), attr=name)):
            return name in LOCKS
    return False


def begun(tree: ast.AST) -> set[str]:
    """Name the methods that are handed to `begin_in_each_process` or `begin_in_children`."""
    return {
        argument.attr
        for node in ast.walk(tree)
        if called_name(node).startswith("begin_in_")
        for argument in node.args  # type: ignore[attr-defined]
        if isinstance(argument, ast.Attribute)
    }


def thread_starts(tree: ast.AST) -> list[str]:
    return [name for node in ast.walk(tree) if (name := called_name(node)) in STARTING]


def locks_that_outlive_a_fork(tree: ast.AST) -> list[str]:
    """Name the functions that make a lock, though no child begins with them."""
    return [
        name
        for name, function in functions(tree)
        if name.rpartition(".")[2] not in begun(tree) and any(map(makes_a_lock, ast.walk(function)))
    ]


def process_ids_compared(tree: ast.AST) -> bool:
    return any("getpid" in ast.dump(node) for node in ast.walk(tree) if isinstance(node, ast.Compare))


def test_threads_start_in_one_place() -> None:
    starting = {str(path) for path in product_files() if thread_starts(tree_of(path))}
    assert starting == MAY_START_THREADS.keys()


def test_every_lock_that_lives_on_is_made_anew_in_a_child() -> None:
    locking = {f"{path}:{name}" for path in product_files() for name in locks_that_outlive_a_fork(tree_of(path))}
    assert locking == MAY_LOCK.keys()


def test_nothing_asks_whether_this_is_another_process() -> None:
    assert not [path for path in product_files() if process_ids_compared(tree_of(path))]


def test_what_is_forbidden_would_be_found() -> None:
    tree = ast.parse(
        "class A:\n"
        "    def __init__(self):\n"
        "        self.lock = threading.Lock()\n"
        "        begin_in_each_process(self._begin)\n"
        "    def _begin(self):\n"
        "        self.other = threading.RLock()\n"
        "    def run(self):\n"
        "        threading.Thread(target=self.run).start()\n"
        "        return self.process_id != os.getpid()\n"
    )
    assert locks_that_outlive_a_fork(tree) == ["A.__init__"]
    assert thread_starts(tree) == ["Thread"]
    assert process_ids_compared(tree)
