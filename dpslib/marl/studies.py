"""Studies: what is trained, at which budget, how it is kept, resumed and recorded (paper B, section 5).

A study is an ensemble of runs: every pair of aggregators, value of a variant (a sensing radius, say) and seed, each
with a heterogeneous and a homogeneous team. `train` advances it as one tensor program, keeps a checkpoint from which it
goes on after an interruption, and returns a dataset. Long studies are recorded to `data/results/` by `dps train`.

The tables of studies lie in the modules `TABLES`, as mappings `STUDIES` by name, with what each study says to the
claims of the paper in `ESTIMATORS`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import math
import platform
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields, checked
from dpslib.marl.nets import Policy
from dpslib.marl.ppo import PPO, TEAMS, Trainer, pair_reward
from dpslib.marl.rollouts import rollout
from dpslib.marl.world import World

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "data" / "results"
"""Where recorded studies lie."""

CHECKPOINTS = ROOT / "_build" / "marl"
"""Where studies in progress lie."""

SCALES = ("smoke", "reader", "paper")
"""For a check, for a reader's patience, and as large as we recorded."""

TABLES = ("dpslib.marl.catalogue", "dpslib.marl.studies_tag")
"""Modules with a table of studies."""

PAIRS = tuple((outer, inner) for outer in ("min", "mean", "max") for inner in ("min", "mean", "max"))
"""The nine pairs (U, T)."""


class Run(NamedTuple):
    """One run of a study: two teams that differ in kind alone."""

    variant: float
    outer: str
    inner: str
    seed: int


@dataclass(frozen=True)
class Budget:
    """What the paper spent on a study, as far as it says.

    Args:
        frames: frames of a run.
        seeds: number of seeds.
        frames_per_iteration: frames between updates.
        source: where it says so.
    """

    frames: float
    seeds: int
    frames_per_iteration: int = 60_000
    source: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        _validate.real("frames", self.frames, low=0)
        _validate.integer("seeds", self.seeds, 0)
        _validate.integer("frames_per_iteration", self.frames_per_iteration, 1)


@dataclass(frozen=True)
class Scale:
    """How much of a study is done.

    Args:
        frames: frames of each team of a run, at least 1; rounded up to whole iterations.
        seeds: number of seeds, at least 1.
        settings: of the training.
        pairs: only these pairs of aggregators; None for all of the study's.
        variants: only these values; None for all of the study's.
        points: points of a curve besides its start, at least 1.
        test_environments: episodes of a point's evaluation, at least 1.
        final_environments: episodes of the last evaluation and of what the teams do, at least 1.

    Raises:
        TypeError, ValueError: if a number is out of range.
    """

    frames: int
    seeds: int
    settings: PPO = field(default_factory=PPO)
    pairs: tuple[tuple[str, str], ...] | None = None
    variants: tuple[float, ...] | None = None
    points: int = 40
    test_environments: int = 60
    final_environments: int = 250

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("frames", "seeds", "points", "test_environments", "final_environments"):
            _validate.integer(name, getattr(self, name), low=1)


class Program(Protocol):
    """Something that is trained iteration by iteration."""

    @property
    def frames(self) -> int:
        """Frames of each team so far."""

    @property
    def frames_per_iteration(self) -> int:
        """Frames of each team in an iteration."""

    @property
    def members(self) -> int:
        """Teams in training."""

    def advance(self, progress: float) -> None:
        """Do one iteration, after a share `progress` of the budget."""

    def measure(self) -> dict[str, Tensor]:
        """Return a point of the curves."""

    def dataset(self, frames: Sequence[int], curves: Mapping[str, Tensor]) -> xr.Dataset:
        """Return the results: curves (points, ...) and what is measured at the end."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that going on takes: tensors, numbers and strings."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up such a state."""


