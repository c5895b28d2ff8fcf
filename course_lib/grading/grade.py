"""``course grade``: from a folder of what was handed in to marks that can be defended, in six steps.

Collect, normalise, run, judge, record, return. A run that was stopped goes on where it stopped: a notebook is graded anew only if what its
marks depend on has changed, be it the submission, the instructor's notebook, the limits or the grader itself.
"""

import argparse
import dataclasses
import hashlib
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import nbformat
from tqdm import tqdm

from course_lib.command import DONE, FAILED, Lacking, Refused, WrongInput
from course_lib.grading import records
from course_lib.grading.authoring.publish import unaddressed
from course_lib.grading.collection import worksheet
from course_lib.grading.collection.arrivals import check, digest, outdated, timed, told
from course_lib.grading.collection.class_list import ClassList, introduced
from course_lib.grading.collection.collecting import Submission, collect
from course_lib.grading.collection.roll_call import nothing, roll_call, standing, version_of
from course_lib.grading.collection.terms import keep
from course_lib.grading.giving_back import give_back
from course_lib.grading.grading_run import Run, run_of, sources_of
from course_lib.grading.judging.cluster import on_cluster
from course_lib.grading.judging.engines import in_processes
from course_lib.grading.judging.jobs import Graded, Job, Plan
from course_lib.grading.judging.rehearsal import doubts, rehearse
from course_lib.grading.nbgrader_course import Source
from course_lib.grading.recording.gradebook_cells import must_fit
from course_lib.grading.recording.penalties import due_date
from course_lib.grading.recording.transaction import alone, must_be_writable
from course_lib.grading.records import Record, Status
from course_lib.grading.sandbox import sandbox
from course_lib.grading.scratch import scratch

_ANSWERS = tuple(f"course_lib.{part}" for part in ("applications", "classical", "generative", "language", "networks", "recognition"))


def command(asked: argparse.Namespace) -> int:
    """Does ``course grade``."""
    if asked.sandboxed and (missing := sandbox.available()):
        raise Lacking(
            f"no sandbox can run here: {missing}. With --no-sandbox students' code runs as you: it can read and write all that you can, "
            "the gradebook too, and reach the network"
        )
    try:
        with scratch():
            found = grade_class(run_of(asked), asked.submissions)
    except ValueError as mistake:
        raise WrongInput(str(mistake)) from mistake
    return FAILED if any(record.status is Status.INFRASTRUCTURE_ERROR for record in found) else DONE


def grade_class(run: Run, where: Path) -> list[Record]:
    """Grades an assignment of a class, and writes gradebook, marks, feedback and report.

    Args:
        run: the run.
        where: a folder or a zip of what was handed in.

    Returns:
        One record a student and notebook.

    Raises:
        ValueError: if the assignment or the submissions cannot be worked with, or somebody else is at work there; nothing is written then.
        Refused: if the instructor's own solution does not get full marks.
    """
    with alone(run.folder):
        must_be_writable(run.course)
        sources = sources_of(run)
        must_fit(run.course, sources.values())
        submissions, stands = _called(run, sources, where)
        keep(run.terms, run.folder)
        if run.worksheet:
            worksheet.keep(run.worksheet, run.folder)
        plans = {name: _rehearsed(run, source) for name, source in sources.items()}
        jobs = {(each.student, each.notebook): _job(run, sources[each.notebook], plans[each.notebook], each) for each in submissions}
        known = {(record.student, record.notebook): record for record in records.read_all(run.folder / "records")}
        todo = [job for at, job in jobs.items() if _stale(job, known.get(at))]
        students = len({student for student, _ in jobs})
        print(f"{len(jobs)} notebooks of {students} students, {len(jobs) - len(todo)} of them graded before and unchanged")
        with tqdm(total=len(todo), unit="notebook", desc=run.assignment, disable=not todo) as bar:
            for graded in _graded(run, todo):
                _keep(run, graded)
                bar.update()
        _stamp(run, submissions, sources)
        wanted = jobs.keys() | {(record.student, record.notebook) for record in stands}
        found = [record for record in records.read_all(run.folder / "records") if (record.student, record.notebook) in wanted]
        give_back(run, sources, found)
        return found


# ------------------------------------------------------------------------------------------------------------ what is to be done


