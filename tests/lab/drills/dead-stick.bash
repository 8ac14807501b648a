# A stick dies, once a worker's and once the only manager's: a new empty one, the card lives.
stick_dies() {
    local node=$1 swarm_id uuid swarm
    drill_begins
    say "the stick of $node dies"
    swarm_id=$(swarm_node_id "$node")
    uuid=$(gluster_uuid "$node")
    swarm=$(swarm_identity "$MANAGER")
    # The copy on the card is taken a moment after the membership changed, and hourly.
    check "the card has a copy of the node's state" eventually 120 in_node "$node" test -s /var/lib/mkimage/state/copy/epoch
    node_cut "$node"
    stick_new "$node"
    node_on "$node"
    drill_ends_well
    is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$MANAGER")"
    is "the same swarm node id" "$swarm_id" "$(swarm_node_id "$node")"
    is "the same Gluster UUID" "$uuid" "$(gluster_uuid "$node")"
}

healthy_cluster
[[ -n $DRILLS_ARE_SHORT ]] || stick_dies pi4-3
stick_dies "$MANAGER"
