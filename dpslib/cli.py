"""The command ``dps``.

Everything heavy is imported inside the commands, so that ``dps --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dpslib.demand import Demand
    from dpslib.execute import NotebookError
    from dpslib.solver import Solution

ROOT = Path(__file__).resolve().parents[1]


class UserError(click.ClickException):
    """A mistake of the user: one message on the standard error, cut where it is long, exit code 2, no traceback."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= 1500 else f"{message[:300]} ... {message[-1200:]}")


class Commands(click.Group):
    """Commands whose errors end in one message: exit code 2 for what the user can put right, 1 for anything else."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            from dpslib.storage import FULL

            if error.errno == errno.EPIPE:  # the reader of the output has gone
                raise
            # The folder is the user's choice; that the disk is full is not.
            failure = click.ClickException if error.errno in (*FULL, errno.EIO) else UserError
            raise failure(str(error)) from None
        except (ImportError, TypeError, ValueError) as error:
            raise UserError(str(error)) from None
        except RuntimeError as error:
            from dpslib.execute import StoppedError

            if not isinstance(error, StoppedError):
                raise
            raise click.ClickException(str(error)) from None


def notebook_failure(error: NotebookError, chosen: object) -> click.ClickException:
    """Return what to raise for an error in a notebook's cell.

    Args:
        error: the error.
        chosen: what the user has set. The library and the notebooks refuse a wrong value by a TypeError or ValueError;
            nothing is kept of it. Anything else is a defect, and the failed notebook is kept.
    """
    if not chosen or error.name not in ("TypeError", "ValueError"):
        return click.ClickException(str(error))
    error.failed.unlink(missing_ok=True)
    return UserError(error.value)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dpslib", prog_name="dps")
def main() -> None:
    """Distributed production systems: solve one of your own, run the notebooks with your own parameters."""


def find_notebook(name: str) -> Path:
    """Find the source of a notebook.

    Args:
        name: A path, a stem such as ``02_ecology``, or a prefix of one such as ``02``.

    Returns:
        The path of the source.

    Raises:
        UserError: No notebook, or more than one, has that name.
    """
    path = Path(name)
    with contextlib.suppress(OSError, ValueError):  # no file can have this name
        if path.is_file() and path.suffix == ".py":
            return path
    known = sorted((ROOT / "notebooks").glob("*.py"))
    exact = [p for p in known if p.stem == name]
    found = exact or [p for p in known if name and p.stem.startswith(name)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(p.stem for p in (found or known)) or "none here"
    reason = "is the beginning of several notebooks" if found else "is no notebook"
    raise UserError(f"{name!r} {reason}: {listed}")


def check_output(path: Path) -> None:
    """Check that a file can be written, before any work starts.

    Raises:
        UserError: its folder is not there, or nothing can be written into it.
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UserError(f"--output {shown(path)}: there is no folder {shown(folder)}")
    if not os.access(folder, os.W_OK):
        raise UserError(f"--output {shown(path)}: nothing can be written into {shown(folder)}")


