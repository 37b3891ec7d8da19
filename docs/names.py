"""Names in backticks: `tg.nn.Linear` leads to its description, and one that does not exist is a warning."""

import re
from importlib import import_module

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

import tinygrad_edu

LOGGER = logging.getLogger(__name__)
NAME = re.compile(r"(?:tg|tinygrad_edu)((?:\.\w+)+)(?:\(.*\))?$", re.DOTALL)


class Names(SphinxPostTransform):
    """Literal text that is a name of the package becomes a link to what is said of it."""

    default_priority = 20

    def run(self, **_):
        for prefix in self.document.findall(addnodes.desc_addname):
            prefix.children[:] = [nodes.Text(prefix.astext().replace("tinygrad_edu.", "tg."))]
        described = self.env.domains["py"].objects
        for literal in list(self.document.findall(nodes.literal)):
            name = self.full_name(literal, described)
            if name in described and not isinstance(literal.parent, nodes.reference):
                entry = described[name]
                link = make_refnode(self.app.builder, self.env.docname, entry.docname, entry.node_id, literal.deepcopy())
                literal.replace_self(link)

    def full_name(self, literal, described):
        text = literal.astext()
        found = NAME.match(text)
        if not found:
            is_in_reference = any(isinstance(parent, addnodes.desc) for parent in ancestors(literal))
            return (
                next((name for name in described if name.endswith(f".{text}")), None)
                if is_in_reference and text[:1].isupper()
                else None
            )
        if not exists(found[1][1:].split(".")):
            LOGGER.warning("there is no %s", literal.astext(), location=literal, type="names")
        return "tinygrad_edu" + found[1]


def ancestors(node):
    while node.parent is not None:
        node = node.parent
        yield node


def exists(parts):
    """Whether the package has a member of a member ... of these names, or a module."""
    member = tinygrad_edu
    for i, part in enumerate(parts):
        if not hasattr(member, part):
            try:
                member = import_module(".".join(["tinygrad_edu", *parts[: i + 1]]))
            except ImportError:
                return False
        else:
            member = getattr(member, part)
    return True


def setup(app):
    app.add_post_transform(Names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
