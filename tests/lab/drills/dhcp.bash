# Every node on DHCP and known by its mDNS name: a power cut gives every worker another lease, the next one the manager.

# Addresses inside the cluster are the private ones, whatever the router does: nobody has to join again.
nothing_inside_has_changed() {
    local node found
    is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$MANAGER")"
    is "nobody had to join again" "$members" "$(swarm_members)"
    for node in "${NODES[@]}"; do
        found=$(in_node "$node" docker info --format '{{.Swarm.NodeAddr}}')
        is "the swarm knows $node by its private address" "$(private_address "$node")" "$found"
    done
}

dhcp_cluster
all_on
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
use_cluster
cluster_is_healthy
check "the peers know each other by name" in_node "$MANAGER" sh -c 'gluster --mode=script pool list | grep -qw pi4-2'
swarm=$(swarm_identity "$MANAGER")
members=$(swarm_members)
nothing_inside_has_changed

# power_cut_and ADDRESS NODE...: the power fails, and when it is back they have other leases.
power_cut_and() {
    node_cut "${NODES[@]}"
    router_gives "$@"
    drill_begins
    all_on
    drill_ends_well
    check "every node has the lease it was given" on_every_node has_lease
    nothing_inside_has_changed
}

say "power cut; every worker gets another lease"
power_cut_and 192.168.91.51 pi4-2 pi4-3 pi3-1
say "power cut; the manager gets another lease"
power_cut_and 192.168.91.71 "$MANAGER"
say "power cut; everybody keeps the address that it has"
power_cut_and 192.168.91.71 "$MANAGER"
router_off
