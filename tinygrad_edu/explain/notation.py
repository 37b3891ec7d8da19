"""How formulas are written: as text with mathematical signs, as LaTeX, and as Python.

Operations are written by the templates that their entries in the op table state. The text is made from the Python form, so that it
needs no template of its own.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from tinygrad_edu.explain.terms import Literal, Symbol, Term
from tinygrad_edu.primitives.shaping import transpose
from tinygrad_edu.source import expression, literal

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_GREEK_COMMANDS = {letter: f"\\{word}" for word, letter in _GREEK.items() if word != "lam"}
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_FRACTIONS = {0.5: ("½", r"\frac{1}{2}"), 0.25: ("¼", r"\frac{1}{4}"), 0.75: ("¾", r"\frac{3}{4}")}

# How tightly a form binds: whoever needs a tighter one puts brackets around it.
COMPARISON, SUM, PRODUCT, SIGNED, POWER, ATOM = range(6)


def number_text(x: Any) -> str:
    """A number to six digits, with a true minus sign.

    >>> number_text(-4.0)
    '−4'
    """
    value = np.asarray(x).item()
    return (str(value) if isinstance(value, bool | complex) else f"{value + 0.0:.6g}").replace("-", "−")


def array_text(data: Any) -> str:
    """A number, a short array, or the beginning of a long one with its shape.

    >>> array_text(np.zeros((200, 3)))
    '[[0, 0, …], [0, 0, …], …] (200, 3)'
    """
    array = np.asarray(data)
    if array.ndim == 0:
        return number_text(array)
    if array.size <= 8:
        return _nested(array, array.size)
    return f"{_nested(array, 2)} {array.shape}"


def _nested(array: Any, most: int) -> str:
    if array.ndim == 0:
        return number_text(array)
    shown = [_nested(part, 3 if array.ndim == 1 or most > 3 else most) for part in array[: max(most, 2)]]
    return f"[{', '.join(shown)}{', …' if len(array) > len(shown) else ''}]"


def name_text(name: str) -> str:
    """A name as it is printed: `theta` as θ."""
    stem, separator, number = name.partition("_")
    return _GREEK.get(stem, stem) + separator + number if number.isdigit() or not separator else name


# --- text --------------------------------------------------------------------------------------------------------------------


def text(term: Term, least: int = COMPARISON) -> str:
    """A term as text; in brackets, if it binds less tightly than `least`.

    >>> from tinygrad_edu.explain.terms import Applied
    >>> from tinygrad_edu.primitives.arithmetic import multiply, power, subtract
    >>> difference = Applied(subtract, (Symbol("t"), Symbol("y")))
    >>> text(Applied(multiply, (Literal(0.5), Applied(power, (difference, Literal(2))))))
    '½(t − y)²'
    """
    return _bracketed(_text(_syntax_tree(term)), least)


def code(term: Term) -> str:
    """A term as Python: `g @ W.T`."""
    return re.sub(r"\bnp\.(linalg\.)?", "", ast.unparse(_syntax_tree(term)))


def _syntax_tree(term: Term) -> ast.expr:
    """A term as Python's syntax tree; arrays written into it are abbreviated."""
    if isinstance(term, Symbol):
        return ast.Name(term.name)
    if isinstance(term, Literal):
        if term.number is None:
            return ast.Name(array_text(term.value))
        number = np.asarray(term.value).item()
        return literal(int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 1e15 else number)
    operands = [_syntax_tree(operand) for operand in term.operands]
    if not term.params and rf"\operatorname{{{{{term.primitive.name}}}}}" in term.primitive.latex:
        return ast.Call(ast.Name(term.primitive.name), operands, [])  # mathematics calls it by its name: step(x), relu(x)
    if term.primitive is transpose and term.params.get("axes") is None:
        return ast.Attribute(operands[0], "T")
    return expression(term.primitive, operands, {key: _brief(value) for key, value in term.params.items()})


def _brief(param: Any) -> Any:
    """A parameter as it is printed: positions in long arrays are abbreviated."""
    if isinstance(param, np.ndarray):
        return ast.Name(array_text(param))
    if isinstance(param, tuple) and any(isinstance(part, np.ndarray) for part in param):
        return ast.Tuple([_brief(part) if isinstance(part, np.ndarray) else literal(part) for part in param])
    return param


def _after_sign(form: tuple[str, int], least: int) -> str:
    """An operand after a sign such as +: another sign does not follow it directly."""
    return f"({form[0]})" if form[0].startswith("−") else _bracketed(form, least)


def _bracketed(form: tuple[str, int], least: int) -> str:
    return form[0] if form[1] >= least else f"({form[0]})"


