"""What is read from the command line before typer parses it."""

import os
import shlex

from api.cli.language import VARIABLE, Language

LANGUAGE_OPTION = "--lang"
COMMAND_OPTION = "--command"
END_OF_OPTIONS = "--"
COMMANDS_WITH_COMMAND = frozenset({"submit", "quote"})


def prepared(arguments: list[str]) -> list[str]:
    """The arguments as typer takes them; `--lang` may stand anywhere, and is obeyed here.

    Help texts are made before arguments are parsed, so the language must be known by then.
    What stands after `--` becomes one option, because typer does not tell where a `--` stood.
    """
    cut = arguments.index(END_OF_OPTIONS) if END_OF_OPTIONS in arguments else len(arguments)
    own, command = _without_language(arguments[:cut]), arguments[cut + 1 :]
    if not command:
        return own
    if not COMMANDS_WITH_COMMAND & set(own):
        return [*own, END_OF_OPTIONS, *command]
    # One word is a whole shell command; several are the words of a simple one.
    return [*own, COMMAND_OPTION, command[0] if len(command) == 1 else shlex.join(command)]


def _without_language(own: list[str]) -> list[str]:
    for index, word in enumerate(own):
        if word == LANGUAGE_OPTION and index + 1 < len(own):
            return _obeyed(own[index + 1], own[:index] + own[index + 2 :])
        if word.startswith(LANGUAGE_OPTION + "="):
            chosen = word.removeprefix(LANGUAGE_OPTION + "=")
            return _obeyed(chosen, own[:index] + own[index + 1 :])
    return own


def _obeyed(chosen: str, others: list[str]) -> list[str]:
    """What is no language is left to typer, before the command, where it takes the option."""
    if not chosen.lower().startswith(tuple(Language)):
        return [f"{LANGUAGE_OPTION}={chosen}", *others]
    os.environ[VARIABLE] = chosen
    return others
