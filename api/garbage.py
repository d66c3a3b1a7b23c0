"""How often a process that keeps a whole park looks for objects that only hold one another.

A full plan makes a few objects for each job that waits, and they stay. By Python's default young
ones are looked through for each 700 that are new, which took a sixth of such a plan, and found
nothing: nearly all of ours is freed as soon as nobody holds it.
"""

import gc

NEW_MAX = 200_000
"""So many are made before they are looked through: what is lost meanwhile is some tens of MiB."""


def look_seldom() -> None:
    """From now on, in this process; nothing is kept from being found."""
    gc.set_threshold(NEW_MAX, *gc.get_threshold()[1:])
