"""The command line: arguments and routes; no logic."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from leukotype import __version__, console, temporary
from leukotype.cli import benchmark, claims, datasets, guard, predict, status, study, train
from leukotype.errors import DataWarning, InputError, Interrupted, LeukotypeError

# Some versions of Typer bundle click, others import it; both usage errors derive from this class.
_UsageProblem: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="leukotype",
    help="Reliable classification of gene-expression samples.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
# One line per command.
COMMANDS: tuple[tuple[str, Callable[..., None] | typer.Typer], ...] = (
    ("study", study.study),
    ("explore", study.explore),
    ("train", train.train),
    ("predict", predict.predict),
    ("validate", predict.validate),
    ("inspect", predict.inspect),
    ("benchmark", benchmark.benchmark),
    ("status", status.status),
    ("check-claim", claims.check_claim),
    ("datasets", datasets.app),
)
for _name, _command in COMMANDS:
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)


@app.callback(invoke_without_command=True)
def _face(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"leukotype {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 good, 1 the job failed, 2 bad input or usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # The commands print these warnings in their own words.
    warnings.simplefilter("ignore", DataWarning)
    # Killed processes leave temporary files.
    temporary.sweep()
    with guard.streams(), guard.endings():
        return guard.flush(_run(words))


def _run(words: list[str]) -> int:
    try:
        guard.check(words)
        outcome = app(args=words, prog_name="leukotype", standalone_mode=False)
        if outcome == Interrupted.exit_code:
            # Some versions of Typer turn Ctrl-C into this exit code.
            raise KeyboardInterrupt
    except _UsageProblem as problem:
        # A group without a command has printed its help and gives no message.
        if message := problem.format_message():
            console.fail(f"{message.rstrip('.')}. See leukotype --help.")
        return InputError.exit_code
    except LeukotypeError as problem:
        console.fail(str(problem))
        return problem.exit_code
    except (KeyboardInterrupt, typer.Abort):
        console.fail("interrupted; nothing was written.")
        return Interrupted.exit_code
    except (OSError, MemoryError) as problem:
        if isinstance(problem, OSError) and guard.is_output_lost():
            return guard.output_lost(problem)
        return guard.of_system(problem)
    except SystemExit:
        # From rich, if the reader of standard output is gone.
        return LeukotypeError.exit_code
    except Exception as problem:
        return guard.unforeseen(problem, words)
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """Entry point of the `leukotype` command."""
    sys.exit(run())
