"""Passwords are recognised and masked, and nothing else is."""

import pytest

from sweeps.tracking.credentials import public_uri, scrub, secrets, trust_tracker, user_and_password, withheld


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("https://ann:hunter2@host:5000/x?y=1", "https://host:5000/x?y=1"),
        ("http://token@host", "http://host"),
        ("postgresql://ann:hunter2@host/db", "postgresql://ann@host/db"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
        ("http://[half", "http://[half"),
    ],
)
def test_an_address_is_written_without_its_password(uri, public):
    assert public_uri(uri) == public


def test_user_and_password_are_percent_decoded():
    assert user_and_password("http://ann:p%40ss@host") == ("ann", "p@ss")
    assert user_and_password("http://host") == (None, None)


def test_secrets_are_values_of_secret_names_and_passwords_in_urls():
    environ = {
        "MLFLOW_TRACKING_PASSWORD": "hunter2",
        "RAY_AUTH_TOKEN": "abcdefgh",
        "DATABASE": "postgresql://ann:s3cr%3Dt7@host/db",
        "PATH": "/usr/bin",
        "SHORT_TOKEN": "true",
    }
    assert set(secrets(environ)) == {"hunter2", "abcdefgh", "s3cr%3Dt7", "s3cr=t7"}


def test_masking_reaches_into_lists_and_mappings_but_leaves_keys_and_numbers():
    value = {"reason": "login hunter2 failed", "list": ["hunter2", 3], "hunter2": 1.5}
    assert scrub(value, ("hunter2",)) == {"reason": "login *** failed", "list": ["***", 3], "hunter2": 1.5}


def test_what_is_kept_from_a_server_that_only_the_folder_names(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert withheld("id", "http://host:5000") == []
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abcdefgh")
    assert withheld("id", "http://host:5000") == ["MLFLOW_TRACKING_TOKEN"]
    assert withheld("id", "sqlite:////data/mlflow.db") == []
    for named in ("http://host:5000/", "http://ann:hunter2@host:5000"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
        assert withheld("id", "http://host:5000") == []
        assert withheld("id", "http://host:5001") == ["MLFLOW_TRACKING_TOKEN"]
    trust_tracker("id", "http://host:5001/")
    assert withheld("id", "http://host:5001") == []
    assert withheld("another", "http://host:5001") == ["MLFLOW_TRACKING_TOKEN"]