_BINARY: dict[type[ast.operator], tuple[str, int, int]] = {
    ast.Add: (" + ", SUM, SUM), ast.Sub: (" − ", SUM, PRODUCT), ast.Mult: ("·", PRODUCT, PRODUCT), ast.Div: ("/", PRODUCT, POWER),
    ast.MatMult: (" @ ", PRODUCT, POWER), ast.Mod: (" % ", PRODUCT, POWER), ast.FloorDiv: (" // ", PRODUCT, POWER),
}  # fmt: skip


def _text(tree: ast.expr) -> tuple[str, int]:
    """A syntax tree as text, and how tightly it binds."""
    match tree:
        case ast.Name(id=name):
            return name_text(name), ATOM
        case ast.Constant(value=bool() | int() | float() as value):
            return number_text(value), ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return "−" + _bracketed(_text(operand), PRODUCT), PRODUCT
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return _power(base, exponent), POWER
        case ast.BinOp(left=ast.Constant(value=float() | int() as value), op=ast.Mult(), right=right):
            factor = _after_sign(_text(right), PRODUCT)
            shown = _FRACTIONS.get(value, (number_text(value),))[0]
            return shown + ("" if factor.startswith("(") else "·") + factor, PRODUCT
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            sign, own, needed = _BINARY[type(op)]
            return _bracketed(_text(left), own) + sign + _after_sign(_text(right), needed), own
        case ast.Call(func=function, args=args, keywords=keywords):
            inside = [_text(arg)[0] for arg in args] + [f"{k.arg}={_text(k.value)[0]}" for k in keywords]
            return f"{ast.unparse(function).removeprefix('np.').removeprefix('linalg.')}({', '.join(inside)})", ATOM
        case ast.Attribute(value=owner, attr=attribute):
            return f"{_bracketed(_text(owner), ATOM)}.{attribute}", ATOM
        case ast.Subscript(value=owner, slice=index):
            return f"{_bracketed(_text(owner), ATOM)}[{ast.unparse(index)}]", ATOM
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sign = _COMPARISONS.get(type(op), "?")
            return f"{_bracketed(_text(left), SUM)} {sign} {_bracketed(_text(right), SUM)}", COMPARISON
        case ast.List(elts=parts):
            return f"[{', '.join(_text(part)[0] for part in parts)}]", ATOM
    return re.sub(r"\bnp\.", "", ast.unparse(tree)), ATOM if isinstance(tree, ast.Tuple | ast.Constant) else COMPARISON


_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=", ast.NotEq: "≠", ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥",
}  # fmt: skip


def _power(base: ast.expr, exponent: ast.expr) -> str:
    shown = _bracketed(_text(base), ATOM)
    if isinstance(exponent, ast.Constant) and isinstance(exponent.value, int):
        return shown + str(exponent.value).translate(_SUPERSCRIPTS)
    if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.operand, ast.Constant) and isinstance(exponent.operand.value, int):
        return f"{shown}⁻{str(exponent.operand.value).translate(_SUPERSCRIPTS)}"
    return f"{shown}^{_bracketed(_text(exponent), ATOM)}"


# --- LaTeX -------------------------------------------------------------------------------------------------------------------


def latex(term: Term, least: int = COMPARISON) -> str:
    """A term as LaTeX; in brackets, if it binds less tightly than `least`.

    >>> from tinygrad_edu.explain.terms import Applied
    >>> from tinygrad_edu.primitives.arithmetic import divide
    >>> latex(Applied(divide, (Symbol("theta"), Symbol("x"))))
    '\\\\frac{\\\\theta}{x}'
    """
    return _parenthesized(_latex(term), least)


def _parenthesized(form: tuple[str, int], least: int) -> str:
    return form[0] if form[1] >= least else rf"\left({form[0]}\right)"


def number_latex(x: Any) -> str:
    """A number to six digits: `3 \\times 10^{-5}`."""
    mantissa, _, exponent = number_text(x).replace("−", "-").partition("e")
    if mantissa in ("nan", "inf", "-inf"):
        return {"nan": r"\mathrm{nan}", "inf": r"\infty", "-inf": r"-\infty"}[mantissa]
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


_SPECIAL = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "_": r"\_", "^": r"\wedge ", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&",
    "~": r"\sim ", '"': "”", " ": r"\ ", "<": "<", ">": ">",
}  # fmt: skip


def escaped(words: str) -> str:
    """Plain text as it can stand in a formula: what LaTeX would take for a command is made harmless."""
    return "".join(_SPECIAL.get(character, character) for character in words)


