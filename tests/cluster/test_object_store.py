"""Files below a URL: whole or absent, tried several times, and no secret in an address."""

import pytest

from cluster import object_store
from cluster.object_store import ObjectStore, StoreError, below, check_url


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(object_store, "FIRST_WAIT_S", 0.0)
    return ObjectStore((tmp_path / "store").as_uri())


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("nfs://host/x", "must begin with s3://, gs:// or file://"),
        ("runs/shared", "must begin with"),
        ("s3://bucket", "s3://BUCKET/FOLDER, but got 's3://bucket'"),
        ("file://host/x", "file:///FOLDER"),
        ("s3:///x", "s3://BUCKET/FOLDER"),
        ("s3://PLANTED@bucket/x", "must not hold a key"),
        ("s3://bucket/x?secret_key=PLANTED", "must not hold a key, but got one; give it through the environment"),
        ("gs://bucket/x?access_token=PLANTED", "must not hold a key"),
    ],
)
def test_an_address_is_refused_by_its_rule_and_its_secret_is_not_repeated(url, rule):
    with pytest.raises(ValueError, match="must") as caught:
        check_url(url)
    assert rule in str(caught.value) and "PLANTED" not in str(caught.value)


def test_options_stay_behind_what_lies_below():
    assert below("s3://b/x/?region=eu", "first") == "s3://b/x/first?region=eu"
    assert check_url("s3://b/x?endpoint_override=host:9000&scheme=http")


def test_a_file_is_written_read_listed_and_removed(store):
    assert store.files() == {} and store.get("a/b") is None and store.stat("a/b") is None
    store.put("a/b", b"first")
    store.put("a/b", b"second")
    assert store.get("a/b") == b"second"
    assert [(name, stored.num_bytes) for name, stored in store.files().items()] == [("a/b", 6)]
    store.delete("a/b")
    store.delete("a/b")
    assert store.files() == {}


def test_what_fails_is_tried_again_and_then_named(store):
    fails = iter([OSError("slow down"), OSError("slow down")])

    def work(system, path):
        for error in fails:
            raise error
        return path

    assert store._tried(work, "x").endswith("/store/x")
    with pytest.raises(StoreError, match=r"file://.*/store/x: slow down"):
        store._tried(lambda system, path: (_ for _ in ()).throw(OSError("slow  down")), "x")


def test_a_store_that_says_nothing_for_long_is_not_asked_again(store, monkeypatch):
    monkeypatch.setattr(object_store, "LAST_TRY_S", 0.0)
    tries = []
    with pytest.raises(StoreError, match="timed out"):
        store._tried(lambda system, path: tries.append(path) or (_ for _ in ()).throw(OSError("timed out")), "x")
    assert len(tries) == 1
