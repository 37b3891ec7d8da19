"""What Sphinx is told for the whole site, in English or, with `-t zh`, in Chinese. `python docs/build.py` calls it for both."""

import sys
from pathlib import Path

from tinygrad_edu.course.building import settings

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions beside this file

language_here = "zh" if tags.has("zh") else "en"  # noqa: F821 - Sphinx defines tags
globals().update(settings(language_here))

extensions += ["languages", "names", "reference"]  # noqa: F821
root_doc = {"en": "docs/index", "zh": "docs/index.zh-CN"}[language_here]
_pages = ["docs/*", "docs/*/*", "course/*", "CONTRIBUTING", "benchmarks/README"]
include_patterns = [f"{page}.zh-CN.md" if language_here == "zh" else f"{page}.md" for page in _pages]
exclude_patterns = [] if language_here == "zh" else ["**.zh-CN.md"]
html_baseurl = ""
html_last_updated_fmt = None
