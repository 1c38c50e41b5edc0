"""The command ``dps``.

Everything heavy is imported inside the commands, so that ``dps --help`` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]


class UserError(click.ClickException):
    """A mistake of the user: one message on the standard error, exit code 2, no traceback."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dpslib", prog_name="dps")
def main() -> None:
    """Distributed production systems: run the notebooks of the book with your own parameters."""


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
    if path.is_file():
        return path
    known = sorted((ROOT / "notebooks").glob("*.py"))
    exact = [p for p in known if p.stem == name]
    found = exact or [p for p in known if name and p.stem.startswith(name)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(p.stem for p in (found or known)) or "none here"
    reason = "is the beginning of several notebooks" if found else "is no notebook"
    raise UserError(f"{name!r} {reason}: {listed}")


def shown(path: Path) -> str:
    """Return a path as the user would type it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


@main.command
@click.argument("notebook")
@click.option(
    "-p",
    "--parameter",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Set a parameter of the notebook; may be given several times.",
)
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

    source = find_notebook(notebook)
    target = output or ROOT / "_build" / "runs" / f"{source.stem}.ipynb"
    before = Record.load(record_path(target))
    try:
        record = execute(source, target, {n: parse_value(v) for n, v in parameters}, force=force)
    except ValueError as error:
        raise UserError(str(error)) from None
    except NotebookError as error:
        # The library and the notebooks refuse bad input by a ValueError; anything else is a defect.
        failure = UserError(str(error)) if error.name == "ValueError" else click.ClickException(str(error))
        raise failure from None
    done = "up to date, computed" if record == before else "computed"
    click.echo(f"{shown(target)} ({done} in {record.seconds:.1f} s)")
