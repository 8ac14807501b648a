# Card and stick both die, once a worker's; once the only manager's, whose swarm is formed again with one command.
healthy_cluster
node=pi4-2
swarm_id=$(swarm_node_id "$node")
node_cut "$node"
flash_new "$node"
stick_new "$node"
node_on "$node"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
image_import "$node"
drill_ends_well
new_id=$(swarm_node_id "$node")
check "it is a node of the swarm" test -n "$new_id"
check_refused "and a new one" same "$swarm_id" "$new_id"

drill_begins
say "card and stick of the only manager die"
swarm=$(swarm_identity "$MANAGER")
node_cut "$MANAGER"
flash_new "$MANAGER"
stick_new "$MANAGER"
node_on "$MANAGER"
wait_state attention "${MKLAB_PATIENCE:-900}" "$MANAGER"
check "it says what to do" stage_says "$MANAGER" swarm 'mkimage-recover new-swarm'
check "mkimage status says it, too" eventually 60 status_says "$MANAGER" 'mkimage-recover new-swarm'
is "it has begun no second swarm" inactive "$(in_node "$MANAGER" docker info --format '{{.Swarm.LocalNodeState}}')"
check "the volume's files are all there meanwhile" eventually 120 files_are_right
image_import "$MANAGER"
check "the one command" as_owner "$MANAGER" sudo mkimage-recover new-swarm
# The service of the last check is the one that services-config describes: nobody has started it but that command.
drill_ends_well
new_swarm=$(swarm_identity "$MANAGER")
is "it is a swarm" 2 "$(grep -c . <<<"$new_swarm")"
check_refused "and a new one" same "$swarm" "$new_swarm"
