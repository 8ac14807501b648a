# The network falls into two and two: the side without quorum refuses writes, and nothing is split when it heals.
contested=$DRILL_FOLDER.contested
healthy_cluster
in_node "$MANAGER" sh -c "echo before >$contested && sync $contested"
network_move pi4-3 mklab1
network_move pi3-1 mklab1
for island in pi4-3 pi3-1; do
    check "$island says whom it does not reach" eventually 60 private_says "$island" "pi4-1 pi4-2"
done
# A write that only hangs, as it does until the volume's ping timeout is over, has been refused by nobody.
refuses_writes() {
    local node said
    for node in pi4-3 pi3-1; do
        in_node "$node" true || return 1
        said=$(in_node "$node" -t 90 sh -c "echo island >$contested" 2>&1) && return 1
        printf '%s: %s\n' "$node" "$said"
        grep -qE 'Read-only file system|Transport endpoint is not connected|Input/output error' <<<"$said" || return 1
    done
}
check "the side without the first brick refuses writes" eventually 180 refuses_writes
check "the side with it goes on" in_node "$MANAGER" -t 120 sh -c "echo mainland >$contested && sync $contested"
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
is_mainlands() {
    in_node "$1" sh -c "grep -x mainland $contested && grep -x mainland /glusterfs/bricks/$1/brick/$DRILL_PLACE.contested"
}
check "the file that both sides wrote to is the mainland's on every node and brick" on_every_node is_mainlands
