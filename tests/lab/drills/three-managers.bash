# One of three managers is lost: the swarm goes on; its card is replaced: three again.
# shellcheck disable=SC2034 # (cluster_write reads it)
NODE_ROLE=(["pi4-1"]=manager ["pi4-2"]=manager ["pi4-3"]=manager ["pi3-1"]=worker)
new_cluster
drill_begins
lost=$MANAGER
swarm_id=$(swarm_node_id "$lost")
node_cut "$lost"
MANAGER=pi4-2
takes_orders() {
    in_node "$MANAGER" -t 20 docker service update --detach --label-add drill=yes "$SERVICE"
}
check "the swarm takes orders without it" eventually 60 takes_orders
flash_new "$lost"
node_on "$lost"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$lost"
image_import "$lost"
drill_ends_well
is "it is the same manager" "$swarm_id" "$(swarm_node_id "$lost")"
