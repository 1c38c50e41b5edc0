// Small charts as SVG, in the colours of the page's theme: scales, axes, curves. Shared by the live model and the explorers.
(() => {
  "use strict";

  const NAMESPACE = "http://www.w3.org/2000/svg";

  function set(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) node.removeAttribute(name);
      else node.setAttribute(name, value);
    }
    return node;
  }

  function svg(tag, attributes = {}, parent = null) {
    const node = set(document.createElementNS(NAMESPACE, tag), attributes);
    if (parent) parent.append(node);
    return node;
  }

  // An HTML element with attributes (`on…` are listeners) and children (nodes or text).
  function html(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  // "λ_c" with a small c below; works for SVG text and for HTML.
  function write(node, words) {
    node.textContent = "";
    const inSvg = node.namespaceURI === NAMESPACE;
    for (const piece of words.split(/(_[A-Za-z0-9₀-₉]+)/)) {
      if (!piece) continue;
      if (!piece.startsWith("_")) node.append(piece);
      else if (inSvg) {
        svg("tspan", { dy: "0.3em", "font-size": "75%" }, node).textContent = piece.slice(1);
        svg("tspan", { dy: "-0.225em" }, node).textContent = "\u200b";
      } else node.append(html("sub", {}, piece.slice(1)));
    }
    return node;
  }

  const linear = ([a, b], [from, to]) => ({
    to: (value) => from + ((value - a) / (b - a)) * (to - from),
    from: (pixel) => a + ((pixel - from) / (to - from)) * (b - a),
  });

  function through(forward, backward) {
    return ([a, b], range) => {
      const inner = linear([forward(a), forward(b)], range);
      return { to: (value) => inner.to(forward(value)), from: (pixel) => backward(inner.from(pixel)) };
    };
  }
  const log = through(Math.log, Math.exp);
  // Linear up to the threshold and logarithmic beyond, as matplotlib's symlog with base 10.
  const symlog = (threshold) =>
    through(
      (v) => (v <= threshold ? v / threshold : 1 + Math.log10(v / threshold)),
      (u) => (u <= 1 ? u * threshold : threshold * 10 ** (u - 1)),
    );

  const PI_TICKS = [0, 0.5, 1, 1.5, 2].map((k) => [k * Math.PI, ["0", "π/2", "π", "3π/2", "2π"][2 * k]]);

  // Round numbers that divide [low, high] into about `count` parts.
  function ticks(low, high, count = 4) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].find((s) => s * power >= raw * 0.999) * power;
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9); k++) {
      found.push([k * step, `${Number((k * step).toPrecision(6))}`]);
    }
    return found;
  }

  const raised = (power) => `10${[...`${power}`].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("")}`;
  function logTicks(low, high, most = 6) {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    if (last - first < 1) return ticks(low, high, 3).filter(([value]) => value > 0);
    const step = Math.max(1, Math.ceil((last - first) / most));
    const found = [];
    for (let p = first; p <= last; p += step) found.push([10 ** p, Math.abs(p) > 2 ? raised(p) : `${10 ** p}`]);
    return found;
  }

  // A chart with axes. x and y: {scale, domain, ticks, label}. Returns its layers and scales.
  function frame(host, { height, width, margin = {}, x, y, label, role = "img" }) {
    const { top = 12, right = 14, bottom = 40, left = 60 } = margin;
    const w = width ?? Math.max(host.clientWidth, 200);
    const root = svg("svg", { class: "chart", width: w, height, viewBox: `0 0 ${w} ${height}`, role, "aria-label": label });
    const own = {
      root,
      width: w,
      height,
      left,
      top,
      right: w - right,
      bottom: height - bottom,
      x: (x.scale ?? linear)(x.domain, [left, w - right]),
      y: (y.scale ?? linear)(y.domain, [height - bottom, top]),
    };
    own.axes = svg("g", { class: "chart-axes", "aria-hidden": role === "img" ? null : "true" }, root);
    drawAxes(own, x, y);
    own.layer = svg("g", {}, root);
    host.replaceChildren(root);
    return own;
  }

  function drawAxes(own, x, y) {
    const { axes, left, right, top, bottom } = own;
    axes.replaceChildren();
    svg("path", { d: `M${left} ${top}V${bottom}H${right}`, class: "chart-spine" }, axes);
    for (const [value, words] of x.ticks ?? ticks(...x.domain)) {
      const at = own.x.to(value);
      svg("path", { d: `M${at} ${bottom}v5`, class: "chart-spine" }, axes);
      write(svg("text", { x: at, y: bottom + 17, "text-anchor": "middle" }, axes), words);
    }
    for (const [value, words] of y.ticks ?? ticks(...y.domain)) {
      const at = own.y.to(value);
      svg("path", { d: `M${left} ${at}h-5`, class: "chart-spine" }, axes);
      write(svg("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, axes), words);
    }
    const middle = (top + bottom) / 2;
    write(svg("text", { x: (left + right) / 2, y: own.height - 5, "text-anchor": "middle" }, axes), x.label);
    const turned = { x: 13, y: middle, "text-anchor": "middle", transform: `rotate(-90 13 ${middle})` };
    write(svg("text", turned, axes), y.label);
  }

  const tenth = (value) => Math.round(value * 10) / 10;

  // The path of a curve; `every` thins it, the last point stays.
  function curve(xs, ys, x, y, every = 1) {
    let d = "";
    const last = xs.length - 1;
    for (let k = 0; k <= last; k = k === last ? last + 1 : Math.min(k + every, last)) {
      d += `${d ? "L" : "M"}${tenth(x.to(xs[k]))} ${tenth(y.to(ys[k]))}`;
    }
    return d;
  }

  // The path of the area between two curves.
  function band(xs, low, high, x, y, every = 1) {
    const back = [...xs].reverse();
    return `${curve(xs, high, x, y, every)}${curve(back, [...low].reverse(), x, y, every).replace("M", "L")}Z`;
  }

  function number(value, digits = 4) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-4) {
      const [mantissa, power] = value.toExponential(2).split("e");
      return `${mantissa.replace("-", "−")}·${raised(Number(power))}`;
    }
    return value.toPrecision(digits).replace("-", "−");
  }

  // Calls `draw` now and whenever the width of the host changes.
  function onWidth(host, draw) {
    let width = -1;
    new ResizeObserver(() => {
      if (host.clientWidth > 0 && host.clientWidth !== width) {
        width = host.clientWidth;
        draw();
      }
    }).observe(host);
  }

  globalThis.DPS = Object.assign(globalThis.DPS ?? {}, {
    plot: {
      PI_TICKS, band, curve, drawAxes, frame, html, linear, log, logTicks, number, onWidth, set, svg, symlog, ticks, write,
    },
  });
})();
