"""Deliberate bugs, each of which must turn the tests named beside it red: one module a package."""

from tests.mutants import (
    accounting,
    api,
    arrays,
    benchmarks,
    chains,
    cluster,
    data,
    docs,
    elastic,
    forecast,
    held,
    loop,
    preemption,
    product,
    quotas,
    racks,
    scheduler,
    tree,
    variants,
    verifier,
    vouchers,
)
from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = [
    *cluster.MUTANTS,
    *accounting.MUTANTS,
    *chains.MUTANTS,
    *vouchers.MUTANTS,
    *scheduler.MUTANTS,
    *preemption.MUTANTS,
    *forecast.MUTANTS,
    *quotas.MUTANTS,
    *tree.MUTANTS,
    *verifier.MUTANTS,
    *held.MUTANTS,
    *arrays.MUTANTS,
    *data.MUTANTS,
    *racks.MUTANTS,
    *variants.MUTANTS,
    *elastic.MUTANTS,
    *loop.MUTANTS,
    *api.MUTANTS,
    *benchmarks.MUTANTS,
    *docs.MUTANTS,
    *product.MUTANTS,
]
