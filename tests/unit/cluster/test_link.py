"""The broker's end of an agent: says what should be, as long as somebody repeats it."""

import threading
from dataclasses import replace

from cluster.driver import AttemptEnd, AttemptPhase, RoleOrder
from cluster.link import WISH_KEPT_MS, CentreLink, DiaryHeard
from cluster.wire import DIARY, ROLES, AttemptHeard, DiaryTold, Orders, OrdersWanted, Report
from tests.ray_centre import order

ORDER = order("j.1", "true")
OF_ROLES = replace(ORDER, roles=(RoleOrder(name="worker", count=1, command="true"),))


class Clock:
    """The broker's time, as a test has it."""

    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        return self.now_ms


def a_link() -> tuple[CentreLink, Clock]:
    clock = Clock()
    return CentreLink("lsl", clock), clock


def asked(*known: str, stopping: tuple[str, ...] = ()) -> OrdersWanted:
    return OrdersWanted(known=list(known), stopping=list(stopping), wait_ms=0)


def report(
    number: int, phase: AttemptPhase | None = None, started_at_ms: int = 1, node: str = "n"
) -> Report:
    attempts = [AttemptHeard(attempt_id="j.1", phase=phase)] if phase else []
    return Report(
        agent_started_at_ms=started_at_ms, number=number, online_node_ids=[node], attempts=attempts
    )


def test_a_link_that_knows_nothing_says_nothing() -> None:
    link, _ = a_link()
    link.hear(report(1, AttemptPhase.RUNNING))

    assert link.orders(asked("j.1")).is_empty


def test_an_order_is_repeated_until_it_is_known() -> None:
    link, _ = a_link()
    link.launch(ORDER)

    assert link.orders(asked()).launch == [ORDER]
    assert link.orders(asked()).launch == [ORDER]
    assert link.orders(asked("j.1")).is_empty


def test_what_a_report_shows_is_not_ordered_again_though_the_centre_lost_it() -> None:
    link, _ = a_link()
    link.launch(ORDER)
    link.hear(report(1, AttemptPhase.RUNNING))
    link.launch(ORDER)
    link.hear(report(2))

    assert link.orders(asked()).is_empty


def test_what_nobody_repeats_is_no_longer_wanted() -> None:
    link, clock = a_link()
    link.launch(ORDER)
    link.stop("other.1", 5)

    clock.now_ms += WISH_KEPT_MS + 1

    assert link.orders(asked()).is_empty


def test_a_stop_is_repeated_until_it_is_heeded_and_wins_over_the_order() -> None:
    link, _ = a_link()
    link.launch(ORDER)
    link.stop("j.1", 7_000)

    orders = link.orders(asked())

    assert [(stop.attempt_id, stop.grace_ms) for stop in orders.stop] == [("j.1", 7_000)]
    assert orders.launch == []
    assert link.orders(asked("j.1", stopping=("j.1",))).is_empty


def test_what_has_ended_is_not_stopped() -> None:
    link, _ = a_link()
    link.stop("j.1", 0)
    link.hear(report(1, AttemptPhase.ENDED))
    link.stop("j.1", 0)

    assert link.orders(asked("j.1")).is_empty


def test_what_may_be_forgotten_is_neither_stopped_nor_ordered() -> None:
    link, _ = a_link()
    link.launch(ORDER)
    link.stop("j.1", 0)
    link.forget("j.1")

    assert link.orders(asked("j.1")) == Orders(forget=["j.1"])
    assert link.orders(asked()).is_empty


def test_a_report_that_was_overtaken_is_passed_over() -> None:
    link, clock = a_link()
    was_first_taken = link.hear(report(2, node="new"))
    clock.now_ms += 1
    was_second_taken = link.hear(report(1, node="old"))

    seen = link.observe()

    assert (was_first_taken, was_second_taken) == (True, False)
    assert seen is not None
    assert seen.online_node_ids == {"new"}
    assert seen.heard_at_ms == 1_000


