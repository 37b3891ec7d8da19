"""The command as a user types it: tables are trained on, models applied, and what is wrong is told with its line and column."""

import csv
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_edu.array_files import file_of_arrays, read_arrays
from tinygrad_edu.command_line import main, training
from tinygrad_edu.command_line.tables import read_table
from tinygrad_edu.command_line.trained import load_model
from tinygrad_edu.data import split

pytest.importorskip("safetensors")
pytest.importorskip("matplotlib")
ROOT = Path(__file__).parents[1]
MODELS = {"linear": "price", "logistic": "sold", "softmax": "kind", "perceptron": "sold", "mlp": "kind"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def houses(count=60):
    """A table with numbers, text, and targets of each kind."""
    rng = np.random.default_rng(0)
    rows = ["area,rooms,town,price,sold,kind"]
    for _ in range(count):
        area, rooms, town = rng.integers(40, 200), rng.integers(1, 7), rng.choice(["Ulm", "Bonn", "Köln"])
        price = 3 * area + 10 * rooms + 50 * (town == "Köln")
        rows.append(f"{area},{rooms},{town},{price},{'yes' if area > 120 else 'no'},{['flat', 'house', 'villa'][area // 70]}")
    return "\n".join(rows) + "\n"


def written(text, name="data.csv"):
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def ran(capsys, *arguments):
    """The status, the output and the errors of a command."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as left:
        status = left.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def trained(capsys, *more, model="softmax", target="kind", data="data.csv"):
    return ran(capsys, "train", "--data", data, "--target", target, "--model", model, *more)


def complaint(capsys, text, *more, **kinds):
    """What is said of a table that cannot be used: one line, and nothing is written."""
    before = {*Path().iterdir()}
    if text is not None:
        before.add(Path(written(text)))
    status, out, err = trained(capsys, *more, **kinds)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1, err
    assert err.startswith("python -m tinygrad_edu train: ")
    assert {*Path().iterdir()} == before
    return err


def rows_of(text):
    return [*csv.DictReader(io.StringIO(text))]


# --- trained and applied -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_trains_reports_saves_and_is_applied(model, lang, capsys):
    data, target = written(houses()), MODELS[model]
    others = [name for name in ("price", "sold", "kind") if name != target]
    without = [part for name in others for part in ("--without", name)]
    status, out, err = trained(capsys, *without, "--lang", lang, model=model, target=target)
    assert (status, err) == (0, "")
    assert {path.name for path in Path().iterdir()} == {data, f"data-{model}.safetensors", f"data-{model}.png"}
    assert Path(f"data-{model}.png").read_bytes().startswith(b"\x89PNG")
    assert ("60 samples, 5 features, target" in out) == (lang == "en")
    assert ("60 个样本，5 个特征，目标" in out) == (lang == "zh")
    assert ("town=Köln" in out) == (model != "mlp")

    status, out, err = ran(capsys, "predict", "--model", f"data-{model}.safetensors", "--data", data, "--lang", lang)
    assert status == 0
    answers = rows_of(out)
    told = [row[f"predicted {target}"] for row in answers]
    if model == "linear":
        np.testing.assert_allclose([float(y) for y in told], [float(row["price"]) for row in answers], rtol=0.01)
        assert "R² 1" in err
    else:
        assert np.mean([row[f"predicted {target}"] == row[target] for row in answers]) > 0.9
    if model in ("logistic", "softmax", "mlp"):
        for row in answers:
            shares = {name.removeprefix("probability "): float(p) for name, p in row.items() if name.startswith("probability ")}
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
            assert shares[row[f"predicted {target}"]] == max(shares.values())
    assert ("columns that the model does not use" in err) == (lang == "en")


@pytest.mark.parametrize(
    ("name", "target", "model", "least"),
    [
        ("iris", "target", "softmax", 0.94), ("iris", "target", "mlp", 0.9), ("wine", "target", "softmax", 0.95),
        ("breast_cancer", "target", "logistic", 0.95), ("breast_cancer", "target", "perceptron", 0.93),
        ("diabetes", "target", "linear", 0.45), ("diabetes", "target", "mlp", 0.4),
    ],
)  # fmt: skip
def test_the_sets_of_scikit_learn_as_csv_reach_their_figure_on_what_was_held_out(name, target, model, least, capsys):
    sets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("pandas")
    getattr(sets, f"load_{name}")(as_frame=True).frame.to_csv("data.csv", index=False)
    status, out, _ = trained(capsys, model=model, target=target)
    assert status == 0
    held_out = next(line for line in out.splitlines() if line.strip().startswith("held out"))
    assert float(held_out.split()[2]) >= least


def test_a_model_of_text_with_missing_values_trains_where_it_is_told_what_to_do_with_them(capsys):
    """Columns such as those of the Titanic's passengers."""
    rng = np.random.default_rng(1)
    lines = ["PassengerId,Survived,Pclass,Name,Sex,Age,Ticket,Fare,Embarked"]
    for number in range(200):
        sex = rng.choice(["male", "female"])
        survived = int(rng.random() < (0.8 if sex == "female" else 0.15))
        age = "" if number % 7 == 3 else rng.integers(1, 80)
        ticket = f"A/5 {number}" if number % 3 else 1000 + number
        lines.append(
            f'{number},{survived},{rng.integers(1, 4)},"Doe, Mr. ""J"" {number}",{sex},{age},{ticket},{rng.random() * 50:.2f},'
            f"{rng.choice(['S', 'C', 'Q'])}"
        )
    text = "\n".join(lines)
    said = complaint(capsys, text, model="logistic", target="Survived")
    assert "data.csv, column Name: 200 different values in 200 rows, such as 'Doe, Mr. " in said
    assert "--without Name" in said
    without = ["--without", "Name", "--without", "Ticket", "--without", "PassengerId"]
    said = complaint(capsys, text, *without, model="logistic", target="Survived")
    assert "data.csv, line 5, column Age: the value is missing." in said
    assert "--missing fill" in said
    for missing, count in (("skip", 171), ("fill", 200)):
        status, out, err = trained(capsys, *without, "--text", "Pclass", "--missing", missing, model="logistic", target="Survived")
        assert (status, err) == (0, "")
        assert f"{count} samples, 10 features" in out
        assert "Sex=female" in out
        assert ("left out: 29 row(s)" in out) == (missing == "skip")
        assert ("where a value is missing: Pclass = " in out) == (missing == "fill")
    status, out, _ = ran(capsys, "predict", "--model", ".", "--data", "data.csv")  # the last one, which fills
    assert (status, len(rows_of(out))) == (0, 200)


def test_a_saved_model_tells_what_the_trained_one_told(capsys, monkeypatch):
    models = []
    kept = training.TrainedModel.save
    monkeypatch.setattr(training.TrainedModel, "save", lambda model, path: models.append(model) or kept(model, path))
    written(houses())
    trained(capsys)
    _, out, _ = ran(capsys, "predict", "--model", "data-softmax.safetensors", "--data", "data.csv")
    assert [row["predicted kind"] for row in rows_of(out)] == models[0].told(read_table("data.csv")).tolist()


def test_the_same_seed_gives_the_same_file_bit_for_bit_and_another_one_another(capsys):
    written(houses())
    files = []
    for seed in (0, 0, 1):
        assert trained(capsys, "--seed", seed, model="mlp")[0] == 0
        files.append(Path("data-mlp.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_numbers_are_told_in_their_own_unit_and_weights_are_those_of_the_line(capsys):
    written("x,t\n" + "".join(f"{x},{1000 + 250 * x}\n" for x in range(12)))
    _, out, _ = trained(capsys, "--no-standardize", "--test-share", 0, "--epochs", 5000, model="linear", target="t")
    assert out.splitlines()[-2].split()[0] == "x"
    assert float(out.splitlines()[-2].split()[1]) == pytest.approx(250, rel=1e-3)
    assert "(standardized)" not in out
    _, out, _ = trained(capsys, "--test-share", 0, model="linear", target="t")
    assert "(standardized)" in out
    assert float(out.splitlines()[-2].split()[1]) == pytest.approx(250 * np.std(np.arange(12)), rel=1e-3)
    written("x\n100\n")
    _, out, _ = ran(capsys, "predict", "--model", "data-linear.safetensors", "--data", "data.csv")
    assert float(rows_of(out)[0]["predicted t"]) == pytest.approx(26000, rel=1e-3)


def test_labels_that_are_numbers_are_the_same_however_they_are_written(capsys):
    written("x,side\n" + "".join(f"{x},{'10' if x > 9 else '9.0' if x % 2 else '9'}\n" for x in range(20)))
    _, out, _ = trained(capsys, model="logistic", target="side")
    assert "target side (2 classes: 9, 10)" in out
    written("x,side\n1,9.0\n2,+9\n18,10.\n", "new.csv")
    _, out, err = ran(capsys, "predict", "--model", "data-logistic.safetensors", "--data", "new.csv")
    assert [row["predicted side"] for row in rows_of(out)] == ["9", "9", "10"]
    assert "3 of 3 predictions are right (1)" in err
    _, out, _ = trained(capsys, "--text", "side", model="softmax", target="side")
    assert "target side (3 classes: 10, 9, 9.0)" in out


def test_a_network_tells_labels_or_numbers_as_the_target_is(capsys):
    rows = [(x, x % 2, x * 1.5) for x in range(40)]
    written("x,parity,size\n" + "".join(f"{x},{parity},{size}\n" for x, parity, size in rows))
    for more, said in (
        (("--target", "parity"), "MLPClassifier"),
        (("--target", "size"), "MLPRegressor"),
    ):
        _, out, _ = ran(capsys, "train", "--data", "data.csv", "--model", "mlp", "--epochs", 2, *more)
        assert said in out


def test_a_run_that_was_too_short_says_so_and_what_to_do(capsys):
    written(houses())
    _, out, _ = trained(capsys, "--epochs", 3)
    assert "3 epochs, loss 1.099 → " in out
    assert "not converged" in out
    assert "Try --epochs 15" in out
    _, out, _ = trained(capsys, "--epochs", 3, "--lang", "zh")
    assert "未收敛" in out


def test_a_run_that_diverges_says_below_which_rate_it_does_not(capsys):
    said = complaint(
        capsys, houses(), "--learning-rate", 100, "--without", "sold", "--without", "kind", model="linear", target="price"
    )
    assert "training diverged: --learning-rate 100 is too large. On these data it is stable below " in said
    assert (
        trained(capsys, "--learning-rate", float(said.split("below ")[1].split(". ")[0]) / 2, model="linear", target="price")[0]
        == 0
    )


def test_a_network_whose_loss_rises_is_not_saved(capsys):
    said = complaint(
        capsys, houses(20), "--learning-rate", 1e9, "--without", "sold", "--without", "kind", model="mlp", target="price"
    )
    assert "training diverged: --learning-rate 1e+09 is too large. Try a tenth of it." in said


@pytest.mark.parametrize(("model", "target"), [("mlp", "price"), ("softmax", "kind")])
def test_a_model_that_has_learned_nothing_is_said_to_have(model, target, capsys):
    rng = np.random.default_rng(0)
    rows = [(x, rng.choice(["a", "b"])) for x in rng.normal(size=60)]
    written("noise,price,kind\n" + "".join(f"1,{x},{kind}\n" for x, kind in rows))
    other = "kind" if target == "price" else "price"
    _, out, _ = trained(capsys, "--without", other, model=model, target=target)
    assert "Nothing was learned: " in out
    _, out, _ = trained(capsys, "--without", other, "--lang", "zh", model=model, target=target)
    assert "什么也没有学到：" in out


def test_a_column_of_text_that_never_repeats_names_the_samples(capsys):
    text = PLAIN.replace("length", "name,length")
    text = "\n".join(line if number == 0 else f"n{number},{line}" for number, line in enumerate(text.split()))
    assert "column name: 6 different values in 6 rows, such as 'n1', name the samples" in complaint(capsys, text)


# --- how tables are written ----------------------------------------------------------------------------------------------------

PLAIN = "length,colour,kind\n1.5,red,a\n2,blue,b\n1.25,red,a\n3e0,blue,b\n.5,green,a\n-4,blue,b\n"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (PLAIN.replace("\n", "\r\n"), []),
        (PLAIN.replace("\n", "\r"), []),
        (b"\xef\xbb\xbf" + PLAIN.encode(), []),
        (PLAIN.replace(",", ";"), []),
        (PLAIN.replace(",", "\t"), []),
        (PLAIN.replace(",", "|"), []),
        (PLAIN.replace(",", "\t"), ["--delimiter", "tab"]),
        (PLAIN.replace(",", ":"), ["--delimiter", ":"]),
        (PLAIN.replace(",", " "), ["--delimiter", "space"]),
        (PLAIN.replace(",", ", "), []),
        ("\n , \n" + PLAIN.replace("\n", "\n\n") + ",,\n  \n", []),
        ("\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split()), []),
        (PLAIN.rstrip("\n"), []),
        ("".join(f",{line}\n" if number == 0 else f"{number},{line}\n" for number, line in enumerate(PLAIN.split())), []),
    ],
    ids=[
        "CRLF",
        "CR",
        "BOM",
        "semicolon",
        "tab",
        "bar",
        "named tab",
        "colon",
        "space",
        "spaces",
        "empty lines",
        "quoted",
        "no end",
        "index",
    ],
)
def test_a_table_is_read_as_it_is_meant_however_it_is_written(text, options, capsys):
    written(text)
    status, _, err = trained(capsys, *options, "--test-share", 0, "--out", "this")
    assert (status, err) == (0, "")
    written(PLAIN, "plain.csv")
    assert trained(capsys, "--test-share", 0, "--out", "plain", data="plain.csv")[0] == 0
    assert Path("this.safetensors").read_bytes() == Path("plain.safetensors").read_bytes()


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks_and_lines_are_counted_rightly(capsys):
    said = complaint(capsys, 'note,"x, y",kind\n"a ""b"", c",1,p\n"two\nlines",2,q\n"one",oops,p\none,4,q\n')
    assert "data.csv, line 5, column x, y: 'oops' is not a number, but 3 of 4 in this column are." in said
    assert "--without 'x, y'" in said


BAD = {
    "no such column": (
        PLAIN, ["--target", "Kidn"],
        "data.csv: there is no column 'Kidn'; do you mean 'kind'? There are: length, colour, kind",
    ),
    "no such column to leave out": (PLAIN, ["--without", "color"], "there is no column 'color'; do you mean 'colour'?"),
    "no such column of text": (PLAIN, ["--text", "size"], "there is no column 'size'. There are: length, colour, kind"),
    "target left out": (PLAIN, ["--without", "kind"], "--without kind: the target is what the model learns to tell"),
    "nothing but the target": ("kind\na\nb\n", [], "beside the target kind there is no column"),
    "missing": (PLAIN.replace("2,blue", ",blue"), [], "data.csv, line 3, column length: the value is missing."),
    "missing by name": (PLAIN.replace("blue", "NA"), [], "line 3, column colour: 'NA' stands for no value."),
    "missing target": (PLAIN.replace("red,a", "red,"), [], "line 2, column kind: the target is missing."),
    "all missing": (
        PLAIN.replace("red", "").replace("blue", "?").replace("green", ""), [],
        "column colour: every value is missing",
    ),
    "none left": (
        PLAIN.replace("a\n", "\n").replace("2,", ",").replace("3e0,", "nan,").replace("-4,", ","), ["--missing", "skip"],
        "no row is left",
    ),
    "no number": (
        PLAIN.replace("1.25", "1.25cm"), [],
        "line 4, column length: '1.25cm' is not a number, but 5 of 6 in this column are.",
    ),
    "decimal comma": (
        PLAIN.replace(",", ";").replace("1.5", "1,5"), [],
        "line 2, column length: '1,5' is not a number, but 5 of 6 in this column are. Decimals are written with a point",
    ),
    "too large": (PLAIN.replace("-4", "1e999"), [], "line 7, column length: 1e999 is too large"),
    "too large to compute": (
        PLAIN.replace("-4", "1e300"), ["--test-share", "0"],
        "column length: its numbers are too large to compute with",
    ),
    "infinite": (PLAIN.replace("-4", "inf"), [], "line 7, column length: 'inf' is not a number"),
    "too short": (
        PLAIN.replace("2,blue,b", "2,blue"), [],
        "line 3, column kind: the line ends before this column: it has 2 cells, but the header has 3.",
    ),
    "too long": (
        PLAIN.replace("2,blue,b", "2,blue,b,4"), [],
        "line 3, after column kind: the line goes on with '4': it has 4 cells, but the header has 3.",
    ),
    "duplicate": (PLAIN.replace("colour", "length"), [], "line 1, column length: columns 1 and 2 have the same name"),
    "numbers for a header": ("1,2,3\n4,5,6\n", [], "line 1: there are numbers where the names of the columns should be."),
    "no names": (",,\n1,2,3\n", [], "line 2: there are numbers where the names of the columns should be."),
    "empty cells": (",,\n,,\n", [], "data.csv: the file is empty."),
    "a long line": ("{" + "x" * 200_000, [], "line 1: the cells cannot be told apart: field larger than field limit"),
    "empty": ("", [], "data.csv: the file is empty."),
    "empty lines": ("\n \n\n", [], "data.csv: the file is empty."),
    "header only": ("length,kind\n\n", [], "data.csv: there are names of columns, but no rows below them."),
    "open quotation": (PLAIN + '3,"red,a\n4,red,b\n', [], "line 8: the cells cannot be told apart: unexpected end of data."),
    "quotation within": (PLAIN + '3,"r"ed,a\n', [], "line 8: the cells cannot be told apart: ',' expected after '\"'."),
    "latin-1": (PLAIN.replace("green", "grün").encode("latin-1"), [], "data.csv, line 6, byte 6: 0xfc is not UTF-8."),
    "UTF-16": (PLAIN.encode("utf-16"), [], "data.csv: the text is UTF-16; save it as UTF-8"),
    "binary": (b"\x7fELF\0\0\1", [], "data.csv: this is not text."),
    "spreadsheet": (b"PK\3\4 a workbook", [], "data.csv: this is not text. If it is a spreadsheet"),
    "one label": (PLAIN.replace(",b", ",a"), [], "column kind: it holds nothing but 'a'"),
    "delimiter": (
        PLAIN, ["--delimiter", "::"],
        "a delimiter is a single sign, or one of comma, semicolon, tab, bar, space, but not '::'.",
    ),
    "one row": (PLAIN[:29], [], "it holds nothing but 'a'"),
    "two rows": (PLAIN[:38], ["--test-share", "0.1"], "of 2 rows --test-share 0.1 leaves none to train with, or holds none out."),
    "lost label": (
        PLAIN + "5,red,c\n" , ["--seed", "0", "--test-share", "0.8"],
        "were held out, so that the label cannot be learned.",
    ),
    "a control sequence": (PLAIN.replace("1.25", "\x1b[31m"), [], "is not a number, but 5 of 6"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "options", "words_of_it"), BAD.values(), ids=BAD)
def test_a_table_that_cannot_be_used_is_told_with_line_and_column_on_one_line(text, options, words_of_it, capsys):
    said = complaint(capsys, text, *options)
    assert words_of_it in said
    assert said.rstrip("\n").isprintable()


def test_a_file_that_is_none_is_told_by_name(capsys, folder):
    assert "data.csv: there is no such file." in complaint(capsys, None)
    (folder / "data.csv").mkdir()
    assert "data.csv: this is a folder; name the file in it." in complaint(capsys, None)


def test_labels_that_are_too_large_to_be_told_apart_as_numbers_are_read_as_text(capsys, folder):
    text = "x,id\n" + "".join(f"{i},{2**53 + i % 2}\n" for i in range(12))
    said = complaint(capsys, text, model="softmax", target="id")
    assert "line 2, column id: 9007199254740992 is too large for a whole number: read it as text, --text id" in said
    assert "1e300 is too large" in complaint(capsys, "x,id\n1,1e300\n2,-1e300\n", model="softmax", target="id")
    written(text)
    assert "2 classes: 9007199254740992, 9007199254740993" in trained(capsys, "--text", "id", target="id")[1]


def test_a_target_read_as_text_without_any_value_is_told(capsys):
    said = complaint(capsys, "x,t\n1,\n2,\n", "--text", "t", model="linear", target="t")
    assert "line 2, column t: the target is missing" in said


@pytest.mark.parametrize(
    ("model", "target", "said"),
    [
        ("linear", "town", "line 2, column town: --model linear tells numbers, but 'Bonn' is text. For labels use --model softmax"),
        ("logistic", "kind", "--model logistic tells 2 labels apart, but there are 3: flat, house, villa. Use --model softmax"),
        ("perceptron", "kind", "column kind: --model perceptron tells 2 labels apart, but there are 3"),
        ("softmax", "price", "column price: 57 different values in 60 rows"),
        ("softmax", "share", "line 2, column share: 0.5 is a quantity and no label. For quantities use --model linear"),
    ],
)  # fmt: skip
def test_a_target_that_does_not_suit_the_model_is_told_with_the_model_that_suits(model, target, said, capsys):
    text = "\n".join(f"{line},{'share' if number == 0 else number / 2}" for number, line in enumerate(houses().split()))
    assert said in complaint(capsys, text, model=model, target=target)


@pytest.mark.parametrize(
    ("option", "given", "said"),
    [
        ("--epochs", "0", "argument --epochs: it must be a whole number of at least 1, but is '0'"),
        ("--epochs", "many", "argument --epochs: it must be a whole number of at least 1, but is 'many'"),
        ("--batch-size", "-3", "argument --batch-size: it must be a whole number of at least 1"),
        ("--learning-rate", "0", "argument --learning-rate: it must be a number above 0, but is '0'"),
        ("--learning-rate", "nan", "argument --learning-rate: it must be a number above 0, but is 'nan'"),
        ("--test-share", "1", "argument --test-share: it must be a number at least 0 and below 1, but is '1'"),
        ("--seed", "-1", "argument --seed: it must be a whole number of at least 0"),
        ("--model", "forest", "argument --model: invalid choice: 'forest'"),
    ],
)
def test_an_option_that_makes_no_sense_is_told_by_its_name(option, given, said, capsys):
    written(PLAIN)
    status, out, err = trained(capsys, f"{option}={given}")
    assert (status, out) == (2, "")
    assert said in err


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(alphabet='ab1.-?,;"\n\r\t |é\0\x1b', max_size=60) | st.binary(max_size=40),
    end=st.sampled_from(["", "x,kind\n1,a\n2,b\n3,a\n4,b\n"]),
    options=st.lists(st.sampled_from(["--missing=fill", "--missing=skip", "--test-share=0", "--delimiter=;"]), unique=True),
)
def test_whatever_is_in_a_file_the_command_trains_or_says_in_one_line_why_not(text, end, options, capsys):
    written(end.encode() + (text if isinstance(text, bytes) else text.encode()))
    status, out, err = trained(capsys, "--epochs", 1, *options)
    assert (status == 0 and out and not err) or (status == 2 and err.count("\n") == 1 and err[:-1].isprintable())


# --- where files go ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "names"),
    [
        ("best", ["best.png", "best.safetensors"]),
        ("models/best", ["models/best.png", "models/best.safetensors"]),
        ("models/", ["models/data-softmax.png", "models/data-softmax.safetensors"]),
        ("best.safetensors", ["best.png", "best.safetensors"]),
        ("v1.2", ["v1.2.png", "v1.2.safetensors"]),
    ],
)
def test_out_is_a_folder_or_how_the_files_begin(out, names, capsys):
    written(PLAIN)
    _, said, _ = trained(capsys, "--out", out)
    assert sorted(str(path) for path in Path().rglob("*.*") if path.name != "data.csv") == names
    assert said.splitlines()[-1] == f"Saved: {names[1]}, {names[0]}"


