"""How formulas are written: as text with mathematical signs, as LaTeX, and as Python.

Operations are written by the templates that their entries in the op table state. The text is made from the Python form, so that it
needs no template of its own.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_edu.escaping import in_latex, one_line
from tinygrad_edu.graph.source import expression, literal, numpy_function
from tinygrad_edu.graph.terms import Literal, Symbol, Term
from tinygrad_edu.primitives.primitive import Primitive
from tinygrad_edu.primitives.shaping import transpose

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_GREEK_COMMANDS = {letter: f"\\{word}" for word, letter in _GREEK.items() if word != "lam"}
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_FRACTIONS = {0.5: ("½", r"\frac{1}{2}"), 0.25: ("¼", r"\frac{1}{4}"), 0.75: ("¾", r"\frac{3}{4}")}

_MOST_NUMBERS = 8  # of a larger array only the beginning is written

# How tightly a form binds: whoever needs a tighter one puts brackets around it.
# OPEN is a product that ends in a function without brackets, as \ln w: what is multiplied to its right would seem to be inside.
COMPARISON, SUM, OPEN, PRODUCT, POWER, ATOM = range(6)


def number_text(x: Any) -> str:
    """A number to six digits, with a true minus sign.

    >>> number_text(-4.0)
    '−4'
    """
    value = np.asarray(x).item()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, complex):
        return (f"({value:.6g})" if value.real else f"{value.imag:.6g}j").replace("-", "−")
    return f"{value + 0.0:.6g}".replace("-", "−")


def array_text(data: Any, number: Callable[[Any], str] = number_text) -> str:
    """A number, a short array, or the beginning of a long one with its shape.

    >>> array_text(np.zeros((200, 3)))
    '[[0, 0, …], [0, 0, …], …] (200, 3)'
    """
    array = np.asarray(data)
    if array.size <= _MOST_NUMBERS:
        return _nested(array, array.size, number)
    return f"{_nested(array, 2, number)} {array.shape}"


def _nested(array: Any, most: int, number: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return number(array)
    shown = [_nested(part, 3 if array.ndim == 1 or most > 3 else most, number) for part in array[: max(most, 2)]]
    return f"[{', '.join(shown)}{', …' if len(array) > len(shown) else ''}]"


def name_text(name: str) -> str:
    """A name as it is printed: `theta` as θ."""
    stem, separator, number = name.partition("_")
    return _GREEK.get(stem, stem) + separator + number if number.isdigit() or not separator else name


# --- text --------------------------------------------------------------------------------------------------------------------


def text(term: Term, least: int = COMPARISON) -> str:
    """A term as text; in brackets, if it binds less tightly than `least`.

    >>> from tinygrad_edu.graph.terms import Applied
    >>> from tinygrad_edu.primitives.arithmetic import multiply, power, subtract
    >>> difference = Applied(subtract, (Symbol("t"), Symbol("y")))
    >>> text(Applied(multiply, (Literal(0.5), Applied(power, (difference, Literal(2))))))
    '½(t − y)²'
    """
    return one_line(_bracketed(_text(_syntax_tree(term)), least))


def code(term: Term) -> str:
    """A term as Python: `g @ W.T`."""
    return one_line(ast.unparse(_Rounding().visit(_syntax_tree(term))))


class _Rounding(ast.NodeTransformer):
    """Writes numbers to six digits."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(float(f"{node.value:.6g}")) if isinstance(node.value, float) else node


def _syntax_tree(term: Term) -> ast.expr:
    """A term as Python's syntax tree; arrays written into it are abbreviated."""
    if isinstance(term, Symbol):
        return ast.Name(term.name)
    if isinstance(term, Literal):
        if term.number is None:
            return ast.Name(array_text(term.value))
        number = np.asarray(term.value).item()
        whole = isinstance(number, float) and number.is_integer() and abs(number) < 1e15
        return _without_np(literal(int(number) if whole else number))
    operands = [_syntax_tree(operand) for operand in term.operands]
    if _goes_by_name(term.primitive, term.params):
        stated = _stated(term.primitive, term.params).items()
        keywords = [ast.keyword(key, _without_np(literal(_brief(value)))) for key, value in stated]
        return ast.Call(ast.Name(term.primitive.name), operands, keywords)
    if term.primitive is transpose and term.params.get("axes") is None:
        return ast.Attribute(operands[0], "T")
    places = {f"{{{position}}}": operand for position, operand in enumerate(operands)}
    params = {key: _brief(value) for key, value in term.params.items()}
    return _without_np(expression(term.primitive, [ast.Name(place) for place in places], params), places)