def name_latex(name: str) -> str:
    """A name: Greek letters as such, `w1` with an index, and anything longer upright."""
    stem, number = re.fullmatch(r"(.*?)_?(\d*)", name, re.DOTALL).groups()  # type: ignore[union-attr]  # it matches anything
    if not stem:
        stem, number = name, ""
    command = _GREEK_COMMANDS.get(_GREEK.get(stem, stem))
    if command is None:
        command = escaped(stem) if len(stem) == 1 else rf"\mathrm{{{escaped(stem)}}}"
    return f"{command}_{{{number}}}" if number else command


def _latex(term: Term) -> tuple[str, int]:
    if isinstance(term, Symbol):
        return name_latex(term.name), ATOM
    if isinstance(term, Literal):
        if term.number is None:
            return rf"\mathrm{{{escaped(array_text(term.value))}}}", ATOM
        return number_latex(term.value), PRODUCT if term.number < 0 else ATOM
    operands = [_latex(operand) for operand in term.operands]
    template = term.primitive.latex or _operator_template(term.primitive.code)
    if not template:
        template = _called(escaped(term.primitive.name), len(operands))
    first = term.operands[0] if term.operands else None
    if template == r"{0} \cdot {1}" and isinstance(first, Literal) and first.number is not None:
        shown = _FRACTIONS.get(first.number, ("", number_latex(first.value)))[1]
        factor = _parenthesized(operands[1], _needed(template, 1, operands[1][0]))
        return (f"{shown} {factor}" if not factor[0].isdigit() else rf"{shown} \cdot {factor}"), PRODUCT
    filled = [_parenthesized(operand, _needed(template, position, operand[0])) for position, operand in enumerate(operands)]
    params = {key: _param_latex(value) for key, value in term.params.items()}
    return template.format(*filled, **params), operands[0][1] if template == "{0}" else _binding(template)


_OPERATORS = {
    "{0} == {1}": "{0} = {1}", "{0} != {1}": r"{0} \neq {1}", "{0} < {1}": "{0} < {1}", "{0} <= {1}": r"{0} \leq {1}",
    "{0} > {1}": "{0} > {1}", "{0} >= {1}": r"{0} \geq {1}", "{0} & {1}": r"{0} \land {1}", "{0} | {1}": r"{0} \lor {1}",
}  # fmt: skip


def _operator_template(code: str) -> str:
    """Comparisons have no entry in the op table, but a form in Python."""
    return _OPERATORS.get(code, "")


def _called(name: str, operands: int) -> str:
    """The template of an operation that states none: its name, called."""
    return rf"\mathrm{{{{{name}}}}}({', '.join(f'{{{position}}}' for position in range(operands))})"


def _param_latex(value: Any) -> str:
    written = ast.unparse(ast.fix_missing_locations(literal(_brief(value)))).replace("slice", "")
    return escaped(written)


def _outside(template: str) -> str:
    """The template without what stands in brackets of any kind; `{0}` stays."""
    kept, depth = [], 0
    for part in re.findall(r"\{\{|\}\}|\\left.|\\right.|\\begin\{\{cases\}\}|\\end\{\{cases\}\}|\{\w+\}|.", template):
        opens = part in ("{{", "(") or part.startswith((r"\left", r"\begin"))
        closes = part in ("}}", ")") or part.startswith((r"\right", r"\end"))
        depth -= closes
        if depth == 0:
            kept.append("()" if closes else "" if opens else part)
        depth += opens
    return "".join(kept)


def _binding(template: str) -> int:
    """How tightly a form binds, seen from its template."""
    outside = _outside(template)
    if re.search(r" ([<>=]|\\(leq|geq|neq|land|lor)) ", outside):
        return COMPARISON
    if re.search(r" [+-] ", outside):
        return SUM
    if re.search(r"^-|\\cdot|\\bmod| \* |\} \{|^\\\w+ \{|^\\\w+\(\) \{", outside):
        return PRODUCT
    return POWER if "^" in outside or outside.startswith(r"\frac") else ATOM


def _needed(template: str, position: int, form: str) -> int:
    """How tightly an operand has to bind to stand without brackets."""
    placeholder = f"{{{position}}}"
    if re.search(rf"\{{{position}\}}(\}}\}})?[\^_]", template):
        return ATOM  # the base of a power, or of an index
    if f"- {placeholder}" in template:
        return PRODUCT
    outside = _outside(template)
    if placeholder not in outside or outside == placeholder:
        return COMPARISON
    if position and form.startswith("-"):
        return ATOM  # two signs do not follow each other
    if re.search(r" [+-] ", outside):
        return SUM
    if re.search(r"\\cdot|\\bmod| \* |\} \{|^-", outside):
        return PRODUCT
    return ATOM
