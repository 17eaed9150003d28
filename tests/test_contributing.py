"""CONTRIBUTING's table is true: one of each is added to a copy of the sources, in the places named there alone."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.record.trials import TrialState
from sweeps.terminal.live_display import STYLES
from sweeps.tracking.run_updates import STATUS_OF_STATE

ROOT = Path(__file__).parents[1]
PACKAGES = ("dfkd_core", "search_spaces", "cluster", "sweeps")

# what -> ({new file: text}, {file: [(table, a line of it, what is written above)]}, a check)
ADDED = {
    "a model": (
        {
            "dfkd_core/models/added.py": """
from typing import Literal
from torch import Tensor, nn
from dfkd_core.models.base import Student, StudentBase
class AddedConfig(StudentBase):
    model: Literal["added"] = "added"
    taps: int = 3
class Added(Student):
    Config = AddedConfig
    look_ahead_samples = 1.0
    state_bytes = 4.0
    def __init__(self, config: AddedConfig) -> None:
        super().__init__()
        self.filter = nn.Conv1d(1, 1, config.taps, padding="same")
    def forward(self, noisy: Tensor) -> Tensor:
        return self.filter(noisy[:, None])[:, 0]
"""
        },
        {"dfkd_core/models/__init__.py": [("MODELS", '    "dccrn": DCCRN,', '    "added": Added,')]},
        "from dfkd_core.config import ExperimentConfig; "
        "c = ExperimentConfig.parse({'student': {'model': 'added', 'taps': 5}}); "
        "from dfkd_core.models import build_student; assert build_student(c.student).filter.kernel_size == (5,)",
    ),
    "a method": (
        {
            "dfkd_core/distillation/added.py": """
from dfkd_core.distillation.method import Method
class Added(Method):
    def forward(self, student, teacher, clean):
        return (student - self.target(teacher, clean)).abs().mean(), {}
"""
        },
        {"dfkd_core/distillation/__init__.py": [("METHODS", '    "dfkd": DFKD,', '    "added": Added,')]},
        "from dfkd_core.config import ExperimentConfig; "
        "ExperimentConfig.parse({'distillation': {'method': 'added'}}); "
        "import torch; from dfkd_core.distillation import build_method; x = torch.ones(1, 9); "
        "assert float(build_method(method='added')(x, 0 * x, x)[0]) == 1",
    ),
    "a supervised term": (
        {
            "dfkd_core/losses/added.py": """
from torch import Tensor
def added(estimate: Tensor, clean: Tensor) -> Tensor:
    return (estimate - clean).abs().mean()
"""
        },
        {
            "dfkd_core/losses/__init__.py": [("TERMS", '    "snr": snr,', '    "added": added,')],
            "dfkd_core/losses/supervised.py": [("LossConfig", "    snr: Weight = 1.0", "    added: Weight = 0.0")],
        },
        "from dfkd_core.losses import supervised_loss; from dfkd_core.losses.supervised import LossConfig; "
        "import torch; "
        "c = LossConfig(added=1, snr=0, compressed_spectrum=0); "
        "supervised_loss(c)(torch.ones(1, 9), torch.zeros(1, 9))",
    ),
    "a metric": (
        {
            "dfkd_core/metrics/added.py": """
class Added:
    name, unit, goal = "added", "1", "maximize"
    def __call__(self, estimate, clean):
        return 0.5
"""
        },
        {"dfkd_core/metrics/__init__.py": [("METRICS", '    "stoi": STOI(),', '    "added": Added(),')]},
        "from sweeps.definition.metric_facts import goal_of; assert goal_of('val/added') == 'maximize'; "
        "from sweeps.distillation.workload import DistillationDomain as D; assert 'val/added' in D.objectives",
    ),
    "a public teacher": (
        {
            "dfkd_core/teachers/added.py": """
class Added:
    name, sha256 = "added", "0"
    def __call__(self, noisy, mixtures):
        return noisy
"""
        },
        {
            "dfkd_core/teachers/__init__.py": [("PRETRAINED", '    "dtln": _dtln,', '    "added": Added,')],
            "dfkd_core/data/pretrained.py": [
                (
                    "PUBLIC_MODELS",
                    "PUBLIC_MODELS: dict",
                    'ADDED = PublicModel(name="added", requirement="x==1", files={}, about="", licence="MIT")',
                )
            ],
        },
        "from dfkd_core.config import TeacherConfig; from dfkd_core.teachers import open_teacher; "
        "assert open_teacher(TeacherConfig(pretrained='added')).name == 'added'",
    ),
    "a sampler": (
        {},
        {
            "sweeps/search/samplers.py": [
                (
                    "SAMPLERS",
                    "SAMPLERS: dict",
                    "def _added(draw, known, options):\n    return UniformSampler(draw.stream)\n\n",
                ),
                ("SAMPLERS", '    "tpe": _tpe,', '    "added": _added,'),
            ]
        },
        "from sweeps.definition.spec import SamplerConfig; SamplerConfig(name='added'); "
        "from search_spaces.space import Space; from sweeps.search.history import Outlook; "
        "from sweeps.search.samplers import Experience, build_sampler; "
        "outlook = Outlook(Space.parse({'x': {'min': 0, 'max': 1}}), 1, (0.0,), lambda trial: {}); "
        "build_sampler('added', 0, 0, Experience(9, 0, 0), {}, outlook)",
    ),
    "an early stopping rule": (
        {
            "sweeps/search/added.py": """
