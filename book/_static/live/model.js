// The model of paper A in the page: production, mismatch, measures, the gradient and Adam, as `dpslib` computes them.
// No page and no drawing here. A system is a plain object:
//   agents: [[μ, σ], ...], radians; demand: [[centre, σ, weight], ...], empty for the uniform one;
//   network: {name, intensity | size | bridge}; resource: R/Σα; communication: λ_c; stiffness: λ_s;
//   convention: "identified" or "paper_text".
(() => {
  "use strict";

  const TAU = 2 * Math.PI;
  const SIGMA_LOW = 0.05;
  const SIGMA_HIGH = 10;
  const POINTS = 2048;
  // Production below this counts as this, as in dpslib.loss.smallest_production for p = 2.
  const SMALLEST = Number.MAX_VALUE ** (-0.9 / 3);

  const CONVENTIONS = {
    identified: { density: "von_mises", spacing: TAU / (POINTS - 1) },
    paper_text: { density: "wrapped_gaussian", spacing: TAU / POINTS },
  };

  const modulo = (a, b) => ((a % b) + b) % b;
  const wrap = (angle) => {
    const wrapped = modulo(angle, TAU);
    return wrapped >= TAU ? 0 : wrapped;
  };
  const signedDifference = (a, b) => modulo(a - b + Math.PI, TAU) - Math.PI;
  const distance = (a, b) => Math.abs(signedDifference(a, b));

  // exp(−x) I_n(x) for n = 0 and 1: the power series has positive terms only, and the asymptotic one ends below rounding.
  function scaledBessel(order, x) {
    let term = order === 0 ? 1 : x / 2;
    let sum = term;
    if (x <= 30) {
      for (let k = 1; term > sum * 1e-18; k++) sum += term *= (x * x) / 4 / (k * (k + order));
      return sum * Math.exp(-x);
    }
    term = sum = 1;
    for (let k = 1; k < 50 && Math.abs(term) > 1e-18; k++) {
      sum += term *= -(4 * order * order - (2 * k - 1) ** 2) / (8 * k * x);
    }
    return sum / Math.sqrt(TAU * x);
  }

  // ---- densities: each fills the values at the grid, and pulls a function h on the grid back to μ and σ ----

  const grids = {};
  function gridOf(name) {
    if (!grids[name]) {
      const { spacing } = CONVENTIONS[name];
      const theta = Float64Array.from({ length: POINTS }, (_, k) => k * spacing);
      grids[name] = { spacing, theta, cos: theta.map(Math.cos), sin: theta.map(Math.sin) };
    }
    return grids[name];
  }

  const vonMises = {
    values(grid, mu, sigma, out) {
      const { cos, sin } = grid;
      const kappa = sigma ** -2;
      const x = kappa * Math.cos(mu);
      const y = kappa * Math.sin(mu);
      const constant = -kappa - Math.log(TAU * scaledBessel(0, kappa));
      for (let k = 0; k < POINTS; k++) out[k] = Math.exp(x * cos[k] + y * sin[k] + constant);
      return out;
    },
    pullback(grid, mu, sigma, values, h) {
      const { cos, sin } = grid;
      let one = 0;
      let byCos = 0;
      let bySin = 0;
      for (let k = 0; k < POINTS; k++) {
        const weighted = h[k] * values[k];
        one += weighted;
        byCos += weighted * cos[k];
        bySin += weighted * sin[k];
      }
      const kappa = sigma ** -2;
      const x = kappa * Math.cos(mu);
      const y = kappa * Math.sin(mu);
      const ratio = scaledBessel(1, kappa) / scaledBessel(0, kappa);
      return [bySin * x - byCos * y, (byCos * x + bySin * y - kappa * ratio * one) * (-2 / sigma)];
    },
  };

  // Images for narrow densities, the Fourier series for broad ones; each where it is exact to rounding.
  const SWITCH = 1.5;
  const HARMONICS = 8;
  const wrappedGaussian = {
    at(theta, mu, sigma) {
      let value = 0;
      let byMu = 0;
      let bySigma = 0;
      if (sigma <= SWITCH) {
        const first = signedDifference(theta, mu);
        const norm = 1 / (Math.sqrt(TAU) * sigma);
        for (let k = -2; k <= 2; k++) {
          const z = (first + TAU * k) / sigma;
          if (z * z > 1500) continue; // its exponential is 0
          const image = norm * Math.exp(-0.5 * z * z);
          value += image;
          byMu += (image * z) / sigma;
          bySigma += (image * (z * z - 1)) / sigma;
        }
        return [value, byMu, bySigma];
      }
      value = 1 / TAU;
      for (let n = 1; n <= HARMONICS; n++) {
        const decay = Math.exp(-0.5 * (n * sigma) ** 2) / Math.PI;
        const angle = n * (theta - mu);
        value += decay * Math.cos(angle);
        byMu += decay * n * Math.sin(angle);
        bySigma -= decay * n * n * sigma * Math.cos(angle);
      }
      return [value, byMu, bySigma];
    },
    values(grid, mu, sigma, out) {
      for (let k = 0; k < POINTS; k++) out[k] = wrappedGaussian.at(grid.theta[k], mu, sigma)[0];
      return out;
    },
    pullback(grid, mu, sigma, values, h) {
      let sumMu = 0;
      let sumSigma = 0;
      for (let k = 0; k < POINTS; k++) {
        if (h[k] === 0) continue;
        const [, byMu, bySigma] = wrappedGaussian.at(grid.theta[k], mu, sigma);
        sumMu += h[k] * byMu;
        sumSigma += h[k] * bySigma;
      }
      return [sumMu, sumSigma];
    },
  };

  const DENSITIES = { von_mises: vonMises, wrapped_gaussian: wrappedGaussian };

  // ---- networks: Q, whether an agent produces by itself too, the weights α and the components ----

  const zeros = (n) => Array.from({ length: n }, () => new Array(n).fill(0));

  function blockMatrix(sizes) {
    const matrix = zeros(sizes.reduce((a, b) => a + b, 0));
    let start = 0;
    for (const size of sizes) {
      for (let i = start; i < start + size; i++) {
        for (let j = start; j < start + size; j++) if (i !== j) matrix[i][j] = 1;
      }
      start += size;
    }
    return matrix;
  }

  // Components of the chosen size; what is left over is the last one.
  const blockSizes = (n, size) => {
    const sizes = new Array(Math.floor(n / size)).fill(size);
    return n % size ? [...sizes, n % size] : sizes;
  };
  const halves = (n) => (n === 1 ? [1] : [Math.ceil(n / 2), Math.floor(n / 2)]);

  const NETWORKS = {
    circle: {
      least: 1,
      matrix(n) {
        const q = zeros(n);
        for (let i = 0; i < n; i++) {
          q[i][(i + 1) % n] += 1;
          q[(i + 1) % n][i] += 1;
        }
        return q;
      },
    },
    complete: {
      least: 1,
      parameter: { name: "intensity", low: 0, high: 2, step: 0.05, value: 1 },
      matrix: (n, intensity) => blockMatrix([n]).map((row) => row.map((link) => link * intensity)),
    },
    isolated: { least: 1, matrix: zeros },
    star: {
      least: 2,
      matrix(n) {
        const q = zeros(n);
        for (let i = 1; i < n; i++) q[0][i] = q[i][0] = 1;
        return q;
      },
    },
    blocks: {
      least: 1,
      parameter: { name: "size", low: 1, high: 12, step: 1, value: 2 },
      matrix: (n, size) => blockMatrix(blockSizes(n, size)),
    },
    clusters: {
      least: 1,
      parameter: { name: "bridge", low: 0, high: 1, step: 0.05, value: 0.3 },
      matrix(n, bridge) {
        const sizes = halves(n);
        const q = blockMatrix(sizes);
        if (sizes.length > 1) q[sizes[0] - 1][sizes[0]] = q[sizes[0]][sizes[0] - 1] = bridge;
        return q;
      },
    },
  };

  function networkOf({ name, ...rest }, n) {
    const kind = NETWORKS[name];
    const matrix = kind.matrix(n, kind.parameter && (rest[kind.parameter.name] ?? kind.parameter.value));
    const own = name === "circle" ? 0 : 1; // the paper drops the identity for the circle
    const alpha = matrix.map((_, i) => matrix.reduce((sum, row) => sum + row[i], 0) + own);
    const component = new Array(n).fill(-1);
    let count = 0;
    for (let first = 0; first < n; first++) {
      if (component[first] >= 0) continue;
      const queue = [first];
      component[first] = count;
      while (queue.length) {
        const i = queue.pop();
        for (let j = 0; j < n; j++) {
          if (component[j] < 0 && (matrix[i][j] > 0 || matrix[j][i] > 0)) {
            component[j] = count;
            queue.push(j);
          }
        }
      }
      count += 1;
    }
    return { matrix, alpha, component, count, total: alpha.reduce((a, b) => a + b, 0) };
  }

  // ---- what does not change while agents move, prepared once; then values and gradients for any agents ----

  function prepare(system) {
    const n = system.agents.length;
    const grid = gridOf(system.convention);
    const density = DENSITIES[CONVENTIONS[system.convention].density];
    const network = networkOf(system.network, n);
    const demand = new Float64Array(POINTS);
    if (system.demand.length === 0) demand.fill(1 / TAU);
    const weight = system.demand.reduce((sum, mode) => sum + mode[2], 0);
    const buffer = new Float64Array(POINTS);
    for (const [centre, sigma, share] of system.demand) {
      density.values(grid, wrap(centre), sigma, buffer);
      for (let k = 0; k < POINTS; k++) demand[k] += (share / weight) * buffer[k];
    }
    return {
      n,
      grid,
      density,
      network,
      demand,
      resource: system.resource * network.total,
      communication: system.communication,
      stiffness: system.stiffness,
      densities: Array.from({ length: n }, () => new Float64Array(POINTS)),
      components: Array.from({ length: network.count }, () => new Float64Array(POINTS)),
    };
  }

  // D_ij = d(μ_i, μ_j)/(σ_i + σ_j), summed over ordered pairs; and the pull towards π, averaged over the agents.
  function penalties(task, mu, sigma, gradient) {
    const { n, network, communication, stiffness } = task;
    let cost = 0;
    let pull = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; communication > 0 && j < n; j++) {
        const link = network.matrix[i][j];
        const difference = signedDifference(mu[i], mu[j]);
        if (link === 0 || difference === 0) continue;
        const scale = sigma[i] + sigma[j];
        cost += (link * Math.abs(difference)) / scale;
        if (!gradient) continue;
        const both = communication * (link + network.matrix[j][i]);
        gradient.mu[i] += (both * Math.sign(difference)) / scale;
        gradient.sigma[i] -= (both * Math.abs(difference)) / scale ** 2;
      }
      const aside = signedDifference(mu[i], Math.PI);
      pull += Math.abs(aside);
      if (gradient) gradient.mu[i] += (stiffness / n) * Math.sign(aside);
    }
    return [communication * cost, (stiffness * pull) / n];
  }

  // The parts of the loss for centres and breadths; with `gradient`, {mu, sigma}, its derivatives too.
  function lossOf(task, mu, sigma, gradient = null) {
    const { n, grid, density, network, demand, resource, densities, components } = task;
    for (const made of components) made.fill(0);
    for (let i = 0; i < n; i++) {
      const values = density.values(grid, mu[i], sigma[i], densities[i]);
      const made = components[network.component[i]];
      const weight = network.alpha[i] / resource;
      for (let k = 0; k < POINTS; k++) made[k] += weight * values[k];
    }
    const short = task.short ?? (task.short = new Float64Array(POINTS));
    let mismatch = 0;
    if (gradient) {
      gradient.mu.fill(0);
      gradient.sigma.fill(0);
    }
    for (let c = 0; c < components.length; c++) {
      const made = components[c];
      let total = 0;
      for (let k = 0; k < POINTS; k++) {
        const floor = made[k] > SMALLEST ? made[k] : SMALLEST;
        const residual = Math.max((demand[k] - made[k]) / floor, 0);
        total += residual * residual;
        short[k] = ((residual + 1) / floor) * residual;
      }
      total *= grid.spacing;
      const value = Math.sqrt(total);
      mismatch += value;
      if (!gradient) continue;
      const factor = total === 0 ? 0 : -(value / total) * grid.spacing;
      for (let k = 0; k < POINTS; k++) short[k] *= factor;
      for (let i = 0; i < n; i++) {
        if (network.component[i] !== c) continue;
        const [byMu, bySigma] = density.pullback(grid, mu[i], sigma[i], densities[i], short);
        gradient.mu[i] += (byMu * network.alpha[i]) / resource;
        gradient.sigma[i] += (bySigma * network.alpha[i]) / resource;
      }
    }
    const [communication, stiffness] = penalties(task, mu, sigma, gradient);
    return { mismatch, communication, stiffness, loss: mismatch + communication + stiffness };
  }

  // H = N / (1 + (2/N) Σ_{i<j} Z_ij) − 1.
  function heterogeneity(mu, sigma) {
    const n = mu.length;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      let row = 0;
      for (let j = 0; j < n; j++) {
        row += i === j ? 1 : Math.exp(-distance(mu[i], mu[j]) / Math.sqrt(sigma[i] ** 2 + sigma[j] ** 2));
      }
      sum += row / n;
    }
    return n / sum - 1;
  }

  // All numbers of a system. The arrays belong to the task and are valid until it computes again.
  function evaluate(system, task = prepare(system)) {
    const mu = system.agents.map((agent) => agent[0]);
    const sigma = system.agents.map((agent) => agent[1]);
    const parts = lossOf(task, mu, sigma);
    const production = task.production ?? (task.production = new Float64Array(POINTS));
    production.fill(0);
    for (const made of task.components) for (let k = 0; k < POINTS; k++) production[k] += made[k];
    let total = 0;
    let effective = 0;
    let over = 0;
    for (let k = 0; k < POINTS; k++) {
      total += production[k];
      effective += Math.min(production[k], task.demand[k]);
      over += Math.max(production[k] - task.demand[k], 0);
    }
    const { spacing } = task.grid;
    return {
      ...parts,
      productivity: 1 / (1 + parts.loss),
      task_productivity: 1 / (1 + parts.mismatch),
      heterogeneity: heterogeneity(mu, sigma),
      specialisation: sigma.reduce((sum, s) => sum + 1 / s, 0) / task.n,
      production: total * spacing,
      effective_production: effective * spacing,
      over_production: over * spacing,
      efficacy: total > 0 ? effective / total : 0,
      efficiency: (effective * spacing) / task.n,
      resource: task.resource,
      curves: { theta: task.grid.theta, demand: task.demand, production },
      task,
    };
  }

  function gradientOf(system, task = prepare(system)) {
    const n = system.agents.length;
    const gradient = { mu: new Float64Array(n), sigma: new Float64Array(n) };
    const [mu, sigma] = [0, 1].map((part) => system.agents.map((agent) => agent[part]));
    const parts = lossOf(task, mu, sigma, gradient);
    return { ...parts, mu: [...gradient.mu], sigma: [...gradient.sigma] };
  }

  // ---- Adam on log(1 + L) in (μ, ρ), with σ = low (high/low)^logistic(ρ): dpslib.solve(optimiser=Adam()) ----

  class Adam {
    constructor(system, { rate = 0.01, patience = 100, steps = 5000 } = {}) {
      this.task = prepare(system);
      this.rate = rate;
      this.patience = patience;
      this.limit = steps;
      const { n } = this.task;
      const inside = (s) => Math.min(Math.max(s, SIGMA_LOW * (1 + 1e-9)), SIGMA_HIGH * (1 - 1e-9));
      this.span = Math.log(SIGMA_HIGH / SIGMA_LOW);
      this.x = Float64Array.from([
        ...system.agents.map((agent) => agent[0]),
        ...system.agents.map((agent) => {
          const share = Math.log(inside(agent[1]) / SIGMA_LOW) / this.span;
          return Math.log(share / (1 - share));
        }),
      ]);
      this.best = { loss: Infinity, x: this.x.slice() };
      this.first = new Float64Array(2 * n);
      this.second = new Float64Array(2 * n);
      this.gradient = { mu: new Float64Array(n), sigma: new Float64Array(n) };
      this.count = 0;
      this.stale = 0;
      this.stop = null;
    }

    agents(x) {
      const { n } = this.task;
      return Array.from({ length: n }, (_, i) => [wrap(x[i]), this.sigma(x[n + i])[0]]);
    }

    sigma(rho) {
      const share = this.span / (1 + Math.exp(-rho));
      const sigma = SIGMA_LOW * Math.exp(share);
      return [sigma, (share - (share * share) / this.span) * sigma];
    }

    // One look at the loss, then one step; returns whether there is more to do.
    step() {
      if (this.stop) return false;
      const { n } = this.task;
      const both = Array.from({ length: n }, (_, i) => this.sigma(this.x[n + i]));
      const mu = this.x.subarray(0, n);
      const { loss } = lossOf(this.task, mu, both.map((pair) => pair[0]), this.gradient);
      this.loss = loss;
      if (loss < this.best.loss) {
        this.best = { loss, x: this.x.slice() };
        this.stale = 0;
      } else this.stale += 1;
      const slope = (i) => (i < n ? this.gradient.mu[i] : this.gradient.sigma[i - n] * both[i - n][1]) / (1 + loss);
      const flat = !this.x.some((_, i) => slope(i) !== 0);
      if (flat) this.stop = "converged";
      else if (this.stale >= this.patience) this.stop = "patience";
      else if (this.count >= this.limit) this.stop = "step limit";
      if (this.stop) return false;
      this.count += 1;
      const correction = Math.sqrt(1 - 0.999 ** this.count);
      const size = (this.rate * correction) / (1 - 0.9 ** this.count);
      for (let i = 0; i < 2 * n; i++) {
        const g = slope(i);
        this.first[i] += 0.1 * (g - this.first[i]);
        this.second[i] = 0.999 * this.second[i] + (1 - 0.999) * g * g;
        this.x[i] -= (size * this.first[i]) / (Math.sqrt(this.second[i]) + 1e-8 * correction);
      }
      return true;
    }
  }

  globalThis.DPS = Object.assign(globalThis.DPS ?? {}, {
    model: {
      TAU,
      SIGMA_LOW,
      SIGMA_HIGH,
      CONVENTIONS,
      NETWORKS,
      POINTS,
      Adam,
      blockSizes,
      distance,
      evaluate,
      gradientOf,
      halves,
      networkOf,
      prepare,
      scaledBessel,
      signedDifference,
      wrap,
    },
  });
})();
