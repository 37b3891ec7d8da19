"""No name runs, ends or begins anything: hostile words through every way in, to every way out but Python source."""

import dataclasses
import json
import re
from functools import cache
from html.parser import HTMLParser
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.browser import in_a_browser, opened, plain
from tests.profile import EXHAUSTIVE
from tinygrad_edu import escaping
from tinygrad_edu.graph.notation import name_text

HOSTILE = [
    "'\"\"\"; __import__(\"os\").system(\"echo ran\"); \"\"\"'",
    "__import__('os').system('echo ran') or np.sin",
    "</script><script>document.documentElement.dataset.ran = 1</script>",
    "<img src=x onerror='document.documentElement.dataset.ran = 1'>",
    "</title><svg onload=document.documentElement.dataset.ran=1>",
    '" onmouseover="document.documentElement.dataset.ran=1',
    "javascript:alert(1)",
    "]]>", "<!--", "-->", "<![CDATA[", "&lt;b&gt;", "&", "&#0;", "\\u003c",
    '"; } digraph {', '"]; evil [label="', "\\N\\G\\E", "\\", "\\\\", '\\"', "<<b>bold</b>>",
    '"] --> evil["', '"]\nclick n0 "javascript:alert(1)"', "%%{init: {'securityLevel': 'loose'}}%%", "end", "`**bold**`", "a|b|c",
    "style:#35;x;", "n0", "#quot;",
    "\\input{/etc/passwd}", "\\write18{echo ran}", "\\end{aligned}$$", "$$", "$", "%", "{", "}", "}{", "{0}", "{name!r}",
    "#", "#1", "^^5c",
    "_", "^", "~", "x'", "''", "\\left(", "\\", "a & b \\\\ c", "{% raw %}{{7*7}}", "${7*7}",
    "a\nb", "a\n\nb", "\r\n", "\0", "a\0b", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x08\x08", "a\tb",
    "\u202egnp.exe", "\u2066a\u2069", "\u200bzero", "\ufeff", "\ud800", "a\udfffb", "\ufffe", "\u2028", "\U000e0041", "e\u0301" * 9,
    "x" * 5000, "1" * 5000 + "a", "", " ", " \t ", "\xa0",
    "𝐱", "ﬁ", "ⅸ", "𝐧𝐩", "np", "np.sin", "np.linalg.x", "return", "None", "lambda: 0", "self", "g", "L", "theta",
    "2", "-1", "−1", "0.5",
    "../../etc/x", "/dev/null", "C:\\x", "a/b",
]  # fmt: skip
HARMLESS = "harmless"
hostile = pytest.mark.parametrize("words", HOSTILE, ids=lambda words: ascii(words[:30])[1:-1])


# --- ways in -----------------------------------------------------------------------------------------------------------------


class Odd:
    """Something whose printed form is whatever it wants."""

    def __init__(self, words):
        self.words = words

    def __repr__(self):
        return self.words


def doubled(name=None):
    return tg.primitive(lambda x, **_: x * 2.0, lambda g, out, x, **_: g * 2.0, name=name or None)


def kept(f, *args):
    """The result of a function as it is recorded while the function is being differentiated."""
    results = []

    def keeping(*args):
        results.append(f(*args))
        return results[0]

    tg.grad(keeping)(*args)
    return results[0]


def of_a_leaf(words):
    return tg.Value(3.0, name=words) * 2.0


def of_every_value(words):
    x, y = tg.Value(3.0, name=words), tg.Value(2.0, name=words, requires_grad=False)
    return (np.sin(x * y).named(words) * (x + y)).named(words)


def of_arrays(words):
    W, x = tg.Value(np.ones((3, 2)), name=words), tg.Value(np.ones(2), name=f"x{words}")
    return np.sum(np.tanh((W @ x).named(words)) ** 2)


def of_an_operation(words):
    return doubled(words)(tg.Value(3.0, name="x")) + 1.0


def of_an_operation_on_arrays(words):
    return np.sum(doubled(words)(tg.Value([1.0, 2.0], name="x")) ** 2)


def of_a_function(words):
    def forward(x):
        return x * 2.0

    forward.__name__ = forward.__qualname__ = words.replace("\0", "").encode("utf-8", "replace").decode() or "nameless"
    return tg.primitive(forward, lambda g, out, x: g * 2.0)(tg.Value(3.0, name="x")) * 1.5


def of_a_parameter(words):
    return doubled("scaled")(tg.Value(3.0, name="x"), **{f"k{words}": 2}) * 1.5


def of_a_repr(words):
    return np.sum(doubled("scaled")(tg.Value([1.0, 2.0], name="x"), how=Odd(words), parts=(Odd(words), 1)) ** 2)