def test_an_agent_that_started_again_counts_from_the_beginning() -> None:
    link, _ = a_link()
    link.hear(report(9, started_at_ms=1, node="before"))
    link.hear(report(1, started_at_ms=2, node="after"))

    seen = link.observe()

    assert seen is not None
    assert seen.online_node_ids == {"after"}


def test_each_report_with_news_is_told_to_who_waits_for_it() -> None:
    told: list[int] = []
    clock = Clock()
    link = CentreLink("lsl", clock, on_report=lambda: told.append(clock.now_ms))

    for at_ms, (number, node) in enumerate([(1, "n1"), (1, "n2"), (2, "n1"), (3, "n2")]):
        clock.now_ms = at_ms
        link.hear(report(number, node=node))

    assert told == [0, 3], "what comes twice is older, and what is as it was is no news"
    seen = link.observe()
    assert seen is not None
    assert seen.heard_at_ms == 3


def test_who_waits_hears_of_an_order_at_once() -> None:
    link, _ = a_link()
    answers: list[Orders] = []
    wanted = OrdersWanted(known=[], stopping=[], wait_ms=20_000)
    waiting = threading.Thread(target=lambda: answers.append(link.orders(wanted)))
    waiting.start()

    link.launch(ORDER)
    waiting.join(timeout=10)

    assert [orders.launch for orders in answers] == [[ORDER]]


def test_a_closed_link_lets_nobody_wait() -> None:
    link, _ = a_link()
    link.close()

    assert link.orders(OrdersWanted(known=[], stopping=[], wait_ms=20_000)).is_empty


# Agents of another release.


def of_now() -> Report:
    return report(1).model_copy(update={"understands": ROLES})


def test_an_agent_that_knows_no_roles_is_refused_a_gang_of_them_and_says_why() -> None:
    """It would run the command of the job in each member."""
    link, _ = a_link()
    link.hear(report(1))
    link.launch(OF_ROLES)
    link.launch(OF_ROLES)

    seen = link.observe()

    assert link.orders(asked()).is_empty
    assert seen is not None
    (told,) = seen.attempts
    assert (told.attempt_id, told.phase, told.end) == (
        "j.1",
        AttemptPhase.ENDED,
        AttemptEnd.REFUSED,
    )
    assert "the agent of lsl is of a release that knows no roles" in told.detail
    assert told.started_at_ms is None


def test_an_agent_that_knows_roles_is_sent_them_and_others_what_they_know() -> None:
    link, _ = a_link()
    link.hear(of_now())
    link.launch(OF_ROLES)
    other, _ = a_link()
    other.hear(report(1))
    other.launch(ORDER)

    assert link.orders(asked()).launch == [OF_ROLES]
    assert other.orders(asked()).launch == [ORDER]


def test_nobody_is_sent_roles_before_it_is_heard() -> None:
    link, _ = a_link()
    link.launch(OF_ROLES)
    was_sent = link.orders(asked()).launch
    link.hear(of_now())

    assert was_sent == []
    assert link.orders(asked()).launch == [OF_ROLES]
    link.hear(report(2))
    assert link.orders(asked()).is_empty, "an older one has taken its place"


def test_what_was_refused_is_told_until_it_may_be_forgotten() -> None:
    link, _ = a_link()
    link.launch(OF_ROLES)
    link.hear(report(1))
    before = link.observe()
    link.hear(report(2))

    again = link.observe()
    link.forget("j.1")

    assert before is not None
    assert again is not None
    assert again.attempts == before.attempts != ()
    after = link.observe()
    assert after is not None
    assert after.attempts == ()


def test_what_was_refused_need_not_be_stopped() -> None:
    link, _ = a_link()
    link.hear(report(1))
    link.launch(OF_ROLES)
    link.stop("j.1", 0)

    assert link.orders(asked()).is_empty


def test_a_report_of_before_there_were_roles_is_read() -> None:
    said = of_now().model_dump(exclude={"understands"})

    assert Report.model_validate(said) == report(1)


# The diary.


