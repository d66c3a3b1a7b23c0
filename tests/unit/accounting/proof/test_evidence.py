"""Evidence proves a line or a job with the tenant's own facts, and one altered byte is named."""

import hashlib
import json
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from accounting import ledger
from accounting.chain import kinds, root_of
from accounting.link import GENESIS, Link
from accounting.months.closing import close_month, statement
from accounting.prices.vouchers import Voucher
from accounting.proof.evidence import Evidence, NoEvidence, of_job, of_line
from accounting.proof.roots import draw_root
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.voucher_store import issue
from accounting.usage.slices import UsageCredit
from api.evidence import evidence_file
from api.evidence_check import NAMES, SEAL, NotWhole, check
from tests.builders import HOUR_MS, PRICES, shanghai, used

DAY_MS = 24 * HOUR_MS
OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
SPEECH = used("2026-10-11T00:00", "2026-10-11T01:00", reference="j2.1", project="speech")
LATE = used("2026-10-31T23:00", "2026-11-01T00:00", reference="j4.1")
NOVEMBER = used("2026-11-02T00:00", "2026-11-02T01:00", reference="j3.1")
SECRET = used("2026-10-10T00:00", "2026-10-10T01:00", reference="j9.1", tenant_id="rival")
AFTER_OCTOBER = shanghai("2026-11-03T10:00")
AFTER_NOVEMBER = shanghai("2026-12-03T10:00")
CREDIT = UsageCredit(
    reference="j1.1", tenant_id="steel", at_ms=OCTOBER.to_ms, cause="node", recorded_at_ms=0
)
VOUCHER = Voucher(
    id="v1",
    tenant_id="steel",
    issuer="city",
    contract="c1",
    amount_fen=1_000,
    share_permille=500,
    from_ms=0,
    until_ms=AFTER_NOVEMBER,
    issued_at_ms=0,
)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Books with two tenants, two closed months, and roots; nobody commits them."""
    issue(connection, VOUCHER)
    store.book(connection, [SECRET], [], [ledger.top_up("rival", 7, "bank-9", 0)])
    store.book(connection, [OCTOBER, SPEECH], [], [ledger.hold("steel", "j1.1", 9, 1)])
    close_month(connection, "2026-10", AFTER_OCTOBER)
    draw_root(connection, AFTER_OCTOBER)
    store.book(connection, [NOVEMBER, LATE], [CREDIT], [])
    close_month(connection, "2026-11", AFTER_NOVEMBER)
    draw_root(connection, AFTER_NOVEMBER)
    draw_root(connection, AFTER_NOVEMBER + DAY_MS)
    return connection


def written(connection: Connection, found: Evidence, folder: Path) -> bytes:
    return evidence_file(connection, found, folder).read_bytes()


def a_line(connection: Connection, folder: Path, month: str = "2026-10", number: int = 1) -> bytes:
    return written(connection, of_line(connection, "steel", month, number), folder)


def told(content: bytes, root: str | None = None) -> dict[str, str]:
    return {one.part: one.what for one in check(content, root)}


def test_a_line_is_proven_by_its_slices(connection: Connection, tmp_path: Path) -> None:
    found = told(a_line(connection, tmp_path))

    what = f"1 slice, {16 * HOUR_MS} card-milliseconds at 3.50 come to 56.00"
    assert found["line 1"] == what
    assert found["vouchers"] == "1 entry of 2026-10"
    assert found["chain of steel"].startswith("links 3 to ")


def test_a_root_notes_price_lists_and_closed_statements(
    connection: Connection, tmp_path: Path
) -> None:
    october = told(a_line(connection, tmp_path))
    november = told(a_line(connection, tmp_path, "2026-11"))

    assert october["prices 2026"] == "noted by the root of 2026-11-02"
    digest = statement(connection, "steel", "2026-10").sha256
    assert october["statement"] == f"sha256 {digest}, noted by the root of 2026-11-02"
    assert november["prices 2026"] == "noted by the root of 2026-11-02"
    assert november["statement"].endswith("noted by the root of 2026-12-02")
    assert all(one.is_rooted for one in check(a_line(connection, tmp_path)))


def with_another_tax(content: bytes) -> bytes:
    """As one would who writes another price list, and its hash."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        line = archive.read("prices.txt").decode().rstrip("\n")
    number, before, _, said = line.split(" ", 3)
    other = said.removesuffix("60]") + "30]"
    digest = hashlib.sha256(bytes.fromhex(before) + other.encode()).hexdigest()
    return forged(content, "prices.txt", line, f"{number} {before} {digest} {other}")


