"""Writes docs/api.md from the interface's own description, docs/cli.md from the commands' help.

`make docs` calls it; tests/test_docs.py sees to it that nobody forgets to.
"""

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from api.app import create_app
from api.cli import help_page
from api.cli.language import VARIABLE
from api.database import engine
from api.describing import GOOD, JSON, TAGS
from api.feed import Feed
from api.routes.parameters import NAME_PATTERN
from api.services import Services
from api.settings import Settings

HERE = Path(__file__).resolve().parent
GENERATED = "<!-- Written by `make docs`: change what it is made from, not this file. -->"
NO_DATABASE = "postgresql://nobody@nowhere/nothing"
API_INTRODUCTION = """\
The same description, for programs, is at `/openapi.json` of every broker. Every example below is
checked against its schema by the tests. What the words mean is in the [glossary](glossary.md).

```console
curl -H "Authorization: Bearer $BRAIN_API_KEY" http://127.0.0.1:8420/v1/capacity
```

A request that fails is answered with a [Problem](#problem) and one of 400, 401, 403, 413, 422,
429, 500 and 503, or another status that its route names. In Python, `api.sdk.Client` does all of
this, and tries again what may be tried again.
"""
SCHEMAS_INTRODUCTION = """\
A field that is not optional and has no default must be sent, and is always in an answer. An *id*
has letters, digits, `.`, `_` and `-`, at most 64, and begins with a letter or a digit.
"""
CLI_INTRODUCTION = """\
Every command teaches itself: `brain COMMAND --help`, in Chinese with `--lang zh`, `BRAIN_LANG=zh`
or a Chinese `LANG`. It ends with 0 where all went well, 1 where something failed, 2 where it was
called wrongly. With `--json` it prints data for programs on standard output, and nothing else.

Which broker and which key: `--url` and `--as NAME`, else the settings below, else the file
`keys.json` that `brain up` writes into its data folder.
"""
SETTINGS_INTRODUCTION = """\
Variables of the environment, or lines `NAME=value` of a file: `settings.env` in the data folder,
or the one that `BRAIN_SETTINGS` names. The environment wins.
"""

FENCE = "```console"
KNOWN_PATTERNS = {NAME_PATTERN: ", an id", "^[0-9a-f]{64}$": ", a sha256 in hex"}
TYPES = {"boolean": "`true` or `false`", "null": "null", "object": "object"}

Schema = Mapping[str, Any]
Row = Sequence[str]


@cache
def described() -> dict[str, Any]:
    """The description of the interface; it takes no database to make it, but a second."""
    database = engine(NO_DATABASE)
    services = Services(settings=Settings(), database=database, feed=Feed(database))
    return create_app(services).openapi()


def write(folder: Path) -> None:
    (folder / "api.md").write_text("\n".join(api_lines(described())), encoding="utf-8")
    (folder / "cli.md").write_text("\n".join(cli_lines()), encoding="utf-8")


# The interface.


def api_lines(document: Schema) -> Iterator[str]:
    yield from ("# HTTP interface", "", GENERATED, "", document["info"]["description"])
    yield API_INTRODUCTION
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    rows = [
        (f"`{address}`", f"[{operation['summary']}](#{anchor(operation['summary'])})")
        for address, operation in operations
    ]
    yield from table(("Address", "What for"), rows)
    for tag, about in TAGS.items():
        yield from (f"## {tag.capitalize()}", "", about, "")
        for address, operation in operations:
            if tag in operation["tags"]:
                yield from operation_lines(address, operation)
    yield from ("## Schemas", "", SCHEMAS_INTRODUCTION)
    for name, schema in document["components"]["schemas"].items():
        yield from schema_lines(name, schema)


def operation_lines(address: str, operation: Schema) -> Iterator[str]:
    yield from (f"### {operation['summary']}", "", f"`{address}`", "", operation["description"], "")
    parameters = operation.get("parameters", [])
    if parameters:
        yield from table(("Parameter", "In", "Type", "Meaning"), map(parameter_row, parameters))
    yield from body_lines("Body", operation.get("requestBody"))
    for status, answer in operation["responses"].items():
        if status < "300":
            yield from body_lines(f"Answer {status}", answer if status in GOOD else None)
    others = sorted(status for status in operation["responses"] if status not in GOOD)
    if others:
        yield from (f"Other answers: {', '.join(others)}.", "")


