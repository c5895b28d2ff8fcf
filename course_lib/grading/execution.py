"""Grades one notebook: the student's cells run in a sandboxed kernel, the instructor's test cells here, where no student's code ever runs.

    graded = grade(job)
    graded.record, graded.notebook

A job holds all that is needed and what comes back holds all that was found, so a worker keeps nothing and may stand on another machine.
"""

import contextlib
import dataclasses
import faulthandler
import json
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_lib.grading.cells import grade_id, is_solution, is_test, meta
from course_lib.grading.jobs import Graded, Job, not_judged, parsed, unanswered
from course_lib.grading.judge import Verdict, credit, judge_cell
from course_lib.grading.namespaces import Names, names_bound, python_of
from course_lib.grading.proxies import Link
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.repair import Repaired, repair
from course_lib.grading.student_errors import Forged, Gone, StudentError, TimedOut, Unanswered
from course_lib.grading.student_kernel import KernelFailed, StudentKernel

_PATIENCE = 30.0  # seconds after which a judge that does not hear its alarm is ended
_OUTPUTS = 16  # times the limit of one cell is kept of a notebook
_RESTARTS = 4  # of a kernel that died; each runs everything again that went well


def grade(job: Job, *, at: Callable[[str], None] = lambda place: None) -> Graded:
    """Grades one notebook.

    Args:
        job: all that is needed.
        at: is told each test cell before it is judged, and nothing once it was, so that whoever watches knows where this process ended if it does.

    Returns:
        A record with one question a graded cell of the instructor's notebook, whatever happens to the student's process.
    """
    started = time.monotonic()
    instructor, released = parsed(job.instructor), parsed(job.released)
    record = Record(
        student=job.student, assignment=job.assignment, notebook=job.notebook, status=Status.MISSING, submitted=job.submitted, key=job.key
    )
    record = dataclasses.replace(record, remarks=job.remarks, questions=unanswered(instructor))
    if job.data is None:
        return Graded(record)
    repaired = repair(job.data, released=released, source=instructor)
    record = dataclasses.replace(record, repairs=repaired.repairs, remarks=(*job.remarks, *repaired.remarks))
    if repaired.notebook is None:
        return Graded(dataclasses.replace(record, status=Status.UNREADABLE))
    text = nbformat.writes(repaired.notebook)
    if not repaired.attempted:
        return Graded(dataclasses.replace(record, status=repaired.status or Status.NOT_ATTEMPTED), text)
    try:
        run = _Run(job, instructor, repaired, at)
    except KernelFailed as failure:
        failed = dataclasses.replace(record, status=Status.INFRASTRUCTURE_ERROR, remarks=(*record.remarks, str(failure)))
        return Graded(dataclasses.replace(failed, questions=not_judged(instructor)), text)
    record = dataclasses.replace(
        record,
        status=run.status(repaired),
        questions=tuple(run.questions[question.grade_id] for question in record.questions),
        remarks=(*record.remarks, *run.remarks),
        seconds=time.monotonic() - started,
    )
    return Graded(record, nbformat.writes(repaired.notebook), run.loaded, run.precedents)


