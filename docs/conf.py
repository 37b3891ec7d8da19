"""What Sphinx is told for the whole site, in English or, with `-t zh`, in Chinese. `python docs/build.py` calls it for both."""

import sys
from pathlib import Path

from tinygrad_edu.course.building import settings

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions beside this file
in_chinese = tags.has("zh")  # noqa: F821 - Sphinx defines it
mark = ".zh-CN" if in_chinese else ""

globals().update(settings("zh" if in_chinese else "en"))
extensions += ["languages", "names", "reference"]  # noqa: F821 - it is one of the settings
root_doc = f"docs/index{mark}"
include_patterns = [f"{page}{mark}.md" for page in ("docs/*", "docs/*/*", "course/*", "CONTRIBUTING", "benchmarks/README")]
exclude_patterns = [] if in_chinese else ["**.zh-CN.md"]