def shown(path: Path) -> str:
    """Return a path as the user would type it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


parameter_option = click.option(
    "-p",
    "--parameter",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="PARAMETER VALUE",
    help="Set a parameter of what is executed; may be given several times.",
)


@main.command
@click.argument("notebook")
@parameter_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the executed notebook.  [default: _build/runs/NAME.ipynb]",
)
@click.option("--force", is_flag=True, help="Execute even if this result is there already.")
def run(notebook: str, parameters: tuple[tuple[str, str], ...], output: Path | None, force: bool) -> None:
    """Execute a notebook.

    NOTEBOOK is a path, a name such as 02_ecology, or the beginning of one such as 02.

    A result that is there already and still holds is not computed again.
    """
    from dpslib.execute import NotebookError, Record, execute, parse_value, record_path
    from dpslib.notebook import check_given

    source = find_notebook(notebook)
    target = output or ROOT / "_build" / "runs" / f"{source.stem}.ipynb"
    before = Record.load(record_path(target))
    given = {name: parse_value(value) for name, value in parameters}
    check_given(source, given)
    try:
        record = execute(source, target, given, force=force)
    except NotebookError as error:
        raise notebook_failure(error, given) from None
    done = "up to date, computed" if record == before else "computed"
    click.echo(f"{shown(target)} ({done} in {record.seconds:.1f} s)")


@main.command
@click.argument("name", metavar="ID")
@click.option("--scale", default="reader", show_default=True, help="smoke, reader or paper.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a parameter of the notebook, or an argument of a function that computes the figure; several times.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files.  [default: _build/figures/ID]",
)
@click.option("--list", "listed", is_flag=True, help="Only list what can be set.")
def figure(name: str, scale: str, settings: tuple[str, ...], output: Path | None, listed: bool) -> None:
    """Recompute one figure or table alone and write its images, its data and how it was made.

    ID is its label in the book, such as fig-a-04 or tab-b-1. Of its notebook, only the cells that it needs are
    executed. For instance, Fig 4 for species of another breadth:

        dps figure fig-a-04 --set sigma=0.8
    """
    from dpslib import recompute
    from dpslib.execute import NotebookError

    if listed:
        for key, kind in recompute.settable(name).items():
            click.echo(f"{key:<20}{kind}")
        return
    given = dict(recompute.parse_setting(text) for text in settings)
    if given.get("scale", scale) != scale:
        raise UserError(f"--scale {scale} and --set scale={given['scale']} say different things")
    planned = recompute.plan(name, {"scale": scale, **given})
    try:
        folder = recompute.recompute(planned, output)
    except NotebookError as error:
        raise notebook_failure(error, given) from None
    for path in sorted(folder.iterdir()):
        click.echo(shown(path))


@main.command
@click.argument("name")
@parameter_option
@click.option(
    "--notebook",
    "notebooks",
    multiple=True,
    help="Only this notebook, such as 02_ecology; what is recorded of the others stays. May be given several times.",
)
def record(name: str, parameters: tuple[tuple[str, str], ...], notebooks: tuple[str, ...]) -> None:
    """Execute all notebooks with the same parameters and write what they found to data/results/NAME.json.

    For instance, all of paper A with every system solved by Newton's method:

        dps record paper-newton -p scale paper -p optimiser newton
    """
    from dpslib import ledger
    from dpslib.execute import NotebookError, parse_value

    given = {key: parse_value(value) for key, value in parameters}
    try:
        path = ledger.record(name, given, notebooks)
    except NotebookError as error:
        raise notebook_failure(error, given) from None
    click.echo(shown(path))


def in_section(name: str, section: str) -> bool:
    """Return whether a section is another one or below it."""
    return f"{name}.".startswith(f"{section}.")


@main.command
@click.option("--paper", type=click.Choice(["A", "B"]), help="Only claims of this paper.")
@click.option("--section", help="Only claims of this section and those below it, such as 3.1.")
@click.option("--verdict", help="Only claims with this verdict, such as 'not reproduced'.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@click.option("--store", is_flag=True, help="Store the verdicts of this version; refused if one changed unexplained.")
def claims(paper: str | None, section: str | None, verdict: str | None, form: str, store: bool) -> None:
    """Show what the papers print, what was recomputed, and the verdict.

    The verdicts rest on what is recorded in data/results at the papers' scale.
    """
    from dpslib import ledger
    from dpslib.verdicts import VERDICTS

    if verdict is not None and verdict not in VERDICTS:
        raise UserError(f"--verdict must be one of {', '.join(VERDICTS)}; got {verdict!r}")
    found = ledger.entries()
    if section is not None and not any(in_section(one.claim.section, section) for one in found):
        known = ", ".join(dict.fromkeys(one.claim.section for one in found))
        raise UserError(f"--section must be one that has claims, or the beginning of some: {known}; got {section!r}")
    if store:
        click.echo(shown(ledger.store(found)))
        return
    chosen = [
        one
        for one in found
        if paper in (None, one.claim.paper)
        and verdict in (None, one.verdict)
        and (section is None or in_section(one.claim.section, section))
    ]
    if form == "json":
        import json

        click.echo(json.dumps(ledger.as_records(chosen), ensure_ascii=False, indent=1))
    elif form == "csv":
        click.echo(ledger.frame(chosen).to_csv() if chosen else "", nl=False)
    else:
        click.echo(ledger.text(chosen))


@main.command
@click.argument("name", metavar="ID")
@click.option(
    "--format", "form", type=click.Choice(["bibtex", "csl-json", "text"]), default="bibtex", show_default=True
)
def cite(name: str, form: str) -> None:
    """Print how to cite a figure or table: itself, the paper's that it recomputes, and the methods it rests on.

    ID is its label in the book, such as fig-a-04 or tab-b-1.
    """
    from dpslib import citation

    click.echo(citation.formatted(name, form), nl=False)


scale_option = click.option(
    "--scale", type=click.Choice(("smoke", "reader", "paper")), default="smoke", show_default=True
)


@main.group
def release() -> None:
    """Compare a build with the release before it, and keep what a release holds."""


@release.command("check")
@scale_option
@click.option(
    "--exhibits",
    type=click.Path(file_okay=False, path_type=Path),
    help="Figures and tables of the build.  [default: _build/exhibits/SCALE]",
)
def release_check(scale: str, exhibits: Path | None) -> None:
    """Find changes of figures that CHANGELOG.md does not explain; exit code 1 if there are some.

    A change of data or axes is explained by a line in the changelog's first section, such as

        - `fig-a-04`, `tab-a-*` (data, axes): the catalogue has the printed breadths now.
    """
    from dpslib import release as work

    wrong = work.check(scale, exhibits=exhibits)
    count = len(work.describe_all(exhibits or work.EXHIBITS / scale))
    before = work.latest(scale)
    if wrong:
        raise click.ClickException("\n".join(["changed without a reason:", *wrong]))
    if before is None:
        click.echo(f"{count} figures and tables; nothing is kept of an earlier release at scale {scale}")
    else:
        click.echo(f"{count} figures and tables, all changes explained")


@release.command("store")
@scale_option
def release_store(scale: str) -> None:
    """Keep what a build holds in data/releases; refused if something changed unexplained."""
    from dpslib import release as work

    try:
        click.echo(shown(work.store(scale)))
    except FileNotFoundError as error:
        raise UserError(str(error)) from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@release.command("metadata")
def release_metadata() -> None:
    """Write codemeta.json and .zenodo.json from CITATION.cff."""
    from dpslib import metadata

    for path in metadata.write():
        click.echo(shown(path))


@main.command
@scale_option
@click.option("--notebook", "notebooks", multiple=True, help="Only this notebook; may be given several times.")
@click.option("--tolerance", type=float, help="Largest relative difference that counts as none.  [default: 1e-6]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the certificate.  [default: _build/verify/certificate-SCALE.json]",
)
def verify(scale: str, notebooks: tuple[str, ...], tolerance: float | None, output: Path | None) -> None:
    """Execute notebooks again and compare what they give with the release: exit code 1 if something differs.

    The certificate that is written can be sent to the project; the book shows those received.
    """
    import json

    from dpslib import release as releases
    from dpslib import verify as work
    from dpslib.execute import NotebookError
    from dpslib.storage import write_alone

    target = output or work.FOLDER / f"certificate-{scale}.json"
    if output is not None:
        check_output(output)
    stems = [find_notebook(name).stem for name in notebooks]
    limit = releases.TOLERANCE if tolerance is None else tolerance
    try:
        found = work.verify(scale, stems, tolerance=limit)
    except (FileNotFoundError, ValueError) as error:
        raise UserError(str(error)) from None
    except NotebookError as error:
        raise click.ClickException(str(error)) from None
    write_alone(target, (json.dumps(found.certificate, indent=1) + "\n").encode())
    click.echo(work.text(found))
    click.echo(shown(target))
    if not found.passed:
        raise SystemExit(1)


@main.command
@scale_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write, or a file that ends in .zip.  [default: _build/crate/SCALE]",
)
def crate(scale: str, output: Path | None) -> None:
    """Write all figures and tables of a build as one RO-Crate: each with the action that made it."""
    from dpslib import crate as work

    click.echo(shown(work.write(scale, output)))


class Peak(click.ParamType):
    """A mode of a demand, CENTRE,SIGMA or CENTRE,SIGMA,WEIGHT."""

    name = "CENTRE,SIGMA[,WEIGHT]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Read the numbers."""
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
            self.fail(f"{value!r} is not CENTRE,SIGMA or CENTRE,SIGMA,WEIGHT, in radians, such as 1.57,0.5", param, ctx)
        return numbers if len(numbers) == 3 else (*numbers, 1.0)


