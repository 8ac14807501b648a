# A worker's card dies: a new card of the same node, the same stick.
node=pi4-3

healthy_cluster
swarm_id=$(swarm_node_id "$node")
uuid=$(gluster_uuid "$node")
node_cut "$node"
check "files can be written while it is dead" in_node "$MANAGER" sh -c "echo meanwhile >$DRILL_FOLDER.while-dead && sync"
flash_new "$node"
node_on "$node"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
# The card's images of containers are gone with it; the lab has no registry to fetch them from.
image_import "$node"
drill_ends_well
is "the same swarm node id" "$swarm_id" "$(swarm_node_id "$node")"
is "the same Gluster UUID" "$uuid" "$(gluster_uuid "$node")"
is "what was written meanwhile is there" meanwhile "$(in_node "$node" cat "$DRILL_FOLDER.while-dead")"
