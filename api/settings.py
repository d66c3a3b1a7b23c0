"""What can be set from outside: `BRAIN_*` in the environment, or in a file of such lines."""

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT = 8420
KEPT_DAYS_MAX = 36_500
DEFAULT_FOLDER = Path("~/.industry-brain")
FILE_VARIABLE = "BRAIN_SETTINGS"


class SettingsInvalid(Exception):
    """Something is set to what it cannot be; the message has a line for each."""


class Settings(BaseSettings):
    """The environment wins against the file; what neither says, or leaves empty, is the default."""

    model_config = SettingsConfigDict(
        env_prefix="BRAIN_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    url: str = Field(
        default=f"http://127.0.0.1:{DEFAULT_PORT}",
        description="where the broker is; for a broker its own address, as agents reach it",
    )
    bind: str | None = Field(
        default=None,
        description="what a broker listens on, such as 0.0.0.0; the host of its address if not set",
    )
    api_key: SecretStr | None = Field(
        default=None, description="as whom commands and agents speak to the broker"
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="a PostgreSQL server, as `postgresql://user:password@host:5432/name`; "
        "an embedded one in the data folder if not set",
    )
    park: Path | None = Field(
        default=None,
        description="the park file; else `brain up` takes the local park, others the default park",
    )
    data: Path = Field(
        default=DEFAULT_FOLDER, validate_default=True, description="what is kept on this machine"
    )
    preemption: Literal["off", "classes", "turns"] = Field(
        default="classes",
        description="whether running jobs are stopped for waiting ones, to go on later: off, "
        "classes (`low` jobs for higher classes) or turns (also jobs with a checkpoint, for "
        "higher classes and for those of their own that have had less); for a broker",
    )
    preemption_patience_s: int = Field(
        default=10, ge=0, le=86_400, description="how long a job waits before others are stopped"
    )
    preemption_min_run_s: int = Field(
        default=600, ge=0, le=86_400, description="how long a job runs before it may be stopped"
    )
    preemption_max_per_day: int = Field(
        default=12,
        ge=1,
        le=100_000,
        description="how often in 24 hours a job may be stopped for others; for an owner of what "
        "it borrows always",
    )
    member_users: Literal["auto", "required", "off"] = Field(
        default="auto",
        description="whether each tenant's members run as a system user of their own: auto (where "
        "a centre's node can see to it), required (else they do not run) or off; for an agent",
    )
    member_uid_from: int = Field(
        default=200_000,
        ge=1_000,
        le=1 << 30,
        description="the first user id of tenants' members; the next ten thousand must be free",
    )
    logs_kept_days: int = Field(
        default=30, ge=1, le=KEPT_DAYS_MAX, description="how long output is kept after a job's end"
    )
    archives_kept_days: int = Field(
        default=7,
        ge=1,
        le=KEPT_DAYS_MAX,
        description="how long a working directory is kept that no unfinished job needs",
    )
    utilisation_kept_days: int = Field(
        default=90,
        ge=3,
        le=KEPT_DAYS_MAX,
        description="how long it is kept how busy the centres were; after two days by the minute",
    )
    quote_valid_s: int = Field(
        default=300,
        ge=10,
        le=3_600,
        description="for how long a job may take a quote; for a broker",
    )
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        default="info", description="debug, info, warning, error or critical"
    )

    @field_validator("data", "park")
    @classmethod
    def _expanded(cls, path: Path | None) -> Path | None:
        try:
            return path and path.expanduser().absolute()
        except RuntimeError:
            raise ValueError(f"{path}: there is no such user here") from None

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        return broker_url(url)

    @field_validator("log_level", mode="before")
    @classmethod
    def _small(cls, level: str) -> str:
        return level.lower()

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not is_sendable(key.get_secret_value()):
            raise ValueError("this is no key: a key is one word of ASCII, such as brk_...")
        return key

    @classmethod
    def load(cls) -> Self:
        """What holds now: the file is the one named by `BRAIN_SETTINGS`, or `settings.env`."""
        folder = Path(os.environ.get("BRAIN_DATA") or DEFAULT_FOLDER)
        named = Path(os.environ.get(FILE_VARIABLE) or folder / "settings.env")
        try:
            return cls(_env_file=named.expanduser())
        except RuntimeError:
            raise SettingsInvalid(f"{named}: there is no such user here") from None
        except ValidationError as error:
            lines = [
                f"BRAIN_{str(detail['loc'][0]).upper()}: "
                f"{detail['msg'].removeprefix('Value error, ')}"
                for detail in error.errors()
            ]
            raise SettingsInvalid("\n".join(lines)) from None

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or DEFAULT_PORT

    @property
    def host(self) -> str:
        """What a broker listens on: where others find it, unless `bind` says else."""
        return self.bind or urlsplit(self.url).hostname or "127.0.0.1"


def broker_url(text: str) -> str:
    """The address without its last slash; raises `ValueError` for what is none."""
    try:
        address = urlsplit(text)
        is_one = address.scheme in {"http", "https"} and address.hostname and address.port != 0
    except ValueError:  # half an IPv6 address, or a port that is none
        is_one = False
    if not is_one:
        raise ValueError("the broker's address is written like http://127.0.0.1:8420")
    return text.rstrip("/")


def is_sendable(key: str) -> bool:
    """Whether a key can stand in a header; whether it opens anything, the broker knows."""
    return key.isascii() and key.isprintable() and " " not in key