def test_papers_that_were_made_anew_are_noted_by_no_root(
    connection: Connection, tmp_path: Path
) -> None:
    content = a_line(connection, tmp_path)
    other_due = forged(content, "statement.json", '"due_fen":', '"due_fen":1')

    for altered, part in ((with_another_tax(content), "prices 2026"), (other_due, "statement")):
        assert [one.part for one in check(altered) if not one.is_rooted] == [part]


def test_roots_of_the_second_form_stay_and_the_next_one_notes_all_papers(
    connection: Connection, tmp_path: Path
) -> None:
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("DELETE FROM daily_roots WHERE day > '2026-11-02'"))
    ((heads,),) = connection.execute(text("SELECT heads FROM daily_roots"))
    ends = [(chain, Link(number, bytes.fromhex(digest))) for chain, number, digest in heads]
    root = root_of(GENESIS.hash, "2026-11-02", ends)
    connection.execute(text("UPDATE daily_roots SET form = 2, root = :root"), {"root": root})

    before = told(a_line(connection, tmp_path))
    draw_root(connection, AFTER_NOVEMBER)
    after = told(a_line(connection, tmp_path))

    assert before["roots"].startswith("newest of 2026-11-02")
    assert before["prices 2026"].startswith("no root covers it")
    assert after["prices 2026"] == "noted by the root of 2026-12-02"
    assert after["statement"].endswith("noted by the root of 2026-12-02")
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []


def test_each_line_of_a_statement_is_proven(connection: Connection, tmp_path: Path) -> None:
    assert "3600000 card-milliseconds" in told(a_line(connection, tmp_path, number=2))["line 2"]
    november = [told(a_line(connection, tmp_path, "2026-11", n))[f"line {n}"] for n in (1, 2, 3)]

    assert [one.rpartition(" ")[2] for one in november] == ["3.50", "3.50", "-56.00"]


def test_a_line_that_is_not_there_has_no_evidence(connection: Connection) -> None:
    with pytest.raises(NoEvidence, match="the statement ends with line 2: it has no line 3"):
        of_line(connection, "steel", "2026-10", 3)


def test_a_draft_is_proven_as_it_is_now(connection: Connection, tmp_path: Path) -> None:
    store.book(connection, [used("2026-12-05T00:00", "2026-12-05T01:00", reference="j5.1")], [], [])

    found = told(a_line(connection, tmp_path, "2026-12"))

    assert found["line 1"].endswith("come to 3.50")
    assert found["roots"].startswith("none covers this chain yet")
    assert "no root covers it" in found["statement"]


def test_what_a_package_covers_is_proven_at_no_price(
    connection: Connection, tmp_path: Path
) -> None:
    covered = used("2026-12-05T00:00", "2026-12-05T01:00", reference="j6.1/HT.7")
    rest = used("2026-12-05T00:00", "2026-12-05T01:00", reference="j6.1", device_count=2)
    store.book(connection, [replace(covered, price_micros=0), rest], [], [])

    lines = [told(a_line(connection, tmp_path, "2026-12", n))[f"line {n}"] for n in (1, 2)]
    job = told(written(connection, of_job(connection, "steel", "j6", ["j6.1"]), tmp_path))["job j6"]

    assert [one.rpartition(" ")[2] for one in lines] == ["0.00", "7.00"]
    assert job == f"2 slices, {3 * HOUR_MS} card-milliseconds"


