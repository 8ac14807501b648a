# A running node's stick is pulled out and put back: nothing is written to the card in its place, and it heals.
node=pi4-3

brick_path_is_the_cards() {
    # Asked of the kernel's table: a dead file system does not answer.
    ! in_node "$node" grep -q " /glusterfs/bricks/$node " /proc/self/mountinfo
}

# write_meanwhile NODE NAME
write_meanwhile() {
    in_node "$1" -t 120 sh -c "for i in 1 2 3 4 5; do echo meanwhile >$DRILL_FOLDER.$2-\$i && sync $DRILL_FOLDER.$2-\$i || exit 1; done"
}

nothing_is_on_the_card() {
    # shellcheck disable=SC2016 # (the node's shell expands it)
    in_node "$node" sh -c 'found=$(find "$1" -mindepth 1) && echo "$found" && [ -z "$found" ]' sh "/glusterfs/bricks/$node"
}

healthy_cluster
swarm_id=$(swarm_node_id "$node")
drill_begins
stick_pull "$node"
check "it says that the stick is gone" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" brick 'stick'
check "files can be written meanwhile" write_meanwhile "$MANAGER" pulled
check "the dead mount is given up" eventually "${MKLAB_PATIENCE:-900}" brick_path_is_the_cards
# From here on the brick's path is a folder of the card's.
check "files can be written after that, too" write_meanwhile "$MANAGER" given-up
check "and by the node itself" write_meanwhile "$node" by-itself
sleep 20
check "nothing was written to the card in its place" nothing_is_on_the_card
check "the node stays in the swarm" eventually 60 swarm_is_whole
stick_put_back "$node"
drill_ends_well
for written in pulled given-up by-itself; do
    is "what was written meanwhile is on the stick's brick ($written)" meanwhile \
        "$(in_node "$node" cat "/glusterfs/bricks/$node/brick/$DRILL_PLACE.$written-5")"
done
is "the same swarm node id" "$swarm_id" "$(swarm_node_id "$node")"
