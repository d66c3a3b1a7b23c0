"""A job file, or the options that stand for one, as a job to submit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api.client.workdir import Packed, pack
from api.files.yaml_text import YamlInvalid, read_yaml
from api.schemas.complaints import guess, place, problem
from api.schemas.jobs import JobCreate

ERRORS_SHOWN = 10


class JobFileInvalid(Exception):
    """What was given is no job; the message names each field that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedJob:
    """A job, and its packed working directory where it names a local one."""

    job: JobCreate
    packed: Packed | None


def read_job_file(path: Path) -> dict[str, object]:
    """The fields of a job file in YAML or JSON."""
    try:
        content = read_yaml(path)
    except YamlInvalid as error:
        raise JobFileInvalid(f"job file {error}") from None
    if not isinstance(content, dict):
        raise JobFileInvalid(f"job file {path}: must be fields, such as `command: python train.py`")
    return {str(name): value for name, value in content.items()}


def prepare(fields: Mapping[str, object], folder: Path) -> PreparedJob:
    """Check the fields and pack `workdir`, which is relative to `folder`.

    An absolute `workdir` is a path at the centre and stays as it is. Raises `JobFileInvalid`, and
    `WorkdirInvalid` where the folder cannot be shipped.
    """
    workdir = fields.get("workdir")
    if not isinstance(workdir, str) or not workdir or workdir.startswith("/"):
        return PreparedJob(job=_checked(fields), packed=None)
    job = _checked({name: value for name, value in fields.items() if name != "workdir"})
    if job.archive is not None:
        raise JobFileInvalid("this is no job:\n  give workdir or archive, not both")
    packed = pack(folder / Path(workdir).expanduser())
    return PreparedJob(job=job.model_copy(update={"archive": packed.sha256}), packed=packed)


def _checked(fields: Mapping[str, object]) -> JobCreate:
    try:
        return JobCreate.model_validate({name: _plain(value) for name, value in fields.items()})
    except ValidationError as error:
        found = error.errors()
    lines = [f"  {_readable(detail, fields)}" for detail in found[:ERRORS_SHOWN]]
    raise JobFileInvalid("\n".join(["this is no job:", *lines])) from None


def _readable(detail: Mapping[str, Any], fields: Mapping[str, object]) -> str:
    field, said = place(detail["loc"], fields), problem(detail)
    if detail["type"] == "extra_forbidden":
        meant = guess(str(detail["loc"][-1]), JobCreate.model_fields)
        said = f"{said}; {meant}" if meant else said
    return f"{field or 'the job'}: {said}"


def _plain(value: object) -> object:
    """`8.0` in YAML is the number 8.0; where text is wanted, its own check complains."""
    return float(value) if isinstance(value, Decimal) else value
