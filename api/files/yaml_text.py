"""YAML from outside, read without surprises: no aliases, no duplicates, no guessed dates."""

import re
from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import cast

import yaml
from typing_extensions import override

BYTES_MAX = 262_144
DEPTH_MAX = 16

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,18})$")


class YamlInvalid(Exception):
    """The text is not the plain YAML that is read here; the message says where and why."""


def read_yaml(path: Path, bytes_max: int = BYTES_MAX) -> object:
    """The document in the file `path`; raises `YamlInvalid`."""
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise YamlInvalid(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > bytes_max:
        raise YamlInvalid(f"{path}: is larger than {bytes_max} bytes")
    try:
        return parse_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise YamlInvalid(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except YamlInvalid as error:
        raise YamlInvalid(f"{path}: {error}") from None


def parse_yaml(text: str) -> object:
    """One document; numbers with a point are `Decimal`, so that 3.50 stays exactly 3.50."""
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        raise YamlInvalid(_in_one_line(error)) from None
    except ValueError as error:
        raise YamlInvalid(str(error)) from None


def _in_one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        said = error.problem or error.context or ""
        return f"{place}{error.context}, {said}" if said.startswith("but ") else f"{place}{said}"
    return " ".join(str(error).split())


class _PlainLoader(yaml.SafeLoader):
    """A `SafeLoader` that refuses what makes a small text large or means two things."""

    depth = 0

    @override
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs'
        if isinstance(event, yaml.AliasEvent):
            raise _refused(event, "aliases (*name) are not allowed")
        if getattr(event, "tag", None) is not None:
            raise _refused(event, "tags (!name) are not allowed")
        if self.depth == DEPTH_MAX:
            raise _refused(event, f"deeper than {DEPTH_MAX} levels")
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    @override
    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused(key, "a name must be plain text")
            if key.value in names:
                raise _refused(key, f"{key.value[:40]!r} is given twice")
            names.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _refused(at: yaml.Event | yaml.Node, why: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=why, problem_mark=cast(yaml.Mark, at.start_mark))


def _decimal(loader: _PlainLoader, node: yaml.ScalarNode) -> Decimal:
    text = loader.construct_scalar(node).replace("_", "")
    try:
        return Decimal(text)
    except ArithmeticError:
        raise _refused(node, f"{text[:40]!r} is no plain number") from None


_PlainLoader.add_constructor("tag:yaml.org,2002:float", _decimal)
# A date stays text: whoever needs one reads it with its offset from UTC. So does 1:30, which
# YAML 1.1 takes for the number 90, and a number of more than 19 digits, which nothing here has.
_PlainLoader.yaml_implicit_resolvers = {
    first: [
        (tag, _INTEGER if tag.endswith(":int") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
