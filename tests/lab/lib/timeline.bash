# The time at which each node finished each stage, counted from its own power-on.

declare -A TIMELINE=()

# The stages in the order in which the driver takes them.
# shellcheck disable=SC2016 # (the inner shell expands it)
mapfile -t STAGES < <(LIB=$LAB_PROJECT/firstboot/lib sh -eu -c '. "$LIB/schedule"; stage_names')

timeline_reset() {
    TIMELINE=()
}

# timeline_note NODE: remembers the stages that are done by now and were not before.
timeline_note() {
    local node=$1 stage since
    while read -r stage since; do
        [[ -n ${TIMELINE["$node/$stage"]-} ]] || TIMELINE["$node/$stage"]=$since
    done < <(node_status "$node" | jq -r '.stages[] | select(.state == "done") | "\(.name) \(.since)"' 2>/dev/null)
}

timeline_print() {
    local node stage started on since
    started=$(for node; do cat -- "$(node_folder "$node")/on_at"; done | sort -n | head -n 1)
    printf '\n%-8s %8s' node 'power on'
    printf ' %9s' "${STAGES[@]}"
    printf '   (seconds after its own power-on; power-on after the first)\n'
    for node; do
        on=$(<"$(node_folder "$node")/on_at")
        printf '%-8s %7ss' "$node" $(((on - started) / 1000))
        for stage in "${STAGES[@]}"; do
            since=${TIMELINE["$node/$stage"]-}
            if [[ -n $since ]]; then
                printf ' %8ss' $((since - on / 1000))
            else
                printf ' %9s' -
            fi
        done
        printf '\n'
    done
    printf '\n'
}
