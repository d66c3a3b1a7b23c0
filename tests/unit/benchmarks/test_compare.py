"""Several policies side by side: the table, the picture, and what is refused."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.picture import in_use, picture, shares, waiting
from benchmarks.score import waits_by_class
from tests.unit.benchmarks.test_replay import IDEAL
from tests.unit.benchmarks.test_score import THREE, a_run

S_PER_DAY = 86_400
STOPPED = (a_run("a", 0, 0, 10), a_run("a", 0, 30, 40))


def seconds(steps: tuple[list[float], list[int]]) -> list[tuple[int, int]]:
    return [(round(day * S_PER_DAY), value) for day, value in zip(*steps, strict=True)]


def test_each_policy_has_a_line_that_its_replay_would_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "both.png"
    names = ["fifo", "sjf-oracle", "default+preemption"]

    code = main(
        ["compare", *IDEAL, "--policies", *names, "fifo", "--picture", str(picture), "--json"]
    )

    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [line["policy"] for line in report["policies"]] == [
        *("fifo", "sjf-oracle", "default +preemption"),
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["replay", *IDEAL, "--policy", "fifo", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    fifo = report["policies"][0]
    assert {key: fifo[key] for key in ("mean_wait_s", "mean_bsld", "util_arrivals")} == {
        key: alone[key] for key in ("mean_wait_s", "mean_bsld", "util_arrivals")
    }
    assert fifo["p95_wait_s, 1 device"] == 80
    assert fifo["p95_wait_s, 2-8 devices"] == 90


def test_what_is_over_time_is_over_the_same_time_and_no_line_is_hidden() -> None:
    """`b` begins after a day and runs for another; all is in use where the names would be."""
    runs = [a_run("a", 0, 0, 10), a_run("b", 0, S_PER_DAY, 2 * S_PER_DAY)]

    figure = picture({"fifo": runs, "easy": runs}, 1, "two")
    figure.draw_without_rendering()

    use, queue = figure.axes[:2]
    assert use.get_ylabel() == "devices in use"
    assert queue.get_ylabel() == "jobs waiting"
    assert use.get_xlim() == queue.get_xlim() == (0, 1)
    legend = use.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= use.get_window_extent().y1


def test_preemption_is_for_those_that_name_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`b` comes when `a` has run for 700 s of two hours, on the only device."""
    trace = tmp_path / "trace.csv"
    columns = "job_id,tenant,user,submit_s,duration_s,devices,nodes,device_type,status"
    trace.write_text(f"{columns}\na,x,u,0,7200,1,,,\nb,x,u,700,100,1,,,\n", encoding="utf-8")
    where = ["--trace", str(trace), "--nodes", "1", "--cards", "1", "--json"]

    assert main(["compare", *where, "--policies", "default", "default+preemption"]) == 0

    lines = json.loads(capsys.readouterr().out)["policies"]
    assert [line["preemptions"] for line in lines] == [0, 1]
    assert lines[1]["mean_wait_s"] < lines[0]["mean_wait_s"]


def test_nodes_fail_alike_under_every_policy_and_as_in_a_replay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two days on one node that fails five times a day."""
    trace = tmp_path / "trace.csv"
    columns = "job_id,tenant,user,submit_s,duration_s,devices,nodes,device_type,status"
    trace.write_text(f"{columns}\na,x,u,0,7200,1,,,\nb,x,u,172000,900,1,,,\n", encoding="utf-8")
    where = ["--trace", str(trace), "--nodes", "1", "--cards", "1", "--seed", "3", "--json"]
    failing = ["--failures-per-node-day", "5", "--repair-h", "1"]

    assert main(["compare", *where, *failing, "--policies", "fifo", "default"]) == 0
    lines = json.loads(capsys.readouterr().out)["policies"]
    assert main(["replay", *where, *failing, "--policy", "fifo"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main(["compare", *where, "--policies", "fifo"]) == 0
    (well,) = json.loads(capsys.readouterr().out)["policies"]

    assert lines[0]["node_failures"] == lines[1]["node_failures"] > 0
    for key in ("node_failures", "attempts_lost", "lost_device_h", "mean_jct_s"):
        assert lines[0][key] == alone[key]
    assert "node_failures" not in well


def test_beside_easy_it_says_who_pays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`c` may pass `b` under `easy`, and under `fifo` waits until it is over."""
    trace = tmp_path / "trace.csv"
    columns = "job_id,tenant,user,submit_s,duration_s,devices,nodes,device_type,status"
    jobs = "a,x,u,0,1000,3,,,\nb,y,u,1,10,4,,,\nc,z,u,2,100,1,,,\n"
    trace.write_text(f"{columns}\n{jobs}", encoding="utf-8")
    where = ["--trace", str(trace), "--nodes", "1", "--cards", "4", "--json"]

    assert main(["compare", *where, "--policies", "fifo", "easy"]) == 0

    fifo, easy = json.loads(capsys.readouterr().out)["policies"]
    assert easy["tenants worse than easy"] == "0 of 3"
    assert fifo["tenants worse than easy"] == "1 of 3, 1 jobs; z: 1,008 s, 0 under easy"
    assert fifo["sizes worse than easy"] == "1 of 2, 1 jobs; 1 device: 1,008 s, 0 under easy"
    # 998 s in which a card is free that `c` could use, then 10 with all in use; and none.
    assert fifo["saturated_of_allowed"] == pytest.approx((3 * 998 + 3 + 40) / (4 * 998 + 3 + 40))
    assert easy["saturated_of_allowed"] == pytest.approx(1.0)


def test_the_table_has_a_column_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *IDEAL, "--policies", "fifo", "easy"]) == 0

    said = capsys.readouterr().out
    (head,) = [line for line in said.splitlines() if "policy" in line]
    assert head.split()[1::2] == ["policy", "fifo", "easy"]
    assert "mean_wait_s" in said


def test_an_unknown_policy_is_named_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", *IDEAL, "--policies", "fifo", "best"])

    assert ended.value.code == 2
    assert "no policy is called best: known are default, easy, fifo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--policies", "easy+preemption"], "easy stops nobody: leave +preemption out"),
        (["--picture", "out.doc"], "out.doc is none of .png, .svg, .pdf"),
        (["--picture", "nowhere/out.png"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", *IDEAL, *words])

    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_devices_in_use_and_jobs_that_wait_from_each_moment_on() -> None:
    assert seconds(in_use(THREE)) == [(0, 2), (100, 2), (105, 1), (150, 0)]
    assert seconds(waiting(THREE)) == [(0, 0), (10, 1), (20, 2), (100, 0)]


def test_a_job_that_was_stopped_waits_again() -> None:
    assert seconds(in_use(STOPPED)) == [(0, 1), (10, 0), (30, 1), (40, 0)]
    assert seconds(waiting(STOPPED)) == [(0, 0), (10, 1), (30, 0)]
    assert waits_by_class(STOPPED) == {"1 device": [20_000]}


def test_each_tenant_has_its_part_of_what_was_used_while_jobs_arrived() -> None:
    """Until 20 s only `a` of x runs; of 120 s more it is both."""
    late = a_run("d", 120, 120, 130)

    assert shares(THREE) == {"x": 1.0, "y": 0.0}
    used_x, used_y = 2 * 100, 20 + 5
    expected = {"x": used_x / (used_x + used_y), "y": used_y / (used_x + used_y)}
    assert shares((*THREE, late)) == pytest.approx(expected)
