# A card of another cluster with the same names on the same network: refused both ways.
node=pi4-3

healthy_cluster
node_cut "$node"
own=$(node_folder "$node")
mv -- "$own" "$own.ours"
stick_remove "$node"
ours=$CLUSTER_FOLDER
# Another owner's file: the same names and addresses, and secrets of its own.
cluster_write "$LAB_SCRATCH/others-cluster"
flash_new "$node"
members=$(in_node "$MANAGER" docker node ls --format '{{.ID}}' | sort)
peers=$(in_node "$MANAGER" gluster --mode=script pool list | awk 'NR > 1 { print $1 }' | sort)
node_on "$node"
check "the stranger finds no manager" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" swarm 'waiting|manager'
sleep 60
check_refused "the stranger is in no swarm" in_node "$node" sh -c 'docker info --format "{{.Swarm.LocalNodeState}}" | grep -qx active'
is "the swarm has nobody new" "$members" "$(in_node "$MANAGER" docker node ls --format '{{.ID}}' | sort)"
is "the pool has nobody new" "$peers" "$(in_node "$MANAGER" gluster --mode=script pool list | awk 'NR > 1 { print $1 }' | sort)"
CLUSTER_FOLDER=$ours
check_refused "our keys do not open the stranger" ask_as "$MANAGER" "$node" state
node_cut "$node"
stick_remove "$node"
rm -rf --one-file-system -- "$own"
mv -- "$own.ours" "$own"
drill_begins
node_on "$node"
drill_ends_well
