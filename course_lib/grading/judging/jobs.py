"""What it takes to grade one notebook, and what comes of it: all that crosses between the coordinator and its workers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import nbformat
from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id, meta
from course_lib.grading.records import Outcome, Question, Record
from course_lib.grading.sandbox.limits import Limits


@dataclass(frozen=True)
class Plan:
    """What the instructor's own solution has shown about an assignment.

    Attributes:
        inside: test cells that only a student's own process can run, where marks can be forged.
        hidden_modules: modules that the student's process does not get to see, since they hold the answers.
        precedents: by test cell, what the solution did there besides giving values; all is allowed in a cell that is not among them.
    """

    inside: frozenset[str] = frozenset()
    hidden_modules: tuple[str, ...] = ()
    precedents: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def written(self) -> str:
        """Returns the plan as JSON, the same for equal plans."""
        precedents = {name: sorted(self.precedents[name]) for name in sorted(self.precedents)}
        return json.dumps({"inside": sorted(self.inside), "hidden_modules": list(self.hidden_modules), "precedents": precedents})

    @classmethod
    def read(cls, text: str) -> "Plan":
        """Returns a plan from its JSON."""
        kept = json.loads(text)
        precedents = {name: frozenset(done) for name, done in kept["precedents"].items()}
        return cls(frozenset(kept["inside"]), tuple(kept["hidden_modules"]), precedents)


@dataclass(frozen=True)
class Job:
    """All that is needed to grade one notebook.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        notebook: the notebook's name.
        instructor: the instructor's notebook, JSON.
        released: what students got, JSON.
        data: what was handed in, None if nothing was.
        files: what lies beside the notebook when it runs, by relative name.
        submitted: when it was handed in, ISO 8601, or empty.
        remarks: what was noticed on the way here.
        unsure: whether nothing tells that it is what the student handed in last, so that its mark waits for a person.
        plan: how the test cells are to be judged.
        limits: what a student's process may use.
        sandboxed: whether it runs in a sandbox.
        avoid: test cells that ended the judge when they were tried; they are not tried again.
        listing: whether to say which modules the student's process has loaded in the end.
        key: what the marks depend on.
    """

    student: str
    assignment: str
    notebook: str
    instructor: str
    released: str
    data: bytes | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    submitted: str = ""
    remarks: tuple[str, ...] = ()
    unsure: bool = False
    plan: Plan = field(default_factory=Plan)
    limits: Limits = field(default_factory=Limits)
    sandboxed: bool = True
    avoid: frozenset[str] = frozenset()
    listing: bool = False
    key: str = ""


@dataclass(frozen=True)
class Graded:
    """What grading found.

    Attributes:
        record: marks and what led to them.
        notebook: the repaired notebook with what the student's cells showed, JSON; empty if there is none.
        loaded: the modules that the student's process had loaded in the end.
        precedents: by test cell, what was done there besides giving values.
    """

    record: Record
    notebook: str = ""
    loaded: tuple[str, ...] = ()
    precedents: Mapping[str, frozenset[str]] = field(default_factory=dict)


def unanswered(instructor: NotebookNode) -> tuple[Question, ...]:
    """Returns the questions of a notebook as they are for somebody who answered none."""
    return tuple(
        Question(grade_id(cell), float(meta(cell).get("points", 0)), 0.0, Outcome.NOT_ATTEMPTED)
        for cell in instructor.cells
        if meta(cell).get("grade") or meta(cell).get("task")
    )


def not_judged(instructor: NotebookNode) -> tuple[Question, ...]:
    """Returns the questions of a notebook as they are where this machine could not judge them: without a mark."""
    return tuple(replace(question, score=None, outcome=Outcome.NOT_JUDGED) for question in unanswered(instructor))


def parsed(text: str) -> NotebookNode:
    """Returns a notebook from its JSON."""
    return nbformat.reads(text, as_version=4)
