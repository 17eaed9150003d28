"""A folder is a sweep once its sweep.yaml stands, which is written last."""

import pytest
from closed_form import Curve, sweep

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.distillation.workload import DistillationWorkload
from sweeps.record.sweep_folder import SweepFolder


@pytest.fixture
def folder(tmp_path):
    return SweepFolder(tmp_path / "runs" / "x")


def begin(folder, workload=Curve):
    folder.create()
    folder.write_note("id", workload)
    folder.write_spec(SweepSpec.model_validate(sweep()))


def test_a_second_run_is_refused_with_resume_as_the_remedy(folder):
    folder.refuse_second()
    begin(folder)
    with pytest.raises(ConfigError, match=f"already holds a sweep; go on with `dfkd sweep resume {folder.path}`"):
        folder.refuse_second()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="must be a folder"):
        SweepFolder(tmp_path / "file").refuse_second()


def test_a_run_that_died_before_the_sweep_began_does_not_block_the_next(folder):
    folder.create()
    folder.write_note("dead", Curve)
    (folder.path / "ledger.journal").write_text("half\n")
    (folder.path / "trials" / "0000").mkdir(parents=True)
    folder.refuse_second()
    folder.create()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("name", ["trials/patients/p1.csv", "spool/letters.txt"])
def test_files_that_lie_where_a_sweep_begins_are_refused_and_stay(folder, name):
    (mine := folder.path / name).parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(
        ConfigError, match=f"holds files in {name.split('/')[0]}/ and no sweep.yaml.* name another --out"
    ):
        folder.refuse_second()
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("place", ["~nobody-here/x", "loop"])
def test_a_place_that_cannot_be_is_no_traceback(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match=r"names a home that is not known|holds no sweep"):
        SweepFolder(place).require()


def test_everything_but_run_needs_a_sweep(folder):
    with pytest.raises(ConfigError, match="holds no sweep"):
        folder.spec()


def test_a_refusal_before_the_beginning_leaves_no_new_folder(folder):
    with pytest.raises(ConfigError), folder.removed_unless_begun(True):
        folder.create()
        raise ConfigError("refused")
    assert not folder.path.exists()


def test_what_was_there_before_stays(folder):
    folder.create()
    (folder.path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError), folder.removed_unless_begun(False):
        raise ConfigError("refused")
    assert (folder.path / "notes.txt").exists()


def test_an_error_after_the_beginning_keeps_the_sweep(folder):
    with pytest.raises(ConfigError), folder.removed_unless_begun(True):
        begin(folder)
        raise ConfigError("later")
    assert folder.is_sweep


def test_a_workload_is_found_again_by_module_and_class(folder):
    begin(folder, DistillationWorkload)
    assert folder.workload() is DistillationWorkload


def test_a_note_that_names_a_module_by_its_former_place_is_understood(folder):
    begin(folder)
    (folder.path / "ledger.json").write_text(
        '{"sweep_id": "id", "workload": "sweeps.distillation_workload:DistillationWorkload"}'
    )
    assert folder.workload() is DistillationWorkload


@pytest.mark.parametrize(
    "name", ["no_such_module:Curve", "closed_form:Missing", "__main__:Curve", "broken", ":", "", ".:X", "os:path"]
)
def test_a_workload_that_cannot_be_found_is_answered_with_the_python_line(folder, name):
    begin(folder)
    (folder.path / "ledger.json").write_text(f'{{"sweep_id": "id", "workload": "{name}"}}')
    with pytest.raises(ConfigError, match=r"from sweeps import resume_sweep; resume_sweep\('.*', workload="):
        folder.workload()
