"""Every refusal is a problem that says what, which, and what to do; never a stack trace."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.brokers import Served, fields_of, job, problem_of

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"devices": 0}, "devices"),
        ({"devices": -1}, "devices"),
        ({"devices": "8"}, "devices"),
        ({"devices": True}, "devices"),
        ({"devices": 1.5}, "devices"),
        ({"devices": None}, "devices"),
        ({"devices": 10**30}, "devices"),
        ({"devices": [8]}, "devices"),
        ({"command": ""}, "command"),
        ({"command": "x" * 70_000}, "command"),
        ({"command": 7}, "command"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a\x1b[31mb"}, "name"),
        ({"limit": "-4h"}, "limit"),
        ({"limit": "soon"}, "limit"),
        ({"limit": "4000000d"}, "limit"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"priority": "urgent"}, "priority"),
        ({"project": "../x"}, "project"),
        ({"device": ["a b"]}, "device.0"),
        ({"device": "a b"}, "device"),
        ({"variants": [{"devices": 1, "device": "a b"}]}, "variants.0.device"),
        ({"device": ["a"] * 17}, "device"),
        ({"env": {"A": 1}}, "env.A"),
        ({"workdir": "/data/../etc"}, "workdir"),
        ({"workdir": "/data/\x07"}, "workdir"),
        ({"archive": "ABC"}, "archive"),
        ({"retries": 101}, "retries"),
        ({"checkpoint": {"dir": "/abs"}}, "checkpoint.dir"),
        ({"checkpoint": {"dir": "../up"}}, "checkpoint.dir"),
        ({"checkpoint": {"dir": "x", "signal": "SIGKILL"}}, "checkpoint.signal"),
        ({"checkpoint": {"dir": "x", "grace": "2h"}}, "checkpoint.grace"),
    ],
)
def test_a_wrong_field_is_named_with_what_to_do(
    changes: dict[str, Any], field: str, park: Served
) -> None:
    problem = problem_of(park.steel.post("/v1/jobs", json=job(**changes)), 422)

    assert fields_of(problem) == [field]
    assert problem["errors"][0]["problem"]
    assert problem["errors"][0]["fix"]
    assert problem["detail_zh"] == "请求中有 1 处错误"
    assert {"problem_zh", "fix_zh"} < problem["errors"][0].keys()


@pytest.mark.parametrize(
    ("query", "field"), [("state=x", "state"), ("state=queued&state=x", "state.1")]
)
def test_a_word_of_an_address_is_named_as_it_was_typed(
    query: str, field: str, park: Served
) -> None:
    assert fields_of(problem_of(park.steel.get(f"/v1/jobs?{query}"), 422)) == [field]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"command": "a\x00b"}, "NUL"),
        ({"env": {"1A": "x"}}, "1A"),
        ({"env": {"BRAIN_JOB_ID": "x"}}, "BRAIN_JOB_ID"),
        ({"env": {"RAY_ADDRESS": "x"}}, "RAY_ADDRESS"),
        ({"env": {"A": "x\x00"}}, "NUL"),
        ({"workdir": "/data", "archive": "0" * 64}, "not both"),
    ],
)
def test_fields_that_do_not_agree_are_said(
    changes: dict[str, Any], word: str, park: Served
) -> None:
    problem = problem_of(park.steel.post("/v1/jobs", json=job(**changes)), 422)

    assert word in problem["errors"][0]["problem"]


def test_a_word_of_another_request_is_not_proposed_where_it_was_refused(park: Served) -> None:
    problem = problem_of(park.steel.post("/v1/jobs", json=job(is_drained=True)), 422)

    assert "is_drained" not in str(problem["errors"][0].get("fix"))


def test_a_misspelt_field_is_guessed(park: Served) -> None:
    problem = problem_of(park.steel.post("/v1/jobs", json=job(prioritty=8)), 422)

    assert problem["errors"] == [
        {
            "field": "prioritty",
            "in": "body",
            "problem": "Extra inputs are not permitted",
            "fix": "did you mean priority?",
            "problem_zh": "没有这一项",
            "fix_zh": "是否想写 priority？",
        }
    ]


def test_only_so_many_errors_are_listed(park: Served) -> None:
    batch = {"jobs": [job(devices=0) for _ in range(200)]}

    problem = problem_of(park.steel.post("/v1/jobs:batch", json=batch), 422)

    assert len(problem["errors"]) == 50
    assert problem["detail"] == "200 errors in the request, of which 50 are shown"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"command": "true",}',
        b"\xff\xfe",
        b'{"command": "\xff", "devices": 1}',
        b"[" * 100_000,
        b'{"command": "true", "devices": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_body_that_is_no_json_is_refused(body: bytes, park: Served) -> None:
    answer = park.steel.post("/v1/jobs", content=body, headers=JSON)

    assert "JSON" in problem_of(answer, 400)["detail"]


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b"7", b'"x"', b"", b'{"command": "\\ud800", "devices": 1}']
)
def test_json_that_is_no_job_is_refused(body: bytes, park: Served) -> None:
    answer = park.steel.post("/v1/jobs", content=body, headers=JSON)

    assert problem_of(answer, 422)["errors"]


def test_a_number_that_json_lacks_is_refused(park: Served) -> None:
    body = json.dumps(job(devices=float("nan")))

    problem_of(park.steel.post("/v1/jobs", content=body, headers=JSON), 422)


def test_an_unknown_address_is_a_problem_too(park: Served) -> None:
    assert "/openapi.json" in problem_of(park.steel.get("/v1/nothing"), 404)["detail"]


def test_a_wrong_method_names_the_right_ones(park: Served) -> None:
    answer = park.steel.delete("/v1/jobs")

    assert "GET" in problem_of(answer, 405)["detail"]
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/jobs/%00",
        "/v1/jobs/%FF",
        "/v1/jobs?project=%00",
        "/v1/jobs?limit=0",
        "/v1/jobs?limit=many",
        "/v1/jobs?cursor='--",
        "/v1/jobs?state=lost",
        "/v1/jobs?colour=red",
        "/v1/usage?from_ms=5&to_ms=5",
        "/v1/usage?from_ms=-1",
        "/v1/utilisation?to_ms=99999999999999999999",
        "/v1/statements?month=2026-13",
        "/v1/exports/everything",
        "/v1/exports/focus?format=xlsx",
        "/v1/tenants/..%2F..",
        "/v1/archives/abc",
    ],
)
def test_a_bad_address_is_refused_in_words(path: str, park: Served) -> None:
    answer = park.steel.get(path)

    assert answer.status_code in {404, 422}
    problem_of(answer, answer.status_code)


def test_a_body_that_says_it_is_too_large_is_not_read(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", content=b" " * ((1 << 20) + 1), headers=JSON)

    assert "1 MiB" in problem_of(answer, 413)["detail"]


def test_a_body_that_hides_its_size_is_counted(park: Served) -> None:
    answer = park.steel.post("/v1/jobs", content=(b" " * 65_536 for _ in range(17)), headers=JSON)

    assert "1 MiB" in problem_of(answer, 413)["detail"]


def test_an_archive_may_be_larger_but_not_endless(park: Served) -> None:
    size = {"Content-Length": str((64 << 20) + 1)}

    answer = park.steel.put(f"/v1/archives/{'0' * 64}", content=b"x", headers=size)

    assert "64 MiB" in problem_of(answer, 413)["detail"]


def spoiled(value: Any, sign: str) -> Iterator[Any]:
    """The value once for each text in it, and each name of an object, with the sign at its end."""
    match value:
        case str():
            yield value + sign
        case list():
            for index, part in enumerate(value):
                for bad in spoiled(part, sign):
                    yield [*value[:index], bad, *value[index + 1 :]]
        case dict():
            for name, part in value.items():
                yield {**value, name + sign: part}
                for bad in spoiled(part, sign):
                    yield {**value, name: bad}
        case _:
            pass


WHOLE_JOB = {
    "command": "true",
    "devices": 1,
    "name": "whole",
    "device": ["ascend-910b3"],
    "project": "default",
    "field": "ocean",
    "centres": ["east"],
    "env": {"A": "b"},
    "workdir": "/data",
    "checkpoint": {"dir": "ckpt", "grace": "60s"},
}


NAMES = defaultdict(lambda: "x", tenant_id="steel", centre_id="east", month="2026-01")
"""What stands in an address for each of its names."""


def described_bodies(park: Served) -> Iterator[tuple[str, str, Any]]:
    """Method, address and an example of each body that the description has."""
    yield "post", "/v1/jobs", WHOLE_JOB
    for path, methods in park.nobody.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            shown = [example["value"] for example in body.get("examples", {}).values()]
            for example in [*shown, *([body["example"]] if "example" in body else [])]:
                yield method, path.format_map(NAMES), example


@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
def test_text_that_no_database_takes_is_refused_wherever_it_stands(sign: str, park: Served) -> None:
    asked, taken = 0, []
    for method, path, example in described_bodies(park):
        clients = [park.steel, park.operator, park.finance, park.agent]
        for body in spoiled(example, sign):
            for client in clients.copy():
                answer = client.request(method, path, content=json.dumps(body), headers=JSON)
                asked += 1
                assert answer.status_code < 500, ascii((path, body, answer.text))
                if answer.status_code == 403:  # whatever the body says
                    clients.remove(client)
                if answer.is_success:
                    taken.append(path)

    assert asked > 200
    # An agent's words are taken with the sign replaced: a report that is refused comes for ever.
    assert set(taken) <= {f"/v1/agents/east/{what}" for what in ("report", "orders", "logs")}


@pytest.mark.parametrize("command", [" ", "\n\t"])
def test_a_command_says_what_to_run(command: str, park: Served) -> None:
    refused = problem_of(park.steel.post("/v1/jobs", json=job(command=command)), 422)

    assert "say what to run" in refused["errors"][0]["problem"]


@pytest.mark.parametrize("name", ["a\nb", "a\x9b31m", "a\u202eb", "a\u2028b"])
def test_a_name_is_one_line_that_shows_what_it_is(name: str, park: Served) -> None:
    refused = problem_of(park.steel.post("/v1/jobs", json=job(name=name)), 422)

    assert fields_of(refused) == ["name"]