class Trainable(Protocol):
    """What `train` asks of a study."""

    @property
    def name(self) -> str:
        """What `dps train` calls it."""

    @property
    def title(self) -> str:
        """A few words."""

    @property
    def exhibits(self) -> tuple[str, ...]:
        """Figures and tables of the paper that it recomputes."""

    @property
    def scales(self) -> Mapping[str, Scale]:
        """How much of it is done, by name."""

    @property
    def budget(self) -> Budget:
        """What the paper spent."""

    def program(self, scale: Scale, seeds: Sequence[int], device: str) -> Program:
        """Return the study, ready to be trained."""


@dataclass(frozen=True)
class Study:
    """A comparison of heterogeneous with homogeneous teams in one world.

    Args:
        name: what `dps train` calls it.
        title: what is studied, a few words.
        exhibits: figures and tables of the paper that it recomputes.
        world: from the members' runs (those of all heterogeneous teams, then of all homogeneous ones) to the world. A
            world with a method `at(progress)` says by it in which world training goes on after a share of the budget.
        scales: by name, of `SCALES`.
        budget: what the paper spent.
        pairs: pairs (U, T).
        variant: name of what else varies between runs, or "" if nothing does.
        variants: its values.
        policies: pairs whose trained policies are kept in the results.
        unit: reward of a step times this is the unit of the paper's gains.
    """

    name: str
    title: str
    exhibits: tuple[str, ...]
    world: Callable[[Sequence[Run]], World]
    scales: Mapping[str, Scale]
    budget: Budget
    pairs: tuple[tuple[str, str], ...] = PAIRS
    variant: str = ""
    variants: tuple[float, ...] = (0.0,)
    policies: tuple[tuple[str, str], ...] = ()
    unit: float = 1.0

    def runs(self, scale: Scale, seeds: Sequence[int]) -> list[Run]:
        """Return the runs in the order of the ensemble."""
        pairs = self.pairs if scale.pairs is None else scale.pairs
        variants = self.variants if scale.variants is None else scale.variants
        return [Run(v, *pair, seed) for v, pair, seed in itertools.product(variants, pairs, seeds)]

    def program(self, scale: Scale, seeds: Sequence[int], device: str) -> Program:
        """Return the study, ready to be trained."""
        return Comparison(self, scale, seeds, device)


