"""The instructor's own solution, graded as a student's is, before any student's: it shows how each test cell can be judged.

plan, faults = rehearse(job, answers=["course_lib.classical"])
"""

import importlib.util
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import replace

import nbformat

from course_lib.grading.authoring.submissions import solved
from course_lib.grading.authoring.vacuous import vacuous_faults
from course_lib.grading.judging.execution import grade
from course_lib.grading.judging.jobs import Graded, Job, Plan, parsed
from course_lib.grading.judging.precedents import EDIT
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test
from course_lib.grading.notebooks.namespaces import names_bound
from course_lib.grading.records import Question, Status
from course_lib.grading.sandbox.student_kernel import KernelFailed


def rehearse(job: Job, *, answers: Sequence[str] = ()) -> tuple[Plan, list[str]]:
    """Grades the instructor's own solution, and finds out how each test cell can be judged.

    Args:
        job: a job of the assignment; its data and plan are not used.
        answers: packages in which a student might find the answer ready-made; what the solution does not need of them is hidden.

    Returns:
        The plan, and a sentence for each test cell that does not give the solution full marks in any way: the assignment itself is broken.

    Raises:
        KernelFailed: if no kernel can be started.
    """
    answer = nbformat.writes(solved(parsed(job.released), parsed(job.instructor)))
    job = replace(job, data=answer.encode(), plan=Plan(), listing=True)
    apart = _sound(grade(job))
    tests = {grade_id(cell) for cell in parsed(job.instructor).cells if is_test(cell)}
    missed = frozenset(question.grade_id for question in apart.record.questions if question.grade_id in tests and not _full(question))
    if not missed:
        return Plan(hidden_modules=_hidden(answers, apart.loaded), precedents=apart.precedents), []
    inside = _sound(grade(replace(job, plan=Plan(inside=missed))))
    faults = [
        f"{question.grade_id}: the instructor's own solution gets {question.score:g} of {question.max_score:g} points: {question.message}"
        for question in inside.record.questions
        if question.grade_id in missed and not _full(question)
    ]
    precedents = {name: done for name, done in apart.precedents.items() if name not in missed}
    return Plan(missed, _hidden(answers, inside.loaded), precedents), faults


def doubts(job: Job, plan: Plan) -> list[str]:
    """Returns a sentence for each test that can be judged, and asks less than it seems to.

    Args:
        job: a job of the assignment.
        plan: how it can be judged.
    """
    cells = parsed(job.instructor).cells
    answers = {name for cell in cells if is_solution(cell) and cell.cell_type == "code" for name in names_bound(cell.source)}
    apart = [
        cell
        for cell in cells
        if is_test(cell) and grade_id(cell) not in plan.inside and EDIT not in plan.precedents.get(grade_id(cell), ())
    ]
    return [
        *(f"{name} can only be run in the student's own process, where marks can be forged" for name in sorted(plan.inside)),
        *(f"{grade_id(cell)}: {fault}" for cell in apart for fault in vacuous_faults(cell.source, answers)),
    ]


def _sound(graded: Graded) -> Graded:
    if graded.record.status is Status.INFRASTRUCTURE_ERROR:
        raise KernelFailed("; ".join(graded.record.remarks))
    return graded


def _hidden(packages: Sequence[str], loaded: Iterable[str]) -> tuple[str, ...]:
    """The modules of some packages that are not among those loaded."""
    found = []
    for package in packages:
        spec = importlib.util.find_spec(package)
        places = [] if spec is None else spec.submodule_search_locations or []
        found += [module.name for module in pkgutil.walk_packages(places, f"{package}.") if not module.ispkg]
    return tuple(sorted(set(found) - set(loaded)))


def _full(question: Question) -> bool:
    return question.score == question.max_score
