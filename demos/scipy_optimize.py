"""SciPy's optimizers with exact derivatives: Rosenbrock's valley, and a curve fitted by nonlinear least squares."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import BLUE, GREEN, GREY, ORANGE, RED, Stage, Text
from tinygrad_edu.errors import MissingExtraError

try:
    from scipy.optimize import least_squares, minimize, rosen_der, rosen_hess, rosen_hess_prod
except ImportError as error:
    raise MissingExtraError('this demo needs SciPy; install it with: python -m pip install -e ".[demos]"') from error

TITLE = Text("Straight into SciPy: Rosenbrock's valley and a nonlinear fit", "直接接入 SciPy：Rosenbrock 山谷与非线性拟合")
ORDER = 5

START, MINIMUM = np.array([-1.2, 1.0]), np.array([1.0, 1.0])

# A damped oscillation a·exp(−kt)·cos(ωt), measured with noise. The unknowns are a, k and ω.
TIMES = np.linspace(0, 8, 60)
TRUTH, GUESS = np.array([2.0, 0.3, 2.5]), np.array([1.0, 0.5, 2.2])


def run(stage: Stage) -> None:
    """Show the demo."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    valley, curve = figure.subplots(1, 2)
    rosenbrock(stage, valley)
    nonlinear_fit(stage, curve)
    stage.save(figure, "scipy_optimize")


def rosen(x):
    """100 (x₁ − x₀²)² + (1 − x₀)²: a curved valley whose floor hardly falls."""
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def rosenbrock(stage: Stage, axes: Axes) -> None:
    """The same start, with fewer and with more derivatives."""
    stage.heading("Rosenbrock's valley, from (−1.2, 1)", "Rosenbrock 山谷，从 (−1.2, 1) 出发")
    stage.say(
        "A function written for NumPy goes to scipy.optimize as it is, and tg.grad(f), tg.hessian(f) or v ↦ tg.hvp(f, x, v) go "
        "with it. Without them SciPy estimates slopes from differences of f: more calls, fewer digits.",
        "为 NumPy 写的函数原样交给 scipy.optimize，同时交给它 tg.grad(f)、tg.hessian(f) 或 v ↦ tg.hvp(f, x, v)。"
        "没有它们，SciPy 只能用 f 的差分估计斜率：调用更多，位数更少。",
    )
    gradient, hessian = tg.grad(rosen), tg.hessian(rosen)

    def product(x, v):
        return tg.hvp(rosen, x, v)

    methods = {
        "Nelder-Mead": {},
        "BFGS": {},
        "BFGS, jac": {"jac": gradient},
        "Newton-CG, jac, hessp": {"jac": gradient, "hessp": product},
        "trust-ncg, jac, hess": {"jac": gradient, "hess": hessian},
    }
    paths = {name: [START] for name in methods}
    found = {
        name: minimize(rosen, START, method=name.split(",")[0], callback=paths[name].append, **derivatives)
        for name, derivatives in methods.items()
    }
    columns = [
        ("method", "方法"),
        ("calls of f", "f 的调用"),
        ("of jac", "jac 的"),
        ("of hess, hessp", "hess、hessp 的"),
        ("error", "误差"),
    ]
    rows = []
    for name, result in found.items():
        calls = [result.nfev, result.njev if "jac" in name else 0, result.nhev if "hess" in name else 0]
        rows.append([name, *map(str, calls), f"{np.max(np.abs(result.x - MINIMUM)):.0e}"])
    stage.table([stage.text(*column) for column in columns], rows)
    stage.agree("tg.grad = rosen_der", gradient(START), rosen_der(START), 1e-12)
    stage.agree("tg.hessian = rosen_hess", hessian(START), rosen_hess(START), 1e-12)
    stage.agree("tg.hvp = rosen_hess_prod", product(START, MINIMUM), rosen_hess_prod(START, MINIMUM), 1e-12)
    for name in ("BFGS, jac", "trust-ncg, jac, hess"):
        stage.agree(stage.text(f"{name}: the minimum is at (1, 1)", f"{name}：最小值在 (1, 1)"), found[name].x, MINIMUM, 1e-5)
    valley(stage, axes, paths)


