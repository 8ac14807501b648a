# Three nodes are in use long before the fourth is flashed; and one appears first while the first manager is off.
# in_use NODE...: everything but the absent brick is done on them.
in_use() {
    local node
    for node; do
        [[ $(stage_state "$node" swarm) == 'done' ]] || return 1
        volume_is_mounted "$node" || return 1
    done
}

# On every node, and on its own brick: a mount would read a file that one brick lacks from another.
early_files_are_right() {
    on_every_node early_files_on
}
early_files_on() {
    in_node "$1" -t 300 sh -c "cd $DRILL_FOLDER && sha256sum --check --quiet --strict sums &&
        cd /glusterfs/bricks/$1/brick/$DRILL_PLACE && sha256sum --check --quiet --strict sums"
}

# A client goes over to a new brick a moment after it was added, and Gluster loses hold of some files that are open then: a program
# that writes at that instant gets an error (docs/recovery.md). One that begins afterwards does not.
clients_know_all_bricks() {
    on_every_node client_knows_all_bricks
}
client_knows_all_bricks() {
    local clients
    clients=$(in_node "$1" sh -c 'ls -d /mnt/cluster-data/.meta/graphs/active/cluster-data-client-*')
    printf '%s: %s\n' "$1" "$clients"
    (($(wc -l <<<"$clients") == ${#NODES[@]}))
}

late=pi3-1
blank_cluster
others=(pi4-1 pi4-2 pi4-3)
for node in "${others[@]}"; do
    node_on "$node"
done
check "three nodes are in use without the fourth" eventually "${MKLAB_PATIENCE:-900}" in_use "${others[@]}"
in_node "$MANAGER" mkdir -p "$DRILL_FOLDER"
check "files are written before the fourth exists" in_node "$MANAGER" -t 300 \
    sh -c "cd $DRILL_FOLDER && for i in \$(seq 100); do head -c 20000 /dev/urandom >early-\$i || exit 1; done && sha256sum early-* >sums && sync"
keep three-nodes
drill_begins
node_on "$late"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
check "the late node reads what was written before" in_node "$late" sh -c "cd $DRILL_FOLDER && sha256sum --check --quiet sums"
check "every client knows every brick" eventually 180 clients_know_all_bricks
use_cluster
drill_ends_well
check "what was written before is on every brick" eventually 300 early_files_are_right

say "the first manager is off when the fourth appears"
put_back three-nodes
for node in "${others[@]}"; do
    node_on "$node"
done
eventually "${MKLAB_PATIENCE:-900}" in_use "${others[@]}"
node_cut "$MANAGER"
node_on "$late"
check "the late node waits and says for whom" eventually "${MKLAB_PATIENCE:-900}" stage_says "$late" swarm "waiting for a manager|$MANAGER"
check_refused "it makes no swarm of its own" in_node "$late" sh -c 'docker info --format "{{.Swarm.LocalNodeState}}" | grep -qx active'
drill_begins
node_on "$MANAGER"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
check "every client knows every brick" eventually 180 clients_know_all_bricks
use_cluster
drill_ends_well
check "what was written before is on every brick" eventually 300 early_files_are_right