class Added:
    def __init__(self, reference, static, num_epochs, reduction_factor, min_epochs):
        pass
    def note(self, trial, epoch, cost):
        pass
    def should_stop(self, trial, epoch, cost):
        return True
"""
        },
        {"sweeps/search/schedulers.py": [("SCHEDULERS", '    "none": None,', '    "added": Added,')]},
        "from sweeps.definition.spec import SchedulerConfig; SchedulerConfig(name='added')",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The sources with one of each added."""
    root = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    for new, changed, _ in ADDED.values():
        for name, text in new.items():
            (root / name).write_text('"""Added."""\n' + text)
        for name, places in changed.items():
            path, module = root / name, next(iter(new), "")[:-3].replace("/", ".")
            lines = path.read_text().splitlines()
            for _, line, added in places:
                at = next(i for i, known in enumerate(lines) if known.startswith(line))
                lines.insert(at, added)
            if module:
                kind = "Added" if "class Added" in new[next(iter(new))] else "added"
                lines.insert(lines.index("from __future__ import annotations") + 1, f"from {module} import {kind}")
            path.write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def said(copy):
    """What each check says; one process for all, since each would load torch."""
    checks = {what: check for what, (_, _, check) in ADDED.items()}
    code = f"""
import json, traceback
said = {{}}
for what, check in {checks!r}.items():
    try:
        exec(check, {{}})
        said[what] = ""
    except Exception:
        said[what] = traceback.format_exc()
print(json.dumps(said))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def rows():
    """CONTRIBUTING's table: what -> where."""
    found = re.findall(r"^\| (an? [^|]+?) \| ([^|]+) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("what", ADDED)
def test_what_is_added_where_the_table_says_works(said, what):
    assert said[what] == ""


@pytest.mark.parametrize("what", ADDED)
def test_the_table_names_every_place_and_no_other(what):
    new, changed, _ = ADDED[what]
    where = rows()[what]
    assert where.startswith("one file in" if new else "one function and one line in")
    assert all(f"`{Path(name).parent}/`" in where for name in new)
    tables = {table for places in changed.values() for table, _, _ in places}
    assert set(re.findall(r"`([A-Z]\w+)`", where)) - {"OPTIONAL", "Config"} == tables


def test_a_trials_state_stands_where_the_table_says_and_nowhere_else():
    """An entry for a state, in Python, in a script or in a style, is in one of the places that the table names."""
    entry = re.compile(r'^\s*(?:TrialState\.)?"?PRUNED"?\s*[:=]|^\s*pruned:|\.pruned\b', re.MULTILINE)
    sources = [p for p in (ROOT / "sweeps").rglob("*") if p.suffix in {".py", ".js", ".css", ".html"}]
    found = {path.relative_to(ROOT).as_posix() for path in sources if entry.search(path.read_text())}
    places = {"record/trials.py", "tracking/run_updates.py", "terminal/live_display.py", "page/drawing.js"}
    assert found == {f"sweeps/{place}" for place in places}
    assert set(re.findall(r"`([A-Z]\w+)`", rows()["a trial's state"])) == {
        "TrialState",
        "STATUS_OF_STATE",
        "STYLES",
        "MARKS",
    }


def test_every_state_of_a_trial_has_its_entries():
    marks = (ROOT / "sweeps/page/drawing.js").read_text().partition("MARKS = {")[2].partition("};")[0]
    drawn = {kind.upper() for kind in re.findall(r"^\s*(\w+):", marks, re.MULTILINE)} - {"FRONT", "DOMINATED"}
    assert drawn == set(TrialState) - {TrialState.COMPLETE}  # complete ones are on the front, or dominated
    assert set(STYLES) == set(TrialState) - {TrialState.WAITING}
    assert {state for state in TrialState if state in STATUS_OF_STATE} == set(TrialState) - {TrialState.WAITING}


def test_every_row_is_tried():
    assert set(rows()) == {*ADDED, "a trial's state", "a search dimension"}