def a_diary(asked: int, number: int = 1, started_at_ms: int = 1) -> DiaryTold:
    return DiaryTold(
        asked=asked,
        agent_started_at_ms=started_at_ms,
        number=number,
        at_ms=5,
        whole_since_ms=0,
        attempts=[],
    )


def of_diaries(number: int) -> Report:
    return report(number).model_copy(update={"understands": DIARY})


def test_a_diary_is_asked_for_until_it_came() -> None:
    link, _ = a_link()
    link.hear(of_diaries(1))
    number = link.ask_diary()

    assert link.orders(asked()) == Orders(diary=number)
    assert link.orders(asked()) == Orders(diary=number)
    link.take_diary(a_diary(number))

    assert link.orders(asked()).is_empty
    assert link.diary(number, 0) == DiaryHeard(told=a_diary(number), heard_at_ms=1_000)


def test_a_diary_that_nobody_waits_for_any_more_is_asked_for_no_longer() -> None:
    link, _ = a_link()
    link.hear(of_diaries(1))

    assert link.diary(link.ask_diary(), 0) is None
    assert link.orders(asked()).is_empty


def test_a_diary_counts_once_a_report_was_heard_that_says_no_less() -> None:
    link, _ = a_link()
    link.hear(of_diaries(1))
    numbers = [link.ask_diary(), link.ask_diary(), link.ask_diary()]

    link.take_diary(a_diary(numbers[-1], number=2))
    too_early = link.diary(numbers[-1], 0)
    again = link.ask_diary()
    link.take_diary(a_diary(again, number=2))
    link.hear(of_diaries(2))

    assert too_early is None
    heard = link.diary(again, 0)
    assert heard is not None
    assert heard.told == a_diary(again, number=2)


def test_who_waits_for_a_diary_has_it_with_the_report() -> None:
    link, _ = a_link()
    link.hear(of_diaries(1))
    number = link.ask_diary()
    link.take_diary(a_diary(number, number=2))
    answers: list[DiaryHeard | None] = []
    waiting = threading.Thread(target=lambda: answers.append(link.diary(number, 20)))
    waiting.start()
    pause = threading.Event()
    while not link._told._waiters:  # type: ignore[attr-defined] # to know that it waits by now
        pause.wait(0.01)

    link.hear(of_diaries(2))
    waiting.join(timeout=10)

    assert answers == [DiaryHeard(told=a_diary(number, number=2), heard_at_ms=1_000)]


def test_the_answer_to_another_question_is_passed_over() -> None:
    """It was read before, and also by who led before: the log may have come further since."""
    link, clock = a_link()
    before = link.ask_diary()
    clock.now_ms += 60_000
    later = CentreLink("lsl", clock)
    number = later.ask_diary()
    later.hear(of_diaries(1))

    later.take_diary(a_diary(before))

    assert number > before
    assert later.orders(asked()) == Orders(diary=number), "it is still asked for"
    assert later.diary(number, 0) is None


def test_a_centres_clock_is_laid_beside_the_moment_at_which_its_diary_came() -> None:
    """Who asked may be waiting for another centre then, and take it only later."""
    link, clock = a_link()
    link.hear(of_diaries(1))
    number = link.ask_diary()
    link.take_diary(a_diary(number))
    clock.now_ms += 8_000

    heard = link.diary(number, 0)

    assert heard is not None
    assert heard.clock_ahead_ms == 5 - 1_000


def test_a_diary_is_kept_no_longer_than_somebody_waits_for_it() -> None:
    link, _ = a_link()
    link.hear(of_diaries(1))
    number = link.ask_diary()
    link.take_diary(a_diary(number))

    assert link.diary(number, 0) is not None
    link.take_diary(a_diary(0))
    assert link.diary(number, 0) is None
    assert link.diary(0, 0) is None


def test_an_agent_that_keeps_no_diary_is_not_asked() -> None:
    link, _ = a_link()
    link.hear(of_now())
    link.ask_diary()

    assert not link.keeps_diary
    assert link.orders(asked()).is_empty
