# The only manager's card dies: the services go on elsewhere meanwhile, and it is the same swarm afterwards.
node=$MANAGER

container_runs_on() {
    [[ -n $(in_node "$1" docker ps --quiet --filter label=com.docker.swarm.service.name="$SERVICE") ]]
}

healthy_cluster
swarm_id=$(swarm_node_id "$node")
uuid=$(gluster_uuid "$node")
swarm=$(swarm_identity "$node")
node_cut "$node"
flash_new "$node"
for worker in "${NODES[@]:1}"; do
    check "the service goes on on $worker without a manager" container_runs_on "$worker"
done
node_on "$node"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
# The card's images of containers are gone with it; the lab has no registry to fetch them from.
image_import "$node"
drill_ends_well
is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$node")"
is "the same swarm node id" "$swarm_id" "$(swarm_node_id "$node")"
is "the same Gluster UUID" "$uuid" "$(gluster_uuid "$node")"