def _called(run: Run, sources: Mapping[str, Source], where: Path) -> tuple[list[Submission], list[Record]]:
    """What is to be graded and what stands; whatever a person should know or decide about it is said before anything is written."""
    released = {name: source.released for name, source in sources.items()}
    known = ClassList.of(run.course.roster, run.worksheet)
    handed_in = collect(where, assignment=run.assignment, notebooks=list(sources), released=released, known=known)
    there = {each.student: each.prefix for each in handed_in}
    for line in introduced(known, there, where, only=run.only):
        print(line)
    before = records.read_all(run.folder / "records")
    submissions, stands = roll_call(handed_in, before, known.absent(there), sources, where=where, only=run.only, numbers=known.by_number)
    submissions, due = timed(submissions, run.terms), run.terms.due_date or due_date(run.course, run.assignment)
    students = {each.student for each in [*submissions, *stands]}
    if worksheet.is_kept(run.worksheet, run.folder):
        for line in outdated(submissions, before, run.terms, due):
            print(line)
    check(submissions, run.terms, due, students)
    for line in told(submissions, run.terms, due, students):
        print(line)
    for line in standing(stands, sources):
        print(line)
    return submissions, stands


def _rehearsed(run: Run, source: Source) -> Plan:
    """How the test cells of a notebook can be judged; found out once for each version of it."""
    job = _job(run, source, Plan(), nothing("", source))
    file = run.folder / "plans" / f"{job.key}.json"
    if file.is_file():
        return Plan.read(file.read_text(encoding="utf-8"))
    plan, faults = rehearse(job, answers=[name for name in _ANSWERS if importlib.util.find_spec(name)])
    if faults:
        raise Refused("no student can be graded before this is mended:\n" + "\n".join(faults))
    for doubt in doubts(job, plan):
        print(f"{source.notebook}: {doubt}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(plan.written(), encoding="utf-8")
    return plan


def _job(run: Run, source: Source, plan: Plan, submission: Submission) -> Job:
    job = Job(
        student=submission.student,
        assignment=run.assignment,
        notebook=source.notebook,
        instructor=nbformat.writes(run.course.with_known_markers(source.instructor)),
        released=nbformat.writes(source.released),
        data=submission.data,
        files={**submission.extras, **source.files},
        submitted=_moment(submission),
        remarks=tuple(submission.remarks),
        unsure=submission.unsure,
        plan=plan,
        limits=run.limits,
        sandboxed=run.sandboxed,
    )
    return dataclasses.replace(job, key=_key(job))


def _key(job: Job) -> str:
    """A digest of what the marks depend on; who a student is, when it was handed in and where the course is published are not."""
    settings = json.dumps([dataclasses.asdict(job.limits), job.plan.written(), job.sandboxed, job.unsure])
    files = [part for name in sorted(job.files) for part in (name.encode("utf-8", "surrogatepass"), job.files[name])]
    notebooks = (unaddressed(text).encode() for text in (job.instructor, job.released))
    return records.key_of([_grader(), *notebooks, settings.encode(), job.data or b"", *files])


def _grader() -> bytes:
    """A digest of the grader's own code."""
    code = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in code)).digest()


def _stale(job: Job, record: Record | None) -> bool:
    return record is None or record.key != job.key or record.status is Status.INFRASTRUCTURE_ERROR


# ------------------------------------------------------------------------------------------------------------ doing it


def _graded(run: Run, jobs: Iterable[Job]) -> Iterator[Graded]:
    return on_cluster(jobs, address=run.cluster) if run.cluster else in_processes(jobs, workers=run.workers)


def _stamp(run: Run, submissions: Iterable[Submission], sources: Mapping[str, Source]) -> None:
    """Tells the records what no mark but the penalty depends on, when the work was handed in, and by which notebook they were graded."""
    versions = {name: version_of(source) for name, source in sources.items()}
    for each in submissions:
        record = records.read(records.file_of(run.folder / "records", each.student, each.notebook))
        about = {"late": each.late, "prefix": each.prefix, "handed_in": digest(each.data), "version": versions[each.notebook]}
        stamped = dataclasses.replace(record, submitted=_moment(each), **about)
        if stamped != record:
            records.write(stamped, run.folder / "records")


def _moment(submission: Submission) -> str:
    return submission.submitted.isoformat() if submission.submitted else ""


def _keep(run: Run, graded: Graded) -> None:
    """The notebook first: a record says that all of it is there."""
    if graded.notebook:
        file = records.file_of(run.folder / "notebooks", graded.record.student, graded.record.notebook)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(graded.notebook.encode("utf-8", "replace"))
    records.write(graded.record, run.folder / "records")