class _WithoutNp(ast.NodeTransformer):
    """Writes `sum` for `np.sum`, and then puts the operands in their places: their names are the user's own, and may begin so."""

    def __init__(self, places: Mapping[str, ast.expr]) -> None:
        self._places = places

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._places.get(node.id, ast.Name(node.id.removeprefix("np.")))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node.value:
            case ast.Name(id="np" | "np.linalg") | ast.Attribute(value=ast.Name(id="np"), attr="linalg"):
                return ast.Name(node.attr)
        return self.generic_visit(node)


def _without_np(tree: ast.expr, places: Mapping[str, ast.expr] | None = None) -> ast.expr:
    bare: ast.expr = _WithoutNp(places or {}).visit(tree)
    return bare


def _goes_by_name(primitive: Primitive, params: Mapping[str, Any]) -> bool:
    """Whether an operation is called by its name: as mathematics does, step(x), or since in Python it is no single call: svd(A)."""
    is_name_in_mathematics = not params and rf"\operatorname{{{{{primitive.name}}}}}" in primitive.latex
    takes_several_calls = "lambda" in primitive.code or primitive.code.count("{0}") > 1
    has_only_a_name = not primitive.code and numpy_function(primitive) is None
    return is_name_in_mathematics or takes_several_calls or has_only_a_name


