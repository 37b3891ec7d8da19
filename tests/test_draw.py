"""draw: the graph as a picture."""

import builtins
import itertools
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.browser import in_a_browser, opened
from tests.counting import calls


def lecture_loss():
    theta = tg.Value(3.0, name="theta")
    x, t = (tg.Value(number, name=name, requires_grad=False) for number, name in [(2.0, "x"), (8.0, "t")])
    y = (theta * x).named("y")
    return 0.5 * (t - y) ** 2


@pytest.fixture
def graphviz():
    """The tests that need a layout are left out where there is no Graphviz."""
    pytest.importorskip("pygraphviz")


def test_values_formulas_and_local_derivatives_are_in_the_picture():
    dot = tg.draw(lecture_loss()).dot
    for shown in ["θ = 3", "y = θ·x = 6", "t − y = 2", "L = ½(t − y)² = 2", "x = 2", "−1", "2(t − y) = 4"]:
        assert shown in dot


def test_gradients_are_shown_after_the_backward_pass_and_only_then():
    loss = lecture_loss()
    assert "gradient" not in tg.draw(loss).dot
    loss.backward()
    assert "θ = 3\\ngradient −4" in tg.draw(loss).dot
    assert "y = θ·x = 6\\ngradient −2" in tg.draw(loss).dot


def test_parameters_data_constants_and_results_differ_in_shape():
    dot = tg.draw(lecture_loss()).dot
    nodes = [line for line in dot.splitlines() if re.match(r"  n\d+ \[", line)]
    styles = {re.search(r'class="(\w+)"', line)[1]: line for line in nodes}
    assert set(styles) == {"parameter", "data", "constant", "result", "output"}
    assert "rounded" in styles["parameter"]
    assert "ellipse" in styles["data"]
    assert "penwidth=0" in styles["constant"]
    assert "peripheries=2" in styles["output"]


def test_arrays_show_their_shapes_and_rules():
    w = tg.Value(np.ones((3, 2)), name="w")
    x = tg.Value(np.ones((5, 3)), name="x", requires_grad=False)
    dot = tg.draw((x @ w).named("y")).dot
    assert "y = x @ w\\n[…] (5, 2)" in dot
    assert "xᵀ @ g" in dot


def test_an_arrow_that_no_gradient_can_pass_is_dashed():
    z = tg.Value(2.0, name="z")
    assert re.search(r'label=" 0 ".*style=dashed', tg.draw(tg.step(z)).dot)


def test_a_leaf_that_many_operations_use_is_drawn_beside_each_of_them():
    x = h = tg.Value(0.5, name="x")
    for _ in range(10):
        h = np.tanh(h) * x
    assert tg.draw(h).dot.count('label="x = 0.5"') == 11


def layers():
    rng = np.random.default_rng(0)
    h = tg.Value(rng.normal(size=(8, 4)), name="X", requires_grad=False)
    for number in range(1, 4):
        W, b = tg.Value(rng.normal(size=(4, 4)), name=f"W{number}"), tg.Value(np.zeros(4), name=f"b{number}")
        h = np.tanh(h @ W + b)
    return h


def test_the_layers_of_a_network_are_framed_each_with_its_parameters():
    drawing = tg.draw(np.mean(layers() ** 2))
    frames = re.findall(r'label="(\d / \d)".*\]; (.*) }', drawing.dot)
    assert [title for title, _ in frames] == ["1 / 3", "2 / 3", "3 / 3"]
    names = [{drawing.graph.nodes[int(name[1:])].name for name in members.split("; ")} for _, members in frames]
    assert [{name for name in inside if not name.startswith("v")} for inside in names] == [
        {"X", "W1", "b1"},
        {"W2", "b2"},
        {"W3", "b3"},
    ]
    assert drawing.mermaid.count("subgraph") == 3


def test_the_rounds_of_a_loop_are_framed_and_what_is_computed_before_and_after_is_not():
    w, h = tg.Value(0.5, name="w"), np.sin(tg.Value(1.0, name="h"))
    for _ in range(4):
        h = np.tanh(w * h)
    assert re.findall(r'label="(\d / \d)"', tg.draw(np.exp(h)).dot) == ["1 / 4", "2 / 4", "3 / 4", "4 / 4"]


