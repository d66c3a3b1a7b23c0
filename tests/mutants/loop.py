"""Deliberate bugs in `scheduler/` around its loop: shares, orders, the meter, and who leads."""

from tests.mutants.mutant import Mutant

_FAIRSHARE = "tests/unit/test_fairshare.py"
_ORDERS = "tests/unit/test_orders.py"
_METERING = "tests/unit/test_metering.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/fairshare.py", "exp(-log(2) * elapsed / HALF_LIFE_MS)", "exp(-elapsed / HALF_LIFE_MS)", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", "share.rate * (1.0 - kept) * HALF_LIFE_MS / log(2)", "share.rate * elapsed", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", "share.used, share.at_ms = decayed(share, now_ms), now_ms", "share.at_ms = now_ms", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", "    now_ms = max(now_ms, share.at_ms)\n", "", _FAIRSHARE),
    Mutant("scheduler/fairshare.py", " + share.rate * COMMITTED_MS) / weight", ") / weight", _FAIRSHARE),
    Mutant("scheduler/orders.py", "rank=index * per_node + local_rank", "rank=index + local_rank", _ORDERS),
    Mutant("scheduler/orders.py", "card_count=share.card_count // per_node", "card_count=share.card_count", _ORDERS),
    Mutant("scheduler/orders.py", "return attempt.stop_cause or EndCause.BROKER", "return attempt.stop_cause or EndCause.CANCELLED", _ORDERS),
    Mutant("scheduler/orders.py", "if told.exit_code == 0 else", "if not told.exit_code else", _ORDERS),
    Mutant("scheduler/metering.py", "*month_edges(begin, to_ms), ", "", _METERING),
    Mutant("scheduler/metering.py", "*prices.edges(begin, to_ms), ", "", _METERING),
    Mutant("scheduler/metering.py", "if begin is None or to_ms <= begin:", "if begin is None:", _METERING),
    Mutant("scheduler/metering.py", "return until - before", "return charge_micros(cards * (to_ms - from_ms), price_micros)", _METERING),
    Mutant("scheduler/metering.py", "state.prices.list_at(event.from_ms).id", "state.prices.list_at(event.to_ms).id", _METERING),
    Mutant("scheduler/metering.py", "    if missing > 0:", "    if False:", _METERING),
    Mutant("scheduler/metering.py", "if event.cause not in FAULT_CAUSES or attempt.started_at_ms is None:", "if event.cause not in FAULT_CAUSES:", _METERING),
]
