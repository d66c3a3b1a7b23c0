"""The roles of a gang's members: ranks go through them in turn."""

from collections.abc import Iterator, Mapping, Sequence

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


def meeting_nodes(order: LaunchOrder) -> list[str]:
    """Where rank 0 is, and where the first member of each role is."""
    firsts = (0, *(ranks.start for _, ranks in ranks_by_role(order)))
    return [order.members[rank].node_id for rank in firsts]


def role_variables(
    order: LaunchOrder, rank: int, addresses: Mapping[str, str], ports: Sequence[int]
) -> dict[str, str]:
    """What a member learns of its role, by our names and by those of torchelastic, and of others.

    `addresses` are by node; `ports`, one for each role, are free where its first member is.
    """
    found = role_of(order, rank)
    if found is None:
        return {}
    role, ranks = found
    index, count = str(rank - ranks.start), str(role.count)
    return {
        "BRAIN_ROLE": role.name,
        "BRAIN_ROLE_INDEX": index,
        "BRAIN_ROLE_COUNT": count,
        "BRAIN_ROLE_ADDR": addresses[order.members[ranks.start].node_id],
        "BRAIN_ROLE_PORT": str(ports[order.roles.index(role)]),
        "ROLE_NAME": role.name,
        "ROLE_RANK": index,
        "ROLE_WORLD_SIZE": count,
        **{_hosts_name(one): _hosts(order, some, addresses) for one, some in ranks_by_role(order)},
    }


def _hosts_name(role: RoleOrder) -> str:
    return f"BRAIN_HOSTS_{role.name.upper().replace('-', '_')}"


def _hosts(order: LaunchOrder, ranks: range, addresses: Mapping[str, str]) -> str:
    """Where each of these members is."""
    return ",".join(addresses[order.members[rank].node_id] for rank in ranks)


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
