"""What a late submission costs: policies as data, and lateness counted from the due date.

policy = parse("per_day=10%, grace=15m, cutoff=7d")
penalty(policy, late=timedelta(hours=30), score=8.0, max_score=10.0)  # two days begun: 2 points
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Policy:
    """What lateness costs; as it stands, nothing.

    Attributes:
        per_day: the part of the points possible that each day begun costs, 0 … 1.
        grace: lateness up to this much is none; beyond it, days count from the due date.
        cutoff: whatever is later than this costs all its points; None for never.
    """

    per_day: float = 0.0
    grace: timedelta = timedelta()
    cutoff: timedelta | None = None

    @property
    def costs(self) -> bool:
        """Whether anybody can lose points by it."""
        return self.per_day > 0 or self.cutoff is not None


NO_PENALTY = Policy()


def parse(words: str) -> Policy:
    """Returns the policy that words name: ``none``, or parts such as ``per_day=10%, grace=15m, cutoff=7d`` (m, h, d, w).

    Raises:
        ValueError: if a part is none of these, stands twice, or has no sense.
    """
    if words.strip() in ("", "none"):
        return NO_PENALTY
    found: dict[str, float | timedelta] = {}
    for part in words.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in ("per_day", "grace", "cutoff") or name in found:
            known = "none, or parts of per_day=10%, grace=15m, cutoff=7d, each once, with commas between"
            raise ValueError(f"the late policy must be {known}; got {part.strip()!r} in {words!r}")
        found[name] = _percent(value) if name == "per_day" else duration(name, value)
    return Policy(**found)


def penalty(policy: Policy, *, late: timedelta, score: float, max_score: float) -> float:
    """Returns the points that lateness costs.

        penalty = min(score, per_day · max_score · ⌈late / 1 day⌉), 0 within the grace, score beyond the cutoff

    Args:
        policy: what lateness costs.
        late: by how much it is late; not more than zero is in time.
        score: the points that were earned.
        max_score: the points that were possible.

    Returns:
        Points, between 0 and ``score``.
    """
    if late <= max(policy.grace, timedelta()):
        return 0.0
    if policy.cutoff is not None and late > policy.cutoff:
        return score
    days = math.ceil(late / timedelta(days=1))
    return max(0.0, min(score, round(policy.per_day * max_score * days, 6)))


def lateness(submitted: str, due: datetime | None) -> timedelta:
    """Returns by how much a submission is late; zero in time, without a due date, or where nobody knows when it came.

    Args:
        submitted: ISO 8601 with time zone, as a record has it, or empty.
        due: the due date with its time zone, any extension included.
    """
    came = moment(submitted)
    return timedelta() if came is None or due is None else max(timedelta(), came - due)


def moment(words: str) -> datetime | None:
    """Returns the moment that an ISO 8601 text names, in UTC; None if it is empty.

    Raises:
        ValueError: if it is no date and time with a time zone: an hour without one is any of 24.
    """
    if not words:
        return None
    try:
        found = datetime.fromisoformat(words)
    except ValueError as mistake:
        raise ValueError(f"a date and time must read like 2027-01-31T23:59:00+09:00; got {words!r}") from mistake
    if found.tzinfo is None:
        raise ValueError(f"a date and time needs its time zone, like 2027-01-31T23:59:00+09:00; got {words!r}")
    return found.astimezone(UTC)


def duration(name: str, value: str) -> timedelta:
    """Returns the time that words such as ``15m``, ``2h``, ``7d`` or ``1w`` name.

    Args:
        name: what the time is of, for the error.
        value: the words.

    Raises:
        ValueError: if they name none.
    """
    if not (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([mhdw])", value)):
        raise ValueError(f"{name} must be a time like 15m, 2h, 7d or 1w; got {value!r}")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def _percent(value: str) -> float:
    if not (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value)) or float(match[1]) > 100:
        raise ValueError(f"per_day must be a percentage of the points possible, 0% to 100%, like per_day=10%; got {value!r}")
    return float(match[1]) / 100
