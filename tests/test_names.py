"""One name per thing: a public type's name means one type, and words that could mean all sorts of things mean one."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dfkd_core", "search_spaces", "cluster", "sweeps")

# word -> what it means, and the modules that speak of that
MEANINGS = {
    "told": (
        "what a sampler knows of trials, by Optuna's ask and tell",
        {
            "sweeps/engine/driving/warm_start.py",
            "sweeps/record/ledger.py",
            "sweeps/search/front_sampler.py",
            "sweeps/search/recall.py",
        },
    ),
    "taught": (
        "a teacher's estimate, from which a student learns",
        {
            "dfkd_core/distillation/dispatch.py",
            "dfkd_core/distillation/method.py",
            "dfkd_core/training/signals.py",
            "dfkd_core/training/trainer.py",
            "sweeps/distillation/sounds.py",
        },
    ),
}


@pytest.fixture(scope="module")
def modules():
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}


def identifiers(tree):
    """Whatever the code names: variables, arguments, attributes, functions, classes."""
    kinds = {ast.Name: "id", ast.arg: "arg", ast.keyword: "arg", ast.Attribute: "attr"}
    kinds |= {ast.FunctionDef: "name", ast.ClassDef: "name"}
    return {getattr(node, kinds[type(node)]) or "" for node in ast.walk(tree) if type(node) in kinds}


@pytest.mark.parametrize("word", MEANINGS)
def test_a_word_has_one_meaning(modules, word):
    meaning, speak_of_it = MEANINGS[word]
    found = {file for file, tree in modules.items() if word in {n.strip("_").lower() for n in identifiers(tree)}}
    assert found and found <= speak_of_it, f"{word} is {meaning}; name other things after what they are"


def test_a_public_types_name_means_one_type(modules):
    """One class, or aliases with one definition, of which small ones may stand where they are used."""
    meanings = defaultdict(set)
    for file, tree in modules.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                meanings[node.name].add(f"class in {file}")
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
                    meanings[target.id].add(ast.unparse(node.value))
    assert {"Plan", "Choice", "Progress"} <= meanings.keys(), "the names are not collected"
    several = {name: sorted(found) for name, found in meanings.items() if len(found) > 1 and name[0] != "_"}
    assert not several
