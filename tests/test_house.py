"""The code is not cut finer than its ideas are, nor coarser than a page: figures over all four packages."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dfkd_core", "search_spaces", "cluster", "sweeps")
SHORT = 35  # lines of a file that is hardly an idea
MOST_SHORT, MOST_ONCE = 0.20, 0.11  # of all files; of all functions, those that are private and used once in their file
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_MEAN = 400, 60, 9.0  # lines
FEW = 3  # arguments of a helper that is used once; one that needs more belongs into its caller


@pytest.fixture(scope="module")
def files():
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


@pytest.fixture(scope="module")
def functions(files):
    """Every function: its file, itself, and whether it is private and used once there."""
    found = []
    for file, text in files.items():
        nodes = list(ast.walk(ast.parse(text)))
        uses = Counter(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        uses += Counter(node.attr for node in nodes if isinstance(node, ast.Attribute))
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_private = node.name.startswith("_") and not node.name.startswith("__")
                found.append((file, node, is_private and uses[node.name] == 1))
    return found


def test_no_file_is_long_and_few_are_short(files):
    lines = {file: len(text.splitlines()) for file, text in files.items()}
    assert not {file: count for file, count in lines.items() if count > LONGEST_FILE}
    assert sum(count <= SHORT for count in lines.values()) <= MOST_SHORT * len(files)


def test_no_function_is_long(functions):
    lines = {f"{file}: {node.name}": node.end_lineno - node.lineno + 1 for file, node, _ in functions}
    assert not {name: count for name, count in lines.items() if count > LONGEST_FUNCTION}
    assert sum(node.end_lineno - node.lineno + 1 for _, node, _ in functions) <= LONGEST_MEAN * len(functions)


def test_few_helpers_are_used_once_and_none_of_them_needs_four_arguments(functions):
    once = [(file, node) for file, node, is_once in functions if is_once]
    assert len(once) <= MOST_ONCE * len(functions)
    wide = []
    for file, node in once:
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        wide += [f"{file}: {node.name}({', '.join(names)})"] if len({*names} - {"self", "cls"}) > FEW else []
    assert not wide
