# A node's address changes in the cluster file, and then the router's: the node takes its new address while it runs, the others find it,
# and an address without a router is given up.
node=pi3-1

has_address() {
    in_node "$node" ip -4 -o address show scope global | grep -qF " $1/"
}

healthy_cluster
old=${NODE_ADDRESS[$node]}
new=192.168.91.44
writer_start pi4-2
NODE_ADDRESS["$node"]=$new
cluster_write "$LAB_SCRATCH/cluster"
said=$(mkimage apply --dry-run)
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
check "and still has its address" has_address "$new"
check "and its router" eventually 60 in_node "$node" ping -c 1 -W 2 "$router"
cluster_write "$LAB_SCRATCH/cluster"
check "the right one again" mkimage apply --yes
writer_stop pi4-2
say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
drill_ends_well
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
