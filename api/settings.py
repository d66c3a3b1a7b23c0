"""What can be set from outside: `BRAIN_*` in the environment, or in a file of such lines."""

import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT = 8420
DEFAULT_FOLDER = Path("~/.industry-brain")
FILE_VARIABLE = "BRAIN_SETTINGS"


class Settings(BaseSettings):
    """The environment wins against the file; what neither says has its default.

    `database_url` None means the embedded server below `data`; `park` None means the park that
    ships with the project. `bind` is what a broker listens on, such as 0.0.0.0.
    """

    model_config = SettingsConfigDict(env_prefix="BRAIN_", extra="ignore", frozen=True)

    url: str = f"http://127.0.0.1:{DEFAULT_PORT}"
    bind: str | None = None
    api_key: SecretStr | None = None
    database_url: SecretStr | None = None
    park: Path | None = None
    data: Path = Field(default=DEFAULT_FOLDER, validate_default=True)
    log_level: str = "info"

    @field_validator("data", "park")
    @classmethod
    def _expanded(cls, path: Path | None) -> Path | None:
        return path and path.expanduser().absolute()

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError("BRAIN_URL is written like http://127.0.0.1:8420")
        return url.rstrip("/")

    @classmethod
    def load(cls) -> Self:
        """What holds now: the file is the one named by `BRAIN_SETTINGS`, or `settings.env`."""
        named = os.environ.get(FILE_VARIABLE)
        folder = Path(os.environ.get("BRAIN_DATA", DEFAULT_FOLDER)).expanduser()
        return cls(_env_file=Path(named) if named else folder / "settings.env")

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or DEFAULT_PORT

    @property
    def host(self) -> str:
        """What a broker listens on: where others find it, unless `bind` says else."""
        return self.bind or urlsplit(self.url).hostname or "127.0.0.1"
