"""Files are whole or as they were: whatever the package writes, and whatever goes wrong while it does."""

import errno
import os
import re
import resource
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu import saving


def loss():
    theta, x = tg.Value(3.0, name="theta"), tg.Value(2.0, name="x", requires_grad=False)
    return 0.5 * (8.0 - theta * x) ** 2


def descent():
    return tg.explain_descent(
        tg.models.LinearRegression(learning_rate=0.25, fit_intercept=False, init=(3.0, 0.0)).fit([[2.0]], [8.0])
    )


FORMS = [
    *(pytest.param(lambda: tg.explain(loss()), f"page{suffix}", id=f"explanation{suffix}") for suffix in (".html", ".tex", ".txt")),
    *(pytest.param(lambda: tg.draw(loss()), f"page{suffix}", id=f"drawing{suffix}") for suffix in (".svg", ".png", ".dot", ".mmd")),
    pytest.param(descent, "page.html", id="descent.html"),
]
every_form = pytest.mark.parametrize(("made", "name"), FORMS)
OLD = b"what was there before\n"


@pytest.fixture(autouse=True)
def graphviz():
    pytest.importorskip("pygraphviz")


@contextmanager
def no_room_for_more_than(size):
    """Files cannot grow beyond so many bytes, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@every_form
def test_a_new_file_replaces_the_old_one_whole(made, name, tmp_path):
    (tmp_path / name).write_bytes(OLD)
    assert made().save(tmp_path / name) == tmp_path / name
    first = contents(tmp_path)
    assert list(first) == [name]
    assert first[name] not in (b"", OLD)
    made().save(str(tmp_path / name))
    assert contents(tmp_path) == first


@every_form
@pytest.mark.parametrize("room", [0, 20])
def test_while_the_disk_fills_up_the_old_file_stays_and_nothing_is_left_over(made, name, room, tmp_path):
    (tmp_path / name).write_bytes(OLD)
    thing = made()
    unsaved = pytest.raises(OSError, match="was not saved, and a file that was there is as it was: File too large")
    with unsaved as caught, no_room_for_more_than(room):
        thing.save(tmp_path / name)
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert contents(tmp_path) == {name: OLD}


@every_form
def test_while_the_disk_fills_up_no_half_of_a_new_file_appears(made, name, tmp_path):
    thing = made()
    with pytest.raises(OSError, match="File too large"), no_room_for_more_than(20):
        thing.save(tmp_path / name)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_failure_at_any_step_keeps_the_old_file_and_its_kind(step, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise PermissionError(errno.EPERM, "not allowed")

    path = tmp_path / "graph.dot"
    path.write_bytes(OLD)
    monkeypatch.setattr(os, step, fails)
    with pytest.raises(PermissionError, match=r"a picture was not saved.*not allowed.*graph\.dot"):
        tg.draw(loss()).save(path)
    assert contents(tmp_path) == {"graph.dot": OLD}


def interrupted_at(number, call):
    """Run a call, and press Ctrl-C before a line of the module that writes. Whether there were so many lines."""
    left = number

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename != saving.__file__:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return left <= 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that is open then is closed with its object
def test_control_c_before_any_line_leaves_the_old_file_or_the_new_one_and_nothing_else(tmp_path):
    path = tmp_path / "graph.dot"
    drawing = tg.draw(loss())
    drawing.save(path)
    new = path.read_bytes()
    number, seen = 1, set()
    while True:
        path.write_bytes(OLD)
        was_interrupted = interrupted_at(number, lambda: drawing.save(path))
        assert contents(tmp_path) in ({"graph.dot": OLD}, {"graph.dot": new})
        if not was_interrupted:
            break
        seen.add(path.read_bytes())
        number += 1
    assert number > 15
    assert OLD in seen


def test_a_file_keeps_its_permissions_and_a_new_one_gets_those_of_the_umask(tmp_path):
    path = tmp_path / "graph.dot"
    before = os.umask(0o027)
    try:
        tg.draw(loss()).save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    tg.draw(loss()).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "graph.dot"
    path.write_bytes(OLD)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    owner = path.stat().st_uid, path.stat().st_gid
    tg.draw(loss()).save(path)
    assert (path.stat().st_uid, path.stat().st_gid) == owner
    assert path.read_bytes() != OLD


def test_a_link_stays_a_link_and_leads_to_the_new_file(tmp_path):
    (tmp_path / "far").mkdir()
    real, link, loose = tmp_path / "far" / "real", tmp_path / "graph.dot", tmp_path / "loose.dot"
    real.write_bytes(OLD)
    link.symlink_to(Path("far") / "real")
    loose.symlink_to(tmp_path / "far" / "new.dot")
    for path in (link, loose):
        tg.draw(loss()).save(path)
        assert path.is_symlink()
    assert real.read_text("utf-8") == (tmp_path / "far" / "new.dot").read_text("utf-8") == tg.draw(loss()).dot
    assert {path.name for path in tmp_path.iterdir()} == {"far", "graph.dot", "loose.dot"}
    assert {path.name for path in (tmp_path / "far").iterdir()} == {"real", "new.dot"}


def test_links_in_a_circle_are_an_error(tmp_path):
    path = tmp_path / "graph.dot"
    path.symlink_to(path)
    with pytest.raises(OSError, match=r"a picture was not saved.*graph\.dot"):
        tg.draw(loss()).save(path)


def test_a_pipe_takes_what_is_written(tmp_path):
    path = tmp_path / "pipe.txt"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_text("utf-8")))
    reader.start()
    tg.explain(loss()).save(path)
    reader.join(timeout=30)
    assert read == [str(tg.explain(loss()))]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_link_to_the_standard_output_writes_to_it(tmp_path):
    (tmp_path / "out.txt").symlink_to("/dev/stdout")
    code = "import tinygrad_edu as tg; tg.explain(tg.Value(3.0, name='w') ** 2).save('out.txt')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == str(tg.explain(tg.Value(3.0, name="w") ** 2))


def test_a_full_device_says_so(tmp_path):
    (tmp_path / "graph.dot").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"a picture was not saved.*No space left on device.*graph\.dot"):
        tg.draw(loss()).save(tmp_path / "graph.dot")


@every_form
def test_a_folder_in_the_place_is_an_error_and_stays(made, name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=name):
        made().save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).is_dir()


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("nowhere/graph.dot", FileNotFoundError, "No such file or directory"),
        ("file/graph.dot", NotADirectoryError, "Not a directory"),
        (f"{'x' * 300}.dot", OSError, "File name too long"),
        (f"{'x/' * 3000}.dot/graph.dot", OSError, "File name too long"),
        ("a\0b.dot", tg.errors.DataError, "no file can be called .*: embedded null"),
        ("a\ud800.dot", tg.errors.DataError, "no file can be called"),
    ],
)
def test_a_place_where_no_file_can_be_is_named_with_the_reason(name, kind, why, tmp_path):
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(kind, match=why) as caught:
        tg.draw(loss()).save(tmp_path / name)
    assert str(caught.value).isprintable()
    assert contents(tmp_path) == {"file": OLD}


def test_the_longest_name_that_a_file_can_have_is_no_trouble(tmp_path):
    name = "x" * 251 + ".dot"
    tg.draw(loss()).save(tmp_path / name)
    assert list(contents(tmp_path)) == [name]


WITHOUT_RIGHTS = """
import os, pathlib
import tinygrad_edu as tg
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for name in ("open/graph.dot", "closed/graph.dot"):
    try:
        tg.draw(tg.Value(3.0, name="w") ** 2).save(name)
    except PermissionError as error:
        print(error)
