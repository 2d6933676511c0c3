"""The record of a version: what is written is read, and nothing that was changed is believed."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import xxhash

from skyseries.errors import CatalogError
from skyseries.hats.manifest import FileFacts, Manifest, digest_of, read_manifest
from skyseries.store.files import Location

MADE = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
FILES = {
    "survey/hats.properties": FileFacts(120, "0" * 32),
    "survey/dataset/Norder=0/Dir=0/Npix=4.parquet": FileFacts(7_000_000_000, "ab" * 16, 12),
    'a "quoted", "digest": "é] name': FileFacts(0, "f" * 32, 0),
}


def test_what_is_written_is_read(tmp_path):
    manifest = Manifest("run-1", MADE, FILES)
    (tmp_path / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    assert read_manifest(Location(str(tmp_path))) == manifest
    assert manifest.nbytes == 7_000_000_120
    assert read_manifest(Location(str(tmp_path / "elsewhere"))) is None


def test_it_is_json_that_others_read():
    found = json.loads(Manifest("run-1", MADE, FILES).to_json())
    assert found["skyseries_manifest"] == 1
    assert found["hash"] == "xxh3_128"
    assert found["made"] == "2026-03-01T12:30:05Z"
    assert ["survey/hats.properties", 120, "0" * 32, None] in found["files"]


def test_a_version_without_files_and_another_time_zone():
    made = MADE.astimezone(timezone(timedelta(hours=5)))
    assert Manifest.from_json(Manifest("", made, {}).to_json()) == Manifest("", MADE, {})


def test_every_changed_character_and_every_cut_is_seen():
    text = Manifest("run-1", MADE, FILES).to_json()
    for place, character in enumerate(text):
        changed = "0" if character != "0" else "1"
        with pytest.raises(CatalogError):
            Manifest.from_json(text[:place] + changed + text[place + 1 :])
        with pytest.raises(CatalogError):
            Manifest.from_json(text[:place])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('manifest": 1', 'manifest": 2'), "newer version of Skyseries .manifest 2"),
        (('"xxh3_128"', '"blake9"'), "digests by blake9"),
        (("survey/hats", "../hats"), "'../hats.properties' is no path below"),
        (("survey/hats", "/etc/hats"), "'/etc/hats.properties' is no path below"),
        ((",120,", ',"120",'), "is not path, bytes, digest, rows"),
        (("run-1", "run-2"), "changed after it was written"),
        (('"run"', '"ran"'), "no manifest of a version: 'run'"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(change, says):
    text = Manifest("run-1", MADE, FILES).to_json()
    assert change[0] in text
    with pytest.raises(CatalogError, match=f"^/cat/manifest.json .*{says}"):
        Manifest.from_json(text.replace(*change, 1), "/cat/manifest.json")


def test_digests_are_those_of_the_whole_file(tmp_path):
    content = bytes(range(256)) * 20_000
    (tmp_path / "file").write_bytes(content)
    expected = xxhash.xxh3_128(content).hexdigest()
    assert digest_of(tmp_path / "file") == digest_of(Location(str(tmp_path / "file"))) == expected
    (tmp_path / "empty").touch()
    assert digest_of(tmp_path / "empty") == xxhash.xxh3_128(b"").hexdigest()