def test_nothing_else_is_proven_at_no_price(connection: Connection, tmp_path: Path) -> None:
    free = used("2026-12-05T00:00", "2026-12-05T01:00", reference="j6.1")
    store.book(connection, [replace(free, price_micros=0)], [], [])

    with pytest.raises(NotWhole, match="is no price of list"):
        told(a_line(connection, tmp_path, "2026-12"))


def test_a_job_is_proven_by_all_that_was_metered_for_it(
    connection: Connection, tmp_path: Path
) -> None:
    found = told(written(connection, of_job(connection, "steel", "j1", ["j1.1"]), tmp_path))

    assert found["job j1"] == f"1 slice, {16 * HOUR_MS} card-milliseconds"
    with pytest.raises(NoEvidence, match="job j8 has used nothing"):
        of_job(connection, "steel", "j8", ["j8.1"])
    with pytest.raises(NoEvidence, match="job j8 has used nothing"):
        of_job(connection, "steel", "j8", [])


def test_no_word_of_another_tenant_is_in_it(connection: Connection, tmp_path: Path) -> None:
    for content in (
        a_line(connection, tmp_path),
        a_line(connection, tmp_path, "2026-11", 2),
        written(connection, of_job(connection, "steel", "j1", ["j1.1"]), tmp_path),
    ):
        assert b"rival" not in content
        assert b"j9" not in content
        assert b"bank-9" not in content


def test_the_same_evidence_is_the_same_bytes(connection: Connection, tmp_path: Path) -> None:
    assert a_line(connection, tmp_path) == a_line(connection, tmp_path)


def test_it_leads_to_every_later_root_and_to_no_other(
    connection: Connection, tmp_path: Path
) -> None:
    content = a_line(connection, tmp_path)
    roots = connection.scalars(text("SELECT root FROM daily_roots ORDER BY day")).all()

    assert len(roots) == 3
    for root in roots:
        assert "newest of 2026-12-03" in told(content, root.hex())["roots"]
    with pytest.raises(NotWhole, match="kept elsewhere is none of these"):
        told(content, "00" * 32)


def test_one_altered_byte_anywhere_is_found(connection: Connection, tmp_path: Path) -> None:
    content = a_line(connection, tmp_path)

    for at in range(0, len(content), 7):
        altered = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        with pytest.raises(NotWhole):
            told(altered)


def test_an_altered_file_is_named(connection: Connection, tmp_path: Path) -> None:
    content = a_line(connection, tmp_path)
    at = content.index(b'"steel",[') if b'"steel",[' in content else content.index(b"usage/1")

    with pytest.raises(NotWhole, match=r"chain\.txt: its bytes are not those"):
        told(content[:at] + b"S" + content[at + 1 :])


