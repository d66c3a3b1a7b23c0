"""A job on cores of real Ray, from the command line to its bill."""

from pathlib import Path

import pytest

from tests.acceptance.product import MARKS, product_in

pytestmark = [*MARKS, pytest.mark.heavy]

PARK = Path(__file__).resolve().parents[1] / "data" / "cores-park.yaml"
SAY = "echo cores $BRAIN_CORES threads $OMP_NUM_THREADS of $BRAIN_DEVICES $BRAIN_DEVICE; sleep 2"


def test_a_job_on_cores_runs_on_ray_and_is_billed_by_the_core_hour(tmp_path: Path) -> None:
    with product_in(tmp_path, PARK) as product:
        product.start()
        on_cores = product.submit("--devices", "6", "--device", "cpu-x", command=SAY)
        anywhere = product.submit("--devices", "1", command="echo $ASCEND_RT_VISIBLE_DEVICES")

        assert product.await_end(on_cores).state == "succeeded"
        said = product.brain("logs", on_cores, "-f").stdout
        assert said == "cores 0,1,2,3,4,5 threads 6 of 6 cpu-x\n"
        assert product.await_end(anywhere).state == "succeeded"
        assert product.brain("logs", anywhere, "-f").stdout == "0\n"

        usage = product.data_of("usage", "--tenant", "steel")
        (cores,) = [line for line in usage["lines"] if line["unit"] == "core"]
        assert cores["device_ms"] == usage["core_ms"] >= 6 * 2_000
        assert usage["device_ms"] == sum(
            line["device_ms"] for line in usage["lines"] if line["unit"] == "card"
        )
        shown = product.process("statement", "--tenant", "steel", BRAIN_LANG="zh").stdout
        assert "核时" in shown
        assert product.brain("verify").returncode == 0