def read_demand(path: Path) -> Demand:
    """Read a demand from a CSV file.

    Args:
        path: one column of values at equidistant points from 0, the end point 2π excluded, or two columns: points
            (radians) and values. A first line that holds no numbers is a heading.

    Returns:
        The demand, linear between the points and periodic.

    Raises:
        UserError: the file cannot be read as such a table, or a value is negative or not finite.
    """
    import numpy as np
    import pandas as pd

    from dpslib.circle import TAU
    from dpslib.demand import Function

    try:
        frame = pd.read_csv(path, header=None, comment="#", skipinitialspace=True)
        numbers = frame.apply(pd.to_numeric, errors="coerce")
        if numbers.iloc[0].isna().all():
            frame, numbers = frame.iloc[1:], numbers.iloc[1:]
    except (OSError, UnicodeDecodeError, ValueError, IndexError) as error:
        raise UserError(f"--demand {shown(path)} cannot be read as a table of numbers: {error}") from None
    bad = ~np.isfinite(numbers.to_numpy(dtype=float))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise UserError(f"--demand {shown(path)} must hold finite numbers; got {frame.iat[row, column]!r}")
    if numbers.shape[1] not in (1, 2) or len(numbers) < 2:
        rows, columns = numbers.shape
        raise UserError(
            f"--demand {shown(path)} must have one or two columns, two or more rows; got {columns} and {rows}"
        )
    values = numbers.iloc[:, -1].to_numpy(dtype=float)
    if (values < 0).any():
        raise UserError(f"--demand {shown(path)} must not be negative; got {values.min():g}")
    points = np.arange(len(values)) * TAU / len(values)
    if numbers.shape[1] == 2:
        points = numbers.iloc[:, 0].to_numpy(dtype=float)
    return Function(lambda theta: np.interp(theta.cpu().numpy(), points, values, period=TAU))