def network(sizes):
    """A network of single numbers, neuron by neuron."""
    h = [tg.Value(1.0, name=f"x{i}", requires_grad=False) for i in range(sizes[0])]
    for layer, (before, after) in enumerate(itertools.pairwise(sizes), 1):
        neurons = range(after)
        w = [[tg.Value(0.1 * (i + j + 1), name=f"w{layer}_{j}_{i}") for i in range(before)] for j in neurons]
        h = [np.tanh(sum(w[j][i] * h[i] for i in range(before)) + tg.Value(0.1, name=f"b{layer}_{j}")) for j in neurons]
    return h[0]


def frames(drawing):
    return re.findall(r'label="(\d+ / \d+)".*\]; (.*) }', drawing.dot)


@pytest.mark.parametrize("sizes", [[2, 2, 1], [2, 3, 1], [3, 3, 1], [2, 4, 1], [3, 4, 4, 1]])
def test_the_neurons_of_a_layer_are_no_rounds_and_no_frame_mixes_them(sizes):
    assert frames(tg.draw((network(sizes) - 1.0) ** 2)) == []


@pytest.mark.parametrize("sizes", [[2, 2, 2, 1], [2, 2, 2, 2], [3, 3, 3, 1]])
def test_the_layers_of_a_network_of_single_numbers_are_framed_each_with_all_of_its_neurons(sizes):
    drawing = tg.draw((network(sizes) - 1.0) ** 2)
    found = frames(drawing)
    assert [title for title, _ in found] == ["1 / 2", "2 / 2"]
    for layer, (_, members) in enumerate(found, 1):
        names = {drawing.graph.nodes[int(name[1:].split("_")[0])].name for name in members.split("; ")}
        weights = {name for name in names if name[:1] in "wb"}
        expected = {f"w{layer}_{j}_{i}" for j in range(sizes[1]) for i in range(sizes[0])} | {
            f"b{layer}_{j}" for j in range(sizes[1])
        }
        assert weights == expected


def test_a_sum_of_products_has_no_rounds():
    total = tg.Value(0.0, name="total")
    for number in range(6):
        total = total + tg.Value(2.0, name=f"w{number}") * tg.Value(float(number), name=f"x{number}")
    assert frames(tg.draw(np.tanh(total))) == []


def test_rounds_that_are_given_results_of_their_own_are_framed_all_the_same():
    h, w = tg.Value(0.1, name="h"), tg.Value(0.5, name="w")
    given = [np.sin(tg.Value(float(number), name=f"x{number}")) for number in range(4)]
    for x in given:
        h = np.tanh(w * h + x)
    assert [title for title, _ in frames(tg.draw(h))] == ["1 / 4", "2 / 4", "3 / 4", "4 / 4"]


def test_operations_that_recur_without_building_on_each_other_are_not_framed():
    a, b = tg.Value(2.0, name="a"), tg.Value(3.0, name="b")
    parts = [np.tanh(np.sin(np.exp(a))), np.tanh(np.sin(np.exp(b)))]
    assert "subgraph" not in tg.draw(np.maximum(*parts)).dot
    assert "subgraph" not in tg.draw(lecture_loss()).dot


@pytest.mark.parametrize("operation", [np.add, np.multiply])
def test_a_long_sum_and_a_long_product_have_no_rounds(operation):
    total = tg.Value(1.0, name="a")
    for number in range(2, 10):
        total = operation(total, tg.Value(float(number), name=f"a{number}"))
    assert "subgraph" not in tg.draw(total).dot
    assert "subgraph" not in tg.draw(np.tanh(total)).dot


def test_a_loop_after_a_long_sum_is_framed_without_the_sum():
    h, w = tg.Value(1.0, name="h"), tg.Value(0.5, name="w")
    for number in range(9):
        h = h + tg.Value(float(number), name=f"a{number}")
    for _ in range(3):
        h = np.tanh(w * h)
    drawing = tg.draw(h)
    assert re.findall(r'label="(\d / \d)"', drawing.dot) == ["1 / 3", "2 / 3", "3 / 3"]
    framed = {int(number) for frame in re.findall(r"cluster.*\]; (.*) }", drawing.dot) for number in re.findall(r"n(\d+)", frame)}
    assert "add" not in {node.primitive.name for node in drawing.graph.results if drawing.graph.nodes.index(node) in framed}


