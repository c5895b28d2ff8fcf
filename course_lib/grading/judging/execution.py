"""Grades one notebook: the student's cells run in a sandboxed kernel, the instructor's test cells here, where no student's code ever runs.

    graded = grade(job)
    graded.record, graded.notebook

A job holds all that is needed and what comes back holds all that was found, so a worker keeps nothing and may stand on another machine.
"""

import contextlib
import dataclasses
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_lib.grading.judging.alarm import alarm
from course_lib.grading.judging.jobs import Graded, Job, not_judged, parsed, unanswered
from course_lib.grading.judging.judge import Verdict, credit, judge_cell
from course_lib.grading.judging.proxies import Link
from course_lib.grading.judging.student_cells import StudentCells
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test, meta
from course_lib.grading.notebooks.namespaces import Names, python_of
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.repairing.repair import Repaired, repair
from course_lib.grading.sandbox.student_errors import Forged, Gone, StudentError, TimedOut, Unanswered
from course_lib.grading.sandbox.student_kernel import KernelFailed, StudentKernel


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
        self.instructor = {grade_id(cell): i for i, cell in enumerate(instructor.cells) if grade_id(cell)}
        self.names = Names(instructor.cells)
        self.attempted = repaired.attempted
        self.questions = {question.grade_id: question for question in unanswered(instructor)}
        self.remarks: list[str] = []
        self.done: set[str] = set()  # questions that were judged
        self.loaded: tuple[str, ...] = ()
        self.precedents: dict[str, frozenset[str]] = {}
        with StudentKernel(
            limits=job.limits, sandboxed=job.sandboxed, files=job.files, hidden_modules=job.plan.hidden_modules
        ) as self.kernel:
            self.cells = StudentCells(self.kernel, job.limits)
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
                self.cells.run(cell)
            if name in self.questions and not is_test(cell):
                self.questions[name] = self.by_hand(name, task=bool(meta(cell).get("task")))
                self.done.add(name)
        self.loaded = self.cells.modules() if self.job.listing else ()

    def by_hand(self, name: str, *, task: bool) -> Question:
        """A question that a person marks, if there is anything to be marked."""
        outcome, score = (Outcome.BY_HAND, None) if task or name in self.attempted else (Outcome.NOT_ATTEMPTED, 0.0)
        return dataclasses.replace(self.questions[name], outcome=outcome, score=score)

    def give_up(self) -> None:
        """Says of every test that was not judged that it was not."""
        for name, question in self.questions.items():
            if name not in self.done and is_test(self.names.cells[self.instructor[name]]):
                message = "grading ended before this was judged"
                self.questions[name] = dataclasses.replace(question, outcome=Outcome.CRASHED, message=message)
            elif name not in self.done:
                self.questions[name] = self.by_hand(name, task=False)

    def status(self, repaired: Repaired) -> Status:
        """How all of it ended."""
        if repaired.remarks or self.remarks or self.job.unsure:
            return Status.NEEDS_REVIEW
        stopped = any(question.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT) for question in self.questions.values())
        return Status.PARTIAL if self.cells.troubles or stopped else Status.GRADED

    # ----------------------------------------------------------------------------------------------------- the instructor's cells

    def judged(self, cell: NotebookNode) -> Question:
        name = grade_id(cell)
        question, place = self.questions[name], self.instructor[name]
        if name in self.job.avoid:
            self.remarks.append(f"{name}: judging what it returns ended the judge's process")
            return dataclasses.replace(question, outcome=Outcome.CRASHED, message="judging what it returns ended the judge's process")
        if not self.cells.ready():
            outcome, why = self.cells.spent()
            return dataclasses.replace(question, outcome=outcome, message=why)
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
        needs, seconds = self.names.needed(place), self.cells.seconds()
        cells = self.names.cells
        try:
            with self.kernel.serving(seconds=seconds) as connection, alarm(2 * seconds):
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
            return Verdict(0.0, Outcome.WRONG, str(error), words=error.words)
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
        ran = self.kernel.run(self.names.cells[place].source, seconds=self.cells.seconds())
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
        if verdict.score or missing is None or missing[1] not in self.cells.stopped:
            return verdict
        outcome, why = self.cells.stopped[missing[1]]
        return Verdict(0.0, outcome, f"the cell that defines {missing[1]} {why}", remarks=verdict.remarks)

    def untouched(self, place: int) -> bool:
        """Whether the student left every answer empty on which a test cell stands."""
        wanted = self.names.needed(place).student
        answers = {grade_id(cell) for i, cell in enumerate(self.names.cells) if is_solution(cell) and self.names.bound(i) & wanted}
        return bool(answers) and not answers & self.attempted
