# A fifth Pi: it gets a [[node]] and an image, and nothing is done to the four others, once with all of them on, once without the manager,
# and once they have been told by `mkimage apply` before.
new=pi5-1

# grows [NODE]: the new node becomes a member; NODE, which is off meanwhile, comes back later.
grows() {
    local off=${1-} node
    local -a there=()
    NODES+=("$new")
    cluster_write "$LAB_SCRATCH/cluster"
    writer_start pi4-2
    if [[ -n $told_before ]]; then
        check "mkimage apply, before there is a card" mkimage apply --yes
        check "the others know $new" eventually 120 know "$new" "${NODES[@]:0:4}"
    fi
    flash_new "$new"
    [[ -z $off ]] || node_cut "$off"
    node_on "$new"
    if [[ -n $off ]]; then
        for node in "${NODES[@]}"; do
            [[ $node == "$off" ]] || there+=("$node")
        done
        check "the nodes that are on hear of $new" eventually "${MKLAB_PATIENCE:-900}" know "$new" "${there[@]}"
        node_on "$off"
    fi
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    say "all five are done after $((SECONDS - DRILL_STARTED)) s"
    check "all nodes know all nodes" know "$new" "${NODES[@]}"
    cluster_is_healthy
    check "all $DRILL_FILES files are right on every node" files_are_right
    check "and on every brick" eventually 600 bricks_are_complete
    check "the service of four replicas runs" eventually 120 service_runs 4
    writer_stop pi4-2
    say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
    check "mkimage status ends well" eventually 180 status_is_done
    check "enrolment is as narrow as before" enrolment_is_narrow
}

# know NEW NODE...: whether they have it in their list.
know() {
    local node
    for node in "${@:2}"; do
        in_node "$node" grep "^$1 " /etc/mkimage/nodes || return 1
    done
}

# four_again: the cluster as it was before it grew.
four_again() {
    node_cut "$new"
    stick_remove "$new"
    NODES=("${NODES[@]:0:4}")
    put_back healthy
    all_on
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    drill_begins
}

healthy_cluster
told_before=
grows
say "once more while the only manager is off"
four_again
grows pi4-1
say "once more, told before"
four_again
told_before=yes
grows
node_cut "$new"
stick_remove "$new"
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