def test_a_place_where_no_folder_can_be_is_told_before_training(capsys, monkeypatch):
    monkeypatch.setattr(training, "_fitted", lambda *_: pytest.fail("it was trained first"))
    assert "--out data.csv/best: this folder cannot be made: " in complaint(capsys, PLAIN, "--out", "data.csv/best")


def test_a_disk_that_fills_up_leaves_the_old_model_and_no_half_of_a_new_one(capsys):
    written(PLAIN)
    trained(capsys)
    before = {path: path.read_bytes() for path in Path().iterdir()}
    code = (
        "import resource, sys; from tinygrad_edu.command_line import main; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); "
        "sys.exit(main('train --data data.csv --target kind --model softmax --epochs 2'.split()))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "the model was not saved, and a file that was there is as it was: File too large" in done.stderr
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_a_run_that_is_killed_at_any_moment_leaves_a_whole_model(capsys):
    """The old one or the new one: the run saves one model after another until it is killed."""
    written(PLAIN)
    trained(capsys)
    code = (
        "from tinygrad_edu.command_line import main\n"
        "for epochs in range(2, 10**6):\n"
        "    main(f'train --data data.csv --target kind --model softmax --epochs {epochs}'.split())\n"
    )
    for lines in (0, 1, 60, 61, 200):  # of its reports, to be at different places
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        run = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
        for _ in range(lines):
            run.stdout.readline()
        run.kill()
        run.communicate(timeout=60)
        assert load_model("data-softmax.safetensors").classes == ["a", "b"]
        assert Path("data-softmax.png").read_bytes().endswith(b"IEND\xaeB`\x82")


def test_a_run_that_is_stopped_saves_nothing_and_says_so(capsys, monkeypatch):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    written(PLAIN)
    monkeypatch.setattr(training, "_fitted", pressed)
    assert trained(capsys) == (130, "", "python -m tinygrad_edu train: stopped; nothing more was saved.\n")
    assert [path.name for path in Path().iterdir()] == ["data.csv"]


def test_without_matplotlib_the_model_is_saved_and_it_is_said_what_to_install(capsys, monkeypatch):
    written(PLAIN)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, out, _ = trained(capsys)
    assert status == 0
    assert 'pip install "tinygrad_edu[plot]"' in out
    assert out.splitlines()[-1] == "Saved: data-softmax.safetensors"


def test_without_safetensors_it_is_said_what_to_install_before_training(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    monkeypatch.setattr(training, "_fitted", lambda *_: pytest.fail("it was trained first"))
    assert 'pip install "tinygrad_edu[safetensors]"' in complaint(capsys, PLAIN)


# --- applied -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def model(capsys):
    written(PLAIN)
    assert trained(capsys, "--out", "model")[0] == 0
    return "model.safetensors"


def applied(capsys, model, text, *more):
    return ran(capsys, "predict", "--model", model, "--data", written(text, "new.csv"), *more)


def test_columns_are_found_by_their_names_and_others_are_kept_and_told(model, capsys):
    status, out, err = applied(capsys, model, "id,colour,length\n7,blue,2\n8,red,1.5\n")
    assert status == 0
    assert err == "columns that the model does not use: id\n"
    assert [(row["id"], row["predicted kind"]) for row in rows_of(out)] == [("7", "b"), ("8", "a")]


def test_predictions_go_to_a_file_that_can_be_predicted_on_again(model, capsys):
    status, out, err = applied(capsys, model, "length,colour\n2,blue\n", "--out", "told.csv")
    assert (status, out, err) == (0, "1 predictions saved: told.csv\n", "")
    first = Path("told.csv").read_text("utf-8")
    status, _, _ = ran(capsys, "predict", "--model", model, "--data", "told.csv", "--out", "told.csv")
    assert status == 0
    assert Path("told.csv").read_text("utf-8") == first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("length\n2\n", "new.csv: the model needs the column 'colour'. There are: length"),
        ("Length,colour\n2,red\n", "new.csv: the model needs the column 'length'; do you mean 'Length'?"),
        ("length,colour\n2,red\n3,pink\n", "new.csv, line 3, column colour: the model has never seen 'pink' there; it knows"),
        ("length,colour\nlong,red\n", "new.csv, line 2, column length: 'long' is not a number, but the model was trained"),
        ("length,colour\n,red\n", "new.csv, line 2, column length: the value is missing."),
        ("length,colour\n1,\n", "new.csv, line 2, column colour: the value is missing."),
        ("length,colour\n", "new.csv: there are names of columns, but no rows"),
    ],
)  # fmt: skip
def test_a_table_that_a_model_cannot_be_applied_to_is_told(text, said, model, capsys):
    status, out, err = applied(capsys, model, text, "--out", "told.csv")
    assert (status, out) == (2, "")
    assert err.startswith(f"python -m tinygrad_edu predict: {said}")
    assert err.count("\n") == 1
    assert not Path("told.csv").exists()


