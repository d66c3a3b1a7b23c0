"""A statement as PDF, in Chinese: the same statement and names are the same bytes."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cn2an
import pylopdf_fonts_zh_cn
import typst

from accounting.statement import sha256_of
from cluster.inventory import Park
from scheduler.model.job import EndCause, Priority

TEMPLATE = Path(__file__).with_name("statement.typ")
CLASSES = {Priority.LOW: "低", Priority.NORMAL: "标准", Priority.HIGH: "高"}
CAUSES = {EndCause.NODE: "节点故障", EndCause.CENTRE: "中心故障", EndCause.BROKER: "调度故障"}


_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call a tenant, and what is in its park."""

    tenant: str
    park: Park

    def by_kind(self) -> Mapping[str, object]:
        return {
            "tenant": self.tenant,
            "park": self.park.name,
            "centres": {one.id: one.name for one in self.park.centres},
            "devices": {one.id: one.name for one in self.park.device_kinds},
            "fields": dict(self.park.fields),
            "classes": {str(one): name for one, name in CLASSES.items()},
            "causes": {str(one): name for one, name in CAUSES.items()},
        }


def statement_pdf(body: bytes, names: Names) -> bytes:
    """The statement of which `body` is the JSON."""
    due = json.loads(body)["totals"]["due"]
    words = {
        **names.by_kind(),
        "sha256": sha256_of(body),
        "due_in_words": cn2an.an2cn(due, "rmb"),
    }
    inputs = {"statement": body.decode(), "names": json.dumps(words, ensure_ascii=False)}
    with _one_at_a_time:
        made = _compiler().compile(format="pdf", sys_inputs=inputs)
    assert isinstance(made, bytes), "one document is one PDF"
    return made


@cache
def _compiler() -> typst.Compiler:
    folder = pylopdf_fonts_zh_cn.sans_path().parent
    return typst.Compiler(TEMPLATE, font_paths=[folder], ignore_system_fonts=True)