"""


def test_neither_a_file_that_may_not_be_written_nor_a_folder_is_touched(tmp_path):
    tmp_path.chmod(0o755)
    for name, folder_mode, file_mode in [("open", 0o777, 0o444), ("closed", 0o555, 0o666)]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "graph.dot").write_bytes(OLD)
        (tmp_path / name / "graph.dot").chmod(file_mode)
        (tmp_path / name).chmod(folder_mode)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", WITHOUT_RIGHTS], cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    said = done.stdout.decode().splitlines()
    assert (done.returncode, len(said)) == (0, 2), done.stderr.decode()
    for name, line in zip(("open", "closed"), said, strict=True):
        assert "was not saved, and a file that was there is as it was: Permission denied" in line
        assert f"{name}/graph.dot" in line
        assert contents(tmp_path / name) == {"graph.dot": OLD}


@every_form
@pytest.mark.parametrize("suffix", [".jpeg", "", ".", ".HTML"])
def test_a_suffix_that_says_nothing_is_refused_before_anything_is_touched(made, name, suffix, tmp_path):
    path = tmp_path / f"{Path(name).stem}{suffix}"
    path.write_bytes(OLD)
    with pytest.raises(tg.errors.DataError, match=r"can be saved as \..*, but not as '.+'"):
        made().save(path)
    assert contents(tmp_path) == {path.name: OLD}


@pytest.mark.parametrize("path", [3, None, b"graph.dot", ["graph.dot"]])
def test_a_path_is_text_or_a_path(path):
    with pytest.raises(tg.errors.DataError, match=f"a path is text or a pathlib.Path, but got {type(path).__name__}"):
        tg.draw(loss()).save(path)


def test_a_picture_that_cannot_be_made_leaves_the_old_one(tmp_path):
    h = tg.Value(0.5, name="x")
    for _ in range(300):
        h = -h
    path = tmp_path / "ribbon.png"
    path.write_bytes(OLD)
    with pytest.raises(tg.errors.UnsupportedError, match="pixels"):
        tg.draw(h).save(path)
    assert contents(tmp_path) == {"ribbon.png": OLD}


# What is not the user's: settings of Sphinx and IPython in a folder that is gone afterwards, and a lock, which is an empty file.
WRITES_OTHERS = {"course/building.py": ["write_text(", "write_text("], "course/progress.py": ['open("a")']}


def test_nothing_but_one_module_of_the_package_writes_files():
    root = Path(saving.__file__).parent
    calls = re.compile(r"""write_text\(|write_bytes\(|savefig\(|tofile\(|\bopen\((?:[^()]*, )?"[rb]*[wax+][^"]*"\)?""")
    found = {path.relative_to(root).as_posix(): calls.findall(path.read_text("utf-8")) for path in root.rglob("*.py")}
    assert found.pop("saving.py") != []
    assert {name: writes for name, writes in found.items() if writes} == WRITES_OTHERS
    assert calls.findall('open(path, "wb")') == ['open(path, "wb")']
