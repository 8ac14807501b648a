# The network falls into two and two: the side without quorum refuses writes, and nothing is split when it heals.
healthy_cluster
network_move pi4-3 mklab1
network_move pi3-1 mklab1
# Gluster notices within its ping timeout, 42 s by default.
refuses_writes() {
    ! in_node pi4-3 -t 20 sh -c "echo island >$DRILL_FOLDER.island && sync $DRILL_FOLDER.island"
}
check "the side without the first brick refuses writes" eventually 120 refuses_writes
check "the side with it goes on" in_node "$MANAGER" -t 120 sh -c "echo mainland >$DRILL_FOLDER.mainland && sync $DRILL_FOLDER.mainland"
drill_begins
network_move pi4-3 "$NETWORK_BRIDGE"
network_move pi3-1 "$NETWORK_BRIDGE"
drill_ends_well
nothing_is_split() {
    local found
    found=$(in_node "$MANAGER" gluster --mode=script volume heal cluster-data info split-brain)
    printf '%s\n' "$found"
    (($(grep -c '^Number of entries in split-brain: 0$' <<<"$found") == ${#NODES[@]}))
}
check "no file is in split brain" nothing_is_split
is "the mainland's file is on the island" mainland "$(in_node pi4-3 cat "$DRILL_FOLDER.mainland")"
