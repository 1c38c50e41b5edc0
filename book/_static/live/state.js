// The state of the live model as the fragment of an address, and back. Every number returns as it was.
(() => {
  "use strict";

  const { CONVENTIONS, NETWORKS, SIGMA_HIGH, SIGMA_LOW } = DPS.model;

  const LIMITS = { agents: [1, 12], modes: [0, 12], resource: [0.05, 20], strength: [0, 10] };

  const START = {
    agents: [
      [0.9, 0.9],
      [2.6, 0.7],
      [3.9, 0.8],
      [5.6, 0.6],
    ],
    demand: [
      [Math.PI / 2, 0.5, 1],
      [(3 * Math.PI) / 2, 0.5, 1],
    ],
    network: { name: "circle" },
    resource: 1,
    communication: 0,
    stiffness: 0,
    convention: "identified",
  };

  const copy = (state) => ({
    ...state,
    agents: state.agents.map((agent) => [...agent]),
    demand: state.demand.map((mode) => [...mode]),
    network: { ...state.network },
  });

  function write(state) {
    const { parameter } = NETWORKS[state.network.name];
    const rows = (list) => list.map((row) => row.join(",")).join(";");
    return [
      `agents=${rows(state.agents)}`,
      `demand=${state.demand.length ? rows(state.demand) : "uniform"}`,
      `network=${state.network.name}${parameter ? `,${state.network[parameter.name]}` : ""}`,
      `resource=${state.resource}`,
      `communication=${state.communication}`,
      `stiffness=${state.stiffness}`,
      `convention=${state.convention}`,
    ].join("&");
  }

  const isState = (fragment) => /^#?agents=/.test(fragment);

  function real(name, text, low, high) {
    const value = text === undefined || text.trim() === "" ? NaN : Number(text);
    if (!(value >= low && value <= high)) {
      throw new RangeError(`${name} must be a number from ${low} to ${high}; got “${text ?? ""}”`);
    }
    return value;
  }

  function choice(name, text, allowed) {
    if (!allowed.includes(text)) throw new RangeError(`${name} must be one of ${allowed.join(", ")}; got “${text}”`);
    return text;
  }

  function list(name, text, [least, most], fields) {
    const rows = text === "" ? [] : text.split(";");
    if (rows.length < least || rows.length > most) {
      throw new RangeError(`${name} must be ${least} to ${most} in number; got ${rows.length}`);
    }
    return rows.map((row, index) => {
      const parts = row.split(",");
      if (parts.length !== fields.length) {
        throw new RangeError(`${name} ${index + 1} must have ${fields.length} numbers; got “${row}”`);
      }
      return fields.map(([field, low, high], k) => real(`${field} of ${name} ${index + 1}`, parts[k], low, high));
    });
  }

  // What is missing is as in START; what is wrong is refused by a RangeError that names it.
  function read(fragment) {
    const given = new Map();
    for (const part of decodeURIComponent(fragment.replace(/^#/, "")).split("&")) {
      const at = part.indexOf("=");
      const name = choice("a part of the address", part.slice(0, at), Object.keys(START));
      given.set(name, part.slice(at + 1));
    }
    const state = copy(START);
    const angle = ["centre", -1e3, 1e3];
    const breadth = ["breadth", SIGMA_LOW, SIGMA_HIGH];
    if (given.has("agents")) state.agents = list("agents", given.get("agents"), LIMITS.agents, [angle, breadth]);
    if (given.has("demand")) {
      const text = given.get("demand");
      const fields = [angle, breadth, ["weight", 1e-3, 1e3]];
      state.demand = text === "uniform" ? [] : list("demand", text, LIMITS.modes, fields);
    }
    if (given.has("network")) {
      const [name, value] = given.get("network").split(",");
      const { least, parameter } = NETWORKS[choice("network", name, Object.keys(NETWORKS))];
      if (state.agents.length < least) throw new RangeError(`a ${name} needs at least ${least} agents; got fewer`);
      state.network = { name };
      if (parameter) {
        const text = value ?? `${parameter.value}`;
        state.network[parameter.name] = real(parameter.name, text, parameter.low, parameter.high);
        if (parameter.step === 1) state.network[parameter.name] = Math.round(state.network[parameter.name]);
      }
    }
    if (given.has("resource")) state.resource = real("resource", given.get("resource"), ...LIMITS.resource);
    for (const name of ["communication", "stiffness"]) {
      if (given.has(name)) state[name] = real(name, given.get(name), ...LIMITS.strength);
    }
    if (given.has("convention")) state.convention = choice("convention", given.get("convention"), Object.keys(CONVENTIONS));
    return state;
  }

  globalThis.DPS.state = { LIMITS, START, copy, isState, read, write };
})();
