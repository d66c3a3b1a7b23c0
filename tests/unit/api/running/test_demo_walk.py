"""What the demo tells of its jobs while they run."""

from pathlib import Path

from api.client.profile import Profile
from api.examples.answers import ANSWERS
from api.running.demo_walk import Walk
from api.schemas.quotes import Explanation


def told(*happened: tuple[str, str]) -> list[str | None]:
    """Of one job: what happened, and how it stands when it is asked for that."""
    walk = Walk("http://here", Profile(url="http://here", tenant="steel", keys={}), Path())
    asked = Explanation.model_validate(ANSWERS["explain"])
    return [
        walk.line_of(kind, "j", asked.model_copy(update={"state": state, "summary": state}))
        for kind, state in happened
    ]


def test_a_job_is_told_when_it_starts_and_when_it_is_over() -> None:
    assert told(("started", "running"), ("ended", "failed")) == [
        "[bold]j[/] running",
        "[bold]j[/] failed",
    ]


def test_one_that_is_over_by_now_does_not_start_and_is_over_once() -> None:
    happened = ("started", "failed"), ("ended", "failed"), ("ended", "failed")

    assert told(*happened) == [None, "[bold]j[/] failed", None]