def of_a_text(words):
    return doubled("scaled")(tg.Value(3.0, name="x"), how=words) * 1.5


def of_a_key(words):
    return kept(lambda params: np.sum(params[words] * params["b"][0]), {words: np.ones(2), "b": [2.0]})


def of_a_field(words):
    kind = dataclasses.make_dataclass("Params", ["x", "y"])
    kind.__dataclass_fields__["x"].name = words or "x"
    params = kind(1.0, 2.0)
    del params.x
    setattr(params, words or "x", 1.0)
    with pytest.MonkeyPatch.context() as patch:  # fields with names that no source could state are set past __init__
        patch.setattr(kind, "__init__", lambda self, **fields: self.__dict__.update(fields))
        return kept(lambda params: getattr(params, words or "x") * params.y, params)


WAYS_IN = [
    of_a_leaf, of_every_value, of_arrays, of_an_operation, of_an_operation_on_arrays, of_a_function, of_a_parameter, of_a_repr,
    of_a_text, of_a_key, of_a_field,
]  # fmt: skip
SOME = slice(None, None, 1 if EXHAUSTIVE else 5)  # which divides no number of ways: each word and each way occurs
some_of_both = pytest.mark.parametrize(("words", "made"), list(product(HOSTILE, WAYS_IN))[SOME])


# --- what is looked at -------------------------------------------------------------------------------------------------------


def assert_is_plain(text):
    """Nothing that a terminal or a file would do something else with than show it."""
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode("utf-8")


