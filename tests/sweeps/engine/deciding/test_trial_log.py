"""A trial's log holds all that its worker says, and no secret."""

import logging
import sys

import pytest

from sweeps.engine.deciding.trial_log import TrialLog

SECRET = "hunter2-of-the-database"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    monkeypatch.setenv("DATABASE", f"postgresql://u:{SECRET}2@db/x")
    return tmp_path / "log.txt"


def test_prints_warnings_and_log_records_go_to_the_file(path, capsys):
    with TrialLog(path):
        print("printed")
        print("to standard error", file=sys.stderr)
        logging.getLogger("workload").warning("logged")
    print("afterwards")
    text = path.read_text()
    assert "printed\n" in text
    assert "to standard error\n" in text
    assert "WARNING workload: logged" in text
    assert "afterwards" not in text
    assert capsys.readouterr().out == "afterwards\n"


def test_a_second_epoch_goes_on_below_the_first(path):
    for word in ("first", "second"):
        with TrialLog(path):
            print(word)
    assert path.read_text() == "first\nsecond\n"
    assert logging.getLogger().handlers == [h for h in logging.getLogger().handlers if "Masked" not in repr(h)]


def test_secrets_are_masked_in_prints_and_tracebacks(path):
    with TrialLog(path) as log:
        print("password", SECRET)
        try:
            raise ConnectionError(f"postgresql://u:{SECRET}2@db/x refused\nthe connection")
        except ConnectionError as error:
            reason = log.note_exception(error)
    text = path.read_text()
    assert SECRET not in text + reason
    assert "password ***" in text
    assert "Traceback" in text
    assert reason.startswith("ConnectionError: postgresql://u:***@db/x refused the connection (test_trial_log.py:")


def test_text_that_is_no_utf8_is_written_somehow(path):
    with TrialLog(path):
        print("broken \udcff surrogate")
    assert b"broken" in path.read_bytes()


def test_a_workload_may_ask_the_stream_what_streams_are_asked(path):
    with TrialLog(path):
        assert sys.stdout.isatty() is False
        assert sys.stdout.encoding == "utf-8"
        sys.stdout.flush()
