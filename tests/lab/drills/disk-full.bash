# The volume is full: errors, not corruption; with space freed it is healthy.
healthy_cluster

# Says what dd said, and is so only when that is the right thing.
is_full() {
    local said
    said=$(in_node "$1" -t 400 dd if=/dev/zero of="$2" bs=1M "count=$STICK_MIB" oflag=append conv=notrunc,fsync 2>&1) &&
        return 1
    printf '%s\n' "$said"
    grep -q 'No space left on device' <<<"$said"
}
# The swarm's and Gluster's own state lie on the same stick.
state_has_room() {
    in_node "$1" sh -c "head -c 50000000 /dev/urandom >/var/lib/docker/swarm/room && sync /var/lib/docker/swarm/room; rc=\$?
        rm /var/lib/docker/swarm/room; exit \$rc"
}
check "writing until the volume is full ends with the right error" is_full "$MANAGER" "$DRILL_FOLDER.filler"
for node in "${NODES[@]}"; do
    check "it is full for $node too" is_full "$node" "$DRILL_FOLDER.filler-$node"
done
check "all files are right while it is full" files_are_right
check "the swarm does not mind" swarm_is_whole
check "every node's state still has room on its stick" on_every_node state_has_room
drill_begins
check "space can be freed" in_node "$MANAGER" sh -c "rm $DRILL_FOLDER.filler*"
# A brick looks at its free space every five seconds (storage.reserve).
check "files can be written again" eventually 30 in_node "$MANAGER" sh -c "echo again >$DRILL_FOLDER.again && sync $DRILL_FOLDER.again"
drill_ends_well
for node in "${NODES[@]}"; do
    is "$node reads what was written after" again "$(in_node "$node" cat "$DRILL_FOLDER.again")"
done