def report(solution: Solution) -> str:
    """Return what a terminal shows of a solved system: its measures, and the agents of the best run."""
    best = solution.best()
    measured = best.measures()
    runs = solution.data.sizes["run"]
    reached = int((solution.data.loss <= 1.01 * float(best.data.loss) + 1e-12).sum())
    lines = [
        f"best of {runs} runs (seed {int(best.data.seed)}; {reached} within 1 % of it), "
        f"stopped by {best.data.stop.item()} after {int(best.data.iterations)} steps",
        "",
        *(f"{name:<22}{float(value):>10.5g}" for name, value in {"loss": best.data.loss, **measured.data_vars}.items()),
        "",
        f"{'agent':>5} {'centre μ':>10} {'breadth σ':>10} {'1/σ':>10} {'weight α':>10}",
    ]
    for agent in best.data.agent.values:
        one = best.data.sel(agent=agent)
        mu, sigma, weight = (float(one[name]) for name in ("mu", "sigma", "weight"))
        lines.append(f"{agent:>5} {mu:>10.4f} {sigma:>10.4f} {1 / sigma:>10.4f} {weight:>10.4g}")
    return "\n".join(lines)


@main.command
@click.option("--peak", "peaks", type=Peak(), multiple=True, help="A mode of the demand, radians; several add up.")
@click.option(
    "--demand",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file with the demand: values at equidistant points, or points (radians) and values.",
)
@click.option("-n", "--agents", type=int, required=True, help="Number of agents.")
@click.option("--network", default="circle", show_default=True, help="circle, complete, isolated or star.")
@click.option("--resource", type=float, help="R, which divides production.  [default: production has area 1]")
@click.option("--communication", type=float, help="Strength of the communication cost.")
@click.option("--stiffness", type=float, help="Strength of the pull towards π.")
@click.option("--runs", type=int, default=8, show_default=True, help="Random starts.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the first start.")
@click.option("--max-steps", type=int, default=5000, show_default=True, help="The most steps of a run.")
@click.option("--convention", default="identified", show_default=True, help="identified or paper_text.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all runs to this netCDF file.",
)
def solve(
    peaks: tuple[tuple[float, ...], ...],
    file: Path | None,
    agents: int,
    output: Path | None,
    **settings: Any,
) -> None:
    """Find the agents that best meet a demand of your own.

    For instance, four agents before two equal modes:

        dps solve -n 4 --peak 1.57,0.5 --peak 4.71,0.5
    """
    if bool(peaks) == (file is not None):
        raise UserError("give the demand either by --peak, once or more, or by --demand FILE")
    if output is not None:
        check_output(output)

    from dpslib import solver
    from dpslib.convention import get_convention
    from dpslib.demand import mixture

    if file is None:
        centres, sigmas, weights = (list(column) for column in zip(*peaks, strict=True))
        demand: Demand = mixture(centres, sigmas, weights=weights)
    else:
        demand = read_demand(file)
    solution = solver.solve(demand, agents, **settings)
    finest = get_convention(settings["convention"]).resolution
    if peaks and min(sigmas) < finest:
        click.echo(f"Warning: the breadth {min(sigmas):g} is below {finest:.3g}, what the grid resolves", err=True)
    click.echo(report(solution))
    if output is not None:
        from dpslib.storage import write_alone

        write_alone(output, bytes(solution.data.to_netcdf(engine="h5netcdf")))
        click.echo(f"\n{shown(output)}")