def parameter_row(parameter: Schema) -> Row:
    schema = parameter["schema"]
    must = "" if parameter.get("required") else default_text(schema)
    given = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    about = parameter.get("description") or schema.get("description", "")
    return (f"`{parameter['name']}`", parameter["in"], type_text({"anyOf": given}) + must, about)


def body_lines(title: str, body: Schema | None) -> Iterator[str]:
    for media, content in (body or {}).get("content", {}).items():
        kind = type_text(content["schema"]) if content.get("schema") else ""
        yield from (f"{title}: `{media}` {kind}".rstrip(), "")
        shown = content.get("examples", {}).values() or [{"value": content.get("example")}]
        for example in shown:
            if media == JSON and example["value"] is not None:
                text = json.dumps(example["value"], ensure_ascii=False, indent=2)
                yield from ("```json", text, "```", "")


def schema_lines(name: str, schema: Schema) -> Iterator[str]:
    yield from (f"### {name}", "", schema.get("description", ""), "")
    if "enum" in schema:
        yield from (type_text(schema), "")
        return
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{field}`",
            type_text(part) + ("" if field in required else default_text(part)),
            part.get("description", ""),
        )
        for field, part in schema.get("properties", {}).items()
    ]
    yield from table(("Field", "Type", "Meaning"), rows)


def type_text(schema: Schema) -> str:
    """A type in a few words, with its limits."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if "anyOf" in schema:
        return " or ".join(type_text(part) for part in schema["anyOf"])
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return ", ".join(f"`{word}`" for word in words) or plain_type_text(schema)


def plain_type_text(schema: Schema) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {type_text(schema.get('items', {}))}" + limits(schema, "Items")
        case "object" if isinstance(values := schema.get("additionalProperties"), dict):
            return f"map to {type_text(values)}"
        case "string":
            return "text" + limits(schema, "Length")
        case "integer":
            return "whole number" + limits(schema, "imum")
        case other:
            return TYPES.get(str(other), "anything")


def limits(schema: Schema, what: str) -> str:
    if "pattern" in schema:
        return KNOWN_PATTERNS.get(schema["pattern"], f" like `{schema['pattern']}`")
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if most is None:
        return f" from {least:,.0f}" if least is not None else ""
    return f" up to {most:,.0f}" if least is None else f" {least:,.0f} to {most:,.0f}"


def default_text(schema: Schema) -> str:
    default = schema.get("default")
    return ", optional" if default in (None, "", [], {}) else f", default `{json.dumps(default)}`"


# The commands.


def cli_lines() -> Iterator[str]:
    from api.commands import app  # noqa: PLC0415 - its texts are in the language set before

    root = get_command(app)
    yield from ("# Command line", "", GENERATED, "", help_text(root.help), "", CLI_INTRODUCTION)
    options = code_first(help_page.option_rows(root))
    yield from table(("Option before the command", "Meaning"), options)
    for name, command in root.commands.items():  # type: ignore[attr-defined] # it is a group
        yield from command_lines(f"brain {name}", command)
        for below, part in getattr(command, "commands", {}).items():
            yield from command_lines(f"brain {name} {below}", part)
    yield from ("## Settings", "", SETTINGS_INTRODUCTION)
    yield from table(("Variable", "Default", "Meaning"), setting_rows())


def command_lines(name: str, command: Any) -> Iterator[str]:
    yield from (f"## {name}", "", f"`{help_page.usage(command, name)}`", "")
    yield from (help_text(command.help), "")
    rows = [*help_page.argument_rows(command), *help_page.option_rows(command)]
    if rows:
        yield from table(("Argument or option", "Meaning"), code_first(rows))


def code_first(rows: Iterable[Row]) -> Iterator[Row]:
    return ((f"`{first}`", *others) for first, *others in rows)


def help_text(text: str | None) -> str:
    """The help as Markdown: what stands indented is code."""
    return "\n\n".join(
        f"{FENCE}\n{textwrap.dedent(block)}\n```" if block.startswith(" ") else block
        for block in help_page.blocks(text)
    )


def setting_rows() -> Iterator[Row]:
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        yield (f"`BRAIN_{name.upper()}`", default, field.description or "")


# Markdown.


def table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        cells = [" ".join(cell.replace("|", "\\|").split()) for cell in row]
        yield f"| {' | '.join(cells)} |"
    yield ""


def anchor(heading: str) -> str:
    """The name by which a heading can be linked to."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> None:
    os.environ[VARIABLE] = "en"
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)


if __name__ == "__main__":
    main()
