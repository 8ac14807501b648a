# The power fails at every stage boundary and at 20 random instants of first boots: the next boot completes them.
CUTS=${MKLAB_CUTS:-20}

# stage_has_begun NODE STAGE
stage_has_begun() {
    case $(stage_state "$1" "$2" 2>/dev/null) in
        '' | waiting) return 1 ;;
    esac
}

all_on() {
    local node
    shuffle "${NODES[@]}"
    for node in "${SHUFFLED[@]}"; do
        node_on "$node"
    done
}

completes() {
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    cluster_is_healthy
    check "mkimage status ends well" eventually 180 status_is_done
    say "whole again $((SECONDS - begun_at)) s after power on"
}

# Every node is cut at the beginning of each of its stages in turn, and of the first thing of all, the installation
# from the boot partition: nine cuts of each node in one first boot.
every_boundary() {
    local node stage left deadline
    local -A next=()
    for node in "${NODES[@]}"; do
        next[$node]=-1
    done
    deadline=$((SECONDS + 3 * ${MKLAB_PATIENCE:-900}))
    left=${#NODES[@]}
    while ((left > 0)); do
        ((SECONDS < deadline)) || fail "some stage never began: ${next[*]}"
        for node in "${NODES[@]}"; do
            ((next[$node] < ${#STAGES[@]})) || continue
            if ((next[$node] < 0)); then
                # Its secrets are being moved, its scripts copied.
                [[ -e $(node_folder "$node")/root/etc/mkimage ]] || continue
                say "cut $node while it installs from its boot partition"
            else
                stage=${STAGES[${next[$node]}]}
                stage_has_begun "$node" "$stage" || continue
                say "cut $node with its stage $stage $(stage_state "$node" "$stage")"
            fi
            node_cut "$node"
            node_on "$node"
            next[$node]=$((next[$node] + 1))
            ((next[$node] < ${#STAGES[@]})) || left=$((left - 1))
        done
        sleep 0.3
    done
}

say "every stage boundary of every node"
blank_cluster
drill_begins
begun_at=$SECONDS
all_on
every_boundary
completes

say "while the manager runs docker swarm init"
blank_cluster
drill_begins
begun_at=$SECONDS
all_on
until [[ -e $(node_folder "$MANAGER")/root/var/lib/mkimage/swarm-begun ]]; do
    ((SECONDS - begun_at < ${MKLAB_PATIENCE:-900})) || fail "the swarm was never begun"
    sleep 0.05
done
node_cut "$MANAGER"
node_on "$MANAGER"
completes

# Within the time that a first boot takes here, counted from power on; a seed plays the same instants again. A node that
# is done by then is past its first boot: it is cut all the same, and not counted.
cuts=0
for ((round = 1; cuts < CUTS; round++)); do
    ((round <= 4 * CUTS)) || fail "hardly any first boot takes as long as MKLAB_CUT_WINDOW"
    blank_cluster
    drill_begins
    instants=()
    for node in "${NODES[@]}"; do
        random_below "${MKLAB_CUT_WINDOW:-100}"
        instants+=("$RANDOM_NUMBER $node")
    done
    all_on
    begun_at=$SECONDS
    while read -r instant node; do
        while ((SECONDS - begun_at < instant)); do
            sleep 0.2
        done
        if [[ $(node_state "$node") == 'done' ]]; then
            say "round $round: cut $node after $instant s, done already"
        else
            cuts=$((cuts + 1))
            say "round $round: cut $node after $instant s in stage $(node_status "$node" | jq -r .stage 2>/dev/null || true) ($cuts)"
        fi
        node_cut "$node"
        node_on "$node"
    done < <(printf '%s\n' "${instants[@]}" | sort -n)
    completes
done
use_cluster
drill_ends_well