class Tags(HTMLParser):
    """The elements of HTML, with their attributes, and what is in its scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts, self.text, self.comments, self._open = [], [], "", [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, sorted(name for name, _ in attrs)))
        self._open = tag

    def handle_endtag(self, tag):
        self._open = ""

    def handle_comment(self, data):
        self.comments.append(data)

    def handle_data(self, text):
        if self._open == "script":
            self.scripts.append(text)
        self.text += text


TEX = re.compile(r"\\[a-zA-Z]+|\\.|[{}%#$&~]", re.DOTALL)
ESCAPES = set(re.findall(r"\\[a-z]+|\\.", r"\backslash\lbrace\rbrace\wedge\sim\text\mathrm\_\#\$\%\&\ "))


def commands_of(latex):
    """The commands and the signs with a meaning of their own, in order; braces and what they frame are looked at."""
    found = TEX.findall(latex)
    depth = 0
    for token in found:
        depth += (token == "{") - (token == "}")
        assert depth >= 0
    assert depth == 0
    assert found.count(r"\left") == found.count(r"\right")
    assert "\n\n" not in latex
    return [token for token in found if token not in ("{", "}")]


DOT_LABEL = r'"(?:[^"\\]|\\["\\n])*"'
DOT_LINE = re.compile(
    rf"""digraph\ \{{ | \}} | \ \ (?:graph|node|edge)\ \[[^\\]*\]
    | \ \ \w+\ (?:->\ \w+\ )?\[id="\w+",\ label={DOT_LABEL}(?:,\ \w+=(?:"[^"\\]*"|[\w.]+))*\]
    | \ \ subgraph\ cluster_\d+\ \{{\ graph\ \[label="\d+\ /\ \d+",[^\\]*\];[\w;\ ]*\}}""",
    re.VERBOSE,
)
MERMAID_LABEL = r'"(?:[\w =+−·/*@.,()\[\]…^\'-]|<br/>|\#\d+;)*"'
MERMAID_LINE = re.compile(
    rf"""flowchart\ TD | \ \ \ \ \w+ | \ \ end | \ \ subgraph\ g\d+\["\d+\ /\ \d+"\]
    | \ \ n\w+(?:\(\[{MERMAID_LABEL}\]\)|\(\({MERMAID_LABEL}\)\)|\[{MERMAID_LABEL}\](?::::constant)?|\[\[{MERMAID_LABEL}\]\])
    | \ \ n\w+\ (?:-->\|{MERMAID_LABEL}\||-->|---)\ n\w+""",
    re.VERBOSE,
)


# --- ways out ----------------------------------------------------------------------------------------------------------------


@some_of_both
def test_texts_are_plain(made, words):
    loss = made(words)
    explanation = tg.explain(loss)
    for text in (str(explanation), repr(explanation), repr(tg.draw(loss)), *map(repr, explanation.graph.nodes)):
        assert_is_plain(text)
    for node in explanation.graph.nodes:
        if node.value is not None:
            assert_is_plain(repr(node.value))
    assert_is_plain(" ".join(repr(node.primitive) for node in explanation.graph.results))


@some_of_both
def test_no_command_of_latex_comes_from_a_name(made, words):
    explanation, harmless = tg.explain(made(words)), tg.explain(made(HARMLESS))
    found, expected = commands_of(explanation.to_latex()), commands_of(harmless.to_latex())
    assert {*found} <= {*expected, *ESCAPES} or words == "theta"
    if words.strip() not in ("theta", "") and len(words) < 100:  # long rules are left out
        assert [token for token in found if token not in ESCAPES] == [token for token in expected if token not in ESCAPES]
    assert not {"%", "#", "$", "~"} & {*found}
    assert_is_plain(explanation._repr_latex_())
    assert Tags(explanation._repr_latex_()).tags == []


@some_of_both
def test_pictures_have_the_nodes_and_arrows_of_the_graph_and_no_others(made, words):
    pygraphviz = pytest.importorskip("pygraphviz")
    loss = made(words)
    drawing = tg.draw(loss)
    assert all(DOT_LINE.fullmatch(line) for line in drawing.dot.splitlines()), drawing.dot
    assert all(MERMAID_LINE.fullmatch(line) for line in drawing.mermaid.splitlines()), drawing.mermaid
    parsed = pygraphviz.AGraph(string=drawing.dot)
    names = [f"n{number}" for number in range(len(drawing.graph))]
    assert sorted(parsed.nodes()) == sorted(names)
    assert len(parsed.edges()) == sum(len(node.operands) for node in drawing.graph.results)
    assert parsed.subgraphs() == []
    assert_is_plain(drawing.dot)
    assert_is_plain(drawing.mermaid)


@some_of_both
def test_svg_is_xml_in_which_names_are_text(made, words):
    pytest.importorskip("pygraphviz")
    drawing = tg.draw(made(words))
    root = ElementTree.fromstring(drawing.svg)
    space = "{http://www.w3.org/2000/svg}"
    elements = {element.tag.removeprefix(space) for element in root.iter()}
    assert elements <= {"svg", "style", "g", "path", "polygon", "ellipse", "polyline", "text"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert_is_plain(drawing.svg)


def test_a_name_stands_in_the_svg_as_it_is_written():
    pytest.importorskip("pygraphviz")
    for words in HOSTILE:
        shown = escaping.one_line(" ".join(words.split()))
        if 0 < len(shown) < 40 and words != "theta":
            root = ElementTree.fromstring(tg.draw(of_a_leaf(words)).svg)
            texts = [(element.text or "").replace("\xa0", " ") for element in root.iter() if element.tag.endswith("text")]
            assert f"{name_text(shown)} = 3" in texts


@cache
def harmless_page(made):
    return Tags(tg.explain(made(HARMLESS)).to_html())


@some_of_both
def test_a_page_has_the_elements_and_scripts_that_it_always_has(made, words):
    pytest.importorskip("pygraphviz")
    page, harmless = Tags(tg.explain(made(words)).to_html()), harmless_page(made)
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in harmless.tags}
    assert {name for _, names in page.tags for name in names} == {name for _, names in harmless.tags for name in names}
    assert page.scripts[1] == harmless.scripts[1]
    assert len(page.scripts) == 2
    assert page.comments == []
    data = json.loads(page.scripts[0])
    formulas = [formula for step in data["steps"] for formula in [*step["formulas"], *step["names"]]]
    for formula in [data["title"], *(node["name"] for node in data["nodes"] if node["name"]), *formulas]:
        assert_is_plain(plain(formula))


@hostile
def test_a_notebook_s_row_has_no_elements_but_its_own(words):
    for value in (tg.Value(np.ones((2, 2)), name=words), doubled(words)(tg.Value(1.0)).named(words)):
        row = Tags(value._repr_html_())
        assert {tag for tag, _ in row.tags} == {"table", "tr", "th", "td"}
        assert {name for _, names in row.tags for name in names} == {"style"}
        assert_is_plain(value._repr_html_())
        assert_is_plain(repr(value))


FORMS = [("explain", suffix) for suffix in (".html", ".tex", ".txt")] + [("draw", suffix) for suffix in (".svg", ".dot", ".mmd")]


@hostile
@pytest.mark.parametrize("made", [of_every_value, of_an_operation, of_a_repr], ids=lambda made: made.__name__)
def test_every_form_can_be_saved(made, words, tmp_path):
    pytest.importorskip("pygraphviz")
    loss = made(words)
    for reader, suffix in FORMS:
        assert_is_plain(getattr(tg, reader)(loss).save(tmp_path / f"saved{suffix}").read_text("utf-8"))
    assert len(list(tmp_path.iterdir())) == len(FORMS)


def test_a_bitmap_of_hostile_names_can_be_saved(tmp_path):
    pytest.importorskip("pygraphviz")
    total = sum((tg.Value(1.0, name=words) for words in HOSTILE), start=tg.Value(0.0))
    assert tg.draw(total * 2.0).save(tmp_path / "names.png").read_bytes().startswith(b"\x89PNG")


def test_a_summary_of_many_operations_is_plain_and_its_latex_balanced():
    for words in HOSTILE:
        x = h = tg.Value(0.5, name=words)
        operation = doubled(words)
        for _ in range(61):
            h = operation(h) * x
        explanation = tg.explain(h)
        assert explanation.is_summary
        assert_is_plain(str(explanation))
        assert not {"%", "#", "$", "~"} & {*commands_of(explanation.to_latex())}


# --- errors ------------------------------------------------------------------------------------------------------------------


def renamed(f, words):
    f.__name__ = words.encode("utf-8", "replace").decode()
    return f


def wrongly(words):
    return tg.primitive(lambda x: x * 1.0, lambda g, out, x: np.ones(7), name=words or None)


def in_anomaly(f, x):
    with tg.detect_anomaly():
        return f(x) - f(x)


def singular(words):
    def forward(x):
        raise np.linalg.LinAlgError(words)

    return tg.primitive(forward, lambda g, out, x: g, name=words or None)


def wrong_by_a_half(words):
    return tg.primitive(lambda x: x * 2.0, lambda g, out, x: g * 1.0, name=words or None)


def of_type(words):
    return type(words.replace("\0", "").encode("utf-8", "replace").decode(), (), {})()


ERRORS = {
    "shapes": lambda words: tg.Value(np.ones((3, 2)), name=words) @ tg.Value(np.ones(3), name=words),
    "no number": lambda words: tg.Value(np.ones(3), name=words).backward(),
    "no dependence": lambda words: tg.explain(tg.Value(1.0, name=words) * 2.0, wrt=tg.Value(1.0, name=words)),
    "nothing to explain": lambda words: tg.explain(tg.Value(1.0, name=words)),
    "an array taken": lambda words: np.asarray(tg.Value(np.ones(2), name=words)),
    "a function's result": lambda words: tg.grad(renamed(lambda x: np.stack([x, x]), words))(1.0),
    "no result": lambda words: tg.grad(renamed(lambda x: None, words))(1.0),
    "a key": lambda words: tg.grad(lambda params: 1.0)({words: words}),
    "a repr": lambda words: tg.grad(lambda x: x)(Odd(words)),
    "an operation": lambda words: tg.primitive(lambda x: x[5], lambda g, out, x: g, name=words or None)(tg.Value(np.ones(2))),
    "a wrong rule": lambda words: tg.grad(lambda x: np.sum(wrongly(words)(x)))(np.ones(3)),
    "an operation under detect_anomaly": lambda words: in_anomaly(doubled(words), tg.Value(np.inf, name=words)),
    "an error of linear algebra": lambda words: singular(words)(tg.Value(1.0)),
    "a compiled function": lambda words: tg.compile(renamed(lambda params: params[words] if params[words] > 0 else 1.0, words))(
        {words: 1.0}
    ),
    "a check": lambda words: tg.testing.check_grads(wrong_by_a_half(words), (2.0,)),
    "a type": lambda words: tg.draw(of_type(words)),
    "no history": lambda words: tg.explain_descent(Odd(words)),
    "a suffix": lambda words: tg.draw(tg.Value(1.0, name="w") * 2.0).save(f"picture.{words}"),
    "a file": lambda words: tg.draw(tg.Value(1.0, name="w") * 2.0).save(f"/nowhere/{words}/x.dot"),
}


@pytest.mark.parametrize(("words", "wrong"), list(product(HOSTILE, ERRORS))[SOME])
def test_messages_of_errors_are_plain(wrong, words):
    with pytest.raises((tg.errors.TinygradError, OSError, np.linalg.LinAlgError)) as caught:
        ERRORS[wrong](words)
    assert_is_plain(str(caught.value))


# --- in a browser ------------------------------------------------------------------------------------------------------------


@in_a_browser
def test_no_name_runs_as_a_script_in_a_browser(tmp_path):
    pytest.importorskip("pygraphviz")
    some = [words for words in HOSTILE if "ran" in words or "<" in words or "\\" in words]
    loss = sum(((tg.Value(1.0, name=words) * doubled(words)(tg.Value(1.0))) for words in some), start=tg.Value(0.0))
    for step in (0, 30, 999):
        elements = opened(tg.explain(loss).to_html(), tmp_path, f"lang=en&step={step}")
        assert not [attributes for _, attributes in elements.tags if "data-ran" in attributes or "onerror" in attributes]
        assert "onload" not in {name for _, attributes in elements.tags for name in attributes}
        assert "img" not in {tag for tag, _ in elements.tags}
        assert some[2] in elements.texts["state"].replace("\u00a0", " ")
