"""To which broker a command speaks, and with whose key."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from api.chinese import chinese
from api.cli.language import Language, both, colon, language
from api.cli.terminal import fail

if TYPE_CHECKING:
    from api.schemas.jobs import Problem
    from api.sdk import ApiError, Client

AS_ALL = "operator"
AS_FINANCE = "finance"
TENANTS_SHOWN = 20


class Identity(StrEnum):
    """Whose key a command takes from keys.json where nobody names one."""

    WORK = AS_ALL
    BOOKS = AS_FINANCE


class Session:
    """Settings of this run: environment first, then settings.env, then keys.json of `brain up`."""

    def __init__(self, url: str | None = None, key_name: str | None = None) -> None:
        from api.client.profile import ProfileInvalid, read_profile
        from api.settings import Settings, SettingsInvalid, broker_url

        try:
            self._url = broker_url(url) if url is not None else None
        except ValueError as error:
            fail(f"--url {url}: {error}", 2)
        try:
            self._settings = Settings.load()
            self._profile = read_profile(self._settings.data)
        except (SettingsInvalid, ProfileInvalid) as error:
            fail(str(error), 2)
        self._key_name = key_name

    @property
    def url(self) -> str:
        if self._url:
            return self._url
        if "url" in self._settings.model_fields_set or self._profile is None:
            return self._settings.url
        return self._profile.url

    @property
    def default_tenant(self) -> str | None:
        """For whom jobs are submitted where the key is not a tenant's own."""
        is_own_key = self._settings.api_key is not None and self._key_name is None
        has_all = self._key_name == AS_FINANCE  # a bill of somebody else's is no default
        if is_own_key or has_all or self._profile is None:
            return None
        is_tenants = self._key_name not in {None, *map(str, Identity)}
        return self._key_name if is_tenants else self._profile.tenant

    def key(self, identity: Identity) -> str | None:
        if self._key_name is not None:
            return self._named(self._key_name)
        if self._settings.api_key is not None:
            return self._settings.api_key.get_secret_value()
        return self._profile.keys.get(identity) if self._profile else None

    def _named(self, name: str) -> str:
        keys = self._profile.keys if self._profile else {}
        if name not in keys:
            known = ", ".join(keys) or both("none", "无")
            fail(
                both(
                    f"no key is called {name} in {self._settings.data}/keys.json (there: {known})",
                    f"{self._settings.data}/keys.json 中没有名为 {name} 的密钥（现有：{known}）",
                ),
                2,
            )
        return keys[name]


@contextmanager
def client(session: Session, identity: Identity = Identity.WORK) -> Iterator["Client"]:
    """A connection for one command; what cannot be sent, or is refused, ends it with its text."""
    from pydantic import ValidationError

    from api.cli.wanted import complaint
    from api.sdk import ApiError, Client

    try:
        with Client(session.url, session.key(identity)) as connected:
            yield connected
    except ApiError as error:
        fail(_told(error))
    except ValidationError as error:  # the SDK makes what is sent of words that were typed
        fail(complaint(error), 2)


def whose(session: Session, broker: "Client", tenant: str | None) -> str:
    """The tenant that is named, or the key's own; who has all of them is asked for one."""
    found = tenant or session.default_tenant or broker.me().tenant
    if found is None:
        known = ", ".join(one.id for one in broker.tenants().items[:TENANTS_SHOWN])
        fail(
            both(f"whose? add --tenant, one of {known}", f"请用 --tenant 指明企业：{known}"),
            2,
        )
    return found


def _told(error: "ApiError") -> str:
    """What the broker said; the reasons of a refused job in the language of this run."""
    from api.client.sdk_errors import told

    problem = error.problem
    if problem is None or language() is Language.EN:
        return str(error)
    return told(_chinese(problem), colon())


def _chinese(problem: "Problem") -> "Problem":
    """The same, with its texts in Chinese; a broker of before sends none of them."""

    def zh(text: str) -> str:
        return chinese(text) or text

    errors = [
        {
            **error,
            "problem": error.get("problem_zh") or zh(error.get("problem", "")),
            "fix": error.get("fix_zh") or zh(error.get("fix", "")),
        }
        for error in problem.errors
    ]
    detail = problem.detail_zh or zh(problem.detail or problem.title)
    reasons = [one.model_copy(update={"text": one.text_zh}) for one in problem.reasons]
    return problem.model_copy(update={"detail": detail, "errors": errors, "reasons": reasons})
