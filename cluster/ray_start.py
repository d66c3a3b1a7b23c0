"""`ray start` as a program of its own, which loads and starts nothing that a centre does not use.

    python -m cluster.ray_start --head --port=20000

Ray's program does without these modules where they are not installed, and each node starts with
two thirds less work.
"""

import sys

FOR_OTHER_COMMANDS = (
    "ray.dashboard.modules.job.cli",
    "ray.serve.scripts",
    "ray.util.state.state_cli",
)
FOR_CLIENTS = ("grpc",)
"""Without it a head runs no server for Ray's clients; its dashboard wants it as well."""
DASHBOARD = "--include-dashboard=true"


def main() -> None:
    left_out = FOR_OTHER_COMMANDS if DASHBOARD in sys.argv else FOR_OTHER_COMMANDS + FOR_CLIENTS
    for name in left_out:
        sys.modules[name] = None  # type: ignore[assignment] # the import system's word for absent
    from ray.scripts.scripts import start  # noqa: PLC0415 # not before they are left out

    start()


if __name__ == "__main__":
    main()
