"""The agent of the centre on real Ray, as a program.

`python -m tests.ray_agent URL KEY DATA RAY_ADDRESS FENCE_MS`
"""

import sys
from pathlib import Path

from cluster.agent import AgentSettings, run
from tests.ray_centre import CENTRE, PARK

UID_FROM = 200_000


def main() -> None:
    url, key, data, address, fence_ms = sys.argv[1:]
    run(
        AgentSettings(
            centre=CENTRE,
            device_kind_by_id=PARK.device_kind_by_id,
            url=url,
            api_key=key,
            ray_address=address,
            ray_token_path=Path(data) / "ray-token",
            data_dir=Path(data),
            fence_after_ms=int(fence_ms),
            uid_from=UID_FROM,
            is_logical=PARK.is_logical,  # else a cluster that tests share is measured otherwise
        )
    )


if __name__ == "__main__":
    main()
