"""explain and descend as a user types them: the lecture's numbers, both languages, and one clear line for whatever is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.test_command_line import ran
from tinygrad_edu.command_line.formulas import Formula
from tinygrad_edu.command_line.given import given_values
from tinygrad_edu.command_line.stepping import Loss, descended

LECTURE = ["0.5*(t - theta*x)**2", "theta=3", "x=2", "t=8"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys, *arguments):
    status, out, err = ran(capsys, *arguments)
    assert (status, err) == (0, "")
    return out


def complaint(capsys, *arguments):
    """What is said of what cannot be used: one line, and nothing is written."""
    before = set(os.listdir())
    status, out, err = ran(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1), (status, out, err)
    assert set(os.listdir()) == before
    return err.removeprefix("python -m tinygrad_edu ").rstrip()


# --- explain -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_formula_is_explained_as_the_function_is(capsys, lang):
    theta = tg.Value(3.0, name="theta")
    x, t = (tg.Value(number, name=name, requires_grad=False) for number, name in [(2.0, "x"), (8.0, "t")])
    explanation = tg.explain((0.5 * (t - theta * x) ** 2).named("L"), lang=lang)
    out = printed(capsys, "explain", *LECTURE, "--wrt", "theta", "--lang", lang)
    assert out == f"{explanation}\n"
    assert out.endswith("= 2 · (−2)\n      = −4\n")
    out = printed(capsys, "explain", *LECTURE, "--wrt", "theta", "--latex", "--lang", lang)
    assert out == f"{explanation.to_latex()}\n"


def test_without_wrt_every_name_has_its_derivative(capsys):
    out = printed(capsys, "explain", *LECTURE)
    assert [line for line in out.splitlines() if line.startswith("dL/d")] == [
        "dL/dθ = dL/d(t − θ·x) · d(t − θ·x)/dθ",
        "dL/dx = dL/d(t − θ·x) · d(t − θ·x)/dx",
        "dL/dt = dL/d(t − θ·x) · d(t − θ·x)/dt",
    ]


def test_what_is_given_to_no_effect_has_no_derivative_unless_it_is_asked_for(capsys):
    assert printed(capsys, "explain", "3*x + size(y)", "x=1", "y=[1, 2]").splitlines()[-1] == "dL/dx = 3"


def test_a_constant_is_one_by_stop_gradient(capsys):
    assert "dL/dx = [0.5, 0.5]" in printed(capsys, "explain", "quantile(x, stop_gradient(q))", "x=[1, 2]", "q=0.5")


def test_names_may_be_given_after_options_and_wrt_more_than_once(capsys):
    several = printed(capsys, "explain", LECTURE[0], "theta=3", "--wrt", "theta", "x=2", "--wrt", "t", "t=8", "--wrt", "t")
    assert [line[:5] for line in several.splitlines() if line.startswith("dL/d")] == ["dL/dθ", "dL/dt"]


def test_the_source_is_a_program_that_computes_the_loss_and_its_gradient(capsys):
    out = printed(capsys, "explain", *LECTURE, "--wrt", "theta", "--source")
    assert "def loss(theta, x, t):" in out
    assert "    return loss, d_theta" in out
    scope = {}
    exec(out, scope)
    assert scope["loss"](3.0, 2.0, 8.0) == (2.0, -4.0)
    assert scope["loss"](7.0, 2.0, 8.0) == (18.0, 12.0)


def test_the_source_of_a_choice_chooses_anew_for_other_numbers(capsys):
    scope = {}
    exec(printed(capsys, "explain", "where(x > 2, x**2, 5*x)", "x=3", "--source"), scope)
    assert [scope["loss"](number) for number in (3.0, 1.0)] == [(9.0, 6.0), (5.0, 5.0)]


def test_several_forms_are_printed_one_after_the_other(capsys):
    out = printed(capsys, "explain", *LECTURE, "--source", "--latex")
    assert out.startswith("import numpy")
    assert out.rstrip().endswith(r"\end{aligned}")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_saved_and_ends_with_a_step_if_there_is_a_learning_rate(capsys, lang):
    pytest.importorskip("pygraphviz")
    out = printed(capsys, "explain", *LECTURE, "--wrt", "theta", "--page", "out.html", "--lr", "1", "--lang", lang)
    assert out.endswith({"en": "page: out.html\n", "zh": "网页：out.html\n"}[lang])
    page = Path("out.html").read_text("utf-8")
    assert f'<html lang="{lang}">' in page
    assert '"kind": "update"' in page
    assert '"written": []' in page  # the user has written no function
    printed(capsys, "explain", *LECTURE, "--page", "without.html")
    assert '"kind": "update"' not in Path("without.html").read_text("utf-8")


def test_arrays_come_from_lists_and_from_files(capsys):
    np.save("x.npy", np.array([1, 2, 3]))
    Path("X.csv").write_text("a,b\n1,2\n3,4\n5,6\n", "utf-8")
    Path("t.csv").write_text("1\n2\n\n3\n", "utf-8")
    values = given_values(["x=x.npy", "X=X.csv", "t=t.csv", "w=[[1, 2], [3, 1/2]]"])
    assert {name: (value.shape, value.dtype) for name, value in values.items()} == {
        "x": ((3,), np.float64),
        "X": ((3, 2), np.float64),
        "t": ((3,), np.float64),
        "w": ((2, 2), np.float64),
    }
    np.testing.assert_array_equal(values["X"], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(values["t"], [1, 2, 3])
    out = printed(capsys, "explain", "mean((t - X @ w)**2)", "w=[0, 1]", "X=X.csv", "t=t.csv", "--wrt", "w")
    right = tg.grad(lambda w: np.mean((values["t"] - values["X"] @ w) ** 2))(np.array([0.0, 1.0]))
    assert out.splitlines()[-1] == f"dL/dw = [{', '.join(f'{number:.6g}' for number in right)}]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x*y", "x=1"], "explain: the formula, column 3, y: there is no such name. There are: x"),
        (["x", "x=1", "y=2"], "explain: y is given, but the formula does not use it. Leave y= out."),
        (["x*2", "x=1", "x=2"], "explain: x is given twice."),
        (["x*2", "x="], "explain: x= has no value. Write x=3, x=[1, 2], or x=data.npy."),
        (["x*2", "x=foo"], "explain: x=foo, column 1, foo: this is no number."),
        (["x*2", "x=nan"], "explain: x is nan; give finite numbers."),
        (["x*2", "x=[1, inf]"], "explain: x[1] is inf; give finite numbers."),
        (["x*2", "x=None"], "explain: x=None: this is no number."),
        (["x*2", "x=[[1, 2], [3]]"], "explain: x=[[1, 2], [3]]: the lists in it are not equally long."),
        (["x*2", f"x={'1' * 5000}"], f"explain: x={'1' * 39}…, column 1"),
        (["x*2", "x=3", "--page", ""], "explain: this page can be saved as .html, but not as"),
        (["x*2", "x=[]"], "explain: x: there are no numbers in it."),
        (["x*2", "x=1e400"], "explain: x=1e400, column 1, 1e400: this is too large"),
        (["x*2", "3"], "explain: '3': a name is given with its value, as in theta=3."),
        (["x*2", "3x=3"], "explain: '3x' is no name"),
        (
            ["lambda*2", "lambda=2"],
            "explain: lambda is a word of Python's, and no name in a formula. Take another, such as lambda_ or",
        ),
        (["x*2", "x=none.npy"], "explain: none.npy: there is no such file."),
        (["x*2", "x=none.csv"], "explain: none.csv: there is no such file."),
        (["x*2", "x=data.txt"], "A value is a number, a list as in [1, 2], or a file that ends in .npy or .csv."),
        (["x*2", "x=1", "--wrt", "y"], "explain: --wrt y: there is no such name. There are: x"),
        (["x*2"], "explain: no name is given, so that there is nothing to differentiate. Give one with its value: theta=3."),
        (["x", "x=3"], "explain: the formula: nothing is computed in it of what is given, so that there is no gradient."),
        (["ones_like(x)", "x=3"], "explain: the formula: nothing is computed in it"),
        (["x > 2", "x=3"], "explain: the formula: it comes to"),
        (["(x, 2)", "x=3"], "explain: the formula: it comes to 2 results"),
        (
            ["x**2", "x=[1, 2]"],
            "explain: the formula: it comes to an array of shape (2,), but a gradient is that of a "
            "single number: write sum(x**2), or mean(x**2).",
        ),
        (["sum(np.fft.fft(x))", "x=[1, 2]"], "it comes to complex numbers, but a gradient is that of a real one: write real(...)"),
        (
            ["quantile(x, q)", "x=[1, 2]", "q=0.5"],
            "quantile(x, q): this takes plain numbers, to which no derivative passes: write stop",
        ),
        (["x + size(y)", "x=1", "y=2", "--wrt", "y"], "explain: the formula: no derivative passes to y"),
        (["x + ", "x=3"], "explain: the formula, column"),
        (["-x**2", "x=3"], "unrecognized arguments: -x**2 (a formula that begins with - is written in brackets)"),
        (["x*2", "x=3", "--lr", "1"], "explain: --lr shows a step on the page, so that it needs --page"),
        (["x*2", "x=3", "--page", "x.txt"], "explain: this page can be saved as .html"),
        (["x*2", "x=3", "--page", "none/x.html"], "explain: none/x.html: this page was not saved"),
        (["x*2", "x=3", "--lr", "0", "--page", "x.html"], "must be a number above 0"),
        (
            ["x @ y", "x=[1, 2]", "y=[1, 2, 3]"],
            "explain: the formula, column 1, x @ y: 'matmul' failed on x of shape (2,) and y of shape (3,)",
        ),
        (
            ["sum(tile(x, (4000, 1)) * tile(x, 4000))", "x=3"],
            "explain: the formula, column 5, tile(x, (4000, 1)) * tile(x, 4000): this makes 16000000 numbers; more than",
        ),
        (["sum(tile(x, 10**8))", "x=3"], "explain: the formula, column 5, tile(x, 10**8): this makes 100000000 numbers"),
        ([f"x + {'1' * 99}", "x=[1, 2]"], f"write sum(x + {'1' * 35}…), or mean(x + {'1' * 35}…)."),
        (["np.load(x)", "x=3"], "explain: the formula, column 1, np.load(x): there is no function np.load"),
    ],
)
def test_what_cannot_be_explained_is_told_in_one_line(capsys, arguments, said):
    if "--page" in arguments:
        pytest.importorskip("pygraphviz")
    assert said in complaint(capsys, "explain", *arguments)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.npy", b"none", "is no array that np.save wrote, or is damaged"),
        (
            "x.npy",
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9,), }" + b" " * 50 + b"\n",
            "damaged",
        ),
        ("x.csv", b"a,b\n1,2\n3,x\n", "x.csv, line 3, column 2: 'x' is not a number."),
        ("x.csv", b"1,2\n3\n", "x.csv, line 2: it has 1 cells, but line 1 has 2."),
        ("x.csv", b"1,2\n3,\n", "x.csv, line 2, column 2: '' is not a number."),
        ("x.csv", b"a,b\n", "x: there are no numbers in it."),
        ("x.csv", b"", "x: there are no numbers in it."),
        ("x.csv", b"1,a\n2,3\n", "x.csv, line 1, column 2: 'a' is not a number."),
        ("x.csv", b"\xff\xfe1", "UTF-16"),
        *(
            ("x.csv", f"{cell}\n2\n3\n".encode(), "x.csv, line 1, column 1: ")
            for cell in ["1_000", "−5", "$5", "(5)", "50%", "nan", "-inf", "٣", "２", "0x10"]
        ),
        ("x.npy", b"\x93NUMPY\x01\x00v\x00" + b"(" * 117 + b"\n", "is no array that np.save wrote, or is damaged"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(capsys, name, content, said):
    Path(name).write_bytes(content)
    assert said in complaint(capsys, "explain", "sum(x**2)", f"x={name}")


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([True]), np.zeros(2, dtype=[("a", float)])])
def test_a_file_of_something_else_than_real_numbers_is_told(capsys, array):
    np.save("x.npy", array)
    assert "x.npy: an array of real numbers is needed, but its dtype is" in complaint(capsys, "explain", "sum(x)", "x=x.npy")


@pytest.mark.parametrize("name", ["x", "θ", "变量", "# x", "°C", "_1", "size in m²", "x1", ""])
def test_a_line_of_names_is_no_line_of_numbers(name):
    Path("x.csv").write_text(f"{name},{name}\n2,3\n", "utf-8")
    np.testing.assert_array_equal(given_values(["x=x.csv"])["x"], [[2.0, 3.0]])


def test_a_number_beyond_64_bits_in_a_file_is_told_without_a_warning(capsys):
    largest = np.array([np.finfo(np.longdouble).max])
    np.save("x.npy", largest)
    with np.errstate(over="ignore"):
        if np.isfinite(float(largest[0])):
            pytest.skip("here a long double is a double")
    assert "explain: x[0] is inf; give finite numbers." in complaint(capsys, "explain", "sum(x**2)", "x=x.npy")


def test_an_array_of_objects_is_never_unpickled(capsys):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, ("trapped",))

    np.save("x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    assert "x.npy is no array that np.save wrote" in complaint(capsys, "explain", "sum(x)", "x=x.npy")


# --- descend -------------------------------------------------------------------------------------------------------------------

TABLE = """\
  step   θ  loss  gradient  new θ
     1   3     2        −4      7
     2   7    18        12     −5
     3  −5   162       −36     31

