"""Documents in Chinese, made by Typst: the same text and names are the same bytes."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import typst

from cluster.inventory import Park
from scheduler.model.job import EndCause, Priority

CLASSES = {Priority.LOW: "低", Priority.NORMAL: "标准", Priority.HIGH: "高"}
CAUSES = {EndCause.NODE: "节点故障", EndCause.CENTRE: "中心故障", EndCause.BROKER: "调度故障"}

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call tenants, or one of them, and what is in their park."""

    park: Park
    tenant: str = ""
    tenants: Mapping[str, str] | None = None

    def by_kind(self) -> Mapping[str, object]:
        return {
            "tenant": self.tenant,
            "tenants": dict(self.tenants or {}),
            "park": self.park.name,
            "centres": {one.id: one.name for one in self.park.centres},
            "devices": {one.id: one.name for one in self.park.device_kinds},
            "fields": dict(self.park.fields),
            "classes": {str(one): name for one, name in CLASSES.items()},
            "causes": {str(one): name for one, name in CAUSES.items()},
        }


def printed(template: str, body: bytes, names: Names, **more: str) -> bytes:
    """The document of that template, about what `body` says in JSON."""
    words = json.dumps({**names.by_kind(), **more}, ensure_ascii=False)
    with _one_at_a_time:
        made = _compiler(template).compile(
            format="pdf", sys_inputs={"said": body.decode(), "names": words}
        )
    assert isinstance(made, bytes), "one document is one PDF"
    return made


def in_words(yuan: str) -> str:
    """An amount as one writes it on a cheque: `壹万壹仟壹佰贰拾肆元伍角`."""
    import cn2an  # noqa: PLC0415 - it takes long to load, and few brokers print at once

    words: str = cn2an.an2cn(yuan, "rmb")
    return words


@cache
def _compiler(template: str) -> typst.Compiler:
    folder = pylopdf_fonts_zh_cn.sans_path().parent
    path = Path(__file__).with_name(f"{template}.typ")
    return typst.Compiler(path, font_paths=[folder], ignore_system_fonts=True)
