# The power fails at every stage boundary and at 20 random instants of first boots: the next boot completes them.
readonly ROUNDS=${MKLAB_CUT_ROUNDS:-5}

# cut_when NODE STAGE: waits until the stage has begun, or is already done, and cuts the node there.
cut_when() {
    local node=$1 stage=$2 deadline=$((SECONDS + ${MKLAB_PATIENCE:-900}))
    while ((SECONDS < deadline)); do
        case $(stage_state "$node" "$stage" 2>/dev/null) in
            '' | waiting) sleep 0.2 ;;
            *) break ;;
        esac
    done
    say "cut $node as its stage $stage begins"
    node_cut "$node"
    node_on "$node"
}

# One after the other on each node, as the stages come: 8 boundaries in two first boots of four nodes.
boundaries() {
    local node
    fresh_cluster
    drill_begins
    for node in "${NODES[@]}"; do
        node_on "$node"
    done
    # The shell that cuts must be the one that started: it has the sticks.
    cut_when "${NODES[0]}" "$1"
    cut_when "${NODES[1]}" "$2"
    cut_when "${NODES[2]}" "$3"
    cut_when "${NODES[3]}" "$4"
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    cluster_is_healthy
}

boundaries clock packages docker brick
boundaries 'done' volume swarm pool

for ((round = 1; round <= ROUNDS; round++)); do
    fresh_cluster
    drill_begins
    shuffle "${NODES[@]}"
    for node in "${SHUFFLED[@]}"; do
        node_on "$node"
    done
    # Somewhere within the time that a first boot takes here.
    for node in "${SHUFFLED[@]}"; do
        random_below "${MKLAB_CUT_WINDOW:-40}"
        sleep "$RANDOM_NUMBER"
        say "round $round: cut $node after $((($(now_ms) - $(<"$(node_folder "$node")/on_at")) / 1000)) s in stage $(node_status "$node" | jq -r .stage 2>/dev/null || true)"
        node_cut "$node"
        node_on "$node"
    done
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    cluster_is_healthy
done
use_cluster
drill_ends_well
