"""Checks an evidence file, with nothing but the file: no server, no database, no code of the books.

What an auditor has to trust is this module, which needs Python alone: every hash is computed again,
and the slices are added up to what the line says. `brain verify FILE.zip` calls it.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple

FORMAT = "industry-brain/evidence/2"
FORMATS = {"industry-brain/evidence/1", FORMAT}
"""The first had no roots that note price lists and statements."""

SEAL = 64
"""So many hexadecimal figures at the file's end are the sha256 of all before them."""

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
"""How `zipfile` says that an archive is broken, encrypted, or packed in a way that it lacks."""

BYTES_MAX = 1 << 30
MICROS_PER_YUAN = 1_000_000
MS_PER_HOUR = 3_600_000
MICROS_PER_FEN = 10_000
SECTIONS = ("lines", "credits", "corrections")
LINE_KEYS = {
    "project": "project",
    "field": "field",
    "centre": "centre_id",
    "device": "device_kind_id",
    "qos": "qos",
    "price_list": "price_list_id",
}
NAMES = {
    "usage/1": (
        *("reference", "from_ms", "to_ms", "tenant_id", "project", "field", "centre_id"),
        *("device_kind_id", "qos", "device_count", "tflops", "price_list_id", "price_micros"),
        "recorded_at_ms",
    ),
    "usage_credit/1": ("reference", "tenant_id", "at_ms", "cause", "recorded_at_ms"),
    "voucher_entry/1": ("voucher_id", "tenant_id", "month", "kind", "amount_fen", "at_ms"),
    "price_list/1": (
        *("id", "from_ms", "on_demand", "qos_permille", "class_permille", "vat_permille"),
    ),
}
"""What the values of a fact mean that counts here: no manifest may say otherwise."""
Json = dict[str, Any]


class NotWhole(Exception):
    """What does not fit; `str` names the part and says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing that was checked, and fits; `is_rooted` unless no daily root covers it yet."""

    part: str
    what: str
    is_rooted: bool = True


class Fact(NamedTuple):
    """A link of the chain: its number, its hash, what kind it is, and what it says by name."""

    number: int
    hash: str
    kind: str
    values: Json


def check(content: bytes, kept_root: str | None = None) -> Iterator[Checked]:
    """Everything that fits, in turn; raises `NotWhole` at the first thing that does not.

    `kept_root` is a daily root that was kept elsewhere: the evidence must lead to it.
    """
    files = _files(content)
    manifest = _manifest(files)
    yield Checked(part="files", what=f"{len(files)}, each with its checksum")
    try:
        yield from _meaning(files, manifest, kept_root)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise NotWhole(f"it is not written as evidence is: {error!r}") from None


def _meaning(
    files: Mapping[str, bytes], manifest: Json, kept_root: str | None
) -> Iterator[Checked]:
    tenant_id = manifest["tenant"]
    _check_names(manifest["names"])
    facts = list(_chain(files["chain.txt"], manifest))
    span = f"links {facts[0].number} to {facts[-1].number}"
    yield Checked(part=f"chain of {tenant_id}", what=f"{span}, head {facts[-1].hash}")
    rooted = _roots(json.loads(files["roots.json"]), tenant_id, facts[-1], kept_root)
    yield rooted.said
    prices = dict(_prices(files["prices.txt"], manifest))
    for list_id, (leaf, _) in sorted(prices.items()):
        yield _paper(f"prices {list_id}", "", leaf, rooted)
    if "statement.json" in files:
        digest = hashlib.sha256(files["statement.json"]).hexdigest()
        said = json.loads(files["statement.json"])
        leaf = _digest(["statement/1", tenant_id, said["month"], digest])
        yield _paper("statement", f"sha256 {digest}, ", leaf, rooted)
        yield from _line(said, manifest, facts, {one: prices[one][1] for one in prices})
    else:
        yield _job(manifest["claim"]["job"], facts)


def _paper(part: str, what: str, leaf: str, rooted: "Rooted") -> Checked:
    """A price list or a statement: noted by a root, or to be compared with one's own copy."""
    day = rooted.day_by_leaf.get(leaf)
    if day is None:
        how = "no root covers it: compare it with a copy of your own"
        return Checked(part=part, what=f"{what}{how}", is_rooted=False)
    return Checked(part=part, what=f"{what}noted by the root of {day}")


def _files(content: bytes) -> dict[str, bytes]:
    if len(content) > BYTES_MAX:
        raise NotWhole(f"the file has more than {BYTES_MAX} bytes")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > BYTES_MAX:
                raise NotWhole(f"the files come to more than {BYTES_MAX} bytes")
            bad = archive.testzip()
            if bad is not None:
                raise NotWhole(f"{bad}: its bytes are not those that were written")
            files = {name: archive.read(name) for name in archive.namelist()}
            seal = archive.comment.decode("ascii", "replace")
    except UNREADABLE as error:
        raise NotWhole(f"the archive: {error}") from None
    if content[-SEAL:].decode("ascii", "replace") != seal or len(seal) != SEAL:
        raise NotWhole("the archive: it does not end with its seal")
    if hashlib.sha256(content[:-SEAL]).hexdigest() != seal:
        raise NotWhole("the archive: its own bytes (names, sizes, order) are not those written")
    return files


