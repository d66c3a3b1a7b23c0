"""The one planner, a pure function of the state: who starts now and where, and who must wait."""

from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.plan import Answers, Grant, Plan, Verdict
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.desk import Desk
from scheduler.planning.explain import in_units, with_quantiles
from scheduler.planning.growth import ripe
from scheduler.planning.quiet import is_all_taken, is_quiet


def plan(
    state: State, now_ms: int, policy: Policy = DEFAULT, answers: Answers = Answers.ALL
) -> Plan:
    """Consider every waiting job once, in the policy's order."""
    if state.park is None or not (state.queue or ripe(state, now_ms, policy)):
        return Plan(grants=(), verdicts={})
    # Where one waits alone there is nobody to spare a look.
    is_brief = answers is Answers.GRANTS and len(state.queue) > 1
    if is_brief and is_all_taken(state, state.park, policy):
        return Plan(grants=(), verdicts={}, answers=answers)
    desk = Desk(state, state.park, now_ms, policy)
    grants: list[Grant] = []
    waiting: list[JobRecord] = []
    told: list[Verdict] = []
    for record, answer in () if is_brief and is_quiet(desk) else desk.answers():
        if isinstance(answer, Grant):
            grants.append(answer)
        else:
            waiting.append(record)
            told.append(answer)
        if is_brief and desk.is_full(record.job.id):
            break
    desk.grow()
    if told and answers is Answers.ALL:
        verdicts = desk.foresight.foresee(desk.outlook(), waiting, told)
        verdicts = with_quantiles(verdicts, state.punctuality.outlook(), now_ms)
    else:
        verdicts = {record.job.id: verdict for record, verdict in zip(waiting, told, strict=True)}
    if state.park.core_kind_ids:
        verdicts = in_units(verdicts, state)
    return Plan(
        grants=tuple(grants),
        verdicts=verdicts,
        evictions=tuple(desk.evictions),
        promised=desk.rooms.promised(),
        answers=answers,
    )
