"""What the commands' options have in common."""

from argparse import ArgumentParser, ArgumentTypeError


def positive(text: str) -> int:
    """A count of at least one."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def not_negative(text: str) -> int:
    """A count that may be none."""
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text} is not a whole number of at least 0")
    return int(text)


def add_restart(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--restart-s", type=not_negative, default=60, help="what each costs (%(default)s)"
    )


def add_count(parser: ArgumentParser, name: str, default: int, what: str) -> None:
    parser.add_argument(name, type=positive, default=default, help=f"{what} (%(default)s)")


def add_seed(parser: ArgumentParser, what: str) -> None:
    parser.add_argument("--seed", type=int, default=0, help=f"draws {what} (%(default)s)")
