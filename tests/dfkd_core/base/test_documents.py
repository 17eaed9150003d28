"""Whatever lies where a document should: its value, or one line, and no wait."""

from __future__ import annotations

import json
import os
import socket

import pytest

from dfkd_core.base import documents
from dfkd_core.base.documents import (
    dump_yaml,
    parse_json,
    parse_yaml,
    read_content,
    read_json,
    read_json_object,
    read_yaml,
)
from dfkd_core.errors import ConfigError, Unreadable

READERS = [read_content, read_json, read_json_object, read_yaml]


def told(read, *arguments):
    with pytest.raises(Unreadable) as caught:
        read(*arguments)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500
    return message


@pytest.mark.parametrize("read", READERS)
def test_a_pipe_a_folder_a_socket_and_a_device_are_refused_at_once(read, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert "pipe: must be a file, but is a pipe" in told(read, tmp_path / "pipe")
        assert "folder: must be a file, but is a folder" in told(read, tmp_path / "folder")
        assert "must be readable, but" in told(read, tmp_path / "s")
    assert "must be a file, but is a device" in told(read, "/dev/zero")


def test_a_name_that_can_be_no_path_is_told(tmp_path):
    assert "must be readable, but" in told(read_json, tmp_path / ("n" * 300))
    assert "must be readable, but" in told(read_json, f"{tmp_path}/a\0b")


def test_an_absent_file_stays_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "absent.json")
    assert "No such file" in told(read_yaml, tmp_path / "absent.yaml")


def test_a_file_of_any_size_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST_BYTES", 2**20)
    (tmp_path / "a.json").write_bytes(b" " * (2**20 + 1))
    assert "must have at most 1 MiB, but has 1" in told(read_json, tmp_path / "a.json")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 70 + "1" + "}" * 70, "[" * 65 + "]" * 65, b"[" * 3000 + b"]" * 3000],
    ids=["endless", "mappings", "just over", "bytes"],
)
def test_json_that_is_too_deep_is_told(text):
    assert "deep" in told(parse_json, text, "front.json") or "Expecting" in told(parse_json, text, "front.json")


def test_many_brackets_in_a_row_are_not_deep():
    assert len(parse_json(json.dumps([[i] for i in range(1000)]))) == 1000


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e400]", "9" * 5000, "{", "", b"\xff"]
)
def test_json_that_is_none_is_told(text):
    assert told(parse_json, text, "x.json").startswith("x.json: must be valid JSON, but ")


def test_an_unreadable_file_is_a_config_error_and_a_value_error():
    assert issubclass(Unreadable, ConfigError) and issubclass(Unreadable, ValueError)


def test_a_long_reason_is_cut():
    assert "..." in told(parse_yaml, f"a: !{'x' * 4000} 1", "c.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: !!binary aGFsbG8=",
        "a: !!set {b, c}",
        "a: !!omap [b: 1]",
        "a: !!timestamp 2024-01-01",
        "a: !!python/tuple [1, 2]",
        "a: !special 1",
        "{[1, 2]: 3}",
        "? {a: b}\n: c",
        "a: &a [*a]",
        "a: " + "[" * 100 + "]" * 100,
        "a: " + "[" * 100_000,
    ],
)
def test_yaml_that_is_no_plain_value_is_told(text):
    assert told(parse_yaml, text, "c.yaml").startswith("c.yaml: ")


def test_aliases_may_be_used_but_not_to_blow_a_file_up():
    assert parse_yaml("a: &x [1, 2]\nb: *x\nc: {<<: {d: 1}}") == {"a": [1, 2], "b": [1, 2], "c": {"d": 1}}
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    assert "aliases stand for more" in told(parse_yaml, bomb, "c.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1:30", "1:30"),
        ("2024_05", "2024_05"),
        ("1_000.5", "1_000.5"),
        ("2024-01-01", "2024-01-01"),
        (".5", 0.5),
        ("1.", 1.0),
        ("+1e3", 1000.0),
        (".inf", float("inf")),
        ("=", "="),
    ],
)
def test_numbers_are_those_of_yaml_1_2(text, value):
    assert parse_yaml(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    "text", ["1e3", "010", "0o17", "1:30", "2024-01-01", "null", "true", "", "a: b", "#", "é", "\udce9"]
)
def test_text_is_written_so_that_it_is_read_as_text(text):
    assert parse_yaml(dump_yaml({"a": text})) == {"a": text}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "c.yaml").write_text("seed: 1\n", encoding="utf-8-sig")
    assert read_yaml(tmp_path / "c.yaml") == {"seed": 1}
