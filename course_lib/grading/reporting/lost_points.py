"""What a student is told of a check that was not passed: the check's own message, and nothing that could repeat what a hidden test asked.

Before a hidden test has asked anything, all that a check of the release says may be told: the student can run it. Afterwards the
student's code knows hidden inputs, and whatever it raises or returns could carry them out, later, at a visible line of another
question. From then on the author's own words are told, which are literals of the instructor's notebook, and of an error its kind alone.
"""

import ast
import builtins
import re

from course_lib.grading.judging.feedback_words import words_of_the_check
from course_lib.grading.notebooks.namespaces import python_of
from course_lib.grading.records import Outcome, Question

UNSEEN = "A check that you do not see, on other data, did not pass."
RUN_IT = "Run this check in your notebook: it says more there."
_OTHER = "a cell that this check needs"
_TO_A_STUDENT = {  # what grading says to an instructor
    "it does not answer the judge": "your notebook did not answer when this check called your code: does a cell change how cells run?",
    "it did not begin to answer in time": "your notebook did not answer in time when this check called your code",
    "the student's process has ended": "Python ended when this check called your code",
    "its process had ended before": "Python had ended before this check called your code",
    "judging what it returns ended the judge's process": "what your code returned was too much to be judged",
}
_NUMBERS = re.compile(r" \(exit code -?\d+\)")  # a student's code chooses them, and knows hidden inputs by then
_LONGEST = 600  # characters


def told(question: Question, *, asked: bool, check: str) -> list[str]:
    """Returns what a student is told of a question that lost points, a sentence or two.

    Args:
        question: what was found.
        asked: whether a hidden test had asked the student's code for anything when the line ran that failed.
        check: the check as it was given out.

    Example:
        >>> lost = Question("q", 2.0, 0.0, Outcome.WRONG, "Mistake: The mean is 4.7113, but 2 is right: divide by N.", "the mean: divide by N")
        >>> told(lost, asked=False, check="")
        ['The mean is 4.7113, but 2 is right: divide by N.']
        >>> told(lost, asked=True, check="")
        ['The mean: divide by N.', 'Run this check in your notebook: it says more there.']
    """
    if question.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT):  # grading's own words, but for a name that a student may have chosen
        said = _NUMBERS.sub("", _TO_A_STUDENT.get(question.message, question.message))
        return _cut(re.sub(r"^the cell that defines (\w+)", lambda found: found[0] if _names(check, found[1]) else _OTHER, said))
    if question.outcome not in (Outcome.WRONG, Outcome.PART):
        return []
    if question.hidden:
        return [UNSEEN, *([f"It says: {question.words.strip()}"] if question.words.strip() else [])]
    if (lost := re.match(r"NameError: name '(\w+)' is not defined", question.message)) and _names(check, lost[1]):
        return [f"The name {lost[1]} is not defined: does the cell that defines it run to its end?"]
    if not asked:
        return _cut(re.sub(r"^(course_lib\.check\.)?(Mistake|AssertionError): ", "", question.message.strip() or question.words.strip()))
    if words := question.words.strip() or words_of_the_check(question.message):
        return [_sentence(words), RUN_IT]
    return [_kind(question.message), RUN_IT] if question.message else []


def mixes(source: str, markers: tuple[str, str]) -> bool:
    r"""Returns whether lines that a student sees may run after hidden ones in a test cell: below them, or around them in a loop.

    What stands in a function counts where it is called, once and by its name alone.

    Example:
        >>> hidden = ("# HIDDEN", "# SEEN")
        >>> mixes("assert f(1)\n# HIDDEN\nassert f(2)\n# SEEN", hidden)
        False
        >>> mixes("# HIDDEN\nassert f(2)\n# SEEN\nassert f(1)", hidden)
        True
    """
    hidden, inside = set(), False
    for number, line in enumerate(source.split("\n"), 1):
        inside = (inside or markers[0] in line) and markers[1] not in line
        hidden |= {number} if inside else set()
    try:
        return bool(hidden) and _mixed(ast.parse(python_of(source)).body, hidden)
    except SyntaxError:
        return True


def _mixed(block: list[ast.stmt], hidden: set[int]) -> bool:
    asked, called = False, ""  # the function in which it was asked, as long as it has not been called
    for statement in block:
        lines = set(range(statement.lineno, statement.end_lineno + 1))
        if lines <= hidden:
            asked = True
        elif lines & hidden:
            inner = isinstance(statement, ast.FunctionDef | ast.With | ast.If)
            if asked or not inner or _mixed([*statement.body, *getattr(statement, "orelse", [])], hidden):
                return True
            asked, called = True, statement.name if isinstance(statement, ast.FunctionDef) else ""
        elif asked:
            if not called or ast.unparse(statement) != f"{called}()":
                return True
            called = ""
    return False


def _names(check: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", check) is not None


def _cut(text: str) -> list[str]:
    text = text.strip()
    return [text if len(text) <= _LONGEST else text[:_LONGEST] + " …"] if text else []


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?", "!")) else ".")


def _kind(message: str) -> str:
    """An error's kind if it is one of Python's own."""
    name = message.partition(":")[0].strip()
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException) and kind is not AssertionError
    return f"It ended with {name}." if known else "It did not pass."
