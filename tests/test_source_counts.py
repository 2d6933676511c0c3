"""The counts of the source find what they are made for, and nothing beside it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"

NODE = """
class Node: ...
class RowStep(Node): ...
class Scan(Node): ...
class Memory(Node): ...
"""
STEPS = """
from skyseries.catalog.node import RowStep
class Select(RowStep): ...
class Filter(RowStep): ...
KEEP = (Select, Filter)
def own(node):
    while isinstance(node, Filter):
        node = node.child
"""


def load(name):
    spec = importlib.util.spec_from_file_location(f"counts_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


count_code, count_growth = load("count_code"), load("count_growth")
sys.modules["count_code"] = count_code  # as another of them imports it
count_writes = load("count_writes")


def write(root, files):
    for name, text in files.items():
        path = root / "src" / "skyseries" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def counted(root, text, where="catalog/other.py"):
    files = {"catalog/node.py": NODE, "catalog/nodes/__init__.py": "", where: text}
    files["catalog/nodes/steps.py"] = STEPS
    files["catalog/handed.py"] = "from skyseries.catalog.nodes.steps import Filter as Kept"
    return count_code.Source(write(root, files))


IMPORTS = """
from skyseries.catalog.handed import Kept
from skyseries.catalog.node import Memory, Node, RowStep, Scan
from skyseries.catalog.nodes import steps
from skyseries.catalog.nodes.steps import KEEP, Select
"""

LADDERS = {
    "two tests": "if isinstance(n, Kept): ...\n    elif isinstance(n, Select): ...",
    "a union": "return isinstance(n, Kept | Select)",
    "a tuple of another module": "return isinstance(n, KEEP)",
    "an attribute": "return isinstance(n, (steps.Select, steps.Filter))",
    "a loop": "while n:\n        if isinstance(n, Select): ...",
    "a comprehension": "return [c for c in n.children if isinstance(c, RowStep)]",
    "itself": "return isinstance(n, Select) or f(n.child)",
    "match": "match n:\n        case Kept(): ...\n        case Select(): ...",
    "types": "return type(n) is Select or type(n) in (Kept,)",
    "a dictionary": "return {Select: 1, Kept: 2}[type(n)]",
}
NO_LADDERS = {
    "one test": "return isinstance(n, Select)",
    "leaves": "while not isinstance(n, Scan | Memory): n = n.child",
    "other classes": "return [isinstance(c, int | str) for c in n]",
    "any node": "return [c for c in n if isinstance(c, Node)]",
}


@pytest.mark.parametrize("body", LADDERS.values(), ids=LADDERS)
def test_a_ladder_is_found(tmp_path, body):
    source = counted(tmp_path, f"{IMPORTS}\ndef f(n):\n    {body}\n")
    assert [place.split()[:2] for place in source.ladders()] == [
        ["skyseries/catalog/other.py:7", "f:"]
    ]


@pytest.mark.parametrize("body", NO_LADDERS.values(), ids=NO_LADDERS)
def test_one_test_is_no_ladder(tmp_path, body):
    assert not counted(tmp_path, f"{IMPORTS}\ndef f(n):\n    {body}\n").ladders()


STREAM = "class A:\n    def next(self):\n        x = self.held.pop({key})\n        self.due += 1\n"


def test_results_that_wait_for_their_turn(tmp_path):
    found = counted(tmp_path, STREAM.format(key="self.due")).ordered_streams()
    assert found == ["skyseries/catalog/other.py:2 A.next"]
    assert not counted(tmp_path, STREAM.format(key="self.name")).ordered_streams()


RUNS = """
def f(tasks, engine: Executor, stage):
    current_executor().run(tasks)
    engine.run(tasks)
    stage.run(tasks)
    run_tasks("s", tasks)
"""


def test_runs_of_an_engine_outside_of_its_folder(tmp_path):
    found = counted(tmp_path, RUNS).runs_without_job()
    assert found == ["skyseries/catalog/other.py:3", "skyseries/catalog/other.py:4"]
    inside = counted(tmp_path / "inside", RUNS, "executors/base.py")
    assert not inside.runs_without_job()


WRITES = """
import hashlib, json
def publish(store, folder):
    store.adopt(folder, "v1")
def fingerprint(value):
    return hashlib.sha256(value)
def done(path, said):
    write_text(path, json.dumps(said))
    return json.loads(path.read_text())
def promote(root, text):
    file = root / COLLECTION_FILE
    write_text(file, text)
"""
READS = """
import hashlib, json
def renamed(table):
    return table.rename({"a": "b"})
class A:
    def __fingerprint__(self):
        return hashlib.sha256(b"").hexdigest()
def read(path):
    return json.loads(path.read_text()), json.dumps({}), parse(path / COLLECTION_FILE)
"""


def test_what_writes_is_told_from_what_reads(tmp_path):
    found = count_writes.writes(counted(tmp_path / "writes", WRITES))
    assert len(found) == 4
    assert set(map(tuple, found.values())) == {("skyseries/catalog/other.py",)}
    assert not any(count_writes.writes(counted(tmp_path / "reads", READS)).values())


CLASS = "class {name}:\n    size = 1\n    def short(self):\n        return 1\n    other = 2\n"
CLASS += "    def long(self):\n        return 2\n    last = 3\n"


def body(n, letter="x"):
    return "".join(f"    {letter}{i} = {i}\n" for i in range(n))


def git(root, *arguments):
    command = ["git", "-C", str(root), "-c", "user.name=n", "-c", "user.email=e", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_what_is_new_is_counted_apart(tmp_path):
    root, base = tmp_path / "now", tmp_path / "then"
    kept = f"def kept():\n    'what it does'\n{body(9)}"
    write(root, {
        "a.py": f"import os\n{kept}def left():\n{body(5, 'y')}",
        "b.py": f"def moved():\n{body(4)}def renamed():\n{body(6, 'z')}",
        "d.py": CLASS.format(name="Old"),
    })  # fmt: skip
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "then")
    git(root, "worktree", "add", "-q", "--detach", str(base))
    (root / "src/skyseries/sub").mkdir()
    git(root, "mv", "src/skyseries/a.py", "src/skyseries/sub/a.py")
    write(root, {
        "sub/a.py": f"import os\n{kept}def fresh():\n    return os\n",
        "b.py": f"def called():\n{body(6, 'z')}",
        "d.py": CLASS.format(name="New"),
        "c.py": f"import sys\ndef moved():\n{body(4)}def more():\n    return sys\n",
    })  # fmt: skip
    git(root, "add", ".")
    found = count_growth.growth(root, base)
    assert found.base == {
        "skyseries/sub/a.py": 1 + 10 + 6, "skyseries/b.py": 5 + 7, "skyseries/d.py": 8
    }  # fmt: skip
    assert found.kept == {
        "skyseries/sub/a.py": 1 + 10, "skyseries/b.py": 7, "skyseries/c.py": 5, "skyseries/d.py": 8
    }  # fmt: skip
    assert found.new == {"skyseries/sub/a.py fresh": 2}
    assert found.files == {"skyseries/c.py": 1 + 2}
    assert found.renamed == {
        "skyseries/b.py called": "skyseries/b.py renamed",
        "skyseries/d.py New": "skyseries/d.py Old",
    }
