// What scrolls inside itself can be reached and scrolled by keyboard.
(() => {
  const boxes =
    "mjx-container, div.math, .table-container, .pst-scrollable-table-container, .cell_output .output, .ledger-scroll, " +
    ".bd-article div.highlight pre, .bd-sidebar-secondary, table.indextable";
  const reach = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0;
      if (scrolls) box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    }
  };
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(reach, 100);
  };
  addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reach));
  addEventListener("resize", soon);
})();
