"""New versions: whole or not there at all, whatever is there before and whatever fails."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path

import pytest

from skyseries.errors import DeadlineExceeded, InputError, StorageError
from skyseries.executors import Job
from skyseries.hats.build import edition as editions
from skyseries.hats.build.edition import new_edition, new_folder
from skyseries.hats.build.promotion import promote
from skyseries.hats.check.validate import validate_catalog
from skyseries.hats.collection import COLLECTION_FILE, Collection, read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.manifest import digest_of, read_manifest
from skyseries.hats.properties import parse_properties
from skyseries.store import store_at
from skyseries.store.files import Location
from skyseries.store.local import Disk, LocalStore
from tests.hats.results import FIRST_ID, sky, write_result

OURS = [COLLECTION_FILE, "v000001"]


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
    }


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def current(path):
    return read_collection(Location(str(path)))


def primary(path):
    return open_dataset(Location(str(path / current(path).primary)))


def ids(dataset):
    return sorted(i for cell in dataset.partitions for i in dataset.read(cell)["id"].to_pylist())


def rows_of(path):
    return len(ids(primary(path)))


def write_small(path, text="x", **options):
    """Publish a version that holds one file; return its name."""
    with new_edition(path, **{"durability": "process"} | options) as edition:
        return publish(edition, text)


def work_on(path, work, **options):
    with new_edition(path, **{"durability": "process"} | options) as edition:
        work(edition)


def publish(edition, text="x"):
    if edition.report is None:
        (edition.content / "out").mkdir(exist_ok=True)
        (edition.content / "out" / "file").write_text(text)
    return edition.publish(Collection("out", "out"), {}, {"said": text})


def text_of(path):
    return (path / current(path).primary / "file").read_text()


# -- versions ------------------------------------------------------------------------------------


def test_a_first_version(tmp_path):
    path = tmp_path / "deep" / "out"
    assert write_result(path, sky(), durability="power") == "v000001"
    assert names(path) == OURS
    assert current(path) == Collection(
        "out",
        "v000001/out",
        ("v000001/out_5arcs",),
        "v000001/out_5arcs",
        (("id", "v000001/out_id_index"),),
    )
    assert names(path / "v000001") == ["manifest.json", "out", "out_5arcs", "out_id_index"]


def test_the_manifest_names_all_files(tmp_path):
    write_result(tmp_path / "out", sky(), run="mine")
    version = tmp_path / "out" / "v000001"
    manifest = read_manifest(Location(str(version)))
    there = {name for name, content in tree(version).items() if content is not None}
    assert set(manifest.files) == there - {"manifest.json"}
    for name, facts in manifest.files.items():
        assert facts[:2] == ((version / name).stat().st_size, digest_of(version / name))
    rows = {name: facts.rows for name, facts in manifest.files.items() if facts.rows is not None}
    assert sum(n for name, n in rows.items() if name.startswith("out/")) == sky().num_rows
    assert manifest.run == "mine"


def test_a_catalog_alone(tmp_path):
    write_result(tmp_path / "out", sky(), margin=None, index=None)
    assert current(tmp_path / "out") == Collection("out", "v000001/out")
    assert validate_catalog(tmp_path / "out").faults == ()


def test_overwrite_makes_the_next_version_and_readers_go_on(tmp_path):
    path = tmp_path / "out"
    write_result(path, sky(seed=1))
    before = primary(path)
    old_ids, old = ids(before), tree(path / "v000001")
    with pytest.raises(InputError, match="overwrite=True makes a new version"):
        write_result(path, sky(30))
    write_result(path, sky(30), overwrite=True)
    assert ids(before) == old_ids
    assert tree(path / "v000001") == old
    assert ids(primary(path)) == list(range(FIRST_ID, FIRST_ID + 30))
    assert current(path).version == "v000002"
    assert names(path) == [*OURS, "v000002"]
    assert validate_catalog(path).faults == ()


def test_no_number_is_used_twice(tmp_path):
    for number in (1, 2, 3):
        assert write_small(tmp_path, overwrite=True) == f"v{number:06d}"
    store = store_at(tmp_path)
    store.delete("v000003")  # the newest, which is named, by hand
    assert write_small(tmp_path, overwrite=True) == "v000004"
    store.delete("v000003")
    store.delete("v000002")
    assert write_small(tmp_path, overwrite=True) == "v000005"


def test_what_others_say_in_the_collection_stays(tmp_path):
    write_small(tmp_path)
    file = tmp_path / COLLECTION_FILE
    more = "all_extensions=colours colours.properties\nsurvey_doi=10.1/x\ndefault_margin=gone\n"
    file.write_text(file.read_text() + more)
    write_small(tmp_path, "y", overwrite=True)
    said = parse_properties(file.read_text(), "collection.properties")
    assert said["all_extensions"] == "colours colours.properties"
    assert said["survey_doi"] == "10.1/x"
    assert said["hats_primary_table_url"] == "v000002/out"
    assert not said.get("default_margin")  # of ours: this version has none


def test_a_collection_without_versions_gets_one(tmp_path):
    """As LSDB writes them: the catalog lies beside collection.properties."""
    (tmp_path / "survey").mkdir()
    promote(store_at(tmp_path), Collection("survey", "survey"), False)
    write_result(tmp_path, sky(20), overwrite=True)
    assert current(tmp_path).primary == "v000001/out"
    assert (tmp_path / "survey").is_dir()


def test_only_local_folders(tmp_path):
    with pytest.raises(
        InputError, match=r"cannot be written to memory:/+bucket/out: write to a folder"
    ):
        write_result("memory://bucket/out", sky(20))
    with pytest.raises(InputError, match="durability must be one of power, process"):
        write_result(tmp_path / "out", sky(20), durability="some")
    assert names(tmp_path) == []
    write_result(f"file://{tmp_path}/out", sky(20))
    assert validate_catalog(tmp_path / "out").faults == ()


# -- failures ------------------------------------------------------------------------------------


class StopError(Exception):
    pass


def stop(*_args, **_kwargs):
    raise StopError


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt])
def test_a_failure_leaves_no_trace(tmp_path, error):
    def fail():
        raise error

    with pytest.raises(error):
        write_result(tmp_path / "deep" / "out", sky(), fail=fail)
    assert names(tmp_path) == []
    write_result(tmp_path / "out", sky())
    before = tree(tmp_path)
    with pytest.raises(error):
        write_result(tmp_path / "out", sky(30), overwrite=True, fail=fail)
    assert tree(tmp_path) == before


def test_a_failure_in_an_empty_folder_keeps_the_folder(tmp_path):
    with pytest.raises(StopError):
        write_result(tmp_path, sky(20), fail=stop)
    assert tmp_path.is_dir()
    assert names(tmp_path) == []


@pytest.mark.parametrize("run", [None, "mine"])
def test_nothing_published_leaves_no_trace(tmp_path, run):
    with new_edition(tmp_path / "out", run=run) as edition:
        (edition.content / "file").write_text("x")
    assert names(tmp_path) == []


def failing(monkeypatch, step):
    """Let one step of publishing fail, or be interrupted."""
    target, name = {
        "manifest": (editions.Manifest, "to_json"),
        "adopt": (LocalStore, "adopt"),
        "sync": (LocalStore, "_sync_tree"),
        "name": (editions, "promote"),
        "create": (LocalStore, "create"),
        "replace": (LocalStore, "replace"),
    }[step]
    monkeypatch.setattr(target, name, stop)


@pytest.mark.parametrize("step", ["manifest", "adopt", "sync", "name", "write"])
@pytest.mark.parametrize("there", [False, True])
def test_a_failure_while_publishing(tmp_path, monkeypatch, step, there):
    path = tmp_path / "out"
    if there:
        write_small(path)
    before = tree(tmp_path)
    step = {False: "create", True: "replace"}[there] if step == "write" else step
    with monkeypatch.context() as patch:
        failing(patch, step)
        with pytest.raises(StopError):
            write_small(path, "new", overwrite=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("step", ["manifest", "rename", "write", "sync"])
@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_while_publishing(tmp_path, monkeypatch, step, there):
    path = tmp_path / "out"
    if there:
        write_small(path)
    before = tree(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with new_edition(path, overwrite=True) as edition, monkeypatch.context() as patch:
        (edition.content / "file").touch()
        where, name = (Path, "write_text") if step == "manifest" else (Disk, step)
        patch.setattr(where, name, full)
        with pytest.raises(StorageError, match=r"(?i)no space left.*run the same again"):
            edition.publish(Collection("out", "out"), {})
    assert tree(tmp_path) == before


def test_a_failure_after_the_version_was_named(tmp_path, monkeypatch):
    """The disk may say no, or Ctrl-C come, when readers see the new version already."""
    write_small(tmp_path, "old")
    real = LocalStore.replace

    def replaced(*args):
        real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "replace", replaced)
        with pytest.raises(KeyboardInterrupt):
            write_small(tmp_path, "new", overwrite=True)
    assert text_of(tmp_path) == "new"
    assert names(tmp_path) == [*OURS, "v000002"]


def test_what_killed_writers_have_left_does_not_matter(tmp_path):
    path = tmp_path / "out"
    for name in (".import-build-0123abcd/out", ".build-0123abcd/content/out", "v000001/out"):
        (path / name).mkdir(parents=True)
    (path / ".import.lock").touch()
    (path / ".collection.properties.0123abcd.part").touch()
    before = names(path)
    write_result(path, sky())
    assert names(path) == sorted([*before, COLLECTION_FILE, "v000002"])  # others may be at work
    assert current(path).version == "v000002"


def test_what_systems_put_into_folders_does_not_matter(tmp_path):
    (tmp_path / "lost+found").mkdir()
    for name in (".DS_Store", "._out", ".nfs000000000012", "desktop.ini", "Thumbs.db"):
        (tmp_path / name).touch()
    before = names(tmp_path)
    write_small(tmp_path)
    assert set(names(tmp_path)) == {*before, *OURS}
    with pytest.raises(InputError, match="holds a catalog already"):
        write_small(tmp_path)


@pytest.mark.parametrize("run", [None, "mine"])
def test_after_the_last_number_nothing_is_begun(tmp_path, run):
    write_small(tmp_path)
    (tmp_path / "v999999").mkdir()  # of whomever
    before = tree(tmp_path)
    with (
        pytest.raises(InputError, match=r"holds v999999, and .* has six digits"),
        new_edition(tmp_path, overwrite=True, run=run),
    ):
        raise AssertionError("it was begun")
    assert tree(tmp_path) == before
    assert names(tmp_path) == [*OURS, "v999999"]


@pytest.mark.parametrize("run", [None, "mine"])
def test_folders_of_others_are_not_touched(tmp_path, run):
    (tmp_path / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"not empty .*notes.txt.* and no catalog"):
            write_small(tmp_path, overwrite=overwrite, run=run)
        with pytest.raises(InputError, match="is a file"):
            write_small(tmp_path / "notes.txt", overwrite=overwrite, run=run)
    assert tree(tmp_path) == before


# -- two at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [False, True])
def test_two_writers_both_get_a_version(tmp_path, first):
    """Nobody waits for the other one, and no work is lost."""
    write_small(tmp_path, "old")
    with (
        new_edition(tmp_path, overwrite=True) as one,
        new_edition(tmp_path, overwrite=True) as other,
    ):
        mine, theirs = (one, other) if first else (other, one)
        assert publish(mine, "mine") == "v000002"
        assert publish(theirs, "theirs") == "v000003"
    assert names(tmp_path) == [*OURS, "v000002", "v000003"]
    assert text_of(tmp_path) == "theirs"
    assert (tmp_path / "v000002" / "out" / "file").read_text() == "mine"


def test_a_later_version_that_was_named_meanwhile_stays_the_current_one(tmp_path, monkeypatch):
    write_small(tmp_path, "old")
    real = editions.promote

    def late(store, collection, overwrite):
        monkeypatch.setattr(editions, "promote", real)
        assert write_small(tmp_path, "later", overwrite=True) == "v000003"
        real(store, collection, overwrite)

    monkeypatch.setattr(editions, "promote", late)
    assert write_small(tmp_path, "mine", overwrite=True) == "v000002"
    assert text_of(tmp_path) == "later"
    assert names(tmp_path) == [*OURS, "v000002", "v000003"]


@pytest.mark.parametrize("run", [None, "mine"])
@pytest.mark.parametrize("other", ["v000001", "v000002"])
def test_a_catalog_that_is_made_twice(tmp_path, monkeypatch, run, other):
    """Without overwrite the second one is told so, and leaves nothing."""
    real = editions.promote

    def late(store, collection, overwrite):
        monkeypatch.setattr(editions, "promote", real)
        assert write_small(tmp_path, "theirs") == "v000002"
        real(store, collection, overwrite)

    def work(edition):
        if other == "v000001":
            assert write_small(tmp_path, "theirs") == other
        else:
            monkeypatch.setattr(editions, "promote", late)
        publish(edition, "mine")

    with pytest.raises(InputError, match="another writer has made meanwhile; overwrite=True"):
        work_on(tmp_path, work, run=run)
    assert names(tmp_path) == [COLLECTION_FILE, other]
    assert text_of(tmp_path) == "theirs"


def test_many_writers_at_once(tmp_path):
    write_small(tmp_path, "old")
    found = []

    def write(number):
        found.append((write_small(tmp_path, f"{number}", overwrite=True), f"{number}"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for name, _ in found) == [f"v{n:06d}" for n in range(2, 14)]
    for name, text in found:
        assert (tmp_path / name / "out" / "file").read_text() == text
    assert current(tmp_path).version == "v000013"
    assert names(tmp_path) == [COLLECTION_FILE, *(f"v{n:06d}" for n in range(1, 14))]


def test_the_same_run_twice_at_once(tmp_path):
    with new_edition(tmp_path, run="mine", durability="process") as edition:
        for resume in (True, False):
            with pytest.raises(StorageError, match="another process is writing the same to"):
                write_small(tmp_path, run="mine", resume=resume)
        assert publish(edition) == "v000001"
    assert names(tmp_path) == OURS


# -- runs that go on -----------------------------------------------------------------------------


def test_a_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    done = []
    real = editions.Journal.run

    def seen(self, stage, tasks, unit="rows"):
        done.append((stage, sum(self._known(stage, n) is None for n in range(len(tasks)))))
        return real(self, stage, tasks, unit)

    monkeypatch.setattr(editions.Journal, "run", seen)
    options = {"run": "mine", "margin": 3600.0, "durability": "power"}
    with pytest.raises(StopError):
        write_result(tmp_path / "out", sky(), fail=stop, **options)
    assert names(tmp_path / "out") == [".build-mine"]
    assert names(tmp_path / "out" / ".build-mine") == ["content", "lock", "marks", "scratch"]
    whole = done.copy()
    assert all(count for _, count in whole)
    write_result(tmp_path / "out", sky(), **options)
    assert done[len(whole) :] == [(stage, 0) for stage, _ in whole]
    assert names(tmp_path / "out") == OURS
    assert validate_catalog(tmp_path / "out").faults == ()
    assert rows_of(tmp_path / "out") == sky().num_rows


def test_a_run_that_is_to_start_again(tmp_path):
    seen = []

    def work(edition):
        seen.append((edition.resumed, names(edition.content), edition.journal.note("n")))
        edition.journal.keep("n", {"a": 1})
        (edition.content / "x").touch()
        stop()

    for resume in (True, True, False):
        with pytest.raises(StopError):
            work_on(tmp_path, work, run="mine", resume=resume)
    assert seen == [(False, [], None), (True, ["x"], {"a": 1}), (False, [], None)]


def stopped(path, monkeypatch, step, **options):
    """Publish a version, but be stopped at some step; what is left can be gone on with."""
    with monkeypatch.context() as patch:
        failing(patch, step)
        with pytest.raises(StopError):
            write_small(path, run="mine", **options)


STEPS = ["manifest", "adopt", "sync", "name", "create"]


@pytest.mark.parametrize("step", STEPS)
def test_stopped_at_the_very_end(tmp_path, monkeypatch, step):
    for _ in range(2):
        stopped(tmp_path, monkeypatch, step)
        assert not (tmp_path / COLLECTION_FILE).exists()
    with new_edition(tmp_path, run="mine") as edition:
        assert edition.report == (None if step == "manifest" else {"said": "x"})
        assert publish(edition) == "v000001"
    assert names(tmp_path) == OURS
    assert text_of(tmp_path) == "x"


def test_stopped_after_it_was_named(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(editions, "_remove", lambda _: None)
        write_small(tmp_path, run="mine")
    assert names(tmp_path) == [".build-mine", *OURS]
    assert write_small(tmp_path, run="mine") == "v000001"
    assert names(tmp_path) == OURS


def test_a_number_that_others_have_passed_meanwhile(tmp_path, monkeypatch):
    """Who ends last is the current one, also where the number was chosen long before."""
    write_small(tmp_path, "old")
    stopped(tmp_path, monkeypatch, "adopt", text="mine", overwrite=True)
    (tmp_path / "v000002").mkdir()  # a number that nobody has named
    assert write_small(tmp_path, "theirs", overwrite=True) == "v000003"
    (tmp_path / "v000002").rmdir()
    assert write_small(tmp_path, run="mine", overwrite=True) == "v000004"
    assert text_of(tmp_path) == "mine"


def test_another_place_for_scratch_files_starts_again(tmp_path):
    seen = []
    places = [tmp_path / name for name in "abb"]

    def work(edition):
        seen.append((edition.resumed, edition.journal.note("x")))
        edition.scratch.mkdir(parents=True, exist_ok=True)
        edition.journal.keep("x", {"a": 1})
        raise StopError

    for place in places:
        with pytest.raises(StopError):
            work_on(tmp_path / "out", work, run="mine", scratch=place)
    assert seen == [(False, None), (False, None), (True, {"a": 1})]
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("name", ["overwrite", "resume"])
def test_what_is_neither_true_nor_false(tmp_path, name):
    with (
        pytest.raises(InputError, match=f"{name} must be True or False, not 'no'"),
        new_edition(tmp_path, **{name: "no"}),
    ):
        pass


def test_a_job_that_is_over_publishes_nothing(tmp_path, monkeypatch):
    real = editions.Edition._seal

    def slow(self, known):
        time.sleep(0.3)
        return real(self, known)

    monkeypatch.setattr(editions.Edition, "_seal", slow)
    with pytest.raises(DeadlineExceeded), Job("late", deadline_s=0.1):
        write_small(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_another_has_taken_its_number_or_its_name_meanwhile(tmp_path, monkeypatch):
    write_small(tmp_path, "old")
    stopped(tmp_path, monkeypatch, "adopt", text="mine", overwrite=True)
    assert write_small(tmp_path, "theirs", overwrite=True) == "v000002"
    assert write_small(tmp_path, run="mine", overwrite=True) == "v000003"
    assert text_of(tmp_path) == "mine"
    stopped(tmp_path, monkeypatch, "name", text="late", overwrite=True)
    assert write_small(tmp_path, "theirs", overwrite=True) == "v000005"
    assert write_small(tmp_path, run="mine", overwrite=True) == "v000004"
    assert text_of(tmp_path) == "theirs"
    assert (tmp_path / "v000004" / "out" / "file").read_text() == "late"


def test_what_was_adopted_and_then_removed_is_written_again(tmp_path, monkeypatch):
    stopped(tmp_path, monkeypatch, "name")
    store_at(tmp_path).delete("v000001")
    assert write_small(tmp_path, "again", run="mine") == "v000001"
    assert text_of(tmp_path) == "again"


def test_it_was_written_once_more_after_its_manifest(tmp_path, monkeypatch):
    """Files that have a date differ when what comes last is done again."""
    keep = editions.Journal.keep

    def killed(self, name, value):
        if name == "report":
            stop()
        keep(self, name, value)

    def work(edition):
        keep(edition.journal, "n", {})
        publish(edition, "first")

    with monkeypatch.context() as patch:
        patch.setattr(editions.Journal, "keep", killed)
        with pytest.raises(StopError):
            work_on(tmp_path, work, run="mine")
    assert (tmp_path / ".build-mine" / "content" / "manifest.json").exists()
    assert write_small(tmp_path, "second", run="mine") == "v000001"
    manifest = read_manifest(Location(str(tmp_path / "v000001")))
    assert set(manifest.files) == {"out/file"}
    assert manifest.files["out/file"].digest == digest_of(tmp_path / "v000001" / "out" / "file")


@pytest.mark.parametrize("what", ["cut", "zeros", "gone", "manifest"])
def test_a_power_cut_when_all_was_done(tmp_path, monkeypatch, what):
    """The disk holds the note that all is done, and not all that was."""
    stopped(tmp_path, monkeypatch, "adopt", durability="power", text="whole")
    content = tmp_path / ".build-mine" / "content"
    file = content / ("manifest.json" if what == "manifest" else "out/file")
    if what == "gone":
        file.unlink()
    else:
        file.write_bytes(b"\0" * (5 if what == "zeros" else 3))
    assert write_small(tmp_path, "again", run="mine", durability="power") == "v000001"
    assert text_of(tmp_path) == "again"


def test_a_file_without_a_name_is_no_part_of_the_version(tmp_path):
    with new_edition(tmp_path, run="mine") as edition:
        (edition.content / "out").mkdir()
        (edition.content / "out" / ".file.0123abcd.part").write_text("half")
        publish(edition)
    assert names(tmp_path / "v000001" / "out") == ["file"]


def test_runs_of_earlier_versions_are_refused(tmp_path):
    (tmp_path / ".import-marks-0123").mkdir()
    with pytest.raises(InputError, match=r"earlier version .*\.import-marks-0123.* resume=False"):
        write_small(tmp_path, run="mine")
    assert names(tmp_path) == [".import-marks-0123"]
    write_small(tmp_path, run="mine", resume=False)
    assert names(tmp_path) == [".import-marks-0123", *OURS]
    assert write_small(tmp_path, overwrite=True) == "v000002"


def test_scratch_in_another_place(tmp_path):
    """Two catalogs may have the same one, and runs of the same name."""
    seen = []

    def work(edition):
        seen.append((edition.scratch, edition.scratch.exists()))
        edition.journal.keep("n", {})
        edition.scratch.mkdir(parents=True, exist_ok=True)
        if len(seen) == 1:
            stop()
        publish(edition)

    options = {"run": "mine", "scratch": tmp_path / "tmp"}
    with pytest.raises(StopError):
        work_on(tmp_path / "a", work, **options)
    work_on(tmp_path / "b", work, **options)
    work_on(tmp_path / "a", work, **options)
    assert [there for _, there in seen] == [False, False, True]
    assert seen[0][0] == seen[2][0] != seen[1][0]
    assert names(tmp_path / "tmp") == []
    assert names(tmp_path / "a") == names(tmp_path / "b") == OURS


# -- folders without versions --------------------------------------------------------------------


def place(path, text, overwrite=False, fail=None):
    with new_folder(path, "pairs", overwrite=overwrite) as edition:
        (edition.content / "file").write_text(text)
        if fail is not None:
            fail()
        edition.place(path, {})


def test_a_folder_takes_the_place_of_another(tmp_path):
    path = tmp_path / "deep" / "pairs"
    place(path, "old")
    assert names(tmp_path / "deep") == ["pairs"]
    assert names(path) == ["file", "manifest.json"]
    assert set(read_manifest(Location(str(path))).files) == {"file"}
    with pytest.raises(StorageError, match="is there already"):
        place(path, "new")
    with pytest.raises(StopError):
        place(path, "new", overwrite=True, fail=stop)
    assert (path / "file").read_text() == "old"
    place(path, "new", overwrite=True)
    assert (path / "file").read_text() == "new"
    assert names(tmp_path / "deep") == ["pairs"]


def test_a_folder_that_fails_leaves_no_trace(tmp_path):
    with pytest.raises(StopError):
        place(tmp_path / "deep" / "pairs", "new", fail=stop)
    assert names(tmp_path) == []
