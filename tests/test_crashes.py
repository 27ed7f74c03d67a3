"""A share of ``make crash-test``, a full disk and a read-only one."""

import contextlib
import functools
import os
import random
import re
import resource
import subprocess
import sys

import pytest
from crashes import Bench, contents
from support.kills import killed, points
from support.networks import random_network

from twinspike.numerics.encodings import Latency
from twinspike.numerics.files import replacing_folder, write_atomically

TOML = 'dataset = "digits"\ntimesteps = 3\n[[layers]]\nneurons = 6\n[[layers]]\nneurons = 3\n'


def test_a_file_is_old_or_new_at_whichever_point_the_kill_comes(tmp_path):
    path = tmp_path / "folder" / "file"
    write_atomically(path, b"old" * 1000)
    step = functools.partial(write_atomically, path, b"new" * 1000)
    reported = points(step, tmp_path)
    assert len(reported) >= 4
    for point in reported:
        write_atomically(path, b"old" * 1000)
        killed(step, tmp_path, point)
        assert path.read_bytes() == b"old" * 1000  # its last point is before the renaming
    write_atomically(path, b"new" * 1000)
    assert path.read_bytes() == b"new" * 1000


def test_a_file_written_in_place_is_found_torn(tmp_path):
    """What the kills would show of a step that does not write as write_atomically does."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    step = functools.partial(path.write_bytes, b"new")
    left = []
    for point in points(step, tmp_path):
        path.write_bytes(b"old")
        killed(step, tmp_path, point)
        left.append(path.read_bytes())
    assert left == [b"old", b""]


def test_a_kill_that_does_not_land_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"ended without passing \(0, 0, 9\)"):
        killed(functools.partial(write_atomically, tmp_path / "file", b""), tmp_path, (0, 0, 9))


def test_a_folder_is_old_or_new_or_gone_but_never_torn(tmp_path):
    folder = tmp_path / "out"

    def fill(text):
        with replacing_folder(folder) as work:
            for name in "abc":
                (work / name).write_text(text)

    fill("old")
    reported = points(lambda: fill("new"), tmp_path)
    assert len(reported) >= 8
    seen = []
    for point in reported:
        fill("old")
        killed(lambda: fill("new"), tmp_path, point)
        found = contents(folder)
        assert found in ({}, dict.fromkeys("abc", b"old"), dict.fromkeys("abc", b"new"))
        seen.append(found.get("a"))
    # Gone for one operation at most: between the two renames.
    assert seen.count(None) <= 1 and seen[0] == b"old" and seen[-1] == b"new"


def test_a_training_killed_at_random_points_ends_in_the_same_bytes(tmp_path):
    assert Bench(tmp_path).training_kills("killed", random.Random(5), 3) == 3


@pytest.fixture
def out(tmp_path):
    """(configuration, folder for outputs with a trained network)."""
    (tmp_path / "tiny.toml").write_text(TOML)
    network = random_network(5, timesteps=3, shape=(8, 8), widths=(6, 3), encoder=Latency(threshold=32))
    (tmp_path / "disk").mkdir()
    with contextlib.ExitStack() as stack:
        mounted = mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path / "disk"))
        if mounted:
            stack.callback(subprocess.run, ["umount", str(tmp_path / "disk")], check=True)
        network.save(tmp_path / "disk" / "build" / "tiny" / "network.safetensors")
        yield tmp_path / "tiny.toml", tmp_path / "disk", mounted


def mount(*arguments: str) -> bool:
    return os.geteuid() == 0 and subprocess.run(["mount", *arguments], capture_output=True).returncode == 0


def command(step, config, disk, limit=None):
    """Run a step as users do, its files limited to so many bytes; (status, lines on stderr but progress)."""

    def prepare():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "twinspike.cli", step, "--config", str(config), "--out", str(disk / "build")],
        capture_output=True,
        text=True,
        preexec_fn=prepare,
    )
    lines = [line for line in done.stderr.splitlines() if line and "it/s" not in line and "%|" not in line]
    return done.returncode, lines


@pytest.mark.parametrize("step", ["rtl", "golden"])
def test_a_full_disk_is_one_line_and_leaves_the_old_output(step, out):
    config, disk, mounted = out
    fill = disk / "fill"
    if mounted:
        with contextlib.suppress(OSError):
            fill.write_bytes(bytes(1 << 23))
    before = contents(disk / "build")
    status, lines = command(step, config, disk, None if mounted else 2000)
    assert status == 2 and len(lines) == 1, lines
    assert "cannot write: No space left on device" in lines[0] or "cannot write: File too large" in lines[0]
    assert contents(disk / "build") == before
    if mounted:
        fill.unlink()
        assert command(step, config, disk)[0] == 0


@pytest.mark.parametrize("step", ["rtl", "golden"])
def test_a_read_only_disk_is_one_line(step, out):
    config, disk, mounted = out
    build = disk / "build" / "tiny"
    if mounted:
        assert mount("-o", "remount,ro", str(disk))
    else:
        build.chmod(0o555)
    try:
        status, lines = command(step, config, disk)
    finally:
        if not mounted:
            build.chmod(0o755)
    assert status == 2 and len(lines) == 1, lines
    refused = "(cannot write|cannot be locked against other processes)"
    assert re.search(rf"{refused}: (Read-only file system|Permission denied)", lines[0])
