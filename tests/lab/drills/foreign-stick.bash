# A stick with somebody's files: untouched bit for bit until somebody allows it.
node=pi4-3

# somebodys_stick FILE
somebodys_stick() {
    local files=$LAB_SCRATCH/somebody
    mkdir -p -- "$files/photos"
    head -c 3000000 /dev/urandom >"$files/photos/holiday.jpg"
    rm -f -- "$1"
    truncate -s "${STICK_MIB}M" "$1"
    mke2fs -q -t ext4 -L backup -d "$files" "$1"
}

new_node_with_somebodys_stick() {
    local stick
    stick=$(node_folder "$node")/stick.img
    node_cut "$node"
    flash_new "$node"
    stick_remove "$node"
    somebodys_stick "$stick"
    stick_insert "$node" "$stick"
}

healthy_cluster
new_node_with_somebodys_stick
before=$(sha256sum <"$(node_folder "$node")/stick.img")
node_on "$node"
wait_state attention "${MKLAB_PATIENCE:-900}" "$node"
check "it joins the swarm all the same" eventually 120 stage_is "$node" swarm 'done'
check "it says what to do" stage_says "$node" brick 'wipe-stick'
check "mkimage status says it, too" eventually 60 status_says "$node" 'wipe-stick'
sleep 30
is "the stick is untouched, bit for bit" "$before" "$(sha256sum <"$(node_folder "$node")/stick.img")"
drill_begins
check "the one command" as_owner "$node" sudo touch /boot/firmware/mkimage/wipe-stick
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
image_import "$node"
drill_ends_well

say "the same with wipe = \"always\" in the cluster file"
# shellcheck disable=SC2034 # (cluster_write reads it)
NODE_WIPE["$node"]=always
cluster_write "$LAB_SCRATCH/cluster"
new_node_with_somebodys_stick
drill_begins
node_on "$node"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
image_import "$node"
drill_ends_well