class Comparison:
    """A study in training; a `Program`.

    Args:
        study: what is trained.
        scale: how much.
        seeds: seeds of the runs.
        device: where.
    """

    def __init__(self, study: Study, scale: Scale, seeds: Sequence[int], device: str) -> None:
        self.study, self.scale, self.seeds = study, scale, list(seeds)
        self.runs = study.runs(scale, seeds)
        self.world = study.world(self.runs * len(TEAMS))
        reward = pair_reward([(run.outer, run.inner) for run in self.runs], len(TEAMS))
        self.trainer = Trainer(
            self.world, reward, [run.seed for run in self.runs], settings=scale.settings, device=device
        )
        self._sampled = torch.full((self.trainer.members,), math.nan, device=self.trainer.device)

    @property
    def frames(self) -> int:
        """Frames of each team so far."""
        return self.trainer.frames

    @property
    def frames_per_iteration(self) -> int:
        """Frames of each team in an iteration."""
        return self.trainer.frames_per_iteration

    @property
    def members(self) -> int:
        """Teams in training."""
        return self.trainer.members

    def advance(self, progress: float) -> None:
        """Do one iteration, after a share `progress` of the budget."""
        settings = self.scale.settings
        if settings.last_rate != 1:
            for group in self.trainer.optimiser.param_groups:
                group["lr"] = settings.learning_rate * settings.last_rate**progress
        at = getattr(self.world, "at", None)
        self._sampled = self.trainer.iterate(None if at is None else at(progress))

    def measure(self) -> dict[str, Tensor]:
        """Return a point of the curves: `reward` by the mode, `sampled` with the noise of training."""
        return {"reward": self.trainer.evaluate(self.scale.test_environments), "sampled": self._sampled}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that going on takes."""
        return {"trainer": self.trainer.state_dict(), "sampled": self._sampled}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up such a state."""
        self.trainer.load_state_dict(state["trainer"])
        self._sampled = state["sampled"].to(self.trainer.device)

    def dataset(self, frames: Sequence[int], curves: Mapping[str, Tensor]) -> xr.Dataset:
        """Return the results.

        Returns:
            `curve` and `sampled` (frame, team, [variant,] pair, seed): mean reward a step over training, acting by the
            mode and with the noise of training; `reward` (team, ..., pair, seed): that of the last policies by the mode
            over more episodes; `gain` (..., pair, seed): the heterogeneous reward less the homogeneous; what teams do,
            one variable each (team, ..., pair, seed), where the world says; `weights` (team, ..., kept_pair, seed,
            agent, parameter): the kept policies.
        """
        trainer, study, scale = self.trainer, self.study, self.scale
        pairs = study.pairs if scale.pairs is None else scale.pairs
        variants = study.variants if scale.variants is None else scale.variants
        dims = ["team", *([study.variant] if study.variant else []), "pair", "seed"]
        shape = [len(TEAMS), *([len(variants)] if study.variant else []), len(pairs), len(self.seeds)]

        def labelled(values: Tensor, *before: str) -> tuple[list[str], np.ndarray]:
            array = values.detach().cpu().double().numpy()
            return [*before, *dims], array.reshape(array.shape[: len(before)] + tuple(shape))

        reward = trainer.evaluate(scale.final_environments) * study.unit
        data = xr.Dataset(
            {
                "curve": labelled(curves["reward"] * study.unit, "frame"),
                "sampled": labelled(curves["sampled"] * study.unit, "frame"),
                "reward": labelled(reward),
            },
            coords={
                "frame": list(frames),
                "team": list(TEAMS),
                "pair": [f"{outer}_{inner}" for outer, inner in pairs],
                "seed": self.seeds,
            },
        )
        if study.variant:
            data = data.assign_coords({study.variant: list(variants)})
        data["gain"] = data.reward.sel(team=TEAMS[0], drop=True) - data.reward.sel(team=TEAMS[1], drop=True)
        policy = trainer.policy()
        if hasattr(self.world, "behaviour"):
            starts = trainer.starts(min(scale.final_environments, 10_000 // self.world.horizon + 1))
            for name, values in self.world.behaviour(rollout(self.world, policy, starts)).items():
                data[name] = labelled(values)
        kept = [pair for pair in study.policies if pair in pairs]
        if kept:
            rows = policy.weights.cpu().view(*shape, *policy.weights.shape[1:])
            rows = rows.index_select(len(shape) - 2, torch.tensor([pairs.index(pair) for pair in kept]))
            names = [*dims[:-2], "kept_pair", "seed", "agent", "parameter"]
            data = data.assign_coords(kept_pair=[f"{outer}_{inner}" for outer, inner in kept])
            data["weights"] = (names, rows.float().numpy())
            data.attrs["architecture"] = json.dumps(asdict(policy.architecture))
        return data


@checked
def kept_policy(data: xr.Dataset, world: World, **selection: Any) -> Policy:
    """Return trained teams that a study kept.

    Args:
        data: results with `weights`.
        world: the world that they were trained in, which says whether actions are choices.
        selection: along the dimensions of `weights`, for instance `team="homogeneous", kept_pair="min_max", seed=0`;
            what is left becomes the members.

    Returns:
        The policy of E teams.

    Raises:
        ValueError: if the study kept no policies, or none with these coordinates.
    """
    from dpslib.marl.nets import Architecture

    if "weights" not in data:
        raise ValueError(f"data must hold weights; the study {data.attrs.get('study', '')!r} kept no policies")
    try:
        rows = data.weights.sel(selection)
    except KeyError as error:
        raise ValueError(f"no policy was kept for {selection}: {error}") from None
    sizes = json.loads(data.attrs["architecture"])
    architecture = Architecture(sizes["inputs"], tuple(sizes["hidden"]), sizes["outputs"], sizes["spread"])
    weights = torch.tensor(rows.transpose(..., "agent", "parameter").values)
    return Policy(architecture, weights.reshape(-1, *weights.shape[-2:]), world.discrete)


def studies() -> dict[str, Trainable]:
    """Return all studies by name."""
    return _tables("STUDIES")


@checked
def get_study(name: str) -> Trainable:
    """Return a study by its name.

    Raises:
        ValueError: if there is none of that name.
    """
    known = studies()
    return known[_validate.choice("study", name, known)]


@checked
def study_results(data: xr.Dataset) -> dict[str, float]:
    """Return what a study's results say to the claims of the paper, by estimator name.

    Raises:
        ValueError: if the data are not those of a study.
    """
    name = _validate.choice("data's study", data.attrs.get("study"), studies())
    estimators: dict[str, Callable[[xr.Dataset], dict[str, float]]] = _tables("ESTIMATORS")
    return estimators[name](data) if name in estimators else {}


@checked
def seed_results(data: xr.Dataset) -> dict[str, list[float]]:
    """Return what each seed alone says to the claims, by estimator name: the spread that verdicts take.

    Only of what is a mean over seeds. A count of gains that stand out of their error, a test or a ratio of means is a
    statement on all seeds together, which a single one does not make.
    """
    together = study_results(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # spreads and tests of one seed
        alone = [study_results(data.isel(seed=[index])) for index in range(data.sizes["seed"])]
    found = {name: [one.get(name, math.nan) for one in alone] for name in together}
    return {
        name: values for name, values in found.items() if math.isclose(np.mean(values), together[name], abs_tol=1e-9)
    }


def _tables(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in TABLES:
        if find_spec(module) is not None:
            found |= getattr(import_module(module), name, {})
    return found


@dataclass(frozen=True)
class Outcome:
    """What `train` returns.

    Attributes:
        data: the results so far.
        complete: whether the budget is spent.
        frames: frames of each team so far.
        total: frames of each team that the scale asks for.
        seconds: time of training and measuring so far, over all calls.
        rate: frames of all teams per second in this call; NaN if nothing was left to do.
    """

    data: xr.Dataset
    complete: bool
    frames: int
    total: int
    seconds: float
    rate: float


@checked
def train(
    study: str | Trainable,
    scale: str | Scale = "reader",
    *,
    seeds: Iterable[int] | None = None,
    device: str = "cpu",
    seconds: float | None = None,
    checkpoint: Path | None = None,
    every: float = 60.0,
    progress: Callable[[int, int, float], None] | None = None,
) -> Outcome:
    """Train a study, or go on with it.

    Args:
        study: a study or its name.
        scale: of `SCALES`, or a scale of one's own.
        seeds: seeds of the runs, integers of at least 0, each once; 0, 1, ... up to the scale's number if None.
        device: `cpu`, `cuda` or `cuda:K`.
        seconds: stop after about so many seconds, positive; None for no limit.
        checkpoint: file from which to go on if it is there, and to which the state is written; None for none. Another
            process that trains to the same file is waited for.
        every: seconds between checkpoints, positive.
        progress: called after each point with frames, frames in total and frames of all teams per second.

    Returns:
        The results; with `complete` false if the time did not suffice.

    Raises:
        TypeError, ValueError: if an argument is out of its domain, or the checkpoint of another study, scale or seeds.
    """
    from dpslib.storage import lock

    # Another process that trains the same is waited for; what it left is then gone on with.
    with lock(checkpoint) if checkpoint is not None else contextlib.nullcontext():
        return _train(study, scale, seeds, device, seconds, checkpoint, every, progress)


def _train(
    study: str | Trainable,
    scale: str | Scale,
    seeds: Iterable[int] | None,
    device: str,
    seconds: float | None,
    checkpoint: Path | None,
    every: float,
    progress: Callable[[int, int, float], None] | None,
) -> Outcome:
    study = get_study(study) if isinstance(study, str) else study
    label = scale if isinstance(scale, str) else "own"
    chosen = study.scales[_validate.choice("scale", scale, study.scales)] if isinstance(scale, str) else scale
    numbers = list(range(chosen.seeds)) if seeds is None else [_validate.integer("seeds", s, low=0) for s in seeds]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"seeds must name at least one, each once; got {numbers}")
    if seconds is not None:
        _validate.real("seconds", seconds, low=0, open_low=True)
    _validate.real("every", every, low=0, open_low=True)
    _validate.device(device)

    program = study.program(chosen, numbers, device)
    size = program.frames_per_iteration
    iterations = math.ceil(chosen.frames / size)
    points = {round(k * iterations / chosen.points) for k in range(chosen.points + 1)}
    key = json.dumps([study.name, _plain(chosen), numbers], sort_keys=True)
    frames: list[int] = []
    curves: dict[str, list[Tensor]] = {}
    spent = 0.0
    if checkpoint is not None and checkpoint.is_file():
        state = _load(checkpoint)
        if state.get("key") != key:
            raise ValueError(
                f"checkpoint {checkpoint} is of another study, scale or seeds; remove it, or give another: "
                f"it holds {state.get('key')}, asked for is {key}"
            )
        try:
            program.load_state_dict(state["program"])
            frames, spent = list(state["frames"]), float(state["seconds"])
            curves = {name: list(values) for name, values in state["curves"].items()}
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"checkpoint {checkpoint} does not hold what was saved: {error}; remove it") from error

    start = last = time.perf_counter()
    begun = program.frames

    def save() -> None:
        if checkpoint is not None:
            stacked = {name: torch.stack(values) for name, values in curves.items()}
            elapsed = spent + time.perf_counter() - start
            _save(
                checkpoint,
                {"key": key, "program": program.state_dict(), "frames": frames, "curves": stacked, "seconds": elapsed},
            )

    def rate() -> float:
        return (program.frames - begun) * program.members / max(time.perf_counter() - start, 1e-9)

    def measure() -> None:
        for name, values in program.measure().items():
            curves.setdefault(name, []).append(values.detach().cpu().clone())
        frames.append(program.frames)
        if progress is not None:
            progress(program.frames, iterations * size, rate())

    if not frames:
        measure()
    while (done := program.frames // size) < iterations:
        program.advance(done / iterations)
        if done + 1 in points:
            measure()
        now = time.perf_counter()
        if seconds is not None and now - start > seconds:
            break
        if now - last > every:
            save()
            last = now
    save()
    complete = program.frames >= iterations * size
    worked = program.frames > begun
    speed = rate() if worked else math.nan
    if frames[-1] != program.frames:
        # The curve of a study that was stopped ends where it was stopped; the checkpoint keeps its even points.
        frames, curves = list(frames), {name: list(values) for name, values in curves.items()}
        measure()
    data = program.dataset(frames, {name: torch.stack(values) for name, values in curves.items()})
    spent += time.perf_counter() - start
    data.attrs |= {
        "study": study.name,
        "title": study.title,
        "scale": label,
        "parameters": json.dumps(_plain(chosen), sort_keys=True),
        "frames": program.frames,
        "complete": int(complete),
        "seconds": round(spent, 1),
        "frames_per_second": round(speed) if worked else 0,
        "device": device_name(device),
        "versions": json.dumps(
            {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        ),
        "source_sha256": source_hash(),
    }
    return Outcome(data, complete, program.frames, iterations * size, spent, speed)


def _plain(value: Any) -> Any:
    """Return settings as what JSON can hold."""
    return json.loads(json.dumps(asdict(value), default=str, sort_keys=True))


MEASURED = ("seconds", "frames_per_second", "device", "versions", "source_sha256")
"""Attributes of results that say how they were computed."""


@checked
def reproducible(data: xr.Dataset) -> xr.Dataset:
    """Return results without what another execution says otherwise: times, machine, versions and sources."""
    kept = {name: value for name, value in data.attrs.items() if name not in MEASURED}
    return data.drop_attrs(deep=False).assign_attrs(kept)


@checked
def device_name(device: str) -> str:
    """Return what a device is called."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s)"


def source_hash() -> str:
    """Return the SHA-256 of the modules that training runs through."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


# Files


def _write(path: Path, data: bytes) -> None:
    from dpslib.storage import write_alone

    write_alone(path, data)


def _save(path: Path, state: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    _write(path, buffer.getvalue())


def _load(path: Path) -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values alone, never code."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"checkpoint {path} cannot be read: {error}") from None
    if not isinstance(state, dict):
        raise ValueError(f"checkpoint {path} cannot be read: it holds a {type(state).__name__}")
    return state


@checked
def write_results(data: xr.Dataset, path: Path) -> None:
    """Write results to a netCDF file that is there with all its bytes or as it was before.

    The file is HDF5 by h5netcdf, or, on a machine without it, netCDF 3 by SciPy. `data_sha256` among the attributes is
    the hash of all numbers.
    """
    data = data.assign_attrs(data_sha256=data_hash(data))
    if find_spec("h5netcdf") is not None:
        compress = {name: {"zlib": True} for name, values in data.data_vars.items() if values.ndim}
        _write(path, bytes(data.to_netcdf(engine="h5netcdf", encoding=compress)))
    else:
        _write(path, bytes(data.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))


@checked
def read_results(name: str | Path) -> xr.Dataset:
    """Return recorded results.

    Args:
        name: a file, or the name of a study recorded in `data/results/`.

    Raises:
        FileNotFoundError: if it is not there; the message says how it is made.
        ValueError: if its numbers are not those that were written.
    """
    path = RESULTS / f"marl-{name.removeprefix('marl-')}.nc" if isinstance(name, str) else name
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; it is made by: dps train {name} --scale paper")
    engine = "h5netcdf" if path.read_bytes()[:4] == b"\x89HDF" else "scipy"
    try:
        with xr.open_dataset(path, engine=engine) as data:
            data.load()
    except (AttributeError, EOFError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a netCDF file: {error}") from error
    if data.attrs.get("data_sha256") != data_hash(data):
        raise ValueError(f"{path} does not hold the numbers that were written to it")
    return data


@checked
def recorded(name: str) -> bool:
    """Whether a study is recorded in `data/results/`."""
    return (RESULTS / f"marl-{name.removeprefix('marl-')}.nc").is_file()


@checked
def data_hash(data: xr.Dataset) -> str:
    """Return the SHA-256 of the names, shapes and numbers of a dataset."""
    digest = hashlib.sha256()
    for name in sorted(map(str, data.data_vars)):
        values = data[name]
        digest.update(f"{name} {values.dims} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values.values, dtype=np.float64).tobytes())
    return digest.hexdigest()


@checked
def merge(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join results of the same study and scale with other seeds, as several machines computed them.

    Args:
        parts: the results, in any order.

    Returns:
        One dataset with all seeds in order; `seconds` add up.

    Raises:
        ValueError: if there is no part, a seed appears twice, or the parts differ in study, budget or source.
    """
    if not parts:
        raise ValueError("parts must name at least one; got none")
    for name in ("study", "parameters", "frames", "source_sha256"):
        values = {str(part.attrs.get(name)) for part in parts}
        if len(values) > 1:
            raise ValueError(f"parts must have the same {name}; got {', '.join(sorted(values))}")
    seeds = [int(seed) for part in parts for seed in part.seed.values]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"parts must have different seeds; got {sorted(seeds)}")
    data = xr.concat(parts, "seed", data_vars="minimal", coords="minimal", compat="override", join="override")
    data = data.sortby("seed").assign_attrs(parts[0].attrs)
    return data.assign_attrs(
        seconds=sum(float(part.attrs["seconds"]) for part in parts),
        complete=int(all(int(part.attrs["complete"]) for part in parts)),
    )


@checked
def with_settings(scale: Scale, **changes: Any) -> Scale:
    """Return a scale with other settings of the training."""
    return replace(scale, settings=replace(scale.settings, **changes))