def test_of_a_large_array_the_picture_shows_the_shape_only():
    assert 'label="W₁\\n[…] (4, 4)"' in tg.draw(layers()).dot


def test_a_leaf_alone_can_be_drawn():
    assert 'label="w = 2"' in tg.draw(tg.Value(2.0, name="w")).dot


def test_anything_but_a_value_is_refused():
    with pytest.raises(tg.errors.DataError, match="only a Value"):
        tg.draw(3.0)


@given(st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_name_gives_a_well_formed_picture(name):
    pytest.importorskip("pygraphviz")
    loss = (tg.Value(3.0, name=name) * 2.0).named(name)
    root = ElementTree.fromstring(tg.draw(loss).svg)
    assert not [element for element in root.iter() if "script" in element.tag]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"&', "\\", "a]b", "--> x", "`", "<b>", "&lt;", "]];", "\x1b[31m"])
def test_names_are_escaped_everywhere(graphviz, name):
    drawing = tg.draw((tg.Value(3.0, name=name) * 2.0).named("y"))
    shown = "".join(character if character.isprintable() else "\ufffd" for character in name)
    root = ElementTree.fromstring(drawing.svg)
    texts = [(element.text or "").replace("\xa0", " ") for element in root.iter() if element.tag.endswith("text")]
    assert f"{shown} = 3" in texts
    assert "<script" not in drawing.svg
    label = re.search(r'n0\(\["(.*)"\]\)', drawing.mermaid)[1]
    assert not set('"<>`|\\') & set(label)
    assert "\x1b" not in drawing.dot + drawing.mermaid


