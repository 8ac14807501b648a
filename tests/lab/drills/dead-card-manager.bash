# The only manager's card dies: the services go on elsewhere meanwhile, and it is the same swarm afterwards.
node=$MANAGER

container_runs_on() {
    [[ -n $(in_node "$1" docker ps --quiet --filter label=com.docker.swarm.service.name="$SERVICE") ]]
}

# Writes as a service does, while the first brick is away with its node.
uses_the_volume() {
    in_node "$1" -t 120 sh -c "echo $1 >$DRILL_FOLDER.by-$1 && sync $DRILL_FOLDER.by-$1 && grep -x $1 $DRILL_FOLDER.by-$1"
}

healthy_cluster
swarm_id=$(swarm_node_id "$node")
uuid=$(gluster_uuid "$node")
swarm=$(swarm_identity "$node")
node_cut "$node"
flash_new "$node"
for worker in "${NODES[@]:1}"; do
    check "the service goes on on $worker without a manager" container_runs_on "$worker"
    check "and reads and writes the volume there" uses_the_volume "$worker"
done
node_on "$node"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
# The card's images of containers are gone with it; the lab has no registry to fetch them from.
image_import "$node"
drill_ends_well
for worker in "${NODES[@]:1}"; do
    is "what was written on $worker meanwhile is on the manager's brick" "$worker" \
        "$(in_node "$node" cat "/glusterfs/bricks/$node/brick/$DRILL_PLACE.by-$worker")"
done
is "the same swarm, the same CA" "$swarm" "$(swarm_identity "$node")"
is "the same swarm node id" "$swarm_id" "$(swarm_node_id "$node")"
is "the same Gluster UUID" "$uuid" "$(gluster_uuid "$node")"
