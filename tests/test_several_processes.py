"""The how-to about several processes: what its program prints is the gradient of all the data, and nothing is left of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")

import tinygrad_edu as tg

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "how-to" / name for name in ("several_processes.md", "several_processes.zh-CN.md")]
LONGEST = 90
"""So many seconds may all of a test take; then its processes are ended."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are looked for by their group")


def program(page):
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return code


class Processes:
    """The program, started so many times. At the end of the block none is there any more, whatever has happened in it."""

    def __init__(self, folder, count, steps):
        self.deadline = time.monotonic() + LONGEST
        (folder / "train.py").write_text(program(PAGES[0]), encoding="utf-8")
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]
        self.outputs = [folder / f"output of {number} of {count}" for number in range(count)]
        self.running = []
        for number, output in enumerate(self.outputs):
            command = [sys.executable, folder / "train.py", f"localhost:{self.port}", *map(str, (count, number, steps))]
            with output.open("w") as file:
                started = subprocess.Popen(
                    command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env=ENVIRONMENT, start_new_session=True
                )
            self.running.append(started)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            if is_any_left(process):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def ended(self):
        """How each of them ended."""
        return [process.wait(max(0.0, self.deadline - time.monotonic())) for process in self.running]

    def steps(self, number):
        """What a process has printed: for each step the loss and the gradient."""
        lines = re.findall(r"^loss (\S+) gradient (.*)\n", self.outputs[number].read_text(), re.MULTILINE)
        return np.array([[float(number) for number in (loss, *gradient.split())] for loss, gradient in lines])

    def wait_for_steps(self):
        while not all(len(self.steps(number)) for number in range(len(self.running))):
            assert time.monotonic() < self.deadline, [output.read_text() for output in self.outputs]
            assert [process.poll() for process in self.running] == [None] * len(self.running)
            time.sleep(0.1)


ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def is_any_left(process):
    """Whether the process, or one that it has started, is still there. (One that has ended counts until it has been waited for.)"""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_both_pages_show_the_same_program():
    assert program(PAGES[0]) == program(PAGES[1])


def test_two_processes_with_half_of_the_data_each_get_the_gradient_of_all_of_it(tmp_path):
    with Processes(tmp_path, 2, steps=3) as two:
        assert two.ended() == [0, 0], [output.read_text() for output in two.outputs]
    with Processes(tmp_path, 1, steps=3) as one:
        assert one.ended() == [0], one.outputs[0].read_text()
    assert one.steps(0).shape == (3, 1 + 24)
    np.testing.assert_array_equal(two.steps(0), two.steps(1))
    np.testing.assert_allclose(two.steps(0), one.steps(0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(two.steps(0)[0], by_numpy(), rtol=1e-12, atol=1e-12)


def by_numpy():
    """The first loss and gradient, computed here without JAX."""
    scope = {}
    exec(re.search(r"^def loss.*?\n\n", program(PAGES[0]), re.DOTALL | re.MULTILINE)[0], {"np": np}, scope)
    data = np.array([np.random.default_rng(sample).normal(size=4) for sample in range(1000)])
    rng = np.random.default_rng(0)
    params = {"W": rng.normal(size=(3, 8)), "b": np.zeros(8), "v": rng.normal(size=8)}
    loss, gradient = tg.value_and_grad(scope["loss"])(params, data[:, :3], data[:, 3])
    return [loss, *gradient["W"].ravel()]


@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_process_dies_the_other_ends_too_and_leaves_nothing(victim, tmp_path):
    with Processes(tmp_path, 2, steps=10**9) as two:
        two.wait_for_steps()
        two.running[victim].kill()
        ends = two.ended()
        assert ends[victim] == -signal.SIGKILL
        assert ends[1 - victim] not in (0, -signal.SIGKILL)  # an error of its own
        assert [is_any_left(process) for process in two.running] == [False, False]
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("localhost", two.port))


def test_processes_that_do_not_end_are_ended(tmp_path):
    """The bound on the time of the tests above holds: what waits for ever is ended with the block."""
    with Processes(tmp_path, 2, steps=10**9) as two:
        two.wait_for_steps()
        two.deadline = time.monotonic() + 0.5
        with pytest.raises(subprocess.TimeoutExpired):
            two.ended()
        assert all(map(is_any_left, two.running))
    assert not any(map(is_any_left, two.running))
