"""Whether what somebody is to be entitled to can be kept, where it is asked for."""

import re
from collections.abc import Iterator

from api.declared import Declared
from api.errors import Refused
from cluster.inventory import Park
from scheduler.model.limits import limit_problems
from scheduler.model.promises import promise_problems
from scheduler.model.tree import Tree

_FIELD = re.compile(r"(nominal|borrowing|lending)_(cards|tflops|nodes)")


def check_promises(declared: Declared, tree: Tree) -> None:
    """Raise `Refused` (422) for what could not be kept and could before; it names the numbers."""
    known = set(_problems(declared.tree, declared.park))
    for problem in _problems(tree, declared.park):
        if problem not in known:
            field = _FIELD.search(problem)
            assert field is not None, f"of which field is: {problem}"
            raise wrong(field[0], problem, problem, "give it less, or others first")


def _problems(tree: Tree, park: Park) -> Iterator[str]:
    yield from promise_problems(tree, park)
    yield from limit_problems(tree, park)


def wrong(field: str, detail: str, problem: str, fix: str) -> Refused:
    error = {"field": field, "in": "body", "problem": problem, "fix": fix}
    return Refused(422, detail, errors=[error])
