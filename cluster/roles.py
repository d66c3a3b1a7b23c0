"""The roles of a gang's members: ranks go through them in turn."""

from collections.abc import Iterator

from cluster.driver import LaunchOrder, RoleOrder


def ranks_by_role(order: LaunchOrder) -> Iterator[tuple[RoleOrder, range]]:
    """Each role with the ranks of its members."""
    first = 0
    for role in order.roles:
        yield role, range(first, first + role.count)
        first += role.count


def role_of(order: LaunchOrder, rank: int) -> tuple[RoleOrder, range] | None:
    """The role of a member, with the ranks of all that have it; None where there are no roles."""
    return next((one for one in ranks_by_role(order) if rank in one[1]), None)


def command_of(order: LaunchOrder, rank: int) -> str:
    """What this member runs."""
    found = role_of(order, rank)
    return found[0].command if found else order.command


def role_variables(order: LaunchOrder, rank: int) -> dict[str, str]:
    """What a member learns of its role, by our names and by those of torchelastic."""
    found = role_of(order, rank)
    if found is None:
        return {}
    role, ranks = found
    index, count = str(rank - ranks.start), str(role.count)
    return {
        "BRAIN_ROLE": role.name,
        "BRAIN_ROLE_INDEX": index,
        "BRAIN_ROLE_COUNT": count,
        "ROLE_NAME": role.name,
        "ROLE_RANK": index,
        "ROLE_WORLD_SIZE": count,
    }


def deciding_ranks(order: LaunchOrder) -> range:
    """Who decides on success: the members of one role where the gang ends with it, else all."""
    for role, ranks in ranks_by_role(order):
        if role.name == order.ends_with:
            return ranks
    return range(len(order.members))


def named(order: LaunchOrder | None, rank: int) -> str:
    """A member as its user knows it: `member 3`, or `member 3 (worker 2)`."""
    found = role_of(order, rank) if order else None
    if found is None:
        return f"member {rank}"
    role, ranks = found
    return f"member {rank} ({role.name} {rank - ranks.start})"