def valley(stage: Stage, axes: Axes, paths: dict[str, list[np.ndarray]]) -> None:
    """The contour lines, and three ways down."""
    x, y = np.meshgrid(np.linspace(-1.6, 1.4, 300), np.linspace(-0.6, 1.6, 300))
    axes.contour(x, y, rosen((x, y)), levels=np.geomspace(0.1, 1000, 12), colors=GREY, linewidths=0.6)
    for name, colour in {"Nelder-Mead": ORANGE, "BFGS, jac": BLUE, "trust-ncg, jac, hess": GREEN}.items():
        steps = np.array(paths[name])
        axes.plot(
            *steps.T,
            "o-",
            color=colour,
            markersize=3,
            linewidth=1.1,
            label=stage.label(f"{name}: {len(steps) - 1} steps", f"{name}：{len(steps) - 1} 步"),
        )
    axes.plot(*MINIMUM, "*", color=RED, markersize=13, zorder=4)
    axes.set(
        xlabel="x₀",
        ylabel="x₁",
        title=stage.label("Rosenbrock's valley and its minimum (1, 1)", "Rosenbrock 山谷及其最小值 (1, 1)"),
    )
    axes.annotate(stage.label("start", "起点"), START, (-8, 6), textcoords="offset points", ha="right")
    axes.legend(loc="lower left", fontsize=8, frameon=True, framealpha=1, edgecolor="none")


def oscillation(p):
    """a·exp(−kt)·cos(ωt) at the times of measurement."""
    return p[0] * np.exp(-p[1] * TIMES) * np.cos(p[2] * TIMES)


def nonlinear_fit(stage: Stage, axes: Axes) -> None:
    """Least squares with tg.jacobian, and with SciPy's differences."""
    stage.heading("A damped oscillation, fitted by least squares", "用最小二乘拟合阻尼振动")
    measured = oscillation(TRUTH) + 0.1 * np.random.default_rng(7).normal(size=len(TIMES))

    def residuals(p):
        return oscillation(p) - measured

    tight = {"xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12}
    exact = least_squares(residuals, GUESS, jac=tg.jacobian(residuals), **tight)
    differences = least_squares(residuals, GUESS, jac="3-point", **tight)
    names = ["a·exp(−kt)·cos(ωt)", "a", "k", "ω"]
    rows = [
        [stage.text("truth", "真值"), *TRUTH],
        [stage.text("first guess", "初值"), *GUESS],
        ["jac=tg.jacobian(f)", *exact.x],
        ["jac='3-point'", *differences.x],
    ]
    stage.table(names, rows)
    a, k, w = exact.x
    decay, angle = np.exp(-k * TIMES), w * TIMES
    by_hand = np.stack([decay * np.cos(angle), -a * TIMES * decay * np.cos(angle), -a * TIMES * decay * np.sin(angle)], axis=1)
    what = stage.text("the Jacobian = the one derived by hand", "雅可比矩阵 = 手工推导的结果")
    stage.agree(what, tg.jacobian(residuals)(exact.x), by_hand, 1e-13)
    stage.agree(stage.text("the fit = SciPy's by differences", "拟合结果 = SciPy 用差分得到的结果"), exact.x, differences.x, 1e-7)
    what = stage.text("at the fit the gradient Jᵀr vanishes", "在拟合点梯度 Jᵀr 为零")
    stage.agree(what, by_hand.T @ residuals(exact.x), np.zeros(3), 1e-6)
    axes.plot(TIMES, measured, "o", color=GREY, markersize=3.5, label=stage.label("measured", "测量值"))
    axes.plot(TIMES, oscillation(GUESS), "--", color=ORANGE, linewidth=1.2, label=stage.label("first guess", "初值"))
    axes.plot(
        TIMES, oscillation(exact.x), color=BLUE, label=f"{stage.label('fit', '拟合')}: {a:.2f}·exp(−{k:.2f} t)·cos({w:.2f} t)"
    )
    axes.set(xlabel="t", title=stage.label("A nonlinear fit by ", "非线性拟合：") + "least_squares(f, x0, jac=tg.jacobian(f))")
    axes.legend(fontsize=8)