def _manifest(files: Mapping[str, bytes]) -> Json:
    try:
        manifest: Json = json.loads(files["manifest.json"])
        sums: Json = manifest["files"]
        form = manifest["format"]
    except (KeyError, ValueError, TypeError):
        raise NotWhole("manifest.json: it is no manifest of evidence") from None
    if form not in FORMATS:
        raise NotWhole(f"manifest.json: its format is {form!r}, and {FORMAT} is known here")
    if sums.keys() != files.keys() - {"manifest.json"}:
        raise NotWhole("manifest.json: other files are there than it names")
    for name, digest in sums.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise NotWhole(f"{name}: its checksum does not fit")
    return manifest


def _check_names(told: Json) -> None:
    for kind, names in NAMES.items():
        if kind in told and told[kind] != list(names):
            raise NotWhole(f"manifest.json: the values of {kind} have other names than it says")


def _chain(text: bytes, manifest: Json) -> Iterator[Fact]:
    """Each link, after the one before it; the first line is where the piece begins."""
    first, *lines = text.splitlines()
    before, at = first.decode().split(" ")
    for number, line in enumerate(lines, start=int(before) + 1):
        said_number, digest, said = line.split(b" ", 2)
        if int(said_number) != number:
            raise NotWhole(f"chain.txt: link {int(said_number)} follows link {number - 1}")
        at = hashlib.sha256(bytes.fromhex(at) + said).hexdigest()
        if at != digest.decode():
            raise NotWhole(f"chain.txt: link {number}: what it says does not give its hash")
        fact = _fact(number, at, said, manifest)
        if fact.values.get("tenant_id") != manifest["tenant"]:
            raise NotWhole(f"chain.txt: link {number} is not of tenant {manifest['tenant']}")
        yield fact


def _fact(number: int, digest: str, said: bytes, manifest: Json) -> Fact:
    kind, *values = json.loads(said)
    return Fact(number, digest, kind, dict(zip(manifest["names"][kind], values, strict=True)))


class Rooted(NamedTuple):
    """What the roots come to, and the day on which each leaf that is told was noted."""

    said: Checked
    day_by_leaf: Mapping[str, str]


def _roots(roots: Sequence[Json], tenant_id: str, last: Fact, kept: str | None) -> Rooted:
    """From the first root that covers anything here to the newest, each made of the one before."""
    made: list[str] = []
    days: dict[str, str] = {}
    for root in roots:
        if "facts" in root:
            _check_covers(root, tenant_id, last)
        digest = _digest(sorted(root["leaves"])) if "leaves" in root else root["digest"]
        again = _digest(["root/2", root["day"], root["before"], digest])
        if again != root["root"]:
            raise NotWhole(f"roots.json: the root of {root['day']} is not made of what it notes")
        if made and made[-1] != root["before"]:
            raise NotWhole(f"roots.json: the root of {root['day']} does not follow the one before")
        made.append(again)
        days |= {leaf: root["day"] for leaf in root.get("leaves", ()) if leaf not in days}
    if kept is not None and kept.lower() not in made:
        raise NotWhole("roots.json: the root that was kept elsewhere is none of these")
    if not any("facts" in root for root in roots):
        what = "none covers this chain yet: one is drawn once a day is over"
        return Rooted(Checked(part="roots", what=what, is_rooted=False), days)
    what = f"newest of {roots[-1]['day']}: {made[-1]}"
    return Rooted(Checked(part="roots", what=what), days)


def _check_covers(root: Json, tenant_id: str, last: Fact) -> None:
    if (root["facts"], root["head"]) != (last.number, last.hash):
        raise NotWhole(f"roots.json: the root of {root['day']} has noted another end of the chain")
    if _digest([tenant_id, last.number, last.hash]) not in root["leaves"]:
        raise NotWhole(f"roots.json: the root of {root['day']} does not cover this chain")