def test_a_model_that_is_damaged_or_none_is_refused_by_name(model, capsys):
    whole = Path(model).read_bytes()
    for content in (whole[:-1], whole[:100], b"", whole[:-1] + bytes([whole[-1] ^ 1]), PLAIN.encode()):
        Path(model).write_bytes(content)
        status, out, err = applied(capsys, model, PLAIN)
        assert (status, out) == (2, "")
        assert err.startswith("python -m tinygrad_edu predict: model.safetensors is ")


def test_another_file_of_the_package_and_one_of_a_later_version_are_refused_by_name(model, capsys):
    arrays, facts = read_arrays(model, "a model")
    for other, said in (
        ({"state": {}}, "is not a model of python -m tinygrad_edu train, but another file"),
        (facts | {"format": 2}, "was written by a later version of tinygrad_edu"),
    ):
        Path("other.safetensors").write_bytes(file_of_arrays(arrays, other))
        status, out, err = applied(capsys, "other.safetensors", PLAIN)
        assert (status, out) == (2, "")
        assert err.startswith(f"python -m tinygrad_edu predict: other.safetensors {said}")


def test_what_a_model_remembers_can_be_read_as_json(model):
    facts = read_arrays(model, "a model")[1]
    assert [column["name"] for column in facts["columns"]] == ["length", "colour"]
    assert facts["columns"][1]["texts"] == ["blue", "green", "red"]
    assert facts["classes"] == ["a", "b"]
    assert facts["settings"]["seed"] == 0


