"""Where a gang fits: pools, nodes, racks."""
