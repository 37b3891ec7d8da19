(() => {
  // What is too wide scrolls in itself. Whoever has no mouse must be able to get there to scroll it.
  const reach = () => {
    for (const box of document.querySelectorAll("pre, .table-wrapper, div.math, div.output, article table")) {
      if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible") box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reach);
  addEventListener("load", async () => {
    reach();
    await window.MathJax?.startup?.promise;
    reach();
    // A formula that heads a column is read as what it is called.
    for (const formula of document.querySelectorAll("th math")) formula.setAttribute("aria-label", formula.textContent);
  });
})();
