"""The keys of a broker on this machine: `brain up` writes them, the command line finds them."""

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

FILE_NAME = "keys.json"


class ProfileInvalid(Exception):
    """The file with the keys cannot be used; the message says what to do."""


class Profile(BaseModel):
    """Where the broker is, and a key for each role and tenant, by name: `operator`, `t03`, ...

    `tenant` is for whom a job is submitted when nobody says so.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    tenant: str
    keys: dict[str, str]


def read_profile(data: Path) -> Profile | None:
    """The profile in the data folder, or None where no broker was ever started there."""
    path = data / FILE_NAME
    try:
        return Profile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProfileInvalid(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise ProfileInvalid(
            f"{path} cannot be used (errors: {error.error_count()}): remove it, and `brain up` "
            "writes it anew"
        ) from None


def write_profile(data: Path, profile: Profile) -> None:
    """Replace the profile at once; nobody but the owner can read it at any moment."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = data / f".{FILE_NAME}.new"
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(profile.model_dump(), file, indent=2)
    new.replace(data / FILE_NAME)