def seed_group(text: str | None) -> list[int] | None:
    """Read seeds: FIRST:END as in Python's ranges, or numbers joined by commas.

    Raises:
        UserError: if it is neither, or names no seed or more than a million.
    """
    from dpslib._arguments import MOST

    if text is None:
        return None
    try:
        if ":" in text:
            group = range(*map(int, text.split(":", 1)))
            seeds = list(group) if len(group) <= MOST else []
        else:
            seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds:
        raise UserError(
            f"--seeds {text} must be FIRST:END, with END left out of the group, or numbers such as 0,1,2; "
            f"at most {MOST} seeds"
        )
    return seeds


@main.command
@click.argument("studies", nargs=-1, metavar="[STUDY]...")
@click.option("--scale", default="paper", show_default=True, help="smoke, reader or paper.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:K.")
@click.option(
    "--seeds", metavar="FIRST:END", help="Only these seeds, for one job of many.  [default: all of the scale]"
)
@click.option("--seconds", type=float, help="Stop after so many seconds in all; a later call goes on.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File for the results of one study, or folder for several.  [default: data/results at scale paper with all "
    "seeds, else _build/marl]",
)
@click.option(
    "--checkpoints",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the studies in progress.  [default: _build/marl]",
)
@click.option(
    "--merge",
    "parts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Train nothing: join these results of several groups of seeds.",
)
def train(
    studies: tuple[str, ...],
    scale: str,
    device: str,
    seeds: str | None,
    seconds: float | None,
    output: Path | None,
    checkpoints: Path | None,
    parts: tuple[Path, ...],
) -> None:
    r"""Train teams of agents, the studies of paper B, and record what they gain.

    Without a STUDY, all are listed; a beginning that ends in a hyphen, such as matrix-, stands for all that start so.

    A study that was interrupted goes on where it was. One that is stopped by --seconds writes what it has reached,
    marked as not complete.

    \b
    Larger studies run as one job a group of seeds, for instance by Slurm (sbatch):
        #SBATCH --array=0-8 --gres=gpu:1 --time=1:00:00
        i=$SLURM_ARRAY_TASK_ID
        dps train capture --device cuda --seeds $i:$((i+1)) -o part-$i.nc
    and then, once:
        dps train capture --merge part-0.nc --merge part-1.nc ... -o data/results/marl-capture.nc
    """
    from dpslib import _validate
    from dpslib.marl import studies as table

    known = table.studies()
    if not studies:
        for name, study in known.items():
            click.echo(f"{name:<28}{study.title} ({', '.join(study.exhibits)})")
        return
    chosen: list[str] = []
    for name in studies:
        found = [other for other in known if other.startswith(name)] if name.endswith("-") else [name]
        if not found or any(other not in known for other in found):
            raise UserError(f"{name!r} is no study; there are: {', '.join(known)}")
        chosen += [other for other in found if other not in chosen]
    if output is not None and len(chosen) == 1:
        check_output(output)
    group = seed_group(seeds)
    if seconds is not None:
        _validate.real("seconds", seconds, low=0, open_low=True)
    if parts:
        if len(chosen) > 1 or output is None:
            raise UserError("--merge takes one STUDY and --output FILE")
        merged = table.merge([table.read_results(part) for part in parts])
        if merged.attrs["study"] != chosen[0]:
            raise UserError(f"--merge: the parts are of the study {merged.attrs['study']!r}, not {chosen[0]!r}")
        table.write_results(merged, output)
        click.echo(shown(output))
        return
    _train(chosen, scale, device, group, seconds, output, checkpoints or table.CHECKPOINTS)


