"""Evidence over HTTP and from the command line, checked where no broker is."""

import json
from pathlib import Path

import pytest

from accounting import ledger
from accounting.storage import store
from api.cli import language
from api.evidence_check import check
from tests.acceptance.brokers import Served, await_state, newcomer, problem_of, submitted
from tests.acceptance.in_process import brain
from tests.builders import used

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("closing")]

MONTH = "2026-01"
SLICE = used("2026-01-10T00:00", "2026-01-10T08:00", reference="proof.1", device_count=2)


def test_a_tenant_proves_its_job_and_sees_nobody_elses(park: Served) -> None:
    job_id = submitted(park.steel, command="true")
    await_state(park.steel, job_id, "succeeded")

    answer = park.steel.get(f"/v1/evidence/jobs/{job_id}")

    assert answer.headers["content-type"] == "application/zip"
    found = {one.part: one.what for one in check(answer.content)}
    assert "1 slice" in found[f"job {job_id}"]
    assert b'"kind":"submitted"' in answer.content
    problem_of(newcomer(park, "fish").get(f"/v1/evidence/jobs/{job_id}"), 404)


def test_finance_writes_a_lines_evidence_that_is_checked_without_a_broker(
    park: Served, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with park.broker.services.database.begin() as connection:
        store.book(connection, [SLICE], [], [ledger.hold("steel", "proof.1", 56_000_000, 1)])
    made = tmp_path / "line.zip"

    asked = ["--statement", MONTH, "--line", "1", "--tenant", "steel", "-o", str(made)]
    written = brain("evidence", *asked, BRAIN_DATA=str(data))
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    checked = brain("verify", str(made), "--json", BRAIN_DATA=str(nowhere))
    shown = brain("verify", str(made), BRAIN_DATA=str(nowhere), COLUMNS="200")
    content = made.read_bytes()
    made.write_bytes(content.replace(b'"device_ms"', b'"device_mS"', 1))
    altered = brain("verify", str(made), BRAIN_DATA=str(nowhere))
    monkeypatch.setattr(language, "language", lambda: language.Language.ZH)
    altered_zh = brain("verify", str(made), BRAIN_DATA=str(nowhere))
    made.write_bytes(content)
    shown_zh = brain("verify", str(made), BRAIN_DATA=str(nowhere))

    assert written.returncode == 0, written.stderr
    assert checked.returncode == 0, checked.stdout
    verdict = json.loads(checked.stdout)
    assert (verdict["is_intact"], verdict["misfit"]) == (True, None)
    assert verdict["unrooted"][0] == "roots"
    assert "all of it fits, but no daily root covers this yet: roots" in shown.stdout
    assert "the evidence is whole" not in shown.stdout
    assert altered.returncode == 1
    assert "statement.json: its bytes are not those that were written" in altered.stdout
    assert altered_zh.stdout == "✗ statement.json：内容已被改动\n"
    assert "✓ 第 1 行  1 段，57600000 卡毫秒，单价 3.50，金额 56.00\n" in shown_zh.stdout
    assert "未获证明：每日根、" in shown_zh.stdout


def test_a_line_that_is_not_there_is_not_found(park: Served) -> None:
    asked = {"tenant": "steel"}

    answer = park.finance.get(f"/v1/evidence/statements/{MONTH}/lines/99", params=asked)

    assert "it has no line 99" in problem_of(answer, 404)["detail"]


def test_what_is_wanted_must_be_clear() -> None:
    refused = brain("evidence", "-o", "x.zip")

    assert refused.returncode == 2
    assert "name a job, or --statement and --line" in refused.stderr


def test_where_no_broker_is_a_file_is_not_asked_for_in_vain(tmp_path: Path) -> None:
    asked = ("evidence", "j1", "-o", str(tmp_path / "x.zip"))

    failed = brain(*asked, BRAIN_DATA=str(tmp_path), BRAIN_URL="http://127.0.0.1:9")

    assert failed.returncode == 1
    assert "no broker answers at http://127.0.0.1:9" in failed.stderr
