# Roles follow the file: a worker becomes a manager, then three manage, then another one is the only manager.

# apply_roles NODE...: the managers from now on, by the file and `mkimage apply`.
apply_roles() {
    local node
    drill_begins
    for node in "${NODES[@]}"; do
        NODE_ROLE["$node"]=worker
    done
    for node; do
        # shellcheck disable=SC2034 # (cluster_write reads it)
        NODE_ROLE["$node"]=manager
    done
    cluster_write "$LAB_SCRATCH/cluster"
    writer_start pi4-2
    check "mkimage apply" mkimage apply --yes
    check "the managers of the swarm are $*" eventually 300 manage "$@"
    # shellcheck disable=SC2034 # (the checks ask it)
    MANAGER=$1
    drill_ends_well
    writer_stop pi4-2
    say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
}

# manage NODE...: these and no others, as the first one sees it.
manage() {
    local found
    found=$(in_node "$1" docker node ls --filter role=manager --format '{{.Hostname}} {{.ManagerStatus}}' | grep -E ' (Leader|Reachable)$' | cut -d ' ' -f 1 | sort)
    [[ $found == "$(printf '%s\n' "$@" | sort)" ]]
}

healthy_cluster
apply_roles pi4-1 pi4-2 pi4-3
identity=$(swarm_identity pi4-2)
check "the first manager can be off" node_cut pi4-1
check "and the others go on" eventually 120 in_node pi4-2 docker node ls
node_on pi4-1
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
apply_roles pi4-2
is "the same swarm" "$identity" "$(swarm_identity pi4-2)"
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