def test_pictures_are_saved_by_their_suffix(graphviz, tmp_path):
    drawing = tg.draw(lecture_loss())
    assert drawing.save(tmp_path / "graph.svg").read_text("utf-8").startswith("<svg")
    assert drawing.save(tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")
    assert drawing.save(str(tmp_path / "graph.dot")).read_text("utf-8").startswith("digraph")
    assert drawing.save(tmp_path / "graph.mmd").read_text("utf-8").startswith("flowchart")
    with pytest.raises(tg.errors.DataError, match=r"\.svg, \.png"):
        drawing.save(tmp_path / "graph.jpeg")


def test_a_file_of_its_own_is_light_on_a_dark_system(graphviz):
    assert "@media (prefers-color-scheme: dark) { svg:root { color: #f3f4f6; } }" in tg.draw(lecture_loss()).svg


IN_A_NOTEBOOK = """<!doctype html><html><body style="margin: 0; width: 500px; color: rgb(200, 201, 202); background: #111">
<div id="output">{picture}</div></body></html>"""


@in_a_browser
@pytest.mark.parametrize("scheme", [0, 1])
def test_in_a_notebook_words_and_arrows_have_the_notebooks_colour_whatever_the_systems_is(graphviz, tmp_path, scheme):
    read = """document.title = JSON.stringify([".node text", ".edge text", ".edge path"].map((place) => {
        const style = getComputedStyle(document.querySelector(place));
        return place.endsWith("path") ? style.stroke : style.fill;
    }));"""
    html = IN_A_NOTEBOOK.format(picture=tg.draw(lecture_loss())._repr_html_())
    elements = opened(html, tmp_path, "", read, f"--blink-settings=preferredColorScheme={scheme}")
    assert json.loads(elements.title) == ["rgb(200, 201, 202)"] * 3


@in_a_browser
def test_in_a_notebook_a_wide_picture_is_made_smaller_and_then_scrolled_but_never_cut(graphviz, tmp_path):
    read = """const frame = document.querySelector("#output > div"), svg = frame.querySelector("svg").getBoundingClientRect();
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(frame).overflowX);
    document.title = JSON.stringify([svg.width, svg.height, frame.clientWidth, frame.scrollWidth, scrolls]);"""
    for values in (3, 12):
        x = [tg.Value(float(i), name=f"x{i}") for i in range(values)]
        drawing = tg.draw(tg.array(x))
        width, height = map(int, re.findall(r'(?:width|height)="(\d+)pt"', drawing.svg)[:2])
        shown = json.loads(opened(IN_A_NOTEBOOK.format(picture=drawing._repr_html_()), tmp_path, "", read).title)
        assert shown[2] == 500
        assert shown[0] == pytest.approx(max(min(width * 4 / 3, 500), 0.6 * width * 4 / 3), abs=1.5)
        assert shown[0] / shown[1] == pytest.approx(width / height, rel=0.02)
        assert shown[4]
        assert shown[3] == pytest.approx(max(500, shown[0]), abs=1.5)


def test_the_last_result_has_a_double_border_of_which_the_inside_alone_is_tinted(graphviz):
    drawing = tg.draw(lecture_loss())
    output = next(part for part in ElementTree.fromstring(drawing.svg).iter() if part.get("class") == "node output")
    inner, outer = (part.get("fill") for part in output if part.tag.endswith("polygon"))
    assert (inner, outer) == ("#fef3c7", "none")
    assert ".output polygon:not([fill=none]) { fill: #d97706; fill-opacity: .18; }" in drawing.svg


def test_the_rows_of_a_matrix_stand_below_one_another():
    X = tg.Value([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="X")
    assert 'label="X = [[1, 2],\\n[3, 4],\\n[5, 6]]"' in tg.draw(X).dot


def test_what_broadcasting_repeated_is_summed_on_the_way_back_and_the_picture_says_so():
    w, b = tg.Value([1.0, 2.0], name="w"), tg.Value(0.5, name="b")
    assert 'label=" Σ g "' in tg.draw((w + b).named("z")).dot


@pytest.mark.parametrize("line", ["dot", "mermaid"])
def test_a_long_name_is_shortened_in_the_picture(line):
    loss = (tg.Value(3.0, name="name" * 75) * tg.Value(2.0, name="other" * 60)).named("loss" * 75)
    loss.backward()
    labels = re.findall(r'label="(.*?)"' if line == "dot" else r'n\d+\W+"(.*?)"', getattr(tg.draw(loss), line))
    assert len(labels) >= 3
    assert max(map(len, re.split(r"\\n|<br/>", "\\n".join(labels)))) < 100
    assert any("…" in label and label.count(" = ") == 2 and " = 6" in label for label in labels)


def test_a_drawing_says_what_it_is_of():
    assert repr(tg.draw(lecture_loss())) == "<Drawing of L: 9 nodes>"


def test_a_bitmap_is_not_squeezed_until_it_cannot_be_read(graphviz, tmp_path):
    h = tg.Value(0.5, name="x")
    for _ in range(150):
        h = np.tanh(h)
    height = int.from_bytes(tg.draw(h).save(tmp_path / "chain.png").read_bytes()[20:24])
    assert 15_900 < height <= 16_001
    for _ in range(150):
        h = np.tanh(h)
    with pytest.raises(tg.errors.UnsupportedError, match=r"pixels.*Save it as \.svg"):
        tg.draw(h).save(tmp_path / "ribbon.png")


def test_without_pygraphviz_the_extra_is_named(monkeypatch):
    honest_import = builtins.__import__

    def import_without(name, *args, **kwargs):
        if name == "pygraphviz":
            raise ImportError(name)
        return honest_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_without)
    with pytest.raises(tg.errors.MissingExtraError, match=r'pip install "tinygrad_edu\[draw\]"'):
        tg.draw(lecture_loss()).svg  # noqa: B018 (that it is asked for is the point)


def deep(rounds):
    x = h = tg.Value(0.5, name="x")
    for _ in range(rounds):
        h = np.tanh(h) * x + 1.0 * h
    return h


def test_five_hundred_nodes_are_drawn(graphviz):
    assert tg.draw(deep(125)).svg.count("<text") > 500


def test_drawing_takes_work_in_proportion_to_the_number_of_nodes():
    small, large = deep(25), deep(250)
    assert calls(lambda: tg.draw(large).dot) < 12 * calls(lambda: tg.draw(small).dot)
