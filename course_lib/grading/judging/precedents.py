"""What a student's process may do in a test cell besides giving values: no more than what the instructor's own solution did there.

The rehearsal notes it, and the plan keeps it. Where the solution's functions give tensors, a student's that gives an object compares itself:
``f(x).allclose(want)`` would ask the student. Where the solution leaves the inputs of hidden lines alone, a student's that changes them would
choose what the right answer is made from.

    precedents = Precedents(frozenset({"record"}))
    precedents.allow("record"), precedents.allow("edit"), precedents.seen
"""

from collections.abc import Iterable

from course_lib.grading.sandbox.student_errors import StudentError, is_name

ATTRIBUTE = "attribute"  # an attribute or a method of what stays with the student was asked for
EDIT = "edit"  # a hidden line's arguments were changed in place
ROW = "row"  # places of a tuple had names
LATE = "late"  # a module that was passed in an earlier call was changed
RESULTS = {  # kinds of results that are more than values; of several the first is told
    "object": "an object that is no plain value",
    "record": "a record",
    "module": "a torch module",
    "class": "a class",
    "function": "a function",
}


class Precedents:
    """What was done in a conversation, and what may be.

    Args:
        allowed: what the solution did; None allows everything, and is the rehearsal's.

    Attributes:
        seen: what was done.
    """

    def __init__(self, allowed: Iterable[str] | None):
        self.allowed = None if allowed is None else frozenset(allowed)
        self.seen: set[str] = set()

    def __contains__(self, what: str) -> bool:
        """Whether something may be done."""
        return self.allowed is None or what in self.allowed

    def allow(self, what: str) -> bool:
        """Notes that something was done; whether it may be."""
        self.seen.add(what)
        return what in self

    def check(self, came: Iterable[tuple[str, str]]) -> None:
        """Checks what came with an answer.

        Args:
            came: kinds and names; those that are no ``RESULTS`` are passed over.

        Raises:
            StudentError: if the solution never gave such a thing.
        """
        names = dict(sorted(came))
        refused = [kind for kind in RESULTS if kind in names and not (self.allow(kind) or (kind == "module" and "function" in self))]
        if refused:
            asked = " or ".join(["values", *(told for kind, told in RESULTS.items() if kind in self.allowed)])
            name = f"a {names[refused[0]]}, " if is_name(names[refused[0]]) else ""
            error = StudentError(f"your function returned {name}{RESULTS[refused[0]]}, where this check asks for {asked}")
            error.words = str(error).replace(name, "", 1)
            raise error