The loss is a parabola over θ, of curvature λ = 4, with its minimum at θ* = 4.
Every step multiplies the distance θ − θ* by 1 − ηλ = 1 − 1·4 = −3: −1, 3, −9, 27.
ηλ > 2: every step ends further from the minimum than it began. It diverges.
It converges for 0 < η < 2/λ = 0.5, and in a single step for η = 1/λ = 0.25.
"""

CHINESE = """\
  步   θ  损失  梯度  新的 θ
   1   3     2    −4       7
   2   7    18    12      −5
   3  −5   162   −36      31

损失关于 θ 是一条抛物线，曲率 λ = 4，最小值在 θ* = 4。
每一步都把距离 θ − θ* 乘以 1 − ηλ = 1 − 1·4 = −3：−1、3、−9、27。
ηλ > 2：每一步之后离最小值更远，发散。
当 0 < η < 2/λ = 0.5 时收敛；当 η = 1/λ = 0.25 时一步到达最小值。
"""


@pytest.mark.parametrize(("lang", "right"), [("en", TABLE), ("zh", CHINESE)])
def test_the_lectures_table_is_printed_and_why_it_diverges(capsys, lang, right):
    assert printed(capsys, "descend", *LECTURE, "--lr", "1", "--steps", "3", "--lang", lang) == right


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("0.1", "0 < ηλ < 1: every step goes part of the way to the minimum. It converges."),
        ("0.25", "ηλ = 1: one step leads to the minimum."),
        ("0.4", "1 < ηλ < 2: every step goes beyond the minimum, but less and less. It converges, oscillating."),
        ("0.5", "ηλ = 2: every step ends as far from the minimum as it began. It neither converges nor diverges."),
        ("0.6", "ηλ > 2: every step ends further from the minimum than it began. It diverges."),
    ],
)
def test_each_learning_rate_has_its_reason(capsys, rate, said):
    assert said in printed(capsys, "descend", *LECTURE, "--lr", rate)


def test_the_first_name_that_is_given_descends_or_those_that_are_asked_for(capsys):
    assert "new x" in printed(capsys, "descend", LECTURE[0], "x=2", "theta=3", "t=8", "--lr", "0.01")
    assert "new t" in printed(capsys, "descend", *LECTURE, "--wrt", "t", "--lr", "0.01")
    both = printed(capsys, "descend", *LECTURE, "--wrt", "theta", "--wrt", "x", "--lr", "0.01", "--steps", "1").splitlines()
    assert both[0].split("  ")[-2:] == ["new θ", "new x"]
    assert both[1].split() == ["1", "3", "2", "2", "−4", "−6", "3.04", "2.06"]


def test_several_weights_go_by_the_largest_of_their_curvatures(capsys):
    command = ["descend", "w[0]**2 + 5*w[1]**2", "w=[1, 1]", "--lr"]
    out = printed(capsys, *command, "0.1", "--steps", "2")
    assert "sum of 2 parabolas, one along each eigenvector of its Hessian, of curvatures from λ = 2 to λ = 10." in out
    assert "by 1 − ηλ: from 0.8 to 0." in out
    assert "it converges for 0 < η < 2/λ = 0.2." in out
    assert "ηλ > 2: along the direction of λ = 10 every step ends further" in printed(capsys, *command, "0.3")
    assert "along directions of small λ slowly" in printed(capsys, *command, "0.05")


@pytest.mark.parametrize(
    ("formula", "given", "said"),
    [
        ("3*x", ["x=1"], "The loss is a straight line over x, of slope 3: it has no minimum"),
        ("5 - x**2", ["x=1"], "of curvature λ = −2, with its maximum at x* = 0."),
        ("(x - 2)**2", ["x=2"], "The gradient is 0 at the start: nothing moves."),
        ("cos(x)", ["x=1"], "At the start it is λ = −0.540302: the loss is not curved upward there"),
        (
            "x**4",
            ["x=1"],
            "At the start it is λ = 12: near there steps are stable for η < 2/λ = 0.166667, and η = 0.1 is below it.",
        ),
        ("x**4", ["x=2"], "and η = 0.1 is not below it."),
        ("relu(x)**2", ["x=1"], "The loss is no parabola over x"),
        ("where(x > 0, x**2, 3*x**2)", ["x=1"], "The loss is no parabola over x"),
        ("minimum(x**2, 50)", ["x=0.08"], "The loss is no parabola over x"),
        ("where(x < 50, x**2, x**4)", ["x=0.08"], "The loss is no parabola over x"),
        ("x % 2", ["x=1.5"], "The loss is no parabola over x"),
        ("x**2 + (x > 9)", ["x=1"], "The loss is no parabola over x"),
        ("0.5*(x - 1)**2 + 1e9", ["x=3"], "of curvature λ = 1, with its minimum at x* = 1."),
        ("x*y", ["x=1", "y=2", "--wrt", "x", "--wrt", "y"], "one opens downward (λ = −1): it has no minimum"),
        ("x[0]**2", ["x=[1, 1]"], "Along 1 of them it is flat (λ = 0): there nothing moves."),
        ("x[0]**2 + x[1]", ["x=[1, 1]"], "Along one direction the loss is a straight line: it has no minimum"),
        ("exp(x)", ["x=800"], "Step 1 leads to numbers that are infinite or none (NaN): the descent ends there."),
        ("log(x)", ["x=0.001"], "Step 2 leads to numbers that are infinite or none (NaN): the descent ends there."),
        ("sqrt(x)**3", ["x=1e-320"], "the descent ends there"),
    ],
)
def test_how_the_loss_is_curved_is_said_as_it_is(capsys, formula, given, said):
    assert said in printed(capsys, "descend", formula, *given, "--lr", "0.1", "--steps", "3")


def test_numbers_beyond_all_bounds_end_the_table_without_a_warning(capsys):
    out = printed(capsys, "descend", *LECTURE, "--lr", "1", "--steps", "100000")
    rows = out.split("\n\n")[0].splitlines()
    assert (len(rows), rows[21].split()) == (42, ["…"] * 5)
    assert rows[-1].split()[2] == "inf"
    assert f"Step {rows[-1].split()[0]} leads to numbers that are infinite" in out


def test_the_steps_are_those_of_gradient_descent():
    X, t = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1.0, 2.0])
    values = {"X": X, "w": np.array([1.0, -1.0]), "b": 0.5, "t": t}
    formula = Formula("sum((t - X @ w - b)**2)", [*values])
    moments = descended(Loss(formula, values, ["w", "b"]), 0.01, 4)
    w, b = values["w"], values["b"]
    for moment in moments:
        error = t - X @ w - b
        np.testing.assert_allclose(moment.loss, error @ error)
        w, b = w + 0.02 * X.T @ error, b + 0.02 * np.sum(error)
        np.testing.assert_allclose(moment.after, [*w, b])
    assert len(moments) == 4


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_steps_of_a_number_have_a_page(capsys, lang):
    out = printed(capsys, "descend", *LECTURE, "--lr", "1", "--steps", "3", "--page", "steps.html", "--lang", lang)
    assert out.endswith("steps.html\n")
    page = Path("steps.html").read_text("utf-8")
    assert f'<html lang="{lang}">' in page
    assert '"kind": "parabola", "start": 3.0, "minimum": 4.0' in page
    printed(capsys, "descend", "x**4", "x=1", "--lr", "0.1", "--page", "other.html")
    assert '"kind": "record"' in Path("other.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x**2", "x=1"], "descend: the following arguments are required: --lr"),
        (["x**2", "x=1", "--lr", "nan"], "must be a number above 0"),
        (["x**2", "x=1", "--lr", "1", "--steps", "0"], "must be a whole number of at least 1"),
        (["x**2", "x=1", "--lr", "1", "--steps", "100001"], "of at least 1 and at most 100000, but is '100001'"),
        (["x**2", "x=1", "--lr", "1", "--steps", "9" * 5000], "of at least 1 and at most 100000, but is '9999"),
        (["x**2", "x=1", "--lr", "1", "--page", ""], "descend: this page can be saved as .html, but not as"),
        (["x**2", "x=[1, 2]", "--lr", "1"], "descend: the formula: it comes to an array of shape (2,)"),
        (["sum(x**2)", "x=[1, 2]", "--lr", "1", "--page", "x.html"], "descend: --page shows the steps of one number, but x has 2."),
        (["sum(tile(x, 501)**2)", "x=[1]", "--lr", "1", "--wrt", "y"], "descend: --wrt y: there is no such name"),
        (["exp(x)", "x=800", "--lr", "1", "--page", "x.html"], "descend: there is no step to show"),
    ],
)
def test_what_cannot_descend_is_told_in_one_line(capsys, arguments, said):
    assert said in complaint(capsys, "descend", *arguments)


def test_where_all_curvatures_are_alike_no_direction_is_said_to_take_more_steps(capsys):
    out = printed(capsys, "descend", "sum(w**2)", "w=[1, 2]", "--lr", "0.5", "--steps", "1")
    assert "ηλ = 1: along the direction of λ = 2 one step leads to the minimum; where λ is smaller it takes more." in out


def test_more_numbers_than_have_second_derivatives_are_refused(capsys):
    np.save("x.npy", np.ones(501))
    assert "descend follows at most 500 numbers, but x has 501." in complaint(
        capsys, "descend", "sum(x**2)", "x=x.npy", "--lr", "1"
    )


# --- both ----------------------------------------------------------------------------------------------------------------------


def test_the_help_names_both_commands_and_their_examples(capsys):
    _, out, _ = ran(capsys, "--help")
    assert "explain" in out
    assert "descend" in out
    assert "theta*x" in out


def test_in_a_shell_the_lecture_is_printed_and_an_error_is_one_line():
    def shell(*arguments):
        command = [sys.executable, "-X", "utf8", "-m", "tinygrad_edu", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path(tg.__file__).parents[1])}
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=120)

    done = shell("descend", *LECTURE, "--lr", "1", "--steps", "3")
    assert (done.returncode, done.stdout, done.stderr) == (0, TABLE, "")
    done = shell("explain", "theta*foo", "theta=3")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "python -m tinygrad_edu explain: the formula, column 7, foo: there is no such name. There are: theta\n"