def test_a_folder_stands_for_the_one_model_in_it(model, capsys, folder):
    assert applied(capsys, ".", PLAIN)[0] == 0
    Path("other.safetensors").write_bytes(Path(model).read_bytes())
    assert "holds several: model.safetensors, other.safetensors. Name one of them." in applied(capsys, ".", PLAIN)[2]
    (folder / "empty").mkdir()
    assert "empty: this folder holds no model" in applied(capsys, "empty", PLAIN)[2]
    assert "none.safetensors: the model cannot be read: No such file" in applied(capsys, "none.safetensors", PLAIN)[2]


# --- in a shell ----------------------------------------------------------------------------------------------------------------


def in_a_shell(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *arguments], env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_module_runs_in_a_shell_even_where_no_sign_but_ascii_can_be_printed():
    written(houses())
    done = in_a_shell("train", "--data", "data.csv", "--target", "price", "--model", "linear", "--lang", "zh")
    assert (done.returncode, done.stderr) == (0, "")
    done = in_a_shell("predict", "--model", "data-linear.safetensors", "--data", "data.csv")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 61


def test_who_reads_the_predictions_may_leave_early(capsys):
    written(houses(20_000))
    assert trained(capsys, "--epochs", 2)[0] == 0
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tinygrad_edu", "predict", "--model", "data-softmax.safetensors", "--data", "data.csv"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.readline()
        run.stdout.close()
        assert b"Error" not in run.stderr.read()


