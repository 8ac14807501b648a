# A [[node]] goes from the file: a live worker's, a dead worker's, one manager's of three. The others lose nothing, and a
# node that went gets nothing any more.

# without NODE: the others.
without() {
    local node
    local -a stay=()
    for node in "${NODES[@]}"; do
        [[ $node == "$1" ]] || stay+=("$node")
    done
    NODES=("${stay[@]}")
}

# takes_out NODE: by the file and `mkimage apply`, while files are written.
takes_out() {
    local node=$1
    drill_begins
    without "$node"
    cluster_write "$LAB_SCRATCH/cluster"
    writer_start pi4-2
    check_refused "an image without $node is not built before the nodes know" mkimage --base sample --node pi4-1 --out "$LAB_SCRATCH/none"
    check "mkimage apply takes out $node" eventually 180 mkimage apply --yes
    check "all nodes know that it has gone" eventually 120 on_every_node has_gone "$node"
    check "it is in the swarm no more" eventually 300 out_of_the_swarm "$node"
    check "nor in the pool and the volume" eventually 300 out_of_the_pool "$node"
    drill_ends_well
    writer_stop pi4-2
    say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
    check "mkimage apply again changes nothing" mkimage apply
}

# has_gone NODE-IN-QUESTION NODE: called by on_every_node, which puts the node last.
has_gone() {
    in_node "$2" grep "^$1 " /etc/mkimage/gone && ! in_node "$2" grep "^$1 " /etc/mkimage/nodes
}

out_of_the_swarm() {
    ! in_node "$MANAGER" docker node ls --format '{{.Hostname}}' | grep -x "$1"
}

out_of_the_pool() {
    local address
    address=$(in_node "$MANAGER" sed -n "s/^$1 //p" /etc/mkimage/gone)
    ! { in_node "$MANAGER" gluster --mode=script pool list && in_node "$MANAGER" gluster --mode=script volume info cluster-data; } |
        grep -E "[[:space:]]($1|$address)([:[:space:]]|\$)"
}

# gets_nothing NODE: with the keys that it still has.
gets_nothing() {
    local words
    for words in state join-token peers 'probe 11' 'add-brick fresh'; do
        check_refused "$1 asks in vain: $words" in_node "$1" ssh -F none -o BatchMode=yes -o ConnectTimeout=6 -o IdentitiesOnly=yes \
            -o IdentityFile=/etc/mkimage/secrets/enrolment_key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
            "mkimage@${NODE_ADDRESS[$MANAGER]}" "$words"
    done
    check_refused "and does not reach the private network" in_node "$1" ping -c 2 -W 2 "$(private_address "$MANAGER")"
}

# back_to_four: the healthy cluster as it was kept.
back_to_four() {
    NODES=(pi4-1 pi4-2 pi4-3 pi3-1)
    put_back healthy
    all_on
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
}

managers_are() {
    (($(in_node "$MANAGER" docker node ls --filter role=manager --format '{{.ManagerStatus}}' | grep -cE 'Leader|Reachable') == $1))
}

healthy_cluster
gone=pi3-1
takes_out "$gone"
check "$gone has left the swarm itself" eventually 120 in_node "$gone" sh -c 'docker info --format "{{.Swarm.LocalNodeState}}" | grep -qx inactive'
check "and says that it was taken out" eventually 120 in_node "$gone" grep -q 'taken out of the cluster' /run/mkimage/status.json
gets_nothing "$gone"
node_cut "$gone"

say "$gone comes back, with its stick"
drill_begins
NODES+=("$gone")
cluster_write "$LAB_SCRATCH/cluster"
flash_new "$gone"
node_on "$gone"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
# A new card has no image for the service of four replicas.
image_import "$gone"
check "it has new keys" eventually 60 in_node "$MANAGER" grep "^$gone " /etc/mkimage/nodes
drill_ends_well

say "a dead worker"
back_to_four
gone=pi4-3
node_cut "$gone"
takes_out "$gone"
node_on "$gone"
check "$gone comes back and is let in nowhere" eventually 300 in_node "$gone" test -e /run/mkimage/status.json
sleep 30
gets_nothing "$gone"
check "the others go on without it" out_of_the_pool "$gone"
node_cut "$gone"

say "one manager of three"
back_to_four
NODE_ROLE["pi4-2"]=manager
# shellcheck disable=SC2034 # (cluster_write reads it)
NODE_ROLE["pi4-3"]=manager
cluster_write "$LAB_SCRATCH/cluster"
check "three managers by mkimage apply" mkimage apply --yes
check "three manage" eventually 300 managers_are 3
gone=pi4-3
takes_out "$gone"
check "two manage" eventually 120 managers_are 2
gets_nothing "$gone"
node_cut "$gone"
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
