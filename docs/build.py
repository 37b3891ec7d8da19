"""Builds the site: `python docs/build.py` writes English, Chinese and the page that leads to them into build/site.

Lessons run meanwhile. A warning of Sphinx, and an exception or a warning in a lesson, is a failure. One language is built after the
other: two kernels of Jupyter's that start at once may choose the same port.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tinygrad_edu.course.building import environment
from tinygrad_edu.languages import LANGUAGES

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"
LEFT_OUT = shutil.ignore_patterns(".*", "_sources", "objects.inv")
ELSEWHERE = re.compile(
    r"""<(?!a\b)\w+\b[^<>]*\b(?:src|srcset|href|poster)=["'](?:https?:)?//[^<>]*>|url\(["']?(?:https?:)?//[^)]*\)"""
)
DOOR = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>tinygrad_edu</title>
<script>
location.replace(navigator.language.startsWith("zh") ? "zh/docs/index.zh-CN.html" : "en/docs/index.html");
</script>
<noscript><meta http-equiv="refresh" content="0; url=en/docs/index.html"></noscript>
</head>
<body>
<main>
<h1>tinygrad_edu</h1>
<p><a href="en/docs/index.html">English</a> · <a href="zh/docs/index.zh-CN.html" lang="zh-CN">中文</a></p>
</main>
</body>
</html>
"""


def main():
    with TemporaryDirectory() as folder:
        for language in LANGUAGES:
            build(language, Path(folder, language))
        shutil.rmtree(SITE, ignore_errors=True)
        for language in LANGUAGES:
            shutil.copytree(Path(folder, language, "pages"), SITE / language, ignore=LEFT_OUT)
    (SITE / "index.html").write_text(DOOR, encoding="utf-8")
    print(f"The site is in {SITE}: open index.html")


def build(language, folder):
    """Build the pages in one language, into `folder/pages`. What else is kept on the way is in `folder`, too."""
    folder.mkdir()
    options = ["-q", "-W", "--keep-going", "-n", "-c", "docs", "-d", folder / "doctrees", "-t", language]
    told = subprocess.run([sys.executable, "-m", "sphinx", *options, ".", folder / "pages"], cwd=ROOT, env=environment(folder))
    if told.returncode:
        sys.exit(f"not built: {language}")
    if asked := list(asked_elsewhere(folder / "pages")):
        sys.exit("\n".join(["a page must ask nothing of other addresses:", *asked]))


def asked_elsewhere(folder):
    """What the pages and styles in a folder would load from other addresses. A link, which a reader follows, loads nothing."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".html", ".css"}):
        for found in ELSEWHERE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(folder)}: {found[:200]}"


if __name__ == "__main__":
    main()
