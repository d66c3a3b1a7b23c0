"""What a held job is told to wait for."""

from api.routes.jobs import held_by
from scheduler.model.job import ReasonCode
from scheduler.storage.array_queries import Predecessor
from tests.builders import an_array


def test_a_held_task_is_told_all_whom_it_follows_and_its_turn() -> None:
    task = an_array(4, 2, after_ids=("one", "over"), after_any_ids=("two",))[3]
    states = {name: Predecessor("steel", "queued", is_over=False) for name in ("one", "two")}
    states["over"] = Predecessor("steel", "succeeded", is_over=True)

    found = held_by(task, states, {"a1": 2})

    assert [(one.code, one.where, one.need, one.free, one.gap) for one in found] == [
        (ReasonCode.DEPENDENCY, "one", 1, 0, 1),
        (ReasonCode.DEPENDENCY, "two", 1, 0, 1),
        (ReasonCode.ARRAY_LIMIT, "a1", 3, 2, 1),
    ]
    assert [one.code for one in held_by(task, {}, {"a1": 1})] == []
