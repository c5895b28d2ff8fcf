"""The ``course`` command.

Exit codes: 0 done · 1 a lecture, a proof or the grading of a notebook failed · 2 what was typed, or a file, cannot be worked with · 3 this
machine lacks something.
Only the standard library is imported before a command is chosen, so that ``course --help`` answers at once.
"""

from __future__ import annotations  # so that an old Python comes as far as the line that refuses it

import argparse
import math
import sys
from importlib import import_module
from pathlib import Path

from course_lib import __version__
from course_lib.command import INSTRUCTORS_COPY, LACKING, STOPPED, Refused

_EXIT_CODES = (
    "exit codes: 0 done · 1 a lecture, a proof or the grading of a notebook failed · 2 wrong input · 3 this machine lacks something"
)


def main(words: list[str] | None = None) -> int:
    """Does what was typed and returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - said in words, not as a traceback
        print(f"course: Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return LACKING
    parser = _parser()
    asked = parser.parse_args(words)
    if not asked.module:
        parser.print_help()
        return 0
    try:
        return getattr(import_module(asked.module), asked.does)(asked)
    except Refused as refused:
        print(f"course {asked.command}: {refused}", file=sys.stderr)
        return refused.code
    except KeyboardInterrupt:
        print(f"course {asked.command}: stopped", file=sys.stderr)
        return STOPPED
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] == "course_lib":
            raise
        if missing.name in sys.stdlib_module_names:
            print(f"course {asked.command}: needs Linux, on Windows WSL 2 for example: Python has no {missing.name} here", file=sys.stderr)
            return LACKING
        extra = "grading" if INSTRUCTORS_COPY and "grading" in asked.module else "lab"
        print(
            f"course {asked.command}: the package {missing.name} is missing. Bring it with  python -m pip install -e '.[{extra}]'",
            file=sys.stderr,
        )
        return LACKING


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course", description="Generative models: the course's own command.", epilog=_EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"course {__version__}")
    parser.set_defaults(module=None, command="", does="command")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    _doctor(commands)
    _run(commands)
    if INSTRUCTORS_COPY:
        _release(commands)
        _kit(commands)
        _publish(commands)
        _grade(commands)
        _given_back(commands)
    _repair(commands)
    return parser


def _add(commands: argparse._SubParsersAction, name: str, module: str, summary: str, more: str = "") -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}".strip(), epilog=_EXIT_CODES)
    command.set_defaults(module=module)
    return command


def _doctor(commands: argparse._SubParsersAction) -> None:
    more = "✓ is fine, – could be better, ✗ must be mended; behind each arrow stands the remedy."
    doctor = _add(commands, "doctor", "course_lib.doctor", "what this machine can do, what is missing, how to mend it", more)
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON, for a program to read")


def _run(commands: argparse._SubParsersAction) -> None:
    more = "Each lecture gets a fresh kernel; the executed notebook is kept, also when it failed."
    run = _add(commands, "run", "course_lib.lecture_runner", "execute lectures and tell seconds, memory and claims", more)
    run.add_argument(
        "lectures", nargs="*", metavar="NN", help="a lecture by number (01) or name (01_maximum_likelihood); all of them unless told"
    )
    run.add_argument(
        "--size", choices=["quick", "full"], help="quick: CPU and embedded data; full: real data (by default full where there is a GPU)"
    )
    run.add_argument("--seed", type=_seed, default=0, metavar="N", help="the run's random seed (default 0)")
    run.add_argument("--to", type=Path, metavar="DIR", help="folder for the executed notebooks (default build/lectures)")
    run.add_argument("--static", action="store_true", help="show each widget as a figure")
    run.add_argument("--figures", type=Path, metavar="DIR", help="save the pictures of cells tagged figure:NAME as DIR/NAME.png")
    run.add_argument("--record", action="store_true", help="keep the seconds for the lectures' headers, in course_lib/lectures.json")
    run.add_argument("--timeout", type=_seconds, default=3600.0, metavar="S", help="stop a lecture after so many seconds (default 3600)")


def _release(commands: argparse._SubParsersAction) -> None:
    more = "Nothing is released unless every proof holds; a failure leaves the assignment as it was."
    release = _add(
        commands, "release", "course_lib.grading.authoring.release", "make an assignment from its solution, with the proofs", more
    )
    release.add_argument("problem_sets", nargs="+", metavar="psNN", help="a problem set by number (ps01) or name (ps01_maximum_likelihood)")
    release.add_argument("--to", type=Path, metavar="DIR", help="the folder to release to (default assignments)")


def _kit(commands: argparse._SubParsersAction) -> None:
    more = "No solution and no hidden test is in it: every file is searched before the folder appears."
    kit = _add(commands, "kit", "course_lib.grading.authoring.kit", "make the folder that students get", more)
    kit.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder to make; an earlier kit there is replaced")
    kit.add_argument("--only", nargs="+", metavar="psNN", help="give out these problem sets alone (default: all that are released)")
    kit.add_argument("--zip", action="store_true", help="also pack it as DIR.zip")


def _publish(commands: argparse._SubParsersAction) -> None:
    more = "Colab opens a notebook from there, and its first cell installs the library from there."
    publish = _add(
        commands, "publish", "course_lib.grading.authoring.publish", "stamp repository and tag into Colab badges and set-up cells", more
    )
    publish.add_argument("where", nargs="?", metavar="OWNER/REPO@TAG", help="for example generative-course/generative-course@v0.1.0")
    publish.add_argument(
        "--check", action="store_true", help="change nothing; say whether all notebooks agree (with OWNER/REPO@TAG, if given)"
    )


def _grade(commands: argparse._SubParsersAction) -> None:
    more = "Students' code runs in a sandbox and never where marks are made. A run that was stopped goes on where it stopped."
    kept = "; kept for the next run"
    grade = _add(commands, "grade", "course_lib.grading.grade", "grade what a class handed in", more)
    grade.add_argument(
        "submissions", type=Path, help="a folder per student, nbgrader's submitted/, or the zip that Moodle or Canvas exports"
    )
    _of_course(grade)
    grade.add_argument("--workers", type=_count, metavar="N", help="notebooks graded at once on this machine (default: one a core)")
    grade.add_argument("--cluster", default="", metavar="ADDRESS", help="grade on a Dask cluster, such as tcp://10.0.0.1:8786")
    grade.add_argument("--students", type=Path, metavar="FILE", help=f"Moodle's grading worksheet, which says whose its numbers are{kept}")
    grade.add_argument("--only", action="store_true", help="grade those alone who are there; everyone else stands as graded before")
    grade.add_argument(
        "--late-policy", default="", metavar="P", help=f"what lateness costs, such as per_day=10%%,grace=15m,cutoff=7d{kept}"
    )
    grade.add_argument("--due", default="", metavar="TIME", help=f"when it is due, such as 2027-01-31T23:59:00+09:00{kept}")
    grade.add_argument("--extensions", type=Path, metavar="FILE", help=f"a CSV file student,until: a time, or 2d for two days more{kept}")
    grade.add_argument("--times", type=Path, metavar="FILE", help=f"a CSV file student,time: when each handed in{kept}")
    grade.add_argument(
        "--cell-seconds", type=_seconds, metavar="S", help=f"the most that one cell or one question may take (default 60){kept}"
    )
    grade.add_argument("--notebook-seconds", type=_seconds, metavar="S", help=f"the most that one notebook may take (default 600){kept}")
    grade.add_argument(
        "--memory", type=_size, metavar="SIZE", help=f"the most memory that one student's notebook may take (default 4GiB){kept}"
    )
    grade.add_argument("--disk", type=_size, metavar="SIZE", help=f"the most that it may write to disk (default 256MiB){kept}")
    grade.add_argument("--processes", type=_count, metavar="N", help=f"how many processes and threads it may have (default 128){kept}")
    grade.add_argument("--resume", action="store_true", help="changes nothing: a run always goes on where it stopped")
    grade.add_argument(
        "--no-sandbox", dest="sandboxed", action="store_false", help="run students' code as yourself, with all that you may do"
    )


def _repair(commands: argparse._SubParsersAction) -> None:
    more = "It is written beside it as NAME.repaired.ipynb; what was mended is said line by line."
    repair = _add(
        commands, "repair", "course_lib.grading.repairing.repaired_copy", "mend a notebook that another program has changed", more
    )
    repair.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="what was handed in, a Colab save for example")
    repair.add_argument(
        "--released", type=Path, metavar="FILE", help="what students got (default: found by content in the course's folder)"
    )


def _given_back(commands: argparse._SubParsersAction) -> None:
    told = "with the marks and comments that a person has added since"
    feedback = _add(commands, "feedback", "course_lib.grading.giving_back", f"write each student's feedback anew, {told}")
    report = _add(commands, "report", "course_lib.grading.giving_back", f"write marks and class report anew, {told}")
    for command, does in ((feedback, "feedback_command"), (report, "report_command")):
        command.set_defaults(does=does)
        _of_course(command)


def _of_course(command: argparse.ArgumentParser) -> None:
    command.add_argument("--assignment", required=True, metavar="NAME", help="a problem set by number (ps01) or name")
    command.add_argument("--course", type=Path, default=Path(), metavar="DIR", help="any nbgrader course's folder (default: here)")


def _count(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        raise argparse.ArgumentTypeError(f"a whole number above 0 is wanted, and this is {word!r}")
    return int(word)


def _size(word: str) -> int:
    """Bytes."""
    number, unit = word[:-3], {"MiB": 1 << 20, "GiB": 1 << 30}.get(word[-3:])
    if unit is None or not (number.isascii() and number.isdigit() and int(number) > 0):
        raise argparse.ArgumentTypeError(f"a size is a whole number of MiB or GiB, such as 8GiB, and this is {word!r}")
    return int(number) * unit


def _seed(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) < 2**32):
        raise argparse.ArgumentTypeError(f"a seed is a whole number from 0 to 2**32 - 1, and this is {word!r}")
    return int(word)


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"a time limit is a number of seconds above 0, and this is {word!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