def _digest(value: list[Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _prices(text: bytes, manifest: Json) -> Iterator[tuple[str, tuple[str, Json]]]:
    """Price lists by id, with the leaf that a root notes of each: a link of the park's chain."""
    for line in text.splitlines():
        number, before, digest, said = line.split(b" ", 3)
        if hashlib.sha256(bytes.fromhex(before.decode()) + said).hexdigest() != digest.decode():
            raise NotWhole(f"prices.txt: link {int(number)}: what it says does not give its hash")
        fact = _fact(int(number), digest.decode(), said, manifest)
        yield fact.values["id"], (_digest([fact.kind, fact.number, fact.hash]), fact.values)


def _line(
    said: Json, manifest: Json, facts: Sequence[Fact], prices: Mapping[str, Json]
) -> Iterator[Checked]:
    claim = manifest["claim"]
    part = f"line {claim['line']}"
    places = [one for name in SECTIONS for one in said[name]]
    line = places[claim["line"] - 1]
    if (said["tenant"], said["month"]) != (manifest["tenant"], claim["month"]):
        raise NotWhole("statement.json: it is another one than the manifest says")
    head = said["chain"]
    if head and head["head"] not in {f.hash for f in facts if f.number == head["facts"]}:
        raise NotWhole("statement.json: the head that it prints is none of the chain's")
    slices = list(_slices(line, claim, facts))
    device_ms = (-1 if line.get("cause") else 1) * sum(map(_device_ms, slices))
    if device_ms != line["device_ms"]:
        said_ms = f"{line['device_ms']} {_unit(slices)}"
        comes = f"it says {said_ms}, its slices come to {device_ms}"
        raise NotWhole(f"{part}: {comes}")
    is_covered = all("/" in one["reference"] for one in slices)
    if not (is_covered and line["amount_fen"] == _micros(line["price"]) == 0):
        _check_price(part, line, device_ms, prices)
    what = f"{_counted(len(slices), 'slice')}, {device_ms} {_unit(slices)} at {line['price']}"
    yield Checked(part=part, what=f"{what} come to {line['amount']}")
    entries = [one for one in facts if one.kind == "voucher_entry/1"]
    mine = [one for one in entries if one.values["month"] == claim["month"]]
    entry = "1 entry" if len(mine) == 1 else f"{len(mine)} entries"
    yield Checked(part="vouchers", what=f"{entry} of {claim['month']}")


def _check_price(part: str, line: Json, device_ms: int, prices: Mapping[str, Json]) -> None:
    """The line's price is one of its list, and makes its amount of its quantity."""
    known = prices.get(line["price_list"])
    if known is None:
        raise NotWhole(f"prices.txt: price list {line['price_list']} is not there")
    price = _micros(line["price"])
    base = dict(known["on_demand"]).get(line["device"], 0)
    factor = dict(known["qos_permille"]).get(line["qos"], 0)
    classes = [permille for _, permille in known["class_permille"]]
    if price not in {_half_up(base * factor * one, 1_000_000) for one in classes}:
        raise NotWhole(f"{part}: {line['price']} is no price of list {line['price_list']}")
    amount_fen = _half_up(device_ms * price, MS_PER_HOUR * MICROS_PER_FEN)
    if amount_fen != line["amount_fen"]:
        raise NotWhole(f"{part}: it says {line['amount_fen']} fen, and comes to {amount_fen}")


def _slices(line: Json, claim: Json, facts: Sequence[Fact]) -> Iterator[Json]:
    """What the line adds up: alike in all that it names, and known when it was made."""
    back = {one.values["reference"]: one for one in facts if one.kind == "usage_credit/1"}
    for fact in facts:
        if fact.kind != "usage/1" or not _is_alike(line, claim, fact.values):
            continue
        number, credit = fact.number, back.get(fact.values["reference"])
        if line.get("cause") is not None:
            if credit is None or credit.values["cause"] != line["cause"]:
                continue
            number = max(number, credit.number)
        if claim["after"] < number <= claim["through"]:
            yield fact.values


def _is_alike(line: Json, claim: Json, usage: Json) -> bool:
    month = line.get("month", claim["month"])
    return (
        all(line[key] == usage[name] for key, name in LINE_KEYS.items())
        and _micros(line["price"]) == usage["price_micros"]
        and _month(usage["from_ms"]) == month
    )


def _month(at_ms: int) -> str:
    """Of Asia/Shanghai, which is UTC+8 all year round."""
    shifted_s = (at_ms + 8 * MS_PER_HOUR) // 1_000
    return datetime.fromtimestamp(shifted_s, tz=UTC).strftime("%Y-%m")


def _device_ms(usage: Json) -> int:
    return int(usage["device_count"] * (usage["to_ms"] - usage["from_ms"]))


def _unit(slices: Sequence[Json]) -> str:
    """Cores have no TFLOPS; no line and no job has both."""
    return f"{'core' if slices and not slices[0]['tflops'] else 'card'}-milliseconds"


def _micros(yuan: str) -> int:
    whole, _, decimals = yuan.partition(".")
    return int(whole) * MICROS_PER_YUAN + int(decimals.ljust(6, "0"))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _half_up(dividend: int, divisor: int) -> int:
    """Halves away from zero: the one rounding that there is."""
    magnitude = (2 * abs(dividend) + divisor) // (2 * divisor)
    return magnitude if dividend >= 0 else -magnitude


def _job(job_id: str, facts: Sequence[Fact]) -> Checked:
    used = [one.values for one in facts if one.kind == "usage/1"]
    mine = [one for one in used if one["reference"].partition("/")[0].rpartition(".")[0] == job_id]
    device_ms = sum(map(_device_ms, mine))
    return Checked(
        part=f"job {job_id}", what=f"{_counted(len(mine), 'slice')}, {device_ms} {_unit(mine)}"
    )
