// The filters of the ledger: a row is shown if it fits every choice and holds all words.
document.addEventListener("DOMContentLoaded", () => {
  for (const ledger of document.querySelectorAll(".ledger")) {
    const form = ledger.querySelector("form");
    const count = form.querySelector("output");
    const rows = () => [...ledger.querySelectorAll("tbody tr")];
    const apply = () => {
      const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
      let shown = 0;
      for (const row of rows()) {
        const text = row.textContent.toLowerCase();
        const fits = chosen.every((select) => row.dataset[select.name] === select.value);
        row.hidden = !(fits && words.every((word) => text.includes(word)));
        shown += !row.hidden;
      }
      count.value = `${shown} of ${rows().length} claims`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    apply();
  }
});
