# Everything that a scenario needs, and how a session begins and ends.

lib=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
for part in session packages image network router stick flash node cluster timeline assertions stranger attacks drill; do
    # shellcheck source=/dev/null
    source "$lib/$part.bash"
done
unset lib part

# Before the session, where there still is a network: the program, the base images, the packages.
if [[ -z ${LAB_SESSION-} ]]; then
    require_machine
    if [[ -z ${MKLAB_MKIMAGE-} ]]; then
        (cd -- "$LAB_PROJECT" && cargo build --quiet --release)
        MKLAB_MKIMAGE=$(cd -- "$LAB_PROJECT" && cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release/mkimage
    fi
    export MKLAB_MKIMAGE
    export LAB_SEED=${MKLAB_SEED:-$((RANDOM * 32768 + RANDOM))}
    image_build_all
fi
RANDOM=$LAB_SEED

session_start() {
    # Programs leave notes there about namespaces and containers, which end with the session.
    mount -t tmpfs mklab-run /run
    network_start
    packages_start "$NETWORK_ADDRESS" OFFLINE
    image_server_start
}

# random_below N: 0 to N-1 into RANDOM_NUMBER, the same for the same seed. (A subshell would have numbers of its own.)
random_below() {
    RANDOM_NUMBER=$((RANDOM % $1))
}

# shuffle WORD...: into SHUFFLED, in an order that depends on the seed.
shuffle() {
    SHUFFLED=("$@")
    local index kept
    for ((index = ${#SHUFFLED[@]} - 1; index > 0; index--)); do
        random_below $((index + 1))
        kept=${SHUFFLED[index]}
        SHUFFLED[index]=${SHUFFLED[RANDOM_NUMBER]}
        SHUFFLED[RANDOM_NUMBER]=$kept
    done
}

# The words of the nodes themselves, where something did not go as it must.
lab_report_failure() {
    local node
    [[ $1 != 0 ]] || return 0
    for node in "${NODES[@]}"; do
        [[ -d $(node_folder "$node")/boot/mkimage ]] || continue
        printf '\n--- %s: end of its own log\n' "$node" >&2
        tail -n 25 -- "$(node_folder "$node")/boot/mkimage/firstboot.log" >&2 || true
        node_troubles "$node"
    done
    say "the seed was $LAB_SEED"
}
