"""Errors that come from a student's process: his own, raised here by name, and those of a process that gives no answer at all."""

_ERRORS = {
    kind.__name__: kind
    for kind in (
        *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, Exception, FloatingPointError, ImportError, IndexError),
        *(KeyError, LookupError, MemoryError, ModuleNotFoundError, NameError, NotImplementedError, OSError, OverflowError),
        *(RecursionError, RuntimeError, StopIteration, SyntaxError, TypeError, UnboundLocalError, ValueError, ZeroDivisionError),
        *(FileNotFoundError, PermissionError, ConnectionError, TimeoutError, InterruptedError, UnicodeError),
        *(Warning, UserWarning, DeprecationWarning, FutureWarning, RuntimeWarning),
    )
}
_LONGEST = 80  # characters of a name


class StudentError(Exception):
    """An error of the student's own kind, or a result that nobody can compare.

    Attributes:
        words: what may be told of it to anybody, if there is something: it holds nothing of the student's.
    """

    words = ""


class Unanswered(BaseException):
    """The student's process gave no answer that can be used; no ``except Exception`` of a test catches it."""


class TimedOut(Unanswered):
    """The student's code did not answer in time."""


class Gone(Unanswered):
    """The student's process has ended."""


class Forged(Unanswered):
    """The student's process said what no honest one says."""


def kind_of_error(name: str, nearest: str) -> type[Exception]:
    """Returns a class for an error that is raised there: the built-in one of that name, else one of that name made from the nearest."""
    kind = _ERRORS.get(nearest, StudentError)
    if kind.__name__ == name:
        return kind
    plain = name if is_name(name) else "StudentError"
    return type(plain, (StudentError,) if kind in (Exception, StudentError) else (StudentError, kind), {})


def is_name(name: str) -> bool:
    """Whether this can be the name of a student's class, and is no text in a name's place."""
    return name.isidentifier() and len(name) <= _LONGEST
