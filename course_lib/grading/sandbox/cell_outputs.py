"""What a cell shows, gathered from what its kernel publishes: of the right form, cut off at a limit, and safe to write to a file."""

from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_lib.grading.sandbox.kernel_channels import Message

FLOOD = 64  # times the limit: who writes more is stopped
_PIECES = 1000  # outputs that are kept, streams that follow one another counted once


class Outputs:
    """The outputs of one cell.

    Args:
        limit: bytes that are kept.

    Attributes:
        came: bytes that came in, kept or not.
    """

    def __init__(self, limit: int):
        self.limit, self.came = limit, 0
        self._kept: list[NotebookNode] = []
        self._room = limit
        self._cut = False
        self._clear_next = False
        self._shown: dict[str, int] = {}  # display ids and where they stand

    @property
    def flooded(self) -> bool:
        """Whether so much came that nobody can have wanted it."""
        return self.came > FLOOD * self.limit

    def take(self, message: Message) -> None:
        """Takes in what a kernel published about the cell; what is no output is passed over."""
        self.came += message.size
        content = message.content
        if message.kind == "clear_output":
            self._clear_next = bool(content.get("wait"))
            if not self._clear_next:
                self._clear()
            return
        if message.kind not in ("stream", "error", "display_data", "execute_result", "update_display_data"):
            return
        if not message.whole:
            self._cut = True
            return
        if self._clear_next and message.kind != "update_display_data":
            self._clear()
        make = {"stream": self._stream, "error": self._error}.get(message.kind, self._display)
        make(message.kind, content)

    def nodes(self) -> tuple[NotebookNode, ...]:
        """Returns the outputs in nbformat's form, with a word where something was cut off."""
        for output in self._kept:
            if output.output_type == "stream":
                output.text = "\n".join(map(_last_state, output.text.split("\n")))
        if not self._cut:
            return tuple(self._kept)
        note = f"\n[grading: this cell wrote more than the {self.limit / 2**20:.3g} MiB that are kept]\n"
        return (*self._kept, new_output("stream", name="stderr", text=note))

    def _clear(self) -> None:
        self._kept, self._shown, self._clear_next = [], {}, False

    def _stream(self, kind: str, content: dict[str, Any]) -> None:
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        text = self._fitting(_text(content.get("text")))
        last = self._kept[-1] if self._kept else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        elif text:
            self._keep(new_output("stream", name=name, text=text))

    def _error(self, kind: str, content: dict[str, Any]) -> None:
        lines = content.get("traceback")
        traceback = [self._fitting(_text(line)) for line in lines[:_PIECES]] if isinstance(lines, list) else []
        name, value = (self._fitting(_text(content.get(part)))[:10_000] for part in ("ename", "evalue"))
        self._keep(new_output("error", ename=name, evalue=value, traceback=[line for line in traceback if line]))

    def _display(self, kind: str, content: dict[str, Any]) -> None:
        data = content.get("data")
        kept = {}
        for form, value in list(data.items())[:20] if isinstance(data, dict) else []:
            if isinstance(value, str) and len(value) <= self._room:  # half a picture is none
                kept[_text(form)] = _text(value)
                self._room -= len(value)
            else:
                self._cut |= isinstance(value, str)
        transient = content.get("transient")
        name = _text(transient.get("display_id")) if isinstance(transient, dict) else ""
        if kind == "update_display_data":
            if name in self._shown and kept:
                self._kept[self._shown[name]]["data"] = NotebookNode(kept)
        elif kept:
            count = {"execution_count": None} if kind == "execute_result" else {}
            if self._keep(new_output(kind, data=kept, metadata={}, **count)) and name:
                self._shown[name] = len(self._kept) - 1

    def _fitting(self, text: str) -> str:
        """As much of a text as there is room for."""
        kept = text[: max(self._room, 0)]
        self._room -= len(text)
        self._cut |= len(kept) < len(text)
        return kept

    def _keep(self, output: NotebookNode) -> bool:
        if len(self._kept) >= _PIECES:
            self._cut = True
            return False
        self._kept.append(output)
        return True


def _last_state(line: str) -> str:
    """A line as a terminal leaves it, where a carriage return begins it anew: the last state of a progress bar."""
    said = line.rstrip("\r")
    return said[said.rfind("\r") + 1 :] + line[len(said) :]


def _text(value: object) -> str:
    """A string that can be written to a file; half a surrogate pair cannot."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