def _train(
    chosen: list[str],
    scale: str,
    device: str,
    group: list[int] | None,
    seconds: float | None,
    output: Path | None,
    checkpoints: Path,
) -> None:
    """Train studies one after the other; each gets an even share of the time that is left."""
    import time

    from dpslib.marl import studies as table

    start = time.perf_counter()
    for index, name in enumerate(chosen):
        suffix = "" if group is None else "-seeds" + "_".join(map(str, group))
        if output is not None:
            target = output if len(chosen) == 1 else output / f"marl-{name}.nc"
        elif scale == "paper" and group is None:
            target = table.RESULTS / f"marl-{name}.nc"
        else:
            target = table.CHECKPOINTS / f"marl-{name}-{scale}{suffix}.nc"
        left = None
        if seconds is not None:
            left = max((seconds - (time.perf_counter() - start)) / (len(chosen) - index), 1.0)

        def progress(frames: int, total: int, rate: float, name: str = name) -> None:
            click.echo(f"{name}: {frames:,} of {total:,} frames, {rate:,.0f} frames/s of all teams", err=True)

        outcome = table.train(
            name,
            scale,
            seeds=group,
            device=device,
            seconds=left,
            checkpoint=checkpoints / f"{name}-{scale}{suffix}.pt",
            progress=progress,
        )
        table.write_results(outcome.data, target)
        state = (
            "complete" if outcome.complete else f"{outcome.frames:,} of {outcome.total:,} frames; run again to go on"
        )
        click.echo(f"{shown(target)} ({state}, {outcome.seconds:.1f} s)")


recording_options = (
    click.option("--scale", type=click.Choice(("smoke", "reader", "paper")), default="paper", show_default=True),
    click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one for each processor]"),
    click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where to write, instead of data/results.",
    ),
)


def recording(command: Any) -> Any:
    """Give a command the options of those that record many experiments."""
    for option in reversed(recording_options):
        command = option(command)
    return command


@main.command
@recording
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True, help="How many seeds.")
@click.option("--experiment", "experiments", multiple=True, help="Only this experiment; may be given several times.")
def spread(scale: str, workers: int | None, output: Path | None, seeds: int, experiments: tuple[str, ...]) -> None:
    """Compute paper A's experiments under several seeds and record all values in data/results/seeds.json.

    What was computed before is kept below _build/multiverse: an interrupted run goes on where it stopped.
    """
    from dpslib import multiverse as work

    path = output or work.RECORDED / "seeds.json"
    check_output(path)
    work.spread(scale, seeds, experiments=experiments or None, path=path, workers=workers, report=click.echo)
    click.echo(shown(path))


@main.command
@recording
def multiverse(scale: str, workers: int | None, output: Path | None) -> None:
    """Compute paper A's experiments under every reading of what it leaves open; to data/results/multiverse.json.

    What was computed before is kept below _build/multiverse: an interrupted run goes on where it stopped.
    """
    from dpslib import multiverse as work

    target = output or work.RECORDED / "multiverse.json"
    check_output(target)
    path = work.record(scale, path=target, workers=workers, report=click.echo)
    click.echo(shown(path))


if __name__ == "__main__":
    main()
