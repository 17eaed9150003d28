"""`dfkd train --workers`: what cannot be shared among workers is refused before a Ray is started."""

import pytest
import tiny_corpus as tiny

from cluster import resources
from dfkd_core.base.documents import dump_yaml
from sweeps.cli import run


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (3, "training.batch_size: must deal a batch in equal shares, but batch_size 4 cannot be dealt to 3 workers"),
        (4, "--workers: must be at most 2, since each worker takes 1 CPU"),
        (0, "--workers"),
    ],
)
def test_what_workers_cannot_do_is_said_in_a_line(tmp_path, monkeypatch, capsys, workers, said):
    monkeypatch.setattr(resources, "allowed_cpus", lambda: 2)
    mapping = tiny.experiment(tmp_path / "corpus", tmp_path / "gain.onnx")
    (tmp_path / "c.yaml").write_text(dump_yaml(mapping))
    words = ["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "m"), "--workers", str(workers), "--no-track"]
    assert run(words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0], lines
    assert not (tmp_path / "m").exists()
