"""The API reference: a directive that describes all public names of a module, from their signatures and docstrings.

    ```{room} tinygrad_edu.nn
    ```

What is public is what `__all__` lists; nothing is listed here. A docstring is plain text, in which a title of a section is
underlined, `name: what it is` is an item of it, and names stand in backticks. That is nearly Markdown, and is read as such.
"""

import inspect
import re
from operator import attrgetter
from types import WrapperDescriptorType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import signature, stringify_signature

import tinygrad_edu
import tinygrad_edu.course

PACKAGE = "tinygrad_edu"
FENCE = "`" * 3
ITEM = r"\*{0,2}\w+(?:, \*{0,2}\w+)*: "  # names, and what they are


def rooms():
    """The names of the public modules: the package, the modules that it lists, those that these list, and the course."""
    return [PACKAGE, *_modules_in(PACKAGE), f"{PACKAGE}.course"]


def _modules_in(room):
    for name in public_names(room):
        if inspect.ismodule(getattr(module_of(room), name)):
            yield f"{room}.{name}"
            yield from _modules_in(f"{room}.{name}")


def module_of(room):
    """The module that users know by this name; `tinygrad_edu.nn.init` is one."""
    return tinygrad_edu if room == PACKAGE else attrgetter(room.removeprefix(f"{PACKAGE}."))(tinygrad_edu)


def public_names(room):
    """What a module lists in `__all__`; without one, the classes and functions that it defines."""
    module = module_of(room)
    own = [name for name, member in vars(module).items() if getattr(member, "__module__", "") == module.__name__ and name[0] != "_"]
    return sorted(getattr(module, "__all__", own))


class Room(SphinxDirective):
    """All public names of a module."""

    required_arguments = 1

    def run(self):
        room = self.arguments[0]
        module = module_of(room)
        lines = [f"{FENCE}{{py:module}} {room}", FENCE, ""]
        for name in public_names(room):
            if not inspect.ismodule(member := getattr(module, name)):
                lines += described(name, member)
        description = nodes.section()  # any element
        self.state.nested_parse(StringList(lines, source=room), self.content_offset, description)
        if self.config.language == "en":
            return description.children
        return [nodes.raw("", '<div lang="en">', format="html"), *description.children, nodes.raw("", "</div>", format="html")]


def described(name, member):
    """Lines of Markdown that describe a function or a class with its members."""
    if not inspect.isclass(member):
        return directive("function", name + written_signature(member), markdown(member))
    bases = [base.__name__ for base in member.__bases__ if base.__module__.startswith(PACKAGE) or issubclass(base, BaseException)]
    kind = "exception" if issubclass(member, BaseException) else "class"
    head = [f"Bases: {', '.join(f'`{base}`' for base in bases if not base.startswith('_'))}", ""] if kind == "exception" else []
    inner = [line for each in members(member) for line in each]
    return directive(kind, name + written_signature(member), [*head, *markdown(member), *inner])


def members(cls):
    """Descriptions of the public members of a class: its own, and those inherited from classes that are not public themselves."""
    for name in sorted(dir(cls)):
        owner = next(base for base in cls.__mro__ if name in vars(base)) if name[0] != "_" else object
        if owner is not cls and (not owner.__module__.startswith(PACKAGE) or is_public(owner)):
            continue
        member = vars(owner)[name]
        if isinstance(member, property):
            yield directive("property", name, markdown(member))
        elif (
            callable(function := getattr(member, "__func__", member)) and inspect.isfunction(function) and inspect.getdoc(function)
        ):
            kind = "staticmethod" if isinstance(member, staticmethod) else "classmethod" if isinstance(member, classmethod) else ""
            yield directive("method", name + written_signature(getattr(cls, name), is_bound=not kind), markdown(function), kind)


def is_public(cls):
    return any(getattr(module_of(room), cls.__name__, None) is cls for room in rooms() if cls.__name__ in public_names(room))


def directive(kind, head, lines, option=""):
    fence = "`" * (4 if kind in ("class", "exception") else 3) + "`" * 2
    return [f"{fence}{{py:{kind}}} {head}", *([f":{option}:"] if option else []), "", *lines, fence, ""]


def written_signature(member, is_bound=False):
    """As one calls it, without types: docstrings say what is expected."""
    function = member.__init__ if inspect.isclass(member) else member
    if isinstance(function, WrapperDescriptorType):  # that of a class which has no own one
        return ""
    found = signature(function)
    parameters = list(found.parameters.values())[inspect.isclass(member) or is_bound :]
    written = stringify_signature(found.replace(parameters=parameters), show_annotation=False, show_return_annotation=False)
    return re.sub(r"<class '([\w.]+)'>", r"\1", written).replace("numpy.", "np.").replace("<factory>", "...")


def markdown(member):
    """The docstring of an object as lines of Markdown."""
    text = inspect.getdoc(member) or ""
    return [*"\n\n".join(_block(block) for block in _blocks(text)).splitlines(), ""]


def _blocks(text):
    """Paragraphs, but an example with its results, blank lines included, and an item with what is indented below it stay whole."""
    return re.split(r"\n\n+(?!\s)", text.strip())


def _block(block):
    if block.startswith(">>> "):
        return f"{FENCE}pycon\n{block}\n{FENCE}"
    titled = re.match(r"(\w[\w ]*)\n-{3,}\n", block)
    if titled:
        return f"**{titled[1]}**\n\n" + _items(block[titled.end() :])
    return _items(block)


def _items(block):
    """`name: what it is`, with further lines indented, as a list; anything else as text."""
    items = re.split(r"\n(?!\s)", block)
    if not all(re.match(ITEM, item) for item in items):
        return _text(block)
    return "\n".join(_item(*re.sub(r"\n\s+", " ", item).split(": ", 1)) for item in items)


def _item(names, what):
    is_title = names in ("Buffers", "Shapes")
    return "- " + (names if is_title else ", ".join(f"`{name}`" for name in names.split(", "))) + f": {_text(what)}"


def _text(block):
    """Text in which only backticks mean anything; what is indented is code."""
    parts = re.split(r"(`[^`]*`)", block)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_$<\[\]|#])", r"\\\1", part) for part in parts)


def setup(app):
    app.add_directive("room", Room)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
