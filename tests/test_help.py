"""What `help` says of the public names: the signature, what they do, an example that runs, and which errors they raise."""

import dataclasses
import doctest
import inspect
import pydoc
import re

import pytest

import tinygrad_edu as tg
from tinygrad_edu.primitives.primitive import Primitive


def _public(module, prefix):
    for name in module.__all__:
        member = getattr(module, name)
        if inspect.ismodule(member):
            if hasattr(member, "__all__"):
                yield from _public(member, f"{prefix}.{name}")
        elif callable(member):
            yield f"{prefix}.{name}", member


def _is_given(kind):
    return dataclasses.is_dataclass(kind) or inspect.isabstract(kind)


PUBLIC = dict(_public(tg, "tg"))
EVERY_CALLABLE = pytest.mark.parametrize("name", PUBLIC)
# What other functions return, and what only subclasses are made of, a user does not call.
IS_CALLED = {name: member for name, member in PUBLIC.items() if not (inspect.isclass(member) and _is_given(member))}
WHAT_IS_CALLED = pytest.mark.parametrize("name", IS_CALLED)


def _help(member):
    return pydoc.render_doc(member, renderer=pydoc.plaintext)


@EVERY_CALLABLE
def test_help_begins_with_the_signature_of_the_name_itself(name):
    own_name = name.rpartition(".")[2]
    _, _, text = _help(PUBLIC[name]).partition("\n\n")
    if inspect.isclass(PUBLIC[name]):
        assert re.match(rf"class {own_name}\(.*\)\n \|  {own_name}\(", text), text[:200]
    else:
        first = text.partition("\n")[0]
        assert first.startswith(f"{own_name}{inspect.signature(PUBLIC[name])}"), first
        assert "(*args" not in first


@WHAT_IS_CALLED
def test_help_has_an_example_that_runs(name):
    pytest.importorskip("scipy")
    member = PUBLIC[name]
    examples = doctest.DocTestParser().get_examples(_help_text(member))
    assert examples, f"{name} has no example"
    module = inspect.getmodule(member)
    around = vars(module) if module is not None and module.__name__.startswith("tinygrad_edu") else {}
    test = doctest.DocTest(examples, {**around, "tg": tg}, name, None, None, None)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


@WHAT_IS_CALLED
def test_help_says_which_errors_there_are(name):
    text = _help_text(PUBLIC[name])
    assert re.search(r"^Raises\n-{6}\n(\w+Error(, )?)+: ", text, re.MULTILINE) or "There is no error." in text


def _help_text(member):
    """What `help` says below the signature; of a class also what it says of its methods."""
    methods = inspect.getmembers(member, inspect.isfunction) if inspect.isclass(member) else []
    return "\n\n".join(filter(None, (inspect.getdoc(each) for each in (member, *(method for _, method in methods)))))


@pytest.mark.parametrize("name", [name for name, member in PUBLIC.items() if isinstance(member, Primitive)])
def test_an_operation_is_seen_as_a_function_with_the_arguments_that_it_takes(name):
    entry = PUBLIC[name]
    assert inspect.isroutine(entry)
    assert (entry.__name__, entry.__qualname__) == (name.removeprefix("tg."),) * 2
    assert next(iter(inspect.signature(entry).parameters)) == "x"
    assert "class Primitive" not in _help(entry)


def test_what_an_operation_is_keeps_its_own_help():
    assert "class Primitive" in _help(Primitive)
    assert list(inspect.signature(Primitive).parameters)[:3] == ["forward", "vjps", "name"]


def test_an_operation_of_the_users_own_has_the_help_of_its_function():
    def cube(x, *, scale=1.0):
        """x³, scaled."""
        return scale * x**3

    entry = tg.primitive(cube, lambda g, out, x, scale=1.0: g * scale * 3 * x**2)
    assert str(inspect.signature(entry)) == "(x, *, scale=1.0)"
    assert inspect.getdoc(entry) == "x³, scaled."


def test_an_operation_that_is_an_attribute_of_a_class_takes_no_instance_as_its_argument():
    class Layer:
        activation = tg.relu

    assert Layer().activation(-1.0) == 0.0
    assert Layer.activation is tg.relu