def _stated(primitive: Primitive, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters that do not have their default value."""
    defaults = _defaults(primitive)
    return {key: value for key, value in params.items() if key not in defaults or repr(defaults[key]) != repr(value)}


@lru_cache(maxsize=1024)
def _defaults(primitive: Primitive) -> Mapping[str, Any]:
    try:
        return {parameter.name: parameter.default for parameter in inspect.signature(primitive.forward).parameters.values()}
    except (TypeError, ValueError):  # NumPy's ufuncs have no signature
        return {}


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


# The sign, how tightly the form binds, and how tightly its operands must. (−a) // c is not −(a // c), so these bind loosely.
_BINARY: dict[type[ast.operator], tuple[str, int, int, int]] = {
    ast.Add: (" + ", SUM, SUM, SUM), ast.Sub: (" − ", SUM, SUM, PRODUCT), ast.Mult: ("·", PRODUCT, PRODUCT, PRODUCT),
    ast.Div: ("/", PRODUCT, PRODUCT, POWER), ast.MatMult: (" @ ", PRODUCT, PRODUCT, POWER),
    ast.Mod: (" % ", SUM, POWER, POWER), ast.FloorDiv: (" // ", SUM, POWER, POWER),
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
            sign, own, least_left, least_right = _BINARY[type(op)]
            return _bracketed(_text(left), least_left) + sign + _after_sign(_text(right), least_right), own
        case ast.Call(func=function, args=args, keywords=keywords):
            parts = [_text(arg)[0] for arg in args] + [f"{k.arg}={_text(k.value)[0]}" for k in keywords]
            return f"{ast.unparse(function)}({', '.join(parts)})", ATOM
        case ast.Attribute(value=owner, attr=attribute):
            return f"{_bracketed(_text(owner), ATOM)}.{attribute}", ATOM
        case ast.Subscript(value=owner, slice=index):
            inside = index.elts if isinstance(index, ast.Tuple) and index.elts else [index]
            return f"{_bracketed(_text(owner), ATOM)}[{', '.join(map(ast.unparse, inside))}]", ATOM
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sign = _COMPARISONS.get(type(op), "?")
            return f"{_bracketed(_text(left), SUM)} {sign} {_bracketed(_text(right), SUM)}", COMPARISON
        case ast.List(elts=parts):
            return f"[{', '.join(_text(part)[0] for part in parts)}]", ATOM
    return ast.unparse(tree), ATOM if isinstance(tree, ast.Tuple | ast.Constant) else COMPARISON


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

    >>> from tinygrad_edu.graph.terms import Applied
    >>> from tinygrad_edu.primitives.arithmetic import divide
    >>> latex(Applied(divide, (Symbol("theta"), Symbol("x"))))
    '\\\\frac{\\\\theta}{x}'
    """
    return _parenthesized(_latex(term), least)


def _parenthesized(form: tuple[str, int], least: int) -> str:
    return form[0] if form[1] >= least else rf"\left({form[0]}\right)"


def number_latex(x: Any) -> str:
    """A number to six digits: `3 \\times 10^{-5}`."""
    value = np.asarray(x).item()
    if isinstance(value, bool):
        return rf"\mathrm{{{value}}}"
    if isinstance(value, complex):
        sign = "-" if value.imag < 0 else "+"
        return rf"\left({number_latex(value.real)} {sign} {number_latex(abs(value.imag))} \, \mathrm{{i}}\right)"
    mantissa, _, exponent = f"{value + 0.0:.6g}".partition("e")
    if not np.isfinite(value):
        return {"nan": r"\mathrm{nan}", "inf": r"\infty", "-inf": r"-\infty"}[mantissa]
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def array_latex(data: Any) -> str:
    """A number or an array, abbreviated as in `array_text`."""
    form = array_text(data, number_latex).replace("…", r"\ldots ")
    return form.replace("] (", r"]\ (")  # before the shape


def name_latex(name: str) -> str:
    """A name: Greek letters as such, `w1` with an index, and anything longer upright."""
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    stem = stem.removesuffix("_") if number else stem
    if not stem:
        stem, number = name, ""
    command = _GREEK_COMMANDS.get(_GREEK.get(stem, stem))
    if command is None:
        command = in_latex(stem) if len(stem) == 1 and stem.isalpha() else rf"\mathrm{{{in_latex(stem)}}}"
    return f"{command}_{{{number}}}" if number else command


def _latex(term: Term) -> tuple[str, int]:
    if isinstance(term, Symbol):
        return name_latex(term.name), ATOM
    if isinstance(term, Literal):
        return array_latex(term.value), PRODUCT if term.number is not None and term.number < 0 else ATOM
    operands = [_latex(operand) for operand in term.operands]
    template = _template(term.primitive, term.params, len(operands))
    first = term.operands[0] if term.operands else None
    if template == r"{0} \cdot {1}" and isinstance(first, Literal) and first.number is not None:
        shown = _FRACTIONS.get(first.number, ("", number_latex(first.value)))[1]
        factor = _parenthesized(operands[1], _needed(template, 1, operands[1][0]))
        sign = r" \cdot" if factor[0].isdigit() else ""
        return f"{shown}{sign} {factor}", _closing(PRODUCT, operands[1], factor)
    filled = [_parenthesized(operand, _needed(template, position, operand[0])) for position, operand in enumerate(operands)]
    params = {key: _param_latex(value if isinstance(value, tuple) else [value]) for key, value in term.params.items()}
    binding = operands[0][1] if template == "{0}" else _binding(template)
    if operands and _outside(template).endswith(f"{{{len(operands) - 1}}}"):
        binding = _closing(binding, operands[-1], filled[-1])
    return template.format(*filled, **params), binding


def _closing(binding: int, last: tuple[str, int], filled: str) -> int:
    """How tightly a form binds, given the operand at its end, before and after brackets may have been put around it."""
    return OPEN if binding > OPEN and last[1] == OPEN and filled == last[0] else binding


_OPERATORS = {
    "{0} == {1}": "{0} = {1}", "{0} != {1}": r"{0} \neq {1}", "{0} < {1}": "{0} < {1}", "{0} <= {1}": r"{0} \leq {1}",
    "{0} > {1}": "{0} > {1}", "{0} >= {1}": r"{0} \geq {1}", "{0} & {1}": r"{0} \land {1}", "{0} | {1}": r"{0} \lor {1}",
}  # fmt: skip


def _operator_template(code: str) -> str:
    """Comparisons have no entry in the op table, but a form in Python."""
    return _OPERATORS.get(code, "")


def _template(primitive: Primitive, params: Mapping[str, Any], operands: int) -> str:
    """How an operation is written: as its entry says, with what the entry does not mention below its sign."""
    inputs = ", ".join(f"{{{position}}}" for position in range(operands))
    template = (primitive.latex or _operator_template(primitive.code)).replace("{inputs}", inputs)
    unsaid = [_named_param(key, value) for key, value in _stated(primitive, params).items() if f"{{{key}}}" not in template]
    if template == "{0}" or (template and not unsaid):  # a cast, or a new axis, changes no number
        return template
    below = _in_template(f"_{{{', '.join(unsaid)}}}") if unsaid else ""
    if _SIGN.search(template):
        return _SIGN.sub(lambda sign: sign[0] + below, template, count=1)
    name = _in_template(rf"\mathrm{{{in_latex(primitive.name)}}}")
    return f"{name}{below}({inputs})"


_SIGN = re.compile(r"\\(sum|prod|max|min)\b|^\\operatorname\{\{\w+\}\}|^\\mathcal\{\{\w+\}\}(\^\{\{-1\}\})?")
"""The sign of an operation, which its parameters are written below."""


def _in_template(form: str) -> str:
    return form.replace("{", "{{").replace("}", "}}")


def _named_param(key: str, value: Any) -> str:
    """`axis 0`, `keepdims`, and of einsum's subscripts only what they are."""
    if isinstance(value, str) and key == "subscripts":
        subscripts = r" \to ".join(map(in_latex, value.split("->")))
        return rf"\mathrm{{{subscripts}}}"
    return rf"\mathrm{{{in_latex(key)}}}" if value is True else rf"\mathrm{{{in_latex(key)}\ {_param_latex([value])}}}"


def _param_latex(parts: Iterable[Any]) -> str:
    written = ", ".join(ast.unparse(ast.fix_missing_locations(literal(_brief(part)))) for part in parts)
    return in_latex(written).replace("−", "-").replace("…", r"\ldots ")


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


_FUNCTION = r"\\(?!frac\b|cdot\b)[a-zA-Z]\w*([\^_]?\(\))*"
"""In what `_outside` leaves: the sign of a function, with what stands above and below it."""


def _binding(template: str) -> int:
    """How tightly a form binds, seen from its template."""
    outside = _outside(template)
    if re.search(r" ([<>=]|\\(leq|geq|neq|land|lor)) ", outside):
        return COMPARISON
    if re.search(r" [+-] |\\bmod", outside):
        return SUM
    if re.search(rf"{_FUNCTION} \S", outside):
        return OPEN
    if re.search(r"^-|\\cdot| \* |[)}] \{", outside):
        return PRODUCT
    return POWER if "^" in outside or outside.startswith(r"\frac") else ATOM


def _needed(template: str, position: int, form: str) -> int:
    """How tightly an operand has to bind to stand without brackets."""
    placeholder = f"{{{position}}}"
    if re.search(rf"\{{{position}\}}(\}}\}})?_", template) and "_" in form:
        return ATOM + 1  # an index below another one would seem to be part of it
    if re.search(rf"\{{{position}\}}(\}}\}})?[\^_]", template):
        return ATOM  # the base of a power, or of an index
    outside = _outside(template)
    if placeholder not in outside or outside == placeholder:
        return COMPARISON
    if re.search(rf"{_FUNCTION} \{{{position}\}}", outside) or (form.startswith("-") and not outside.startswith(placeholder)):
        return ATOM  # where a function begins and ends is seen, and two signs do not follow each other
    if r"\bmod" in outside:
        return POWER
    if re.search(r" [+-] ", outside):
        return OPEN if f"- {placeholder}" in outside else SUM
    if re.search(r"\\cdot| \* |[)}] \{|^-", outside):
        return OPEN if outside.endswith(placeholder) else PRODUCT
    return ATOM