class _Run:
    """One student's cells, run in order in a kernel of their own, with each test cell judged at its place."""

    def __init__(self, job: Job, instructor: NotebookNode, repaired: Repaired, at: Callable[[str], None]):
        self.job, self.at = job, at
        self.until = time.monotonic() + job.limits.notebook_seconds
        self.instructor = {grade_id(cell): i for i, cell in enumerate(instructor.cells) if grade_id(cell)}
        self.names = Names(instructor.cells)
        self.attempted = repaired.attempted
        self.questions = {question.grade_id: question for question in unanswered(instructor)}
        self.remarks: list[str] = []
        self.done: set[str] = set()  # questions that were judged
        self.good: list[str] = []  # cells that ran to their end, to be run again after a death
        self.restarts = 0
        self.troubles = 0
        self.written = 0  # characters of output
        self.stopped: dict[str, tuple[Outcome, str]] = {}  # names that only cells define which were stopped, and how these were
        self.loaded: tuple[str, ...] = ()
        self.precedents: dict[str, frozenset[str]] = {}
        with StudentKernel(
            limits=job.limits, sandboxed=job.sandboxed, files=job.files, hidden_modules=job.plan.hidden_modules
        ) as self.kernel:
            try:
                self.run(repaired.notebook)
            except (KernelFailed, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
                # The kernel had started well: this is sooner the student's doing than the machine's, and marks given so far stand.
                self.remarks.append(f"grading ended early, with a {type(error).__name__}: what follows was not judged")
                self.give_up()

    def run(self, notebook: NotebookNode) -> None:
        first = next((i for i, cell in enumerate(notebook.cells) if is_solution(cell)), 0)
        idle = Names(notebook.cells).idle(first)
        for i, cell in enumerate(notebook.cells):
            name = grade_id(cell)
            if is_test(cell) and name in self.questions:
                self.questions[name] = self.judged(cell)
                self.done.add(name)
            elif cell.cell_type == "code" and i not in idle:
                self.code(cell)
            if name in self.questions and not is_test(cell):
                waiting = name in self.attempted or bool(meta(cell).get("task"))
                outcome, score = (Outcome.BY_HAND, None) if waiting else (Outcome.NOT_ATTEMPTED, 0.0)
                self.questions[name] = dataclasses.replace(self.questions[name], outcome=outcome, score=score)
                self.done.add(name)
        self.loaded = self.modules() if self.job.listing else ()

    def give_up(self) -> None:
        """Says of every test that was not judged that it was not."""
        for name, question in self.questions.items():
            if name not in self.done:
                self.questions[name] = dataclasses.replace(
                    question, outcome=Outcome.CRASHED, message="grading ended before this was judged"
                )

    def status(self, repaired: Repaired) -> Status:
        """How all of it ended."""
        if repaired.remarks or self.remarks:
            return Status.NEEDS_REVIEW
        stopped = any(question.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT) for question in self.questions.values())
        return Status.PARTIAL if self.troubles or stopped else Status.GRADED

    # ----------------------------------------------------------------------------------------------------- the student's cells

    def seconds(self) -> float:
        """What a cell may take now."""
        return min(self.job.limits.cell_seconds, self.until - time.monotonic())

    def code(self, cell: NotebookNode) -> None:
        if not self.ready():
            why = "its process ended too often" if self.seconds() > 0 else "the notebook's time was used up"
            cell.outputs = [_note(f"grading: this cell was not run: {why}")]
            outcome = Outcome.CRASHED if self.seconds() > 0 else Outcome.TIMED_OUT
            self.stopped |= dict.fromkeys(names_bound(cell.source), (outcome, f"was not run: {why}"))
            return
        seconds = self.seconds()
        ran = self.kernel.run(cell.source, seconds=seconds)
        cell.outputs = [nbformat.from_dict(output) for output in ran.outputs]
        self.written += sum(len(json.dumps(output)) for output in ran.outputs)
        if self.written > _OUTPUTS * self.job.limits.output:
            cell.outputs = [_note("grading: not kept, since this notebook has written too much")]
        if ran.status in ("ok", "error"):
            self.good.append(cell.source)
            if self.stopped:
                mended = names_bound(cell.source)
                self.stopped = {name: why for name, why in self.stopped.items() if name not in mended}
            return
        self.troubles += 1
        timed_out = ran.status == "timed_out"
        why = f"{_ENDED[ran.status]}{f' ({seconds:.0f} s)' * timed_out}"
        self.stopped |= dict.fromkeys(names_bound(cell.source), (Outcome.TIMED_OUT if timed_out else Outcome.CRASHED, why))
        cell.outputs.append(_note(f"grading: this cell {_ENDED[ran.status]}; the cells after it ran without what it does"))

    def ready(self) -> bool:
        """Whether there is a process for the next cell; a new one takes on what the old one had done."""
        if self.kernel.alive:
            return self.seconds() > 0
        while self.restarts < _RESTARTS and self.seconds() > 0:
            self.restarts += 1
            self.kernel.restart()
            if all(
                self.seconds() > 0 and self.kernel.run(source, seconds=self.seconds()).status in ("ok", "error") for source in self.good
            ):
                return True
        return False

    def modules(self) -> tuple[str, ...]:
        """The modules that the process has loaded; what a student's process says here can only hide or show modules to that student."""
        if not (self.kernel.alive and self.seconds() > 0):
            return ()
        ran = self.kernel.run("import json as _j, sys as _s; print(_j.dumps(sorted(_s.modules)))", seconds=self.seconds())
        said = "".join(output["text"] for output in ran.outputs if output["output_type"] == "stream" and output["name"] == "stdout")
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(said)
            return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()
        return ()

    # ----------------------------------------------------------------------------------------------------- the instructor's cells

    def judged(self, cell: NotebookNode) -> Question:
        name = grade_id(cell)
        question, place = self.questions[name], self.instructor[name]
        if name in self.job.avoid:
            self.remarks.append(f"{name}: judging what it returns ended the judge's process")
            return dataclasses.replace(question, outcome=Outcome.CRASHED, message="judging what it returns ended the judge's process")
        if not self.ready():
            return dataclasses.replace(question, outcome=Outcome.TIMED_OUT, message="the notebook's time was used up")
        self.at(name)
        started = time.monotonic()
        verdict = self.inside(cell, place) if name in self.job.plan.inside else self.apart(place, question.max_score)
        self.at("")
        verdict = self.without_what_was_stopped(verdict)
        outcome = verdict.outcome
        if outcome is Outcome.WRONG and self.untouched(place):
            outcome = Outcome.NOT_ATTEMPTED
        self.remarks += [f"{name}: {remark}" for remark in verdict.remarks]
        return dataclasses.replace(
            question,
            score=verdict.score,
            outcome=outcome,
            message=verdict.message,
            words=verdict.words,
            hidden=verdict.hidden,
            seconds=time.monotonic() - started,
        )

    def apart(self, place: int, points: float) -> Verdict:
        """Judges a test cell here, with stand-ins for what the student wrote."""
        needs, seconds = self.names.needed(place), self.seconds()
        cells = self.names.cells
        try:
            with self.kernel.serving(seconds=seconds) as connection, _alarm(2 * seconds):
                link = Link(connection, seconds, self.job.plan.precedents.get(grade_id(cells[place])))
                names: dict[str, Any] = {"__name__": "__main__", **link.names(*needs.student)}
                verdict = self.prepared(needs.cells, names) or judge_cell(cells[place].source, names=names, points=points, link=link)
                with contextlib.suppress(Unanswered):  # whoever ends now has answered all that was asked
                    link.done()
                self.precedents[grade_id(cells[place])] = frozenset(link.precedents.seen)
        except Unanswered as failure:  # before the test cell began
            outcome = {TimedOut: Outcome.TIMED_OUT, Gone: Outcome.CRASHED}.get(type(failure), Outcome.WRONG)
            return Verdict(0.0, outcome, str(failure), remarks=(str(failure),) if isinstance(failure, Forged) else ())
        except StudentError as error:
            return Verdict(0.0, Outcome.WRONG, str(error))
        return verdict

    def prepared(self, places: Sequence[int], names: dict[str, Any]) -> Verdict | None:
        """Runs the instructor's cells on which a test stands; they may call what the student wrote, and fail with it."""
        for i in places:
            cell = self.names.cells[i]
            try:
                exec(compile(python_of(cell.source), grade_id(cell) or f"cell {i}", "exec"), names)
            except Exception as error:
                return Verdict(0.0, Outcome.WRONG, f"{grade_id(cell) or f'cell {i}'}: {type(error).__name__}: {error}")
        return None

    def inside(self, cell: NotebookNode, place: int) -> Verdict:
        """Judges a test cell as nbgrader does, in the student's own process: what it raises, or the number in its last line."""
        ran = self.kernel.run(self.names.cells[place].source, seconds=self.seconds())
        cell.outputs = [nbformat.from_dict(output) for output in ran.outputs]
        if ran.status != "ok":
            outcome = {"error": Outcome.WRONG, "timed_out": Outcome.TIMED_OUT}.get(ran.status, Outcome.CRASHED)
            return Verdict(0.0, outcome, ran.message)
        shown = [output["data"].get("text/plain", "") for output in ran.outputs if output["output_type"] == "execute_result"]
        try:
            last = float(shown[-1]) if shown else None
        except ValueError:  # something else than a number stands there
            last = None
        return credit(last, self.questions[grade_id(cell)].max_score)

    def without_what_was_stopped(self, verdict: Verdict) -> Verdict:
        """The verdict, or why there is no such name as the test asks for, where the cell that defines it was stopped."""
        missing = re.match(r"NameError: name '(\w+)' is not defined", verdict.message)
        if verdict.score or missing is None or missing[1] not in self.stopped:
            return verdict
        outcome, why = self.stopped[missing[1]]
        return Verdict(0.0, outcome, f"the cell that defines {missing[1]} {why}", remarks=verdict.remarks)

    def untouched(self, place: int) -> bool:
        """Whether the student left every answer empty on which a test cell stands."""
        wanted = self.names.needed(place).student
        answers = {grade_id(cell) for i, cell in enumerate(self.names.cells) if is_solution(cell) and self.names.bound(i) & wanted}
        return bool(answers) and not answers & self.attempted


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Ends what the instructor's own cells do with a student's numbers, if it takes too long: a loop may run as often as a student says."""

    def ring(*_: object) -> None:
        raise TimedOut(f"judging took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again and again, for a test may swallow it
    faulthandler.dump_traceback_later(seconds + _PATIENCE, exit=True)  # what loops inside C hears no signal
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_ENDED = {"timed_out": "ran out of time", "died": "ended its process", "flooded": "wrote too much"}


def _note(text: str) -> NotebookNode:
    """A note of grading's, which no student can forge: what a kernel shows comes without metadata."""
    return new_output("display_data", {"text/plain": text}, metadata={"grading": True})
