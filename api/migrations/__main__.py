"""`python -m api.migrations 0002 "what changes"`: write the next migration from the metadata.

It is compared with a fresh database that all earlier migrations have made; read what was written.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from api.database import engine, migrate
from api.postgres import EmbeddedPostgres

HERE = Path(__file__).parent


def main() -> None:
    revision, message = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.url())
        with engine(server.url()).begin() as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(HERE))
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            command.revision(config, message, autogenerate=True, rev_id=revision)


if __name__ == "__main__":
    main()
