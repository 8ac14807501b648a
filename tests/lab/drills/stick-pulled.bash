# A running node's stick is pulled out and put back: nothing is written to the card in its place, and it heals.
node=pi4-3

brick_path_is_the_cards() {
    # Asked of the kernel's table: a dead file system does not answer.
    ! in_node "$node" grep -q " /glusterfs/bricks/$node " /proc/self/mountinfo
}

healthy_cluster
swarm_id=$(swarm_node_id "$node")
drill_begins
stick_pull "$node"
check "it says that the stick is gone" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" brick 'stick'
check "files can be written meanwhile" in_node "$MANAGER" sh -c "for i in 1 2 3 4 5; do echo meanwhile >$DRILL_FOLDER.pulled-\$i; done; sync"
check "the dead mount is given up" eventually "${MKLAB_PATIENCE:-900}" brick_path_is_the_cards
sleep 20
is "nothing was written to the card in its place" '' "$(in_node "$node" find "/glusterfs/bricks/$node" -mindepth 1)"
check "the node stays in the swarm" eventually 60 swarm_is_whole
stick_put_back "$node"
drill_ends_well
is "what was written meanwhile is on the stick's brick" meanwhile \
    "$(in_node "$node" cat "/glusterfs/bricks/$node/brick/containers-data/drill.pulled-5")"
is "the same swarm node id" "$swarm_id" "$(swarm_node_id "$node")"
