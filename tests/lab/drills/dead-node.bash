# Card and stick both die, once a worker's; once the only manager's, whose swarm is formed anew with one command.
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
check_refused "it is a new node of the swarm" same "$swarm_id" "$(swarm_node_id "$node")"

drill_begins
say "card and stick of the only manager die"
swarm=$(swarm_identity "$MANAGER")
node_cut "$MANAGER"
flash_new "$MANAGER"
stick_new "$MANAGER"
node_on "$MANAGER"
wait_state attention "${MKLAB_PATIENCE:-900}" "$MANAGER"
check "it says what to do" stage_says "$MANAGER" swarm 'mkimage-recover new-swarm'
is "it has begun no second swarm" inactive "$(in_node "$MANAGER" docker info --format '{{.Swarm.LocalNodeState}}')"
check "the volume's files are all there meanwhile" eventually 120 files_are_right
image_import "$MANAGER"
check "the one command" in_node "$MANAGER" -t 400 mkimage-recover new-swarm
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
say "healthy again after $((SECONDS - DRILL_STARTED)) s"
cluster_is_healthy
check "all $DRILL_FILES files are right on every node" files_are_right
check_refused "it is a new swarm" same "$swarm" "$(swarm_identity "$MANAGER")"
again_runs() {
    (($(in_node "$MANAGER" docker service ps again_web --filter desired-state=running --format '{{.CurrentState}}' | grep -c Running) == ${#NODES[@]}))
}
check "what services-config describes runs again" eventually 120 again_runs
check "mkimage status ends well" status_is_done
