"""Trajectories and animations of the embodied worlds: Figs 7, 8 and 10 of paper B, and 8v3 Tag."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle

from dpslib._arguments import checked
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY

ROLE_COLOURS = {"escaper": GREEN, "opponent": RED, "ball": "#222222", "obstacle": "#BBBBBB", "goal": GREEN}
"""Colours of what no agent moves."""

AGENT_COLOURS = (BLUE, ORANGE, SKY, PURPLE, "#0B3C5D", "#A65E2E", "#5D8AA8", "#7B6888")
"""Colours of the agents in their order."""


PIECES = 24
"""Ages that the way of a body is drawn in."""


@checked
def body_colours(data: xr.Dataset) -> list[str]:
    """Colours of the moving bodies, agents each their own."""
    colours, agents = [], 0
    for role in data.role.values:
        if role == "agent":
            colours.append(AGENT_COLOURS[agents % len(AGENT_COLOURS)])
            agents += 1
        else:
            colours.append(ROLE_COLOURS[str(role)])
    return colours


@checked
def scene(data: xr.Dataset, ax: Axes, *, episode: int = 0) -> Axes:
    """Draw what does not move: bounds, walls, obstacles and goals. Data as from `marl.rollouts.record`."""
    width, height = data.attrs["extent"]
    pad = 1.06
    ax.add_collection(_rectangle(width, height))
    walls = np.asarray(data.attrs["wall"], dtype=float).reshape(-1, 2, 2)
    if walls.size:
        ax.add_collection(LineCollection(list(walls), colors=GREY, lw=1.2))
    for where, role, radius in zip(
        data.fixed.isel(episode=episode).values, data.mark_role.values, data.mark_radius.values, strict=True
    ):
        if role == "goal":
            ax.plot(*where, "s", color=ROLE_COLOURS["goal"], ms=7, mec="black", mew=0.5)
        else:
            ax.add_patch(Circle(where, radius, color=ROLE_COLOURS[str(role)], lw=0))
    ax.set_xlim(-pad * width, pad * width)
    ax.set_ylim(-pad * height, pad * height)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


@checked
def trajectories(data: xr.Dataset, ax: Axes, *, policy: str, episode: int = 0, until: int | None = None) -> Axes:
    """Draw the ways of all bodies in one episode, faint where they start and full where they end.

    Args:
        data: as from `marl.rollouts.record`.
        ax: where to draw.
        policy: the label of the policy.
        episode: which episode.
        until: the last step that is drawn; all if None.
    """
    scene(data, ax, episode=episode)
    position = data.position.sel(policy=policy).isel(episode=episode, time=slice(None, until)).values
    # Lines of one age each, which overlap by a point: a line for every step would make the file many times larger.
    cuts = np.linspace(0, len(position) - 1, min(PIECES, len(position) - 1) + 1).astype(int)
    ages = np.linspace(0.15, 1, len(cuts) - 1)
    for body, colour in enumerate(body_colours(data)):
        way = position[:, body]
        pieces = [way[begin : end + 1] for begin, end in itertools.pairwise(cuts)]
        ax.add_collection(LineCollection(pieces, colors=colour, alpha=ages, lw=1.4, capstyle="round"))
        ax.add_patch(Circle(way[-1], float(data.radius[body]), color=colour, lw=0))
        ax.plot(*way[0], marker="o", ms=3, mfc="white", mec=colour, ls="none")
    return ax


@checked
def animation(data: xr.Dataset, axes: dict[str, Axes], *, episode: int = 0, every: int = 2) -> FuncAnimation:
    """Animate the same episode under several policies side by side.

    Args:
        data: as from `marl.rollouts.record`.
        axes: axes of one figure by the label of a policy.
        episode: which episode.
        every: steps between two frames, at least 1.

    Returns:
        The animation; `save_gif` writes it.
    """
    colours = body_colours(data)
    patches: dict[str, list[Circle]] = {}
    for policy, ax in axes.items():
        scene(data, ax, episode=episode)
        ax.set_title(policy, fontsize="small")
        circles = [
            Circle((0, 0), max(float(radius), 0.02), color=colour, lw=0)
            for radius, colour in zip(data.radius.values, colours, strict=True)
        ]
        for circle in circles:
            ax.add_patch(circle)
        patches[policy] = circles
    position = {policy: data.position.sel(policy=policy).isel(episode=episode).values for policy in axes}
    times = range(0, data.sizes["time"], every)

    def draw(time: int) -> list[Circle]:
        for policy, circles in patches.items():
            for circle, where in zip(circles, position[policy][time], strict=True):
                circle.center = (float(where[0]), float(where[1]))
        return [circle for circles in patches.values() for circle in circles]

    figure = next(iter(axes.values())).get_figure(root=True)
    assert figure is not None
    return FuncAnimation(figure, draw, frames=times, blit=True, interval=60)


@checked
def save_gif(moving: FuncAnimation, path: Path | str, *, dpi: int = 60, fps: int = 15) -> Path:
    """Write an animation as a GIF (some 100 kB for 50 frames of two small panels) and return its path."""
    path = Path(path)
    if path.suffix != ".gif":
        raise ValueError(f"path must end in .gif; got {str(path)!r}")
    moving.save(path, writer=PillowWriter(fps=fps), dpi=dpi)
    return path


@checked
def player(data: xr.Dataset, *, episode: int = 0, width: int = 300, label: str = "rollout") -> str:
    """Return a player of one episode as HTML: a canvas for each policy, a button and a slider, no network.

    Args:
        data: as from `marl.rollouts.record`.
        episode: which episode.
        width: width of one canvas in pixels.
        label: what the player shows, for readers who cannot see it.

    Returns:
        A `<div>` of a few kilobytes; several may stand on one page.
    """
    one = data.isel(episode=episode)
    half_width, half_height = data.attrs["extent"]
    scene_data = {
        "extent": [round(1.06 * half_width, 3), round(1.06 * half_height, 3)],
        "wall": np.round(data.attrs["wall"], 3).tolist(),
        "fixed": [
            [*np.round(where, 3).tolist(), round(float(radius), 3), ROLE_COLOURS[str(role)], str(role)]
            for where, radius, role in zip(
                one.fixed.values, data.mark_radius.values, data.mark_role.values, strict=True
            )
        ],
        "radius": [max(round(float(radius), 3), 0.02) for radius in data.radius.values],
        "colour": body_colours(data),
        "policy": [str(policy) for policy in data.policy.values],
        # Thousandths of a unit, whole numbers: a tenth of the size of what floats would take.
        "position": np.round(1000 * one.position.values).astype(int).tolist(),
        "reward": np.round(one.reward.values, 2).tolist(),
    }
    height = round(width * half_height / half_width)
    canvases = "".join(
        f'<figure style="display:inline-block;margin:4px;font:12px sans-serif"><figcaption>{policy}: <output></output>'
        f'</figcaption><canvas style="display:block;background:#fff;max-width:100%" width="{width}" height="{height}">'
        f"</canvas></figure>"
        for policy in scene_data["policy"]
    )
    steps = data.sizes["time"] - 1
    return (
        f'<div class="dps-player" role="group" aria-label="{label}">{canvases}<div><button type="button">play</button> '
        f'<input type="range" min="0" max="{steps}" value="0" aria-label="step"></div>'
        f"<script>(() => {{const d = {json.dumps(scene_data, separators=(',', ':'))};{_SCRIPT}}})();</script></div>"
    )


_SCRIPT = """
const box = document.currentScript.closest('.dps-player');
const canvas = [...box.querySelectorAll('canvas')], out = [...box.querySelectorAll('output')];
const button = box.querySelector('button'), slider = box.querySelector('input');
const last = d.position[0].length - 1;
let timer = null;
function draw(t) {
  canvas.forEach((c, p) => {
    const g = c.getContext('2d'), s = c.width / (2 * d.extent[0]);
    const X = x => (x + d.extent[0]) * s, Y = y => (d.extent[1] - y) * s;
    const disc = (x, y, r, f) => { g.fillStyle = f; g.beginPath(); g.arc(X(x), Y(y), r * s, 0, 7); g.fill(); };
    g.clearRect(0, 0, c.width, c.height);
    g.strokeStyle = '#999';
    g.strokeRect(X(-d.extent[0] / 1.06), Y(d.extent[1] / 1.06), 2 * d.extent[0] / 1.06 * s, 2 * d.extent[1] / 1.06 * s);
    for (let i = 0; i < d.wall.length; i += 4) {
      g.beginPath(); g.moveTo(X(d.wall[i]), Y(d.wall[i + 1])); g.lineTo(X(d.wall[i + 2]), Y(d.wall[i + 3])); g.stroke();
    }
    for (const f of d.fixed) disc(...f);
    d.radius.forEach((r, b) => {
      g.strokeStyle = d.colour[b]; g.globalAlpha = 0.4; g.beginPath();
      for (let k = Math.max(0, t - 40); k <= t; k++) {
        const q = d.position[p][k][b]; g.lineTo(X(q[0] / 1000), Y(q[1] / 1000));
      }
      g.stroke(); g.globalAlpha = 1;
      const q = d.position[p][t][b]; disc(q[0] / 1000, q[1] / 1000, r, d.colour[b]);
    });
    out[p].textContent = 'step ' + t + ', R = ' + (t ? d.reward[p][t - 1].toFixed(2) : '-');
  });
  slider.value = t;
}
function stop() { clearInterval(timer); timer = null; button.textContent = 'play'; }
button.onclick = () => {
  if (timer) { stop(); return; }
  let t = +slider.value % last;
  button.textContent = 'pause';
  timer = setInterval(() => { draw(++t); if (t >= last) stop(); }, 60);
};
slider.oninput = () => { stop(); draw(+slider.value); };
draw(0);
"""


def _rectangle(width: float, height: float) -> LineCollection:
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height], [-width, -height]])
    return LineCollection([corners], colors=GREY, lw=0.8)
