"""The demos: they run in both languages, leave their pictures, and fail if a number disagrees with its oracle."""

import importlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rich")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")
pytest.importorskip("scipy")
pytest.importorskip("pygraphviz")
pytest.importorskip("jax")

from rich.console import Console

from demos import __main__ as command
from demos.stage import CHINESE_FONTS, Stage, Text

ROOT = Path(__file__).parents[1]
PICTURES = [
    "compiled_gradient.png",
    "digits.png",
    "gradient_descent.png",
    "kill_and_resume.png",
    "linear_regression.png",
    "optimizers.png",
    "perceptron.png",
    "real_data.png",
    "scale_out.png",
    "scipy_optimize.png",
    "sequences.png",
    "xor.png",
]


def a_stage(tmp_path, lang="en"):
    return Stage(lang, tmp_path, Console(file=io.StringIO(), width=100))


LOOK = """
import json, sys
from demos import __main__ as command, stage
from matplotlib.text import Text

found = {}
def look(self, figure, name):
    figure.canvas.draw()
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    spilt = []
    for legend in legends:
        room = figure.bbox if legend in figure.legends else legend.axes.bbox
        box = legend.get_window_extent()
        spilt.append(bool(box.x0 < room.x0 - 1 or box.x1 > room.x1 + 1 or box.y0 < room.y0 - 1 or box.y1 > room.y1 + 1))
    found[name] = {
        "texts": [text.get_text() for text in figure.findobj(Text) if text.get_visible()], "spilt": spilt,
        "bars": sum(len(axes.containers) for axes in figure.axes if "log" in (axes.get_xscale(), axes.get_yscale())),
    }
    save(self, figure, name)
save, stage.Stage.save = stage.Stage.save, look
code = command.main(["--lang", sys.argv[1], "--out", sys.argv[2]])
json.dump(found, open(sys.argv[2] + "/found.json", "w"))
sys.exit(code)
"""
UNTRANSLATED = {"Adam", "Beale", "LSTM", "RMSprop", "Rosenbrock", "epoch", "setosa", "versicolor", "NumPy", "logit x·w + b"}


def test_all_demos_agree_with_their_oracles_and_leave_their_pictures_in_both_languages(tmp_path):
    """In one test, since the demos run for a minute or two in each language."""
    seen = {lang: ran(lang, tmp_path / lang) for lang in ("en", "zh")}
    for lang, pictures in seen.items():
        assert {f"{name}.png" for name in pictures} >= set(PICTURES)
        for name, picture in pictures.items():
            assert not any(picture["spilt"]), f"{lang}: a legend of {name} spills over its frame"
            assert picture["bars"] == 0, f"{lang}: a bar of {name} begins where a logarithmic axis was cut"
    if CHINESE_FONTS:
        for name, picture in seen["en"].items():
            same = set(picture["texts"]) & set(seen["zh"][name]["texts"]) - UNTRANSLATED
            assert [text for text in same if re.search(r"[A-Za-z]{4}", text)] == [], f"{name} is not labelled in Chinese"


def ran(lang, out):
    """What is in every picture after all demos have run."""
    out.mkdir()
    run = [sys.executable, "-c", LOOK, lang, str(out)]
    finished = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    # Graphviz may complain about the font settings of the system that it runs on.
    assert [line for line in finished.stderr.splitlines() if not line.startswith("Fontconfig ")] == []
    assert "✗" not in finished.stdout
    assert ("所有的数" in finished.stdout) == (lang == "zh")
    assert {path.name for path in out.iterdir()} >= set(PICTURES)
    assert all(path.stat().st_size > 10_000 for path in out.glob("*.png"))
    return json.loads((out / "found.json").read_text("utf-8"))


def test_without_a_font_that_has_chinese_signs_pictures_are_labelled_in_english(tmp_path, monkeypatch):
    stage = a_stage(tmp_path, "zh")
    monkeypatch.setattr("demos.stage.CHINESE_FONTS", ["a font"])
    assert stage.label("start", "起点") == "起点"
    monkeypatch.setattr("demos.stage.CHINESE_FONTS", [])
    assert (stage.label("start", "起点"), stage.text("start", "起点")) == ("start", "起点")


def test_a_figure_that_is_not_reached_is_remembered(tmp_path):
    stage = a_stage(tmp_path)
    stage.reaches("enough", 0.95, 0.95)
    assert stage.failures == []
    stage.reaches("too little", 0.9499, 0.95)
    stage.reaches("nothing", float("nan"), 0.95)
    assert stage.failures == ["too little", "nothing"]
    assert stage.console.file.getvalue().count("✗") == 2


def test_a_number_that_disagrees_makes_the_command_fail(tmp_path, monkeypatch):
    perceptron = importlib.import_module("demos.perceptron")
    monkeypatch.setattr(perceptron, "ONE_X", perceptron.ONE_X * 1.001)
    assert command.main(["perceptron", "--out", str(tmp_path)]) == 1
    monkeypatch.undo()
    assert command.main(["perceptron", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("ours", "oracle"), [(1.0, 1.1), ([1.0, 2.0], [1.0]), (float("nan"), 1.0), (float("inf"), 1.0), (1e6 + 1e-3, 1e6), ([], [])]
)
def test_a_disagreement_is_remembered(ours, oracle, tmp_path):
    stage = a_stage(tmp_path)
    stage.agree("a number", ours, oracle, 1e-6)
    assert stage.failures == ["a number"]
    assert "✗" in stage.console.file.getvalue()


def test_an_agreement_is_not_a_failure(tmp_path):
    stage = a_stage(tmp_path)
    stage.agree("a number", 1.0 + 1e-9, 1.0, 1e-6)
    assert not stage.failures


def test_every_demo_is_listed_in_both_languages(capsys):
    assert command.main(["--list"]) == 0
    english = capsys.readouterr().out
    assert command.main(["--list", "--lang", "zh"]) == 0
    chinese = capsys.readouterr().out
    assert [line.split()[0] for line in english.splitlines()] == list(command.all_demos())
    assert english != chinese
    assert all(isinstance(module.TITLE, Text) for module in command.all_demos().values())


def test_an_unknown_demo_is_refused_with_the_names_of_those_there_are(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["parabola"])
    assert stopped.value.code == 2
    assert "gradient_descent" in capsys.readouterr().err


@pytest.mark.parametrize("library", ["rich", "matplotlib", "sklearn"])
def test_a_missing_extra_is_named_with_the_command_that_brings_it(library):
    run = f"import sys; sys.modules[{library!r}] = None; from demos.__main__ import main; main(['--list'])"
    finished = subprocess.run([sys.executable, "-c", run], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode != 0
    last_line = finished.stderr.strip().splitlines()[-1]
    assert last_line.endswith(f'the demos need {library}; install it with: python -m pip install -e ".[demos]"')


def test_an_output_without_greek_letters_is_no_obstacle(tmp_path):
    run = [sys.executable, "-m", "demos", "perceptron", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    finished = subprocess.run(run, cwd=ROOT, capture_output=True, env=environment, check=False)
    assert finished.returncode == 0, finished.stderr
    assert b"Every number agrees" in finished.stdout
