"""Rules of `python -m benchmarks replay`: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, main
from benchmarks.list_fifo import list_fifo
from benchmarks.score import read_schedule
from benchmarks.traces import read_trace

TINY = str(Path(__file__).parents[2] / "data" / "tiny.csv")
IDEAL = ["--trace", TINY, "--nodes", "1", "--cards", "4"]


def test_a_replay_writes_its_schedule_and_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule, report = tmp_path / "s.csv.gz", tmp_path / "r.json"

    code = main(
        [
            "replay",
            *IDEAL,
            "--policy=easy",
            f"--schedule={schedule}",
            f"--report={report}",
            "--json",
        ]
    )

    said = json.loads(report.read_text())
    assert code == 0
    assert json.loads(capsys.readouterr().out) == said
    assert len(read_schedule(schedule)) == 4
    assert said["mean_wait_s"] == 27.5
    assert (said["policy"], said["seed"], said["trace"]) == ("easy", 0, "tiny.csv")
    assert {
        "jobs", "wall_s", "cpu_s", "jobs_per_cpu_s", "mean_wait_s", "p95_wait_s", "p99_wait_s",
        "mean_bsld", "mean_jct_s", "util_arrivals", "jain_bsld", "preemptions", "peak_rss_mib",
        "policy", "seed", "trace", "hardware", "load_1m", "versions",
        "list_fifo_mean_wait_s", "list_fifo_cpu_s", "times_list_fifo_cpu",
    } <= said.keys()  # fmt: skip


def test_a_replay_on_centres_keeps_each_job_in_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    centres, schedule = tmp_path / "two.csv", tmp_path / "s.csv"
    centres.write_text("pool,capacity\nsouth,4\nnorth,8\n")

    where = ["--trace", TINY, "--centres", str(centres), "--cards=4"]
    assert main(["replay", *where, f"--schedule={schedule}", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["capacity"] == 12
    assert {row.pool for row in read_schedule(schedule)} == {"north", "south"}


def test_a_tenant_that_is_called_as_a_centre_goes_there_first_and_elsewhere_where_it_is_full(
    tmp_path: Path,
) -> None:
    centres, trace, schedule = (tmp_path / one for one in ("two.csv", "t.csv", "s.csv"))
    centres.write_text("pool,capacity\na,4\nx,4\n")
    columns = "job_id,tenant,user,submit_s,duration_s,devices,nodes,device_type,status"
    runs = [f"{name},x,u,{at},100,4,,," for at, name in enumerate(("first", "second"))]
    trace.write_text("\n".join([columns, *runs, "else,y,u,200,100,1,,,", ""]), encoding="utf-8")

    where = ["--trace", str(trace), "--centres", str(centres), "--cards=4"]
    assert main(["replay", *where, f"--schedule={schedule}"]) == 0

    pools = [(row.job_id, row.pool, row.start_ms) for row in read_schedule(schedule)]
    assert sorted(pools) == [("else", "a", 200_000), ("first", "x", 0), ("second", "a", 1_000)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pool,capacity\nnorth,3\n", "line 2: north is not nodes of 2 cards"),
        ("pool,capacity\nnorth,0\n", "line 2: north is not nodes of 2 cards"),
        ("pool,capacity\nnorth,many\n", "line 2: ValueError"),
        ("pool,devices\nnorth,2\n", "line 2: KeyError"),
        ("pool,capacity\n", "no centres"),
        ("pool,capacity\nnorth,2\nnorth,2\n", "one is there twice"),
    ],
)
def test_centres_that_are_none_are_refused(
    text: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    centres = tmp_path / "centres.csv"
    centres.write_text(text)

    assert main(["replay", "--trace", TINY, "--centres", str(centres), "--cards=2"]) == 2

    assert what in capsys.readouterr().err


def test_in_order_of_arrival_on_an_ideal_pool_the_controller_and_a_plain_list_agree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["replay", *IDEAL, "--policy", "fifo", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["mean_wait_s"] == said["list_fifo_mean_wait_s"] == 60


def test_a_plain_list_lets_nobody_pass_and_runs_at_once_what_fits() -> None:
    waits_ms = list_fifo(read_trace(Path(TINY)), 4)

    assert waits_ms == [0, 90_000, 80_000, 70_000]


def test_a_replay_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *IDEAL, "--policy", "fifo", "--preemption", "on"]) == 0
    assert "60.000" in capsys.readouterr().out


def test_a_replay_says_how_many_started_as_they_were_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under `easy` all is known: two wait, and each starts when it was told or before."""
    assert main(["replay", *IDEAL, "--policy", "easy", "--foretell", "on", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["foretold_starts"], said["started_by_planned"]) == (2, 1.0)
    assert (said["foretold_p90s"], said["started_by_p90"]) == (0, None)
    assert said["mean_wait_s"] == 27.5


def test_a_replay_runs_on_a_park_file(capsys: pytest.CaptureFixture[str]) -> None:
    park = Path(__file__).parents[3] / "cluster" / "parks" / "default.yaml"

    assert main(["replay", "--trace", TINY, "--park", str(park), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mean_wait_s"] == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--trace", "/nowhere.csv", "--nodes", "1"], "nowhere"),
        (["--trace", TINY, "--park", TINY], "tiny.csv"),
        (["--trace", TINY, "--nodes", "1", "--cards", "2"], "too_big"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_one_line(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["replay", *arguments])

    said = capsys.readouterr().err
    assert code == 2
    assert why in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["replay", "compare"])
def test_a_restart_costs_nothing_or_more(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--trace", TINY, "--nodes", "1", "--restart-s", "-1"])

    assert "-1 is not a whole number of at least 0" in capsys.readouterr().err


def test_figures_are_told_apart_where_the_terminal_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    main(["compare", "--trace", TINY, "--nodes", "1"])

    assert "…" not in "".join(line[:9] for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5", ""])
def test_a_count_is_a_whole_number_of_at_least_one(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["replay", "--trace", TINY, f"--nodes={count}"])

    assert "not a whole number of at least 1" in capsys.readouterr().err


def test_every_command_says_in_its_help_what_it_measures_and_how_to_call_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])

        said = capsys.readouterr().out
        assert "--json" in said
        assert f"python -m benchmarks {command}" in said.partition("examples:")[2]
