"""``python -m benchmarks [NAME …]``: runs them, keeps the ratios, writes the page."""

import argparse
import sys

from benchmarks import flow_training, gmm, grading, ica, lossless, lpc, report, wavenet_sampling
from benchmarks.side_by_side import AnswersDiffer, run

BENCHMARKS = {
    "flow_training": flow_training.TASKS,
    "gmm": gmm.TASKS,
    "grading": grading.TASKS,
    "ica": ica.TASKS,
    "lossless": lossless.TASKS,
    "lpc": lpc.TASKS,
    "wavenet_sampling": wavenet_sampling.TASKS,
}


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 if all that ran agreed with their peers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run, of {', '.join(BENCHMARKS)}; all unless told")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each, at least 5 (default: 5)")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if options.repeats < 5:
        parser.error(f"--repeats must be at least 5, got {options.repeats}")
    try:
        for name in options.names or BENCHMARKS:
            outcomes = [run(task, repeats=options.repeats) for task in BENCHMARKS[name]]
            if measured := [outcome for outcome in outcomes if outcome is not None]:
                report.save(name, measured)
    except AnswersDiffer as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"written: {report.write_page()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
