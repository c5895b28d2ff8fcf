"""One request to a student's kernel: whether it is done, and what was said of it on the way."""

import time

from course_lib.grading.sandbox.cell_outputs import Outputs
from course_lib.grading.sandbox.kernel_channels import Message

_LATE_S = 10.0  # how long outputs may come after the reply; an honest kernel says when they have


class Request:
    """What has come of a request so far; true or forged, it is the kernel's own affair.

    Args:
        name: the request's id.
        outputs: where what it shows is gathered.

    Attributes:
        error: the error that the cell ended with, as its process tells it.
        exits: whether the cell asked for its process to end.
        interrupted: whether an interrupt was sent and has come to its end.
    """

    def __init__(self, name: str, outputs: Outputs):
        self.name, self.outputs = name, outputs
        self.error = ""
        self.exits = False
        self.interrupted = False
        self._replied: float | None = None
        self._idle = False

    @property
    def done(self) -> bool:
        """Whether the reply has come, and all outputs have, or have had time to."""
        return self._replied is not None and (self._idle or time.monotonic() - self._replied > _LATE_S)

    def take(self, message: Message, *, published: bool) -> None:
        """Takes in a message; those that answer another request only count."""
        if not published and message.parent == self.name and message.kind == "execute_reply":
            self._replied = time.monotonic()
            if message.content.get("status") != "ok":
                name, value = (str(message.content.get(part, ""))[:1000] for part in ("ename", "evalue"))
                self.error = f"{name}: {value}" if value else name or "an error"
            payload = message.content.get("payload")
            said = payload if isinstance(payload, list) else []
            self.exits = any(isinstance(each, dict) and each.get("source") == "ask_exit" for each in said)
        elif published and message.parent == self.name:
            self._idle |= message.kind == "status" and message.content.get("execution_state") == "idle"
            self.outputs.take(message)
        else:
            self.outputs.came += message.size