def forged(content: bytes, name: str, old: str, new: str) -> bytes:
    """As one would who makes all checksums anew."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    assert old.encode() in files[name], old
    files[name] = files[name].replace(old.encode(), new.encode(), 1)
    manifest = json.loads(files.pop("manifest.json"))
    manifest["files"] = {one: hashlib.sha256(files[one]).hexdigest() for one in files}
    return sealed(files, manifest)


def sealed(files: dict[str, bytes], manifest: dict[str, Any]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for one, body in files.items():
            archive.writestr(one, body)
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.comment = b"0" * SEAL
    body = made.getvalue()[:-SEAL]
    return body + hashlib.sha256(body).hexdigest().encode()


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("chain.txt", '"2026",3500000', '"2026",3500001', "link 3: what it says does not give"),
        ("chain.txt", "\n4 ", "\n5 ", "link 5 follows link 3"),
        ("prices.txt", "3500000", "3600000", "prices.txt: link 1: what it says"),
        ("statement.json", '"device_ms":57600000', '"device_ms":57600001', "its slices come to"),
        ("statement.json", '"amount_fen":5600', '"amount_fen":5601', "5601 fen, and comes to 5600"),
        ("statement.json", '"head":"', '"head":"00', "none of the chain's"),
        ("statement.json", '"month":"2026-10"', '"month":"2026-09"', "another one than"),
        ("roots.json", '"day":"2026-11-02"', '"day":"2026-11-01"', "not made of what it notes"),
        ("roots.json", '"head":"', '"head":"00', "another end of the chain"),
        ("roots.json", '"leaves":["', '"leaves":["00', "not made of|does not cover"),
    ],
)
def test_who_makes_checksums_anew_is_found_as_well(
    connection: Connection, tmp_path: Path, name: str, old: str, new: str, wrong: str
) -> None:
    content = forged(a_line(connection, tmp_path), name, old, new)

    with pytest.raises(NotWhole, match=wrong):
        told(content)


def test_the_checker_has_the_names_that_the_books_have() -> None:
    assert {kind: kinds()[kind] for kind in NAMES} == NAMES


def test_no_manifest_says_what_values_mean(connection: Connection, tmp_path: Path) -> None:
    """Devices and TFLOPS have changed names: other card-hours for the same hash."""
    content = written(connection, of_job(connection, "steel", "j1", ["j1.1"]), tmp_path)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    names = manifest["names"]["usage/1"]
    at, other = names.index("device_count"), names.index("tflops")
    names[at], names[other] = names[other], names[at]

    with pytest.raises(NotWhole, match=r"manifest\.json: the values of usage/1 have other names"):
        told(sealed(files, manifest))


def test_what_ran_on_cores_is_told_in_core_milliseconds(
    connection: Connection, tmp_path: Path
) -> None:
    store.publish_price_list(
        connection, replace(PRICES, id="2", from_ms=1, on_demand=(("core", 50_000),))
    )
    cores = used("2026-12-05T00:00", "2026-12-05T01:00", reference="c1.1", device_count=16)
    priced = replace(cores, price_list_id="2", price_micros=50_000)
    store.book(connection, [replace(priced, device_kind_id="core", tflops=0)], [], [])

    found = told(a_line(connection, tmp_path, "2026-12"))
    job = told(written(connection, of_job(connection, "steel", "c1", ["c1.1"]), tmp_path))

    what = f"1 slice, {16 * HOUR_MS} core-milliseconds"
    assert (found["line 1"], job["job c1"]) == (f"{what} at 0.05 come to 0.80", what)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", bytes(1_000)])
def test_what_is_no_evidence_is_told_in_words(content: bytes) -> None:
    with pytest.raises(NotWhole, match="the archive"):
        told(content)


def test_a_sealed_file_that_cannot_be_unpacked_is_no_evidence() -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "x" * 1_000)
        archive.comment = b"0" * SEAL
    begin = 30 + len("a.txt")  # what comes before what was packed
    broken = made.getvalue()[:begin] + b"\xff" + made.getvalue()[begin + 1 : -SEAL]

    with pytest.raises(NotWhole, match="the archive"):
        told(broken + hashlib.sha256(broken).hexdigest().encode())


def test_a_zip_of_something_else_is_no_evidence() -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "x")
        archive.comment = b"0" * SEAL
    body = made.getvalue()[:-SEAL]

    with pytest.raises(NotWhole, match="no manifest"):
        told(body + hashlib.sha256(body).hexdigest().encode())


def test_a_root_in_the_first_form_is_left_out(connection: Connection, tmp_path: Path) -> None:
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("UPDATE daily_roots SET form = 1"))

    assert told(a_line(connection, tmp_path))["roots"].startswith("none covers")


def test_a_slice_of_another_price_is_none_of_the_lines(
    connection: Connection, tmp_path: Path
) -> None:
    dearer = used("2026-12-05T00:00", "2026-12-05T01:00", tenant_id="other")
    store.book(connection, [replace(dearer, reference="j7.1", price_micros=7_000_000)], [], [])

    with pytest.raises(NotWhole, match=r"7\.00 is no price of list 2026"):
        told(written(connection, of_line(connection, "other", "2026-12", 1), tmp_path))