def test_an_error_in_a_shell_is_one_line_and_no_traceback():
    done = in_a_shell("train", "--data", "none.csv", "--target", "a", "--model", "linear")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "python -m tinygrad_edu train: none.csv: there is no such file.\n"


# --- what the guide says --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["command_line.md", "command_line.zh-CN.md"])
def test_the_commands_in_the_guide_run_and_print_what_it_shows(page, capsys):
    iris = pytest.importorskip("sklearn.datasets").load_iris()
    text = "sepal length,sepal width,petal length,petal width,species\n"
    for flower, kind in zip(iris.data, iris.target, strict=True):
        text += ",".join(map(str, [*flower, iris.target_names[kind]])) + "\n"
    written(text, "iris.csv")
    guide = (ROOT / "docs" / "guide" / page).read_text("utf-8")
    assert text.partition("\n")[0] in guide
    commands = [shlex.split(line)[3:] for line in re.findall(r"^    (python -m tinygrad_edu .*)$", guide, re.MULTILINE)]
    done = [ran(capsys, *command) for command in commands]
    assert [status for status, *_ in done] == [0] * len(commands)
    shown = "".join(re.findall(r"^```text\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)).splitlines()
    printed = "".join(out + err for _, out, err in done).splitlines()
    assert [line for line in shown if line not in [*printed, "..."]] == []
    assert len(rows_of(Path("told.csv").read_text("utf-8"))) == 150

    rows = text.splitlines()
    rows[6] = ",".join([*rows[6].split(",")[:3], "", "setosa"])
    written("\n".join(rows), "iris.csv")
    error = ran(capsys, *next(command for command in commands if command[0] == "train"))[2]
    said = re.search(r"^    (iris\.csv, line 7.*) \.\.\.$", guide, re.MULTILINE)[1]
    assert error.startswith("python -m tinygrad_edu train: " + said)


def test_a_column_that_is_constant_is_0_to_the_model_also_where_its_mean_is_rounded(capsys):
    assert np.std(np.full(7, 0.1)) > 0
    written("a,b,y\n" + "".join(f"0.1,{row},{2 * row}\n" for row in range(7)))
    assert trained(capsys, "--out", "m", "--test-share", "0", model="linear", target="y", data="data.csv")[0] == 0
    column = load_model("m.safetensors").columns[0]
    assert (column.mean, column.deviation) == (0.1, 1.0)


def test_a_column_without_values_in_the_rows_to_train_with_is_told(capsys):
    rows = [f"{row},{row},{2 * row}" for row in range(10)]
    _, held_out = split(np.arange(10), held_out=0.2, seed=0)
    rows = [row if place in held_out[0] else "," + row.split(",", 1)[1] for place, row in enumerate(rows)]
    said = complaint(
        capsys,
        "\n".join(["a,b,y", *rows, ""]),
        "--missing",
        "fill",
        "--test-share",
        "0.2",
        "--seed",
        "0",
        model="linear",
        target="y",
    )
    assert "column a: every value is missing in the rows that are trained with" in said
