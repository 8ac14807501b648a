# The workers are up and waiting long before the first manager exists.
blank_cluster
workers=(pi3-1 pi4-3 pi4-2)
for node in "${workers[@]}"; do
    node_on "$node"
done
for node in "${workers[@]}"; do
    check "$node waits for a manager" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" swarm "waiting|$MANAGER"
done
sleep 60
for node in "${workers[@]}"; do
    is "$node goes on waiting by itself" working "$(node_state "$node")"
done
drill_begins
node_on "$MANAGER"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
use_cluster
drill_ends_well
