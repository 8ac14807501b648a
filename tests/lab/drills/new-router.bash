# Every address in the owner's network changes while the nodes run, the manager's too: one by one, then all at once in another network.

# move ADDRESS NODE...: their cables are out for ten seconds, and when they are back the router has other leases for them.
move() {
    local node
    local -a asking=()
    for node in "${@:2}"; do
        cable_and_lease_go "$node"
    done
    router_gives "$@"
    sleep 10
    plugged=$SECONDS
    for node in "${@:2}"; do
        cable_and_lease_come "$node" &
        asking+=("$!")
    done
    wait "${asking[@]}"
}

# reaches_all NODE: over the private network, at this instant.
reaches_all() {
    local other
    for other in "${NODES[@]}"; do
        in_node "$1" ping -n -q -c 1 -W 2 "$(private_address "$other")" || return 1
    done
}

writes_to_the_volume() {
    in_node "$1" -t 30 sh -c "echo $1 >$DRILL_FOLDER.by-$1 && sync $DRILL_FOLDER.by-$1"
}

recovers() {
    local -a took=()
    check "every node has its new lease" eventually 120 on_every_node has_lease
    took+=("leases $((SECONDS - plugged)) s")
    check "every node reaches every other" eventually 120 on_every_node reaches_all
    took+=("private network $((SECONDS - plugged)) s")
    check "the swarm is whole" eventually 120 swarm_is_whole
    took+=("swarm $((SECONDS - plugged)) s")
    check "every node writes to the volume" eventually 120 on_every_node writes_to_the_volume
    took+=("volume $((SECONDS - plugged)) s")
    # Until it has ended there is something to heal at every look.
    writer_stop "$writing"
    check "mkimage status ends well" eventually 180 status_is_done
    took+=("status $((SECONDS - plugged)) s")
    say "after the cables were in: $(printf '%s, ' "${took[@]}")and nobody did anything"
    say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
}

dhcp_cluster
all_on
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
use_cluster
cluster_is_healthy
facts=$(cluster_facts)
writing=pi4-2
last=51
drill_begins
for node in "${NODES[@]}"; do
    say "$node gets another address"
    writer_start "$writing"
    move "192.168.91.$last" "$node"
    recovers
    last=$((last + 1))
done
drill_ends_well

say "another router: another network for all of them"
drill_begins
writer_start "$writing"
move 192.168.92.21 "${NODES[@]}"
recovers
drill_ends_well
is "swarm, pool and volume have the members that they had" "$facts" "$(cluster_facts)"

say "a router that gives addresses of the private network to two of them"
drill_begins
private=$(private_address "$MANAGER")
move "${private%.*}.101" pi4-3 pi3-1
for node in pi4-3 pi3-1; do
    check "$node says so" eventually 120 stage_says "$node" private-network "is in use at your home"
    check "its owner can log in" eventually 60 as_owner "$node" true
done
move 192.168.92.23 pi4-3 pi3-1
check "every node reaches every other" eventually 180 on_every_node reaches_all
check "mkimage status ends well" eventually 180 status_is_done
drill_ends_well
is "swarm, pool and volume have the members that they had" "$facts" "$(cluster_facts)"
router_off
