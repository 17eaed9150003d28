"""Workloads that workers cannot import travel by value, with the helpers of their module."""

import subprocess
import sys
from pathlib import Path

import closed_form
from closed_form import Curve

from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.on_ray.by_value import by_value

LOAD = """
import pickle, sys
kind = pickle.loads(sys.stdin.buffer.read())
curve = kind({"x": 0.4, "size": 0.3})
print(kind.static_metrics({"size": 1.0}), curve.step()["val/quality"])
"""


def test_a_class_of_a_script_works_where_its_module_cannot_be_imported(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOAD], input=by_value(Curve), cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.decode().split("}")[1].strip() == str(closed_form.quality(0.4, 0.3, 1))


def test_shipping_leaves_the_module_as_it_was():
    import cloudpickle

    by_value(Curve)
    assert "closed_form" not in cloudpickle.list_registry_pickle_by_value()


def test_what_every_worker_has_installed_travels_by_name():
    assert len(by_value(DistillationWorkload)) < 200


def test_a_package_of_the_users_own_travels_with_all_of_its_modules(tmp_path, monkeypatch):
    """The class and the helpers beside it: neither is installed where the workers run."""
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    (package / "work.py").write_text(
        "from mine.helper import double\n\n\nclass Work:\n    def answer(self):\n        return double(21)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from mine.work import Work  # type: ignore[import-not-found]

    load = "import pickle, sys\nprint(pickle.loads(sys.stdin.buffer.read())().answer())"
    command = [sys.executable, "-c", load]
    done = subprocess.run(command, input=by_value(Work), cwd=Path("/"), capture_output=True, check=False)
    assert done.stdout == b"42\n", done.stderr.decode()[-500:]
