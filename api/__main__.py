"""The command `brain`."""

import sys

from api.cli.arguments import prepared


def main() -> None:
    arguments = prepared(sys.argv[1:])
    # Imported only now: the texts of the commands are in the language that was just chosen.
    from api.commands import app

    app(arguments, prog_name="brain")


if __name__ == "__main__":
    main()
