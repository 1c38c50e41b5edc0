// The live model: charts, handles and controls around one state, which the address carries.
(() => {
  "use strict";

  const { Adam, NETWORKS, SIGMA_HIGH, SIGMA_LOW, TAU, distance, evaluate, prepare, signedDifference, wrap } = DPS.model;
  const { band, curve, drawAxes, frame, html, linear, log, logTicks, number, onWidth, set, svg, PI_TICKS, ticks, write } = DPS.plot;
  const { LIMITS, START, copy, isState } = DPS.state;

  const EVERY = 4; // every fourth grid point is drawn
  const FRAME_MS = 8; // what the optimiser may take of a frame
  const MARGIN = { left: 56, right: 12 };
  const NAMES = "abcdefghijkl";

  const even = (count, turn = 0) => Array.from({ length: count }, (_, k) => wrap((TAU * k) / count + turn));
  const gap = (count) => Array.from({ length: count }, (_, k) => (TAU * (k + 1)) / (count + 1));
  const modes = (centres, sigma) => centres.map((centre) => [centre, sigma, 1]);
  const spread = (count, sigma) => even(count, 0.4).map((mu) => [mu, sigma]);

  const EXAMPLES = {
    "two modes, four agents": {},
    "two modes, four agents alike": { agents: Array.from({ length: 4 }, () => [Math.PI, 1.5]) },
    "two modes, two camps": { agents: [Math.PI / 2, Math.PI / 2, 1.5 * Math.PI, 1.5 * Math.PI].map((mu) => [mu, 0.5]) },
    "eight agents by themselves (Fig 24, k = 1)": { agents: spread(8, 0.8), network: { name: "isolated" } },
    "eight agents in pairs (Fig 24, k = 2)": { agents: spread(8, 0.8), network: { name: "blocks", size: 2 } },
    "eight agents in fours (Fig 24, k = 4)": { agents: spread(8, 0.8), network: { name: "blocks", size: 4 } },
    "seven modes, bridged clusters (like Fig 26)": {
      agents: spread(6, 0.7),
      demand: modes(even(7), 0.3),
      network: { name: "clusters", bridge: 0.3 },
      communication: 0.01,
    },
    "five uneven modes, a star of eight": {
      agents: spread(8, 0.6),
      demand: modes([0.8, 2.0, 3.9, 5.5, 6.0], 0.25),
      network: { name: "star" },
    },
    "twelve agents, half of what is needed": {
      agents: spread(12, 0.6),
      demand: modes([Math.PI / 4, (3 * Math.PI) / 4, (5 * Math.PI) / 4, (7 * Math.PI) / 4], 0.3),
      resource: 2,
    },
  };

  const NETWORK_WORDS = {
    circle: "circle: each with two neighbours",
    complete: "complete: all with all",
    isolated: "isolated: none with none",
    star: "star: one with all others",
    blocks: "blocks: complete groups",
    clusters: "clusters: two groups and a bridge",
  };

  const NUMBERS = {
    mismatch: ["mismatch L_m", "How far production falls short of the demand, relative to production"],
    productivity: ["productivity Π", "1/(1 + L)"],
    heterogeneity: ["heterogeneity H", "0 for agents alike, N − 1 at most"],
    production: ["production P", "The area below production"],
    loss: ["loss L", "Mismatch, communication and stiffness together"],
    effective_production: ["of use P_eff", "Production that the demand absorbs"],
    over_production: ["beyond demand", "Production that the demand does not absorb"],
    efficacy: ["efficacy", "The share of production that is of use"],
    specialisation: ["specialisation ς", "The mean of 1/σ"],
    resource: ["resource R", "What production is divided by"],
  };

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const clampSigma = (sigma) => clamp(sigma, SIGMA_LOW * 1.02, SIGMA_HIGH * 0.98);

  class Live {
    constructor(host) {
      this.host = host;
      this.state = copy(START);
      this.chosen = { kind: "agents", index: 0 };
      this.optimiser = null;
      this.before = null;
      this.history = [];
      this.top = 0;
      this.build();
      this.open(location.hash);
      addEventListener("hashchange", () => this.open(location.hash));
    }

    // ---- the page ----

    build() {
      this.curvesHost = html("div", { class: "live-curves" });
      this.planeHost = html("div", { class: "live-plane" });
      this.traceHost = html("div", { class: "live-trace", hidden: true });
      this.numbers = {};
      const list = html("dl", { class: "live-numbers" });
      for (const [name, [words, title]] of Object.entries(NUMBERS)) {
        this.numbers[name] = html("dd", { "data-number": name });
        list.append(html("div", { title }, write(html("dt"), words), this.numbers[name]));
      }
      this.status = html("p", { class: "live-status", role: "status" });
      this.run = html("button", { type: "button", class: "live-run", onclick: () => this.toggle() }, "Optimise");
      this.back = html("button", { type: "button", disabled: true, onclick: () => this.restore() }, "Back to the start");
      const actions = html(
        "div",
        { class: "live-actions" },
        this.run,
        this.back,
        html("button", { type: "button", onclick: () => this.scatter() }, "Random agents"),
        (this.copying = html("button", { type: "button", onclick: () => this.share() }, "Copy link")),
      );
      this.link = html("a", { class: "live-link", href: "#" }, "link to this state");
      const legend = html("p", { class: "live-legend" });
      for (const [name, words] of [
        ["demand", "demand W_0"],
        ["production", "production W_1"],
        ["short", "falls short"],
        ["agent", "each agent’s part"],
      ]) {
        legend.append(html("span", { class: `live-key live-key-${name}` }, write(html("span"), words)), " ");
      }
      this.componentKey = html("span", { class: "live-key live-key-component" }, "each component");
      legend.append(this.componentKey);
      const hint =
        "Drag a numbered agent sideways to move it and upwards to broaden it; drag a lettered mode to change the " +
        "demand. By keyboard: Tab to an agent, arrow keys, with Shift in larger steps; Delete removes it.";
      const controls = this.controls();
      this.host.replaceChildren(
        this.exampleField,
        html("div", { class: "live-charts" }, legend, this.curvesHost, this.planeHost),
        actions,
        this.status,
        list,
        this.traceHost,
        html("p", { class: "live-hint" }, hint),
        html("p", { class: "live-share" }, this.link),
        controls,
      );
      onWidth(this.curvesHost, () => this.layout());
      onWidth(this.traceHost, () => this.drawTrace());
    }

    controls() {
      this.fields = {};
      const field = (name, words, input) => {
        this.fields[name] = input;
        const label = write(html("span", { class: "live-words" }), words);
        const shown = html("output", { "aria-hidden": "true" });
        input.shown = shown;
        return html("label", { class: "live-field" }, label, input, shown);
      };
      const range = (low, high, step, change) =>
        html("input", { type: "range", min: low, max: high, step, oninput: (event) => change(Number(event.target.value)) });
      const select = (options, change) =>
        html(
          "select",
          { onchange: (event) => change(event.target.value) },
          ...Object.entries(options).map(([value, words]) => html("option", { value }, words)),
        );
      const button = (words, change, label = null) =>
        html("button", { type: "button", "aria-label": label, onclick: change }, words);
      const group = (words, ...children) => html("fieldset", {}, html("legend", {}, words), ...children);
      const edit = (change) => (value) => this.change(() => change(value));

      this.chosenLegend = html("legend");
      this.addAgentButton = button("Add an agent", () => this.add("agents"));
      this.addModeButton = button("Add a mode", () => this.add("demand"));
      this.removeButton = button("Remove it", () => this.remove());
      const chosen = html(
        "fieldset",
        {},
        this.chosenLegend,
        field("centre", "centre μ", range(0, 6.28, 0.01, edit((value) => (this.item()[0] = value)))),
        field("breadth", "breadth σ", range(-2.97, 2.28, 0.01, edit((value) => (this.item()[1] = clampSigma(Math.exp(value)))))),
        (this.weightField = field("weight", "weight", range(0.1, 3, 0.05, edit((value) => (this.item()[2] = value))))),
        html("div", { class: "live-buttons" }, this.addAgentButton, this.addModeButton, this.removeButton),
      );
      const kinds = { even: "even on the circle", gap: "with a gap at 0", uniform: "uniform", own: "as placed" };
      const place = () => {
        const kind = this.fields.pattern.value;
        if (kind === "own") return;
        const count = kind === "uniform" ? 0 : Number(this.fields.modes.value);
        const centres = kind === "gap" ? gap(count) : count === 2 ? even(2, Math.PI / 2) : even(count);
        this.change(() => {
          this.state.demand = modes(centres, Math.exp(Number(this.fields.width.value)));
          this.choose("agents", 0);
        });
      };
      const demand = group(
        "Demand",
        field("pattern", "modes", select(kinds, place)),
        field("modes", "number", range(1, 9, 1, () => {
          if (["own", "uniform"].includes(this.fields.pattern.value)) this.fields.pattern.value = "even";
          place();
        })),
        field("width", "breadth", range(-2.3, 0.7, 0.01, edit((value) => {
          for (const mode of this.state.demand) mode[1] = Math.exp(value);
        }))),
      );
      const network = group(
        "Network",
        field("network", "links", select(NETWORK_WORDS, (name) => this.change(() => {
          const { parameter } = NETWORKS[name];
          this.state.network = { name };
          if (parameter) this.state.network[parameter.name] = parameter.value;
        }))),
        (this.parameterField = field("parameter", "size", range(0, 1, 0.05, edit((value) => {
          this.state.network[NETWORKS[this.state.network.name].parameter.name] = value;
        })))),
      );
      const strength = (name) => edit((value) => (this.state[name] = value === 0 ? 0 : 1e-4 * 10 ** (value - 1)));
      const resource = group(
        "Resource and costs",
        field("resource", "R/Σα", range(-3, 3, 0.05, edit((value) => (this.state.resource = 2 ** value)))),
        field("communication", "communication λ_c", range(0, 5, 0.05, strength("communication"))),
        field("stiffness", "stiffness λ_s", range(0, 5, 0.05, strength("stiffness"))),
        field("convention", "convention", select({ identified: "identified", paper_text: "as the paper writes it" }, edit((value) => (this.state.convention = value)))),
      );
      const names = Object.fromEntries(["choose …", ...Object.keys(EXAMPLES)].map((name) => [name, name]));
      this.exampleField = field("example", "Example", select(names, (name) => {
        if (!EXAMPLES[name]) return;
        this.change(() => {
          this.state = copy({ ...START, ...EXAMPLES[name] });
          this.choose("agents", 0);
          this.forget();
        });
      }));
      return html("form", { class: "live-controls", onsubmit: (event) => event.preventDefault() }, chosen, demand, network, resource);
    }

    // ---- changes of the state ----

    item() {
      return this.state[this.chosen.kind][this.chosen.index];
    }

    choose(kind, index) {
      this.chosen = { kind, index: clamp(index, 0, Math.max(this.state[kind].length - 1, 0)) };
    }

    // Every change by the reader: stops the optimiser, draws at the next frame, and writes the address a little later.
    change(edit) {
      this.stop();
      this.say("");
      edit();
      if (!this.item()) this.choose("agents", 0);
      this.schedule();
    }

    schedule() {
      this.pending ??= requestAnimationFrame(() => this.draw());
      clearTimeout(this.writing);
      this.writing = setTimeout(() => this.publish(), 250);
    }

    publish() {
      const fragment = `#${DPS.state.write(this.state)}`;
      this.link.href = fragment;
      if (location.hash !== fragment) history.replaceState(history.state, "", fragment);
    }

    open(fragment) {
      if (isState(fragment)) {
        try {
          this.stop();
          this.state = DPS.state.read(fragment);
          this.say("");
        } catch (error) {
          this.say(`The address could not be read, so the first example is shown: ${error.message}.`);
          this.state = copy(START);
        }
        this.forget();
      }
      this.choose("agents", 0);
      this.link.href = `#${DPS.state.write(this.state)}`;
      this.draw();
    }

    add(kind) {
      this.change(() => {
        const list = this.state[kind];
        if (list.length >= LIMITS[kind === "agents" ? "agents" : "modes"][1]) return;
        if (kind === "agents") {
          // Where the system falls most short.
          const { demand, production, theta } = this.result.curves;
          let worst = 0;
          for (let k = 1; k < theta.length; k++) {
            if (demand[k] - production[k] > demand[worst] - production[worst]) worst = k;
          }
          list.push([wrap(theta[worst]), 0.5]);
        } else {
          // Where the modes leave most room.
          const candidates = even(64);
          const room = (at) => Math.min(4, ...list.map((mode) => distance(at, mode[0])));
          const best = candidates.reduce((a, b) => (room(b) > room(a) + 1e-9 ? b : a), Math.PI);
          list.push([best, 0.5, 1]);
        }
        this.choose(kind, list.length - 1);
      });
      this.draw();
      this.handles[this.chosen.kind][this.chosen.index]?.focus();
    }

    remove() {
      const { kind, index } = this.chosen;
      const least = kind === "agents" ? NETWORKS[this.state.network.name].least : 0;
      if (this.state[kind].length <= least) {
        this.say(`There must be at least ${least === 1 ? "one agent" : `${least} agents in a ${this.state.network.name}`}.`);
        return;
      }
      this.change(() => {
        this.state[kind].splice(index, 1);
        this.choose(this.state[kind].length ? kind : "agents", index);
      });
      this.draw();
      this.handles[this.chosen.kind][this.chosen.index]?.focus();
    }

    scatter() {
      this.change(() => {
        this.forget();
        this.state.agents = this.state.agents.map(() => [TAU * Math.random(), 0.3 + 0.7 * Math.random()]);
      });
    }

    async share() {
      this.publish();
      try {
        await navigator.clipboard.writeText(location.href);
        this.say("The link is in the clipboard.");
      } catch {
        this.say("The browser does not let the page copy; the address bar holds the link.");
      }
    }

    say(words) {
      if (this.status.textContent !== words) this.status.textContent = words;
    }

    // ---- the optimiser ----

    toggle() {
      if (this.optimiser) {
        this.stop();
        this.say("Stopped.");
        return;
      }
      this.before = this.state.agents.map((agent) => [...agent]);
      this.back.disabled = false;
      this.optimiser = new Adam(this.state);
      this.history = [];
      this.run.textContent = "Stop";
      this.say("Descending …");
      this.traceHost.hidden = false;
      this.advance();
    }

    advance() {
      const { optimiser } = this;
      if (!optimiser) return;
      const end = performance.now() + FRAME_MS;
      let more = true;
      do more = optimiser.step();
      while (more && performance.now() < end && optimiser.count % 10 !== 0);
      this.state.agents = optimiser.agents(more ? optimiser.x : optimiser.best.x);
      this.draw();
      this.history.push([optimiser.count, this.result.loss, this.result.heterogeneity]);
      this.drawTrace();
      if (more) requestAnimationFrame(() => this.advance());
      else {
        const why = { converged: "where nothing changes any more", patience: "where no step improves it any more" };
        const where = why[optimiser.stop] ?? "at the limit of steps";
        this.stop();
        this.schedule();
        const [first] = this.history;
        this.say(
          `The loss went from ${number(first[1])} to ${number(this.result.loss)} in ${optimiser.count} steps and stopped ${where}.`,
        );
      }
    }

    stop() {
      if (!this.optimiser) return;
      this.optimiser = null;
      this.run.textContent = "Optimise";
      this.schedule();
    }

    restore() {
      this.change(() => {
        this.state.agents = this.before.map((agent) => [...agent]);
        this.choose("agents", 0);
        this.forget();
      });
    }

    forget() {
      this.before = null;
      this.back.disabled = true;
      this.history = [];
      this.traceHost.hidden = true;
    }

    // ---- drawing ----

    draw() {
      cancelAnimationFrame(this.pending);
      this.pending = undefined;
      const { agents, ...fixed } = this.state;
      const key = JSON.stringify([agents.length, fixed]);
      if (key !== this.taskKey) {
        this.task = prepare(this.state);
        this.taskKey = key;
      }
      this.result = evaluate(this.state, this.task);
      for (const [name, node] of Object.entries(this.numbers)) {
        node.textContent = number(this.result[name]);
        node.dataset.value = this.result[name];
      }
      this.drawFields();
      if (!this.curves) return;
      this.drawCurves();
      this.drawPlane();
    }

    // The charts' skeleton, when the width is known or changes.
    layout() {
      const high = this.curvesHost.clientWidth < 500 ? 200 : 250;
      const x = { domain: [0, TAU], ticks: PI_TICKS };
      this.top = 0;
      this.curves = frame(this.curvesHost, {
        height: high,
        margin: { ...MARGIN, bottom: 36 },
        x: { ...x, label: "operation θ" },
        y: { domain: [0, 1], label: "density" },
        label: "Demand and production over the circle of operations",
      });
      const { layer } = this.curves;
      this.paths = { demandArea: svg("path", { class: "live-demand-area" }, layer) };
      this.paths.short = svg("path", { class: "live-short" }, layer);
      this.paths.parts = svg("g", { class: "live-parts" }, layer);
      this.paths.demand = svg("path", { class: "live-demand" }, layer);
      this.paths.components = svg("g", { class: "live-components" }, layer);
      this.paths.production = svg("path", { class: "live-production" }, layer);
      this.plane = frame(this.planeHost, {
        height: high + 20,
        margin: { ...MARGIN, bottom: 36 },
        x: { ...x, label: "centre μ" },
        y: { scale: log, domain: [SIGMA_LOW, SIGMA_HIGH], ticks: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10].map((v) => [v, `${v}`]), label: "breadth σ" },
        role: "group",
        label: "Agents and modes: sideways their centre, upwards their breadth",
      });
      this.links = svg("g", { class: "live-links", "aria-hidden": "true" }, this.plane.layer);
      this.handleLayers = { demand: svg("g", {}, this.plane.layer), agents: svg("g", {}, this.plane.layer) };
      this.handles = { demand: [], agents: [] };
      this.listen(this.plane.root);
      this.draw();
    }

    drawCurves() {
      const { task, curves: lines } = this.result;
      const { theta, demand, production } = lines;
      const several = task.components.length > 1;
      let most = 0;
      for (let k = 0; k < theta.length; k++) most = Math.max(most, demand[k], production[k]);
      // Like a reader's own axis: it does not jump at every move.
      if (most > this.top || most < 0.4 * this.top) {
        const power = 10 ** Math.floor(Math.log10(most));
        this.top = [1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15].find((s) => s * power >= most * 1.02) * power;
        this.curves.y = linear([0, this.top], [this.curves.bottom, this.curves.top]);
        drawAxes(this.curves, { domain: [0, TAU], ticks: PI_TICKS, label: "operation θ" }, { domain: [0, this.top], label: "density" });
      }
      const { x, y, bottom } = this.curves;
      const line = (ys) => curve(theta, ys, x, y, EVERY);
      const asked = line(demand);
      set(this.paths.demand, { d: asked });
      set(this.paths.demandArea, { d: `${asked}L${x.to(TAU)} ${bottom}H${x.to(0)}Z` });
      set(this.paths.production, { d: line(production) });
      // What falls short is one area only where one component makes everything.
      set(this.paths.short, { d: several ? "" : band(theta, demand.map((value, k) => Math.min(value, production[k])), demand, x, y, EVERY) });
      this.componentKey.hidden = !several;
      this.paint(this.paths.parts, task.n, (i) => {
        const weight = task.network.alpha[i] / task.resource;
        return [curve(theta, task.densities[i], x, { to: (value) => y.to(value * weight) }, EVERY), task.network.component[i]];
      });
      this.paint(this.paths.components, several ? task.components.length : 0, (c) => [line(task.components[c]), c]);
    }

    paint(group, count, look) {
      while (group.childElementCount > count) group.lastChild.remove();
      while (group.childElementCount < count) svg("path", {}, group);
      for (let i = 0; i < count; i++) {
        const [d, component] = look(i);
        set(group.children[i], { d, class: `live-c${component % 8}` });
      }
    }

    drawPlane() {
      for (const kind of ["demand", "agents"]) {
        const list = this.state[kind];
        const nodes = this.handles[kind];
        while (nodes.length > list.length) nodes.pop().remove();
        while (nodes.length < list.length) nodes.push(this.handle(kind, nodes.length));
        list.forEach((one, index) => this.place(kind, index, one, nodes[index]));
      }
      this.drawLinks();
    }

    handle(kind, index) {
      const node = svg("g", { tabindex: 0, role: "slider", class: `live-handle live-handle-${kind}`, "aria-valuemin": 0, "aria-valuemax": "6.283" }, this.handleLayers[kind]);
      svg("circle", { r: 22, class: "live-hit" }, node);
      svg("circle", { r: 15, class: "live-ring" }, node);
      if (kind === "agents") svg("circle", { r: 10, class: "live-dot" }, node);
      else svg("path", { d: "M0-11L11 0L0 11L-11 0Z", class: "live-dot" }, node);
      svg("text", { "text-anchor": "middle", y: 4, "aria-hidden": "true" }, node).textContent = kind === "agents" ? index + 1 : NAMES[index];
      node.addEventListener("keydown", (event) => this.key(event, kind, index));
      node.addEventListener("focus", () => {
        this.choose(kind, index);
        this.drawFields();
        this.mark();
      });
      return node;
    }

    place(kind, index, [centre, sigma], node) {
      const { x, y } = this.plane;
      const component = kind === "agents" ? this.task.network.component[index] % 8 : "mode";
      const active = this.chosen.kind === kind && this.chosen.index === index;
      set(node, {
        transform: `translate(${x.to(wrap(centre))} ${y.to(sigma)})`,
        class: `live-handle live-handle-${kind} live-c${component}${active ? " live-chosen" : ""}`,
        "aria-label": this.nameOf(kind, index),
        "aria-valuenow": wrap(centre).toFixed(3),
        "aria-valuetext": `centre ${wrap(centre).toFixed(2)}, breadth ${sigma.toPrecision(3)}`,
      });
    }

    mark() {
      for (const [kind, nodes] of Object.entries(this.handles)) {
        nodes.forEach((node, index) => node.classList.toggle("live-chosen", this.chosen.kind === kind && this.chosen.index === index));
      }
    }

    nameOf(kind, index) {
      return kind === "agents" ? `Agent ${index + 1}` : `Mode ${NAMES[index]} of the demand`;
    }

    drawLinks() {
      const { x, y } = this.plane;
      const { matrix } = this.task.network;
      const { agents } = this.state;
      const seen = [];
      for (let i = 0; i < agents.length; i++) {
        for (let j = i + 1; j < agents.length; j++) if (matrix[i][j] > 0) seen.push([i, j, matrix[i][j]]);
      }
      while (this.links.childElementCount > seen.length) this.links.lastChild.remove();
      while (this.links.childElementCount < seen.length) svg("path", {}, this.links);
      seen.forEach(([i, j, strength], k) => {
        const [a, b] = [wrap(agents[i][0]), wrap(agents[j][0])];
        const [ya, yb] = [y.to(agents[i][1]), y.to(agents[j][1])];
        const step = signedDifference(b, a);
        let d = `M${x.to(a)} ${ya}L${x.to(a + step)} ${yb}`;
        if (Math.abs(a + step - b) > 1) {
          // Over the seam: out at one side, in at the other.
          const seam = step > 0 ? TAU : 0;
          const at = ya + ((seam - a) / step) * (yb - ya);
          d = `M${x.to(a)} ${ya}L${x.to(seam)} ${at}M${x.to(TAU - seam)} ${at}L${x.to(b)} ${yb}`;
        }
        set(this.links.children[k], { d, "stroke-width": Math.min(1 + strength, 3), "stroke-dasharray": strength < 1 ? "4 3" : null });
      });
    }

    drawTrace() {
      if (this.traceHost.hidden || this.history.length < 2) {
        this.traceHost.replaceChildren();
        return;
      }
      const steps = this.history.map((row) => row[0]);
      const wide = this.traceHost.clientWidth;
      const columns = wide < 500 ? 1 : 2;
      if (this.traceHost.childElementCount !== 2) this.traceHost.replaceChildren(html("div"), html("div"));
      ["loss L", "heterogeneity H"].forEach((words, k) => {
        const values = this.history.map((row) => (k === 0 ? Math.max(row[1], 1e-12) : row[2]));
        const [low, high] = [Math.min(...values), Math.max(...values)];
        const isLog = k === 0 && high > 3 * low;
        const domain = isLog ? [low / 1.2, high * 1.2] : [0, high * 1.1 || 1];
        const chart = frame(this.traceHost.children[k], {
          width: Math.floor(wide / columns) - (columns - 1) * 8,
          height: 150,
          margin: { left: 58, right: 12, bottom: 36 },
          x: { domain: [0, Math.max(steps.at(-1), 10)], label: "step" },
          y: { scale: isLog ? log : undefined, domain, ticks: isLog ? logTicks(...domain, 4) : undefined, label: words },
          label: `${words.split(" ")[0]} over the steps of the optimiser, from ${number(values[0])} to ${number(values.at(-1))}`,
        });
        svg("path", { class: k === 0 ? "live-production" : "live-h", d: curve(steps, values, chart.x, chart.y, Math.ceil(steps.length / 300)) }, chart.layer);
      });
    }

    drawFields() {
      const { fields, state, chosen } = this;
      const put = (name, value, shown, words = shown) => {
        const input = fields[name];
        if (document.activeElement !== input || input.type !== "range") input.value = value;
        input.shown.textContent = shown;
        if (input.type === "range") input.setAttribute("aria-valuetext", words);
      };
      const item = this.item();
      const title = this.nameOf(chosen.kind, chosen.index);
      if (this.chosenLegend.textContent !== title) this.chosenLegend.textContent = title;
      put("centre", wrap(item[0]), number(wrap(item[0]), 3));
      put("breadth", Math.log(item[1]), number(item[1], 3));
      this.weightField.hidden = chosen.kind === "agents";
      if (chosen.kind === "demand") put("weight", item[2], number(item[2], 3));
      this.addAgentButton.disabled = state.agents.length >= LIMITS.agents[1];
      this.addModeButton.disabled = state.demand.length >= LIMITS.modes[1];

      const count = state.demand.length;
      const [widest] = state.demand.length ? state.demand.map((mode) => mode[1]) : [Math.exp(Number(fields.width.value))];
      const like = (centres) => centres.every((centre, k) => Math.abs(centre - state.demand[k][0]) < 1e-12);
      const regular = state.demand.every((mode) => mode[1] === widest && mode[2] === 1);
      fields.pattern.value = !count
        ? "uniform"
        : !regular
          ? "own"
          : like(count === 2 ? even(2, Math.PI / 2) : even(count))
            ? "even"
            : like(gap(count))
              ? "gap"
              : "own";
      if (count) put("modes", count, `${count}`);
      else fields.modes.shown.textContent = "–";
      put("width", Math.log(widest), number(widest, 3));
      fields.width.disabled = !count;

      fields.network.value = state.network.name;
      for (const option of fields.network.options) option.disabled = NETWORKS[option.value].least > state.agents.length;
      const { parameter } = NETWORKS[state.network.name];
      this.parameterField.hidden = !parameter;
      if (parameter) {
        set(fields.parameter, { min: parameter.low, max: parameter.high, step: parameter.step });
        this.parameterField.firstChild.textContent = parameter.name;
        const value = state.network[parameter.name];
        put("parameter", value, parameter.step === 1 ? `${value}` : number(value, 3));
      }
      put("resource", Math.log2(state.resource), number(state.resource, 3));
      for (const name of ["communication", "stiffness"]) {
        put(name, state[name] === 0 ? 0 : clamp(Math.log10(state[name] / 1e-4) + 1, 0, 5), number(state[name], 2));
      }
      fields.convention.value = state.convention;
      if (fields.example !== document.activeElement) fields.example.selectedIndex = 0;
    }

    // ---- pointer and keyboard ----

    listen(root) {
      let held = null;
      const at = (event) => {
        const box = root.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
      };
      root.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        const [px, py] = at(event);
        let best = 26;
        for (const kind of ["agents", "demand"]) {
          this.state[kind].forEach(([centre, sigma], index) => {
            const [dx, dy] = [this.plane.x.to(wrap(centre)) - px, this.plane.y.to(sigma) - py];
            const away = Math.hypot(dx, dy);
            if (away < best - 0.5) {
              best = away;
              held = { kind, index, dx, dy };
            }
          });
        }
        if (!held) return;
        event.preventDefault();
        root.setPointerCapture(event.pointerId);
        this.choose(held.kind, held.index);
        this.handles[held.kind][held.index].focus({ preventScroll: true });
        this.drawFields();
        this.mark();
      });
      root.addEventListener("pointermove", (event) => {
        if (!held) return;
        const [px, py] = at(event);
        this.change(() => {
          const item = this.state[held.kind][held.index];
          item[0] = wrap(this.plane.x.from(px + held.dx));
          item[1] = clampSigma(this.plane.y.from(py + held.dy));
        });
      });
      for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, () => (held = null));
    }

    key(event, kind, index) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = event.shiftKey ? 5 : 1;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        this.choose(kind, index);
        this.remove();
      } else if (moves[event.key]) {
        event.preventDefault();
        event.stopPropagation();
        const [sideways, upwards] = moves[event.key];
        this.change(() => {
          const item = this.state[kind][index];
          item[0] = wrap(item[0] + 0.05 * sideways);
          item[1] = clampSigma(item[1] * 1.05 ** upwards);
        });
      }
    }
  }

  const start = () => {
    for (const host of document.querySelectorAll(".live-model")) host.live = new Live(host);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
