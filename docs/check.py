"""Looks at the built site in a browser: `python docs/check.py` opens every page, `python docs/check.py en/search.html` one of them.

A page must ask nothing of other addresses, must not be wider than the window, and axe-core must find no barrier in it. There are
four ways to look: wide or narrow, light or dark. The first page of each folder is looked at in all of them, the others in turn.
Needs Chromium, and in AXE_CORE the path of axe.min.js, from the npm package axe-core.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, product
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

SITE = Path(__file__).parents[1] / "build" / "site"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]
WAYS = list(product((1280, 390), ("light", "dark")))
SEARCHES = ["en/search.html?q=gradient+descent", "zh/search.html?q=\u68af\u5ea6\u4e0b\u964d"]
ONLY_FROM_HERE = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; report-uri /asked"
LOOK = """<!doctype html><html lang="en"><title>look</title><body><script>
const opened = (page, width) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 1000;
  frame.onload = () => resolve(frame);
  frame.src = page;
  document.body.append(frame);
});
const tell = (what, told) => fetch(what, {method: "POST", body: JSON.stringify(told)});
async function look({page, width, theme}, axe) {
  localStorage.setItem("theme", theme);
  const frame = await opened(page, width), there = frame.contentWindow, said = [];
  if (there.MathJax?.startup) await there.MathJax.startup.promise;
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (there.location.search && !there.document.querySelector("#search-results li")) said.push("nothing is found");
  const root = there.document.documentElement;
  if (root.scrollWidth > width) said.push(`it is ${root.scrollWidth} pixels wide`);
  there.eval(axe);
  const {violations} = await there.axe.run(there.document, {iframes: false});
  for (const {id, help, nodes} of violations)
    said.push(`${id}: ${help}: ` + nodes.slice(0, 5).map((node) => node.html.slice(0, 200)).join(" | "));
  frame.remove();
  return said;
}
(async () => {
  const axe = await (await fetch("/axe.js")).text();
  for (const each of await (await fetch("/looks.json")).json())
    await tell("found", {...each, said: await look(each, axe).catch((error) => [String(error)])});
  await tell("found", null);
})();
</script></body></html>"""


class Site(SimpleHTTPRequestHandler):
    """Serves the site, the page that looks at all others, and hears what it finds."""

    def __init__(self, *args, looks, found, **kwargs):
        self.answers = {"/look": LOOK, "/looks.json": json.dumps(looks), "/axe.js": Path(os.environ["AXE_CORE"]).read_text("utf-8")}
        self.found = found
        super().__init__(*args, directory=str(SITE), **kwargs)

    def do_GET(self):
        if self.path not in self.answers:
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        return self.wfile.write(self.answers[self.path].encode())

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        if self.path == "/asked":
            report = told["csp-report"]
            told = {"page": report["document-uri"], "said": [f"it asks for {report['blocked-uri']}"]}
        self.found.put(told)

    def end_headers(self):
        self.send_header("Content-Security-Policy", ONLY_FROM_HERE)
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def log_message(self, *_):
        pass


def pages():
    """All of them, as paths from the site's root; and two searches."""
    return [*SEARCHES, *sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))]


def look(looks):
    """What the browser finds, one page after the other."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("there is no Chromium to look at the site with")
    found = Queue()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, looks=looks, found=found)) as server, TemporaryDirectory() as profile:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--window-size=1400,1000"]
        with subprocess.Popen(
            [browser, *options, f"http://127.0.0.1:{server.server_port}/look"], stderr=subprocess.DEVNULL
        ) as process:
            while (each := found.get(timeout=120)) is not None:
                yield each
            process.terminate()
        server.shutdown()


def looks_at(pages):
    """How to look at pages: the first one of each folder in all ways, the others each in the next one."""
    ways, folders = cycle(WAYS), set()
    for page in pages:
        folder = Path(page).parent
        for width, theme in WAYS if folder not in folders else [next(ways)]:
            yield {"page": page, "width": width, "theme": theme}
        folders.add(folder)


def main():
    looks = list(looks_at(sys.argv[1:] or pages()))
    faults = [each for each in look(looks) if each["said"]]
    for fault in faults:
        print(fault["page"], *(fault[key] for key in ("width", "theme") if key in fault), *fault["said"], sep="\n    ")
    if faults:
        sys.exit(f"{len(faults)} of {len(looks)} looks found something")
    print(f"{len(looks)} looks at the site found nothing")


if __name__ == "__main__":
    main()
