# A node's address changes in the cluster file, and then the router's: the node takes its new address while it runs, the others find it,
# and an address without a router is given up. Then its address changes while it is off, once corrected before it is back.
node=pi3-1

has_address() {
    in_node "$node" ip -4 -o address show scope global | grep -qF " $1/"
}

# address_becomes ADDRESS: in the cluster file.
address_becomes() {
    NODE_ADDRESS["$node"]=$1
    cluster_write "$LAB_SCRATCH/cluster"
}

others_look_for_it_at() {
    local other
    for other in "${NODES[@]}"; do
        [[ $other == "$node" ]] || in_node "$other" grep -q "^$node [a-z]* $1 " /etc/mkimage/nodes || return 1
    done
}

healthy_cluster
old=${NODE_ADDRESS[$node]}
new=192.168.91.44
writer_start pi4-2
address_becomes "$new"
known=$(cd -- "$CLUSTER_FOLDER" && find cluster.secrets -type f -exec sha256sum {} + | sort)
said=$(mkimage apply --dry-run)
is "mkimage apply --dry-run writes nothing" "$known" "$(cd -- "$CLUSTER_FOLDER" && find cluster.secrets -type f -exec sha256sum {} + | sort)"
check "the plan tells who cannot be reached for a moment" grep -q "$node starts its network anew" <<<"$said"
check "mkimage apply" mkimage apply --yes
check "the node has its new address" eventually 120 has_address "$new"
check_refused "and not its old one" has_address "$old"
drill_ends_well
check "mkimage apply again changes nothing" mkimage apply

say "a router that is not there"
drill_begins
router=$NETWORK_ADDRESS
sed -i "s/^gateway = .*/gateway = \"192.168.91.99\"/" "$CLUSTER_FOLDER/cluster.toml"
check "mkimage apply" mkimage apply --yes
check "the node says that it has no router there" eventually 240 stage_says "$node" address 'did not reach its router'
# NetworkManager gives it back a moment after the node has said so.
check "and still has its address" eventually 60 has_address "$new"
check "and its router" eventually 60 in_node "$node" ping -c 1 -W 2 "$router"
cluster_write "$LAB_SCRATCH/cluster"
check "the right one again" mkimage apply --yes
writer_stop pi4-2
say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
drill_ends_well

# The node is off, and comes back at the address that it was told last: nobody but itself can tell the others where it is.
say "the node is off while its address changes"
drill_begins
writer_start pi4-2
node_cut "$node"
before=$new
new=192.168.91.45
address_becomes "$new"
check "mkimage apply" mkimage apply --yes
check "the others look for it at its new address" eventually 60 others_look_for_it_at "$new"
node_on "$node"
check "it hears of its new address" eventually "${MKLAB_PATIENCE:-900}" has_address "$new"
check_refused "and leaves the old one" has_address "$before"
writer_stop pi4-2
say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
drill_ends_well

say "the node is off while its address changes to a wrong one, which is corrected"
drill_begins
node_cut "$node"
before=$new
address_becomes 192.168.91.246
check "mkimage apply" mkimage apply --yes
new=192.168.91.46
address_becomes "$new"
check "mkimage apply with the right one" mkimage apply --yes
node_on "$node"
check "it hears of its new address" eventually "${MKLAB_PATIENCE:-900}" has_address "$new"
check_refused "and leaves the old one" has_address "$before"
drill_ends_well

# Only the owner's computer knows of the change then, and where they were before.
say "all nodes are off while the address of one changes"
drill_begins
node_cut "${NODES[@]}"
before=$new
new=192.168.91.47
address_becomes "$new"
check_refused "mkimage apply reaches nobody" mkimage apply --yes
all_on
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
said=$(mkimage apply --yes)
# The others may have told it a moment before.
check "mkimage apply finds the node where it was before" grep -qE "$node +$node (took|has) " <<<"$said"
check "it has its new address" eventually 120 has_address "$new"
check_refused "and not its old one" has_address "$before"
drill_ends_well
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
