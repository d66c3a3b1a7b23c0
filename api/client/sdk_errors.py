"""What the client raises: the broker's problem as a text that says what is wrong and what to do."""

import httpx2
from pydantic import ValidationError

from api.schemas.jobs import Problem

NO_KEY = "set BRAIN_API_KEY to a key of this broker; `brain up` writes keys.json"


class ApiError(Exception):
    """The broker refused, or could not be reached; the text says why and what to do.

    `problem` is None where no broker answered; `location` is where to ask instead.
    """

    def __init__(
        self, text: str, problem: Problem | None = None, location: str | None = None
    ) -> None:
        super().__init__(text)
        self.problem = problem
        self.location = location

    @property
    def status(self) -> int | None:
        return self.problem.status if self.problem else None


def checked(answer: httpx2.Response) -> httpx2.Response:
    """The answer itself where it is good; raises `ApiError` for any other."""
    if answer.is_success:
        return answer
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        raise no_broker(answer) from None
    raise ApiError(told(problem), problem, answer.headers.get("Location"))


def no_broker(answer: httpx2.Response) -> ApiError:
    """Who answers so is something else, or a broker of another release."""
    return ApiError(
        f"{answer.url} answered {answer.status_code}, which no broker of this release says: "
        "check BRAIN_URL, and which release runs there"
    )


def told(problem: Problem, colon: str = ": ") -> str:
    """The whole problem as text: a line for each field and each reason, nothing said twice.

    `colon` stands between a field and what is wrong with it, in the language of the texts.
    """
    lines = [problem.detail or problem.title]
    for error in problem.errors:
        said = [error.get("problem", ""), error.get("fix", "")]
        if said[0] in lines[0]:
            del said[0]
        lines.append(f"  {error.get('field', '')}{colon}{' - '.join(filter(None, said))}")
    lines.extend(
        f"  {reason.text or reason.code}"
        for reason in problem.reasons
        if reason.text not in problem.detail
    )
    if problem.status == httpx2.codes.UNAUTHORIZED:
        lines.append(f"  {NO_KEY}")
    return "\n".join(lines)
