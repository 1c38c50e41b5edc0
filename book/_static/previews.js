// Shows what a link leads to when one points at it or comes to it by keyboard. The words are in the page: see _ext/previews.py.
document.addEventListener("DOMContentLoaded", () => {
  const data = document.getElementById("previews");
  const article = document.querySelector("article");
  if (!data || !article) return;
  const previews = new Map(Object.entries(JSON.parse(data.textContent)));
  const tip = Object.assign(document.createElement("div"), { id: "preview", className: "preview mathjax_process", hidden: true });
  tip.setAttribute("role", "tooltip");
  article.append(tip);
  let link = null;
  let waiting = 0;

  const line = (name, text) => Object.assign(document.createElement("div"), { className: name, textContent: text });

  const hide = () => {
    clearTimeout(waiting);
    link?.removeAttribute("aria-describedby");
    link = null;
    tip.hidden = true;
  };

  const place = () => {
    const box = link.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const below = box.bottom + tip.offsetHeight + 8 < window.innerHeight || box.top < tip.offsetHeight + 8;
    tip.style.left = `${Math.max(8, Math.min(box.left, width - tip.offsetWidth - 8))}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
  };

  const show = (target, found) => {
    hide();
    link = target;
    tip.replaceChildren();
    if (link.title) {
      // One tip is enough; of the browser's own only the two values of a claim say more than ours.
      link.dataset.note = link.title;
      link.removeAttribute("title");
    }
    if (found.image) tip.append(Object.assign(new Image(), { src: found.image, alt: "", onload: () => link && place() }));
    if (found.title) tip.append(line("preview-title", found.title));
    if (found.text) tip.append(line("preview-text", found.text));
    if (link.matches(".verdict, .claim")) tip.append(line("preview-note", link.dataset.note ?? ""));
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    place();
    if (/\\[([]/.test(tip.textContent)) window.MathJax?.typesetPromise?.([tip]).then(() => link && place());
  };

  const soon = (action, delay) => {
    clearTimeout(waiting);
    waiting = setTimeout(action, delay);
  };

  for (const one of article.querySelectorAll("a[href]:not(.headerlink)")) {
    const found = previews.get(one.getAttribute("href"));
    if (!found) continue;
    one.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && soon(() => show(one, found), 250));
    one.addEventListener("pointerleave", () => soon(hide, 200));
    one.addEventListener("focus", () => one.matches(":focus-visible") && show(one, found));
    one.addEventListener("blur", hide);
    one.addEventListener("click", hide);
  }
  // The tip may be pointed at itself, so that its words can be read and copied.
  tip.addEventListener("pointerenter", () => clearTimeout(waiting));
  tip.addEventListener("pointerleave", () => soon(hide, 200));
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  window.addEventListener("scroll", hide, { passive: true });
});
