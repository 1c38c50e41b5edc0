// Interactive versions of some figures: each draws the data that its page carries (dpslib/plots/explore.py).
(() => {
  "use strict";

  const { band, curve, frame, html, linear, log, logTicks, number, onWidth, PI_TICKS, svg, symlog, write } = DPS.plot;
  const TAU = 2 * Math.PI;

  // ---- what the views share ----

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  function quantile(values, share) {
    const ordered = [...values].sort((a, b) => a - b);
    const at = share * (ordered.length - 1);
    const low = Math.floor(at);
    return ordered[low] + (at - low) * ((ordered[low + 1] ?? ordered[low]) - ordered[low]);
  }

  function correlation(a, b) {
    const [x, y] = [mean(a), mean(b)];
    const product = (u, p, v, q) => u.reduce((sum, value, k) => sum + (value - p) * (v[k] - q), 0);
    const size = Math.sqrt(product(a, x, a, x) * product(b, y, b, y));
    // Where one of them does not vary beyond rounding there is none.
    return size < 1e-9 ? NaN : product(a, x, b, y) / size;
  }

  const spread = (values, field) => values.map((row) => quantile(row, field));

  // A view's controls: each is {name: [words, kind, values, shown]}; `change` is called with all values.
  function controls(host, fields, change) {
    const state = {};
    const inputs = {};
    const form = html("form", { class: "explorer-controls", onsubmit: (event) => event.preventDefault() });
    for (const [name, { words, options, value = 0, show }] of Object.entries(fields)) {
      state[name] = value;
      const shown = html("output", { "aria-hidden": "true" });
      const take = (next) => {
        state[name] = next;
        change(state);
      };
      let input;
      if (show) input = html("input", { type: "range", min: 0, max: options - 1, step: 1, oninput: () => take(Number(input.value)) });
      else if (typeof options === "boolean") input = html("input", { type: "checkbox", onchange: () => take(input.checked) });
      else {
        input = html("select", { onchange: () => take(Number(input.value)) }, ...options.map((one, k) => html("option", { value: k }, one)));
      }
      const update = () => {
        if (typeof options === "boolean") input.checked = state[name];
        else input.value = state[name];
        if (!show) return;
        shown.textContent = show(state[name]);
        input.setAttribute("aria-valuetext", shown.textContent);
      };
      inputs[name] = update;
      form.append(html("label", { class: "explorer-field" }, write(html("span"), words), input, shown));
    }
    host.append(form);
    return {
      state,
      set(changes) {
        Object.assign(state, changes);
        change(state);
      },
      update: () => Object.values(inputs).forEach((update) => update()),
    };
  }

  // The nearest of some marks [x, y, what] to a pointer, or null.
  function nearest(event, root, marks, reach = 24) {
    const box = root.getBoundingClientRect();
    let best = reach;
    let found = null;
    for (const mark of marks) {
      const away = Math.hypot(mark[0] - (event.clientX - box.left), mark[1] - (event.clientY - box.top));
      if (away < best) [best, found] = [away, mark];
    }
    return found;
  }

  function key(host, entries) {
    const list = html("p", { class: "live-legend" });
    for (const [name, words] of entries) list.append(write(html("span", { class: `explorer-key explorer-key-${name}` }), words));
    host.append(list);
  }

  const viridis = (share) => {
    const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
    const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return `rgb(${stops[low].map((c, k) => Math.round(c + (at - low) * (stops[low + 1][k] - c))).join(",")})`;
  };

  // ---- Fig 16: the loss over N and D as a surface to turn ----

  function surface(host, data) {
    const { size, resolution, constant } = data;
    key(host, [
      ["dots", "computed"],
      ["multiplicative", "product of power laws"],
      ["additive", "sum of two power laws and a constant"],
    ]);
    const stage = html("div", { class: "explorer-stage" });
    const words = html("p", { class: "explorer-words", "aria-live": "polite" });
    host.append(stage, words);
    const control = controls(
      host,
      {
        task: { words: "task", options: data.loss.map((_, k) => `${k + 1}`) },
        constant: { words: "constant κ", options: constant.map((value) => number(value, 2)) },
        multiplicative: { words: "show the product", options: true, value: true },
        additive: { words: "show the sum", options: true, value: true },
        n: { words: "agents N", options: size.length, value: size.length - 1, show: (k) => `${size[k]}` },
        d: { words: "subintervals D", options: resolution.length, value: 0, show: (k) => `${resolution[k]}` },
        turn: { words: "turn", options: 73, value: 43, show: (k) => `${5 * k - 180}°` },
        tilt: { words: "tilt", options: 19, value: 6, show: (k) => `${5 * k}°` },
      },
      draw,
    );
    let marks = [];
    let root = null;

    function draw() {
      control.update();
      const { state } = control;
      const width = stage.clientWidth || 600;
      const height = Math.min(440, Math.max(300, width * 0.62));
      const loss = data.loss[state.task][state.constant];
      const predicted = Object.fromEntries(Object.entries(data.predicted).map(([form, all]) => [form, all[state.task][state.constant]]));
      const positive = loss.flat().filter((value) => value > 0);
      const [low, high] = [Math.min(...positive), Math.max(...positive)];
      const across = log([size[0], size.at(-1)], [-1, 1]);
      const along = log([resolution[0], resolution.at(-1)], [-1, 1]);
      const up = log([low, high], [-0.62, 0.62]);
      const [yaw, pitch] = [((5 * state.turn - 180) * Math.PI) / 180, (5 * state.tilt * Math.PI) / 180];
      const scale = Math.min(width / 3.3, height / 3);
      // [across the screen, down the screen, towards the reader]
      const project = (x, y, z) => {
        const [a, b] = [x * Math.cos(yaw) - y * Math.sin(yaw), x * Math.sin(yaw) + y * Math.cos(yaw)];
        const [rise, near] = [z * Math.cos(pitch) + b * Math.sin(pitch), z * Math.sin(pitch) - b * Math.cos(pitch)];
        return [width / 2 + scale * a, 0.46 * height - scale * rise, near];
      };
      const at = (i, j, value) => {
        const z = value > 0 ? Math.max(up.to(value), -0.75) : -0.75;
        return project(across.to(size[i]), along.to(resolution[j]), Math.min(z, 0.9));
      };
      if (!root) {
        root = svg("svg", { class: "chart explorer-turn", tabindex: 0, role: "group" });
        stage.replaceChildren(root);
        listen();
      }
      root.setAttribute("width", width);
      root.setAttribute("height", height);
      root.setAttribute("viewBox", `0 0 ${width} ${height}`);
      root.setAttribute("aria-label", "The loss as a surface over agents and subintervals; arrow keys turn and tilt it");
      root.replaceChildren();

      const line = (points, look) => svg("path", { d: points.map((p, k) => `${k ? "L" : "M"}${p[0].toFixed(1)} ${p[1].toFixed(1)}`).join(""), class: look }, root);
      const text = (p, content, anchor = "middle") => write(svg("text", { x: p[0], y: p[1] + 4, "text-anchor": anchor }, root), content);
      const floor = -0.8;
      line([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]].map(([x, y]) => project(x, y, floor)), "explorer-box");
      // The axes along the edges that face the reader.
      const front = (a, b) => (project(...a, floor)[2] > project(...b, floor)[2] ? 1 : -1);
      const edgeY = front([0, 1], [0, -1]);
      const edgeX = front([1, 0], [-1, 0]);
      for (const n of size) text(project(across.to(n), 1.14 * edgeY, floor), `${n}`);
      const away = width < 500 ? 1.8 : 1.6;
      text(project(0, away * edgeY, floor), "agents N");
      resolution.forEach((d, k) => {
        if (k % Math.ceil(resolution.length / 5) === 0) text(project(1.16 * edgeX, along.to(d), floor), `${d}`);
      });
      text(project(away * edgeX, 0, floor), "subintervals D");
      // The upright axis at the edge that lies furthest to the left.
      const corner = [[-1, -1], [1, -1], [1, 1], [-1, 1]].reduce((a, b) => (project(...b, 0)[0] < project(...a, 0)[0] ? b : a));
      line([project(...corner, floor), project(...corner, 0.62)], "chart-spine");
      for (const [value, content] of logTicks(low, high, 5)) {
        const p = project(...corner, up.to(value));
        text([p[0] - 8, p[1]], content, "end");
      }
      const head = project(...corner, 0.74);
      text([Math.max(head[0], 24), head[1]], "loss L");

      // Faces from back to front, then the fitted nets, then the points.
      const faces = [];
      for (let i = 0; i + 1 < size.length; i++) {
        for (let j = 0; j + 1 < resolution.length; j++) {
          const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
          const points = corners.map(([a, b]) => at(a, b, loss[a][b]));
          faces.push([mean(points.map((p) => p[2])), points, mean(corners.map(([a, b]) => (loss[a][b] > 0 ? up.to(loss[a][b]) : -0.62)))]);
        }
      }
      faces.sort((a, b) => a[0] - b[0]);
      for (const [, points, z] of faces) {
        line([...points, points[0]], "explorer-face").style.fill = viridis((z + 0.62) / 1.24);
      }
      for (const form of ["additive", "multiplicative"]) {
        if (!state[form]) continue;
        const net = predicted[form];
        size.forEach((_, i) => line(resolution.map((_, j) => at(i, j, net[i][j])), `explorer-net explorer-${form}`));
        resolution.forEach((_, j) => line(size.map((_, i) => at(i, j, net[i][j])), `explorer-net explorer-${form}`));
      }
      marks = [];
      size.forEach((_, i) =>
        resolution.forEach((_, j) => {
          const [x, y] = at(i, j, loss[i][j]);
          const chosen = i === state.n && j === state.d;
          svg("circle", { cx: x, cy: y, r: chosen ? 7 : 3.5, class: chosen ? "explorer-dot explorer-chosen" : "explorer-dot" }, root);
          marks.push([x, y, [i, j]]);
        }),
      );
      const [i, j] = [state.n, state.d];
      const r2 = (form) => number(data.r2[form][state.task][state.constant], 3);
      write(
        words,
        `N = ${size[i]}, D = ${resolution[j]}: loss ${number(loss[i][j])}; the product gives ${number(predicted.multiplicative[i][j])} ` +
          `(R² of the fit ${r2("multiplicative")}), the sum ${number(predicted.additive[i][j])} (${r2("additive")}).`,
      );
    }

    function listen() {
      let held = null;
      const turnBy = (turn, tilt) => {
        const { state } = control;
        control.set({ turn: (((state.turn + turn) % 72) + 72) % 72, tilt: Math.min(Math.max(state.tilt + tilt, 0), 18) });
      };
      root.addEventListener("pointerdown", (event) => {
        held = { x: event.clientX, y: event.clientY };
        root.setPointerCapture(event.pointerId);
      });
      root.addEventListener("pointermove", (event) => {
        if (!held) {
          const found = nearest(event, root, marks);
          if (found) control.set({ n: found[2][0], d: found[2][1] });
          return;
        }
        const [dx, dy] = [Math.round((event.clientX - held.x) / 8), Math.round((event.clientY - held.y) / 8)];
        if (!dx && !dy) return;
        held = { x: held.x + 8 * dx, y: held.y + 8 * dy };
        turnBy(dx, dy);
      });
      for (const name of ["pointerup", "pointercancel"]) {
        root.addEventListener(name, (event) => {
          held = null;
          const found = name === "pointerup" && nearest(event, root, marks);
          if (found) control.set({ n: found[2][0], d: found[2][1] });
        });
      }
      root.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (!step) return;
        event.preventDefault();
        turnBy(...step);
      });
    }

    return { stage, draw };
  }

  // ---- Fig 24: who stands where, seed by seed ----

  function positions(host, data) {
    const sizes = data.component_size;
    const runs = data.mu[0][0].length;
    const stage = html("div", { class: "explorer-stage" });
    const words = html("p", { class: "explorer-words", "aria-live": "polite" });
    const table = html("table", { class: "explorer-table" });
    host.append(stage, words, html("div", { class: "explorer-scroll", tabindex: 0, role: "region", "aria-label": "Numbers of this seed" }, table));
    const control = controls(
      host,
      {
        reading: { words: "reading", options: data.reading },
        seed: { words: "seed", options: runs, value: 0, show: (k) => `${k + 1} of ${runs}` },
        breadth: { words: "show breadths", options: false, value: false },
      },
      draw,
    );

    function draw() {
      control.update();
      const { reading, seed, breadth } = control.state;
      const rows = sizes.length;
      const chart = frame(stage, {
        height: 90 + 62 * rows,
        x: { domain: [0, TAU], ticks: PI_TICKS, label: "centre μ" },
        y: { domain: [-0.6, rows - 0.4], ticks: sizes.map((size, k) => [k, `${size}`]), label: "component size k" },
        label: "Centres of the agents of all seeds for each component size; one seed stands out, its components coloured",
      });
      for (const peak of [Math.PI / 2, 1.5 * Math.PI]) {
        svg("path", { d: `M${chart.x.to(peak)} ${chart.top}V${chart.bottom}`, class: "explorer-guide" }, chart.layer);
      }
      const marks = [];
      sizes.forEach((size, row) => {
        data.mu[reading][row].forEach((agents, run) => {
          const y = chart.y.to(row - 0.32 + (0.64 * (run + 0.5)) / runs);
          agents.forEach((mu, agent) => {
            const x = chart.x.to(mu);
            marks.push([x, y, run]);
            if (run !== seed) svg("circle", { cx: x, cy: y, r: 2.5, class: "explorer-faint" }, chart.layer);
          });
        });
        const y = chart.y.to(row);
        data.mu[reading][row][seed].forEach((mu, agent) => {
          const component = Math.floor(agent / size);
          const x = chart.x.to(mu);
          // The agents of a component stand on a line of their own.
          const own = y + 9 * (component - (8 / size - 1) / 2) * (size === 1 ? 0.6 : 1);
          if (breadth) {
            const half = Math.min(data.sigma[reading][row][seed][agent], Math.PI);
            const [from, to] = [Math.max(mu - half, 0), Math.min(mu + half, TAU)];
            svg("path", { d: `M${chart.x.to(from)} ${own}H${chart.x.to(to)}`, class: `explorer-breadth explorer-c${component}` }, chart.layer);
          }
          svg("circle", { cx: x, cy: own, r: 5.5, class: `explorer-agent explorer-c${component}` }, chart.layer);
        });
      });
      chart.root.addEventListener("pointermove", (event) => {
        const found = nearest(event, chart.root, marks, 12);
        if (found && found[2] !== control.state.seed) control.set({ seed: found[2] });
      });
      words.textContent = `Seed ${seed + 1}: one colour for each component. Small dots: the other seeds.`;
      const head = ["component size k", "H of the system", "H within components", "loss"];
      const cells = sizes.map((size, row) => [
        `${size}`,
        ...["heterogeneity", "within", "loss"].map((name) => number(data[name][reading][row][seed], 3)),
      ]);
      table.replaceChildren(
        html("thead", {}, html("tr", {}, ...head.map((one) => html("th", { scope: "col" }, one)))),
        html("tbody", {}, ...cells.map((row) => html("tr", {}, ...row.map((one) => html("td", {}, one))))),
      );
    }
    return { stage, draw };
  }

  // ---- Fig 26: the cost of communication, and the agents behind each point ----

  function distances(host, data) {
    const { strength } = data;
    const runs = data.within[0].length;
    key(host, [
      ["within", "within clusters"],
      ["between", "between clusters"],
      ["seed", "one seed"],
    ]);
    const stage = html("div", { class: "explorer-stage" });
    const ring = html("div", { class: "explorer-ring" });
    const words = html("p", { class: "explorer-words", "aria-live": "polite" });
    host.append(html("div", { class: "explorer-pair" }, stage, ring), words);
    const control = controls(
      host,
      {
        level: { words: "cost λ_c", options: strength.length, value: Math.floor(strength.length / 2), show: (k) => number(strength[k], 2) },
        seed: { words: "seed", options: runs, value: 0, show: (k) => `${k + 1} of ${runs}` },
      },
      draw,
    );

    function draw() {
      control.update();
      const { level, seed } = control.state;
      const most = strength.at(-1);
      const chart = frame(stage, {
        height: 300,
        x: {
          scale: symlog(strength[1]),
          domain: [0, most],
          ticks: [[0, "0"], ...logTicks(strength[1], most, 5)],
          label: "communication cost λ_c",
        },
        y: { domain: [0, 3.3], ticks: [0, 1, 2, 3].map((v) => [v, `${v}`]), label: "mean circular distance" },
        label: "Distance of two agents within and between clusters against the cost of communication",
      });
      const { x, y, layer } = chart;
      svg("path", { d: `M${chart.left} ${y.to(Math.PI)}H${chart.right}`, class: "explorer-guide" }, layer);
      for (const name of ["within", "between"]) {
        const values = data[name];
        svg("path", { d: band(strength, spread(values, 0.1), spread(values, 0.9), x, y), class: `explorer-band explorer-${name}` }, layer);
        svg("path", { d: curve(strength, spread(values, 0.5), x, y), class: `explorer-line explorer-${name}` }, layer);
        svg("path", { d: curve(strength, values.map((row) => row[seed]), x, y), class: `explorer-line explorer-single explorer-${name}` }, layer);
        svg("circle", { cx: x.to(strength[level]), cy: y.to(values[level][seed]), r: 5, class: `explorer-mark explorer-${name}` }, layer);
      }
      svg("path", { d: `M${x.to(strength[level])} ${chart.top}V${chart.bottom}`, class: "explorer-cursor" }, layer);
      const follow = (event) => {
        const at = event.clientX - chart.root.getBoundingClientRect().left;
        const away = strength.map((value) => Math.abs(x.to(value) - at));
        const found = away.indexOf(Math.min(...away));
        if (found !== control.state.level) control.set({ level: found });
      };
      chart.root.addEventListener("pointermove", follow);
      chart.root.addEventListener("pointerdown", follow);
      drawRing(level, seed);
      const middle = (name) => number(quantile(data[name][level], 0.5), 3);
      write(
        words,
        `At λ_c = ${number(strength[level], 2)}: median distance ${middle("within")} within and ${middle("between")} between clusters; ` +
          `seed ${seed + 1}: ${number(data.within[level][seed], 3)} and ${number(data.between[level][seed], 3)}, mismatch ${number(data.mismatch[level][seed], 3)}.`,
      );
    }

    function drawRing(level, seed) {
      const side = 230;
      const [middle, radius] = [side / 2, 84];
      const root = svg("svg", {
        class: "chart",
        width: side,
        height: side,
        viewBox: `0 0 ${side} ${side}`,
        role: "img",
        "aria-label": "The six agents of one seed on the circle, coloured by cluster, with arcs as wide as their breadths",
      });
      const point = (angle, r) => [middle + r * Math.cos(angle), middle - r * Math.sin(angle)].map((v) => v.toFixed(1));
      svg("circle", { cx: middle, cy: middle, r: radius, class: "explorer-box" }, root);
      for (let k = 0; k < 7; k++) {
        const angle = (TAU * k) / 7;
        svg("path", { d: `M${point(angle, radius - 6)}L${point(angle, radius + 6)}`, class: "chart-spine" }, root);
      }
      [0, Math.PI / 2, Math.PI, 1.5 * Math.PI].forEach((angle, k) => {
        const [tx, ty] = point(angle, radius + 24);
        svg("text", { x: tx, y: Number(ty) + 4, "text-anchor": "middle" }, root).textContent = PI_TICKS[k][1];
      });
      data.mu[level][seed].forEach((mu, agent) => {
        const cluster = agent < 3 ? 0 : 1;
        const half = Math.min(data.sigma[level][seed][agent], 3);
        const r = radius - 14 - 7 * agent;
        svg("path", { d: `M${point(mu - half, r)}A${r} ${r} 0 ${half > Math.PI / 2 ? 1 : 0} 0 ${point(mu + half, r)}`, class: `explorer-breadth explorer-c${cluster}` }, root);
        const [cx, cy] = point(mu, radius);
        svg("circle", { cx, cy, r: 6.5, class: `explorer-agent explorer-c${cluster}` }, root);
      });
      ring.replaceChildren(root, html("p", { class: "explorer-small" }, "One seed: dots are centres, arcs breadths, ticks the modes of the task."));
    }
    return { stage, draw };
  }

  // ---- Fig 28: stiffness and resources ----

  function stiffness(host, data) {
    const { resource, stiffness: strength } = data;
    const performances = ["productivity", "task_productivity"];
    key(host, [
      ["within", "heterogeneity H"],
      ["between", "performance Π"],
      ["chosen", "the chosen R, or the mean over all"],
      ["resource", `points: R from ${number(resource[0], 2)} (dark) to ${number(resource.at(-1), 2)} (bright)`],
    ]);
    const left = html("div", { class: "explorer-stage" });
    const right = html("div", { class: "explorer-stage" });
    const words = html("p", { class: "explorer-words", "aria-live": "polite" });
    host.append(html("div", { class: "explorer-halves" }, left, right), words);
    const control = controls(
      host,
      {
        performance: { words: "performance", options: ["Π, with the penalty", "Π, task alone"] },
        level: { words: "resource R", options: resource.length + 1, value: 0, show: (k) => (k ? number(resource[k - 1], 3) : "all") },
        strength: { words: "stiffness λ_s", options: strength.length, value: 0, show: (k) => number(strength[k], 2) },
      },
      draw,
    );

    function draw() {
      control.update();
      const { level, strength: at } = control.state;
      const h = data.heterogeneity;
      const p = data[performances[control.state.performance]];
      const over = (values) => (level ? values[level - 1] : strength.map((_, k) => mean(values.map((row) => row[k]))));
      const [ownH, ownP] = [over(h), over(p)];
      const most = strength.at(-1);
      const x = { scale: symlog(strength[1]), domain: [0, most], ticks: [[0, "0"], ...logTicks(strength[1], most, 4)], label: "stiffness λ_s" };
      const first = frame(left, {
        height: 280,
        x,
        y: { domain: [0, 1.08], ticks: [0, 0.25, 0.5, 0.75, 1].map((v) => [v, `${v}`]), label: "relative to the largest" },
        label: "Heterogeneity and performance against stiffness",
      });
      for (const [values, look] of [[ownH, "within"], [ownP, "between"]]) {
        const largest = Math.max(...values) || 1;
        const relative = values.map((value) => value / largest);
        svg("path", { d: curve(strength, relative, first.x, first.y), class: `explorer-line explorer-${look}` }, first.layer);
        svg("circle", { cx: first.x.to(strength[at]), cy: first.y.to(relative[at]), r: 5, class: `explorer-mark explorer-${look}` }, first.layer);
      }
      svg("path", { d: `M${first.x.to(strength[at])} ${first.top}V${first.bottom}`, class: "explorer-cursor" }, first.layer);
      first.root.addEventListener("pointermove", (event) => {
        const px = event.clientX - first.root.getBoundingClientRect().left;
        const away = strength.map((value) => Math.abs(first.x.to(value) - px));
        const found = away.indexOf(Math.min(...away));
        if (found !== control.state.strength) control.set({ strength: found });
      });

      const high = Math.max(...h.flat());
      const second = frame(right, {
        height: 280,
        x: { domain: [0, high * 1.05], label: "heterogeneity H" },
        y: { domain: [0, 1.05], ticks: [0, 0.25, 0.5, 0.75, 1].map((v) => [v, `${v}`]), label: "performance Π" },
        label: "Performance against heterogeneity, one point for each resource and stiffness",
      });
      const marks = [];
      resource.forEach((_, row) =>
        strength.forEach((_, column) => {
          const [cx, cy] = [second.x.to(h[row][column]), second.y.to(p[row][column])];
          marks.push([cx, cy, [row + 1, column]]);
          const dot = svg("circle", { cx, cy, r: 3, class: level && level - 1 !== row ? "explorer-point explorer-pale" : "explorer-point" }, second.layer);
          dot.style.fill = viridis(row / Math.max(resource.length - 1, 1));
        }),
      );
      svg("path", { d: curve(ownH, ownP, second.x, second.y), class: "explorer-line explorer-path" }, second.layer);
      svg("circle", { cx: second.x.to(ownH[at]), cy: second.y.to(ownP[at]), r: 6, class: "explorer-mark explorer-path" }, second.layer);
      second.root.addEventListener("pointermove", (event) => {
        const found = nearest(event, second.root, marks, 10);
        if (found) control.set({ level: found[2][0], strength: found[2][1] });
      });
      const r = correlation(ownH, ownP);
      const which = level ? `At R = ${number(resource[level - 1], 3)} (2N = ${2 * data.agents})` : "Averaged over all R";
      const vary = Number.isNaN(r) ? "one of them does not vary" : `their correlation over the stiffness is ${number(r, 3)}`;
      write(words, `${which} and λ_s = ${number(strength[at], 2)}: H = ${number(ownH[at], 3)}, Π = ${number(ownP[at], 3)}; ${vary}.`);
    }
    return { stage: left, draw };
  }

  const VIEWS = { surface, positions, distances, stiffness };

  // A view is built when it is opened for the first time: a page with figures is as fast as before.
  function prepare(details) {
    details.hidden = false;
    details.addEventListener("toggle", () => {
      if (!details.open || details.view) return;
      const data = JSON.parse(details.querySelector("script").textContent);
      const host = html("div", { class: "explorer-body" });
      details.append(host);
      details.view = VIEWS[data.view](host, data);
      onWidth(details.view.stage, () => details.view.draw());
    });
  }

  const start = () => document.querySelectorAll(".explorer").forEach(prepare);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
