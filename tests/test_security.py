"""No file can make this program run code: nothing is unpickled, no YAML builds objects, no shell is asked.

Two exceptions, both of data that the same program has just made: the workload's class on its way from driver to
worker, and the exception that Tune writes for a failed worker and the driver reads back at once.
"""

import ast
from pathlib import Path

import pytest

from dfkd_core.base.documents import parse_yaml
from dfkd_core.errors import ConfigError

ROOT = Path(__file__).parents[1]
PACKAGES = ("dfkd_core", "search_spaces", "cluster", "sweeps")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ON_RAY = "sweeps/engine/on_ray"
UNPICKLES = {f"{ON_RAY}/{name}.py": 1 for name in ("scheduler", "trainable", "trial_desk")}
LOADERS = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def calls(path):
    """Every call of a file: its dotted name, and its keyword arguments."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}


def test_nothing_is_unpickled_but_what_this_program_has_just_made():
    found = {}
    for path in SOURCES:
        loads = [name for name, _ in calls(path) if name.split(".")[0] in LOADERS and name.endswith(("load", "loads"))]
        if loads:
            found[path.relative_to(ROOT).as_posix()] = len(loads)
    assert found == UNPICKLES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_call_can_run_what_a_file_says(path):
    for name, words in calls(path):
        assert name not in ("eval", "exec", "compile", "os.system", "torch.jit.load"), name
        assert name != "torch.load" or words.get("weights_only") == "True"
        assert words.get("shell", "False") == "False", name
        assert words.get("allow_pickle", "False") == "False", name
        assert not name.startswith("yaml.") or name.endswith(("load", "dump", "resolvers.items"))
        assert name != "yaml.load" or words.get("Loader") == "_Loader", "which is a SafeLoader"


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch planted']",
        "a: !!python/name:os.system",
        "!!python/object/new:subprocess.Popen [[touch, planted]]",
        "!<tag:yaml.org,2002:python/module:os> ''",
    ],
)
def test_yaml_builds_no_objects(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="must be valid YAML"):
        parse_yaml(text, "sweep.yaml")
    assert list(tmp_path.iterdir()) == []
