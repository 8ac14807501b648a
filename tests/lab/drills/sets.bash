# More sticks than copies: six sticks become two sets of three, three more make a third one, and one stick of each set dies.

# more_nodes LAST: pi4-4 to pi4-LAST have addresses of their own.
more_nodes() {
    local at
    # shellcheck disable=SC2034 # (the lab reads them)
    for ((at = 4; at <= $1; at++)); do
        NODE_ADDRESS["pi4-$at"]=192.168.91.$((20 + at))
        NODE_MAC["pi4-$at"]=02:00:00:00:01:0$at
        NODE_ROLE["pi4-$at"]=worker
        NODE_WIPE["pi4-$at"]=if-empty
    done
}

# sets_are NODES...: whose sticks each set has, in the file's order. Within a set that of their arrival is left.
sets_are() {
    local bricks
    bricks=$(in_node "$MANAGER" gluster --mode=script volume info cluster-data | sed -n 's/^Brick[0-9]*: \([^:]*\):.*/\1/p' |
        awk -v copies="$CLUSTER_REPLICA" '{ print int((NR - 1) / copies), $0 }' | sort -k 1,1n -k 2 | cut -d ' ' -f 2 | paste -s -d ' ')
    same "$*" "$bricks"
}

# Each file lies whole on as many sticks as it has copies. A file with the sticky bit only tells where the file is.
copies_are_right() {
    local node
    for node in "${NODES[@]}"; do
        in_node "$node" -t 300 sh -c "cd /glusterfs/bricks/$node/brick/$DRILL_PLACE && find . -type f ! -perm -1000 -exec sha256sum {} +"
    done | sed 's| \./| |' | sort | uniq -c | awk -v copies="$CLUSTER_REPLICA" '$1 == copies { print $2 "  " $3 }' | sort >"$LAB_SCRATCH/copies"
    same "$(sort "$LAB_SCRATCH/files.sha256")" "$(<"$LAB_SCRATCH/copies")"
}

# Files are on every set: otherwise nothing was spread.
every_set_has_files() {
    local node
    for ((at = 0; at < ${#NODES[@]}; at += CLUSTER_REPLICA)); do
        node=${NODES[at]}
        (($(in_node "$node" sh -c "find /glusterfs/bricks/$node/brick/$DRILL_PLACE -type f ! -perm -1000 | wc -l") > DRILL_FILES / 20)) || return 1
    done
}

all_is_well() {
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    cluster_is_healthy
    check "the sets are those of the file" sets_are "${NODES[@]}"
    check "all $DRILL_FILES files are right on every node" files_are_right
    check "and on $CLUSTER_REPLICA sticks each" eventually 600 copies_are_right
    check "every set has some of them" eventually 600 every_set_has_files
    check "mkimage status ends well" eventually 180 status_is_done
}

everything_off
more_nodes 9
CLUSTER_REPLICA=3
NODES=(pi4-1 pi4-2 pi4-3 pi4-4 pi4-5 pi4-6)
new_cluster
drill_begins
all_is_well
say "two sets after $((SECONDS - DRILL_STARTED)) s"

writer_start pi4-2
NODES+=(pi4-7 pi4-8)
cluster_write "$LAB_SCRATCH/cluster"
flash_new pi4-7 pi4-8
node_on pi4-7
node_on pi4-8
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
check "two sticks are spares" eventually 120 in_node pi4-8 grep -q 'this stick is a spare' /run/mkimage/status.json
check "and the sets are as before" sets_are "${NODES[@]:0:6}"
NODES+=(pi4-9)
cluster_write "$LAB_SCRATCH/cluster"
flash_new pi4-9
node_on pi4-9
check "the third set begins" eventually 300 sets_are "${NODES[@]}"
all_is_well

say "one stick of each set dies"
for node in pi4-2 pi4-5 pi4-8; do
    [[ $node != pi4-2 ]] || writer_stop pi4-2
    node_cut "$node"
done
say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
check "every file is still there" files_in "$DRILL_FOLDER" pi4-1
check "and new ones can be written" in_node pi4-1 -t 60 sh -c "for at in 1 2 3 4 5 6 7 8 9; do echo \$at >$DRILL_FOLDER.new-\$at || exit 1; done"
for node in pi4-2 pi4-5 pi4-8; do
    stick_new "$node"
    node_on "$node"
done
all_is_well
for node in "${NODES[@]:4}"; do
    node_cut "$node"
    stick_remove "$node"
done
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
