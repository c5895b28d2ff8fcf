"""Students' ids as nbgrader can bear them: they become folders' names."""

import hashlib
import re


def nbgrader_id(student: str) -> str:
    """Returns the id that nbgrader can bear: it is a folder's name, and must match its patterns.

    Almost every id is borne as it is. Slashes, line breaks, control characters, angles, a leading dot, what is not Unicode, and a percent
    sign that would read as such a quotation become ``%XX``; no two ids become one.
    """

    def quoted(match: re.Match) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))

    bearable = re.sub(r"[/\\<>\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]|^\.|^\s|\s$|%(?=[0-9A-F]{2})", quoted, student) or "%25"
    return bearable if len(bearable.encode()) <= 200 else bearable[:50] + "%" + hashlib.sha256(bearable.encode()).hexdigest()
