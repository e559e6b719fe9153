"""The command line: arguments and routes; no logic."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from leukotype import __version__, console
from leukotype.cli import benchmark, claims, classifier, datasets, status, study, validate
from leukotype.errors import InputError, LeukotypeError

# Typer brings its own copy of click in some versions and the package in others; both derive from this class.
_UsageProblem: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="leukotype",
    help="Classification of samples by gene expression that can be believed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("study")(study.study)
app.command("explore")(study.explore)
app.command("train")(classifier.train)
app.command("predict")(classifier.predict)
app.command("validate")(validate.validate)
app.command("inspect")(classifier.inspect)
app.command("benchmark")(benchmark.benchmark)
app.command("status")(status.status)
app.command("check-claim")(claims.check_claim)
app.add_typer(datasets.app, name="datasets")


@app.callback(invoke_without_command=True)
def _face(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        print(f"leukotype {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 good, 1 the job failed, 2 bad input or usage."""
    try:
        outcome = app(args=arguments, prog_name="leukotype", standalone_mode=False)
    except _UsageProblem as problem:
        # A bare group has printed its help instead of a message.
        if message := problem.format_message():
            console.fail(f"{message.rstrip('.')}. See leukotype --help.")
        return InputError.exit_code
    except LeukotypeError as problem:
        console.fail(str(problem))
        return problem.exit_code
    except (KeyboardInterrupt, typer.Abort):
        console.fail("interrupted; nothing was written.")
        return 130
    except (OSError, MemoryError) as problem:
        console.fail(f"{type(problem).__name__}: {problem}. Free space or memory, or choose another folder.")
        return LeukotypeError.exit_code
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """Entry point of the `leukotype` command."""
    sys.exit(run())
