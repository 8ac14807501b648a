# A card of another cluster with the same names on the same network: refused both ways.
node=pi4-3

healthy_cluster
node_cut "$node"
own=$(node_folder "$node")
mv -- "$own" "$own.ours"
stick_remove "$node"
ours=$CLUSTER_FOLDER
# Another owner's file: the same names and addresses, and secrets of its own.
others=$LAB_SCRATCH/others-cluster
rm -rf -- "$others"
cluster_write "$others"
flash_new "$node"
members=$(swarm_members)
peers=$(pool_members)
bricks=$(volume_bricks)
node_on "$node"
check "the stranger finds no manager" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" swarm "waiting for a manager"
sleep 60
is "the stranger is in no swarm" inactive "$(in_node "$node" docker info --format '{{.Swarm.LocalNodeState}}')"
# shellcheck disable=SC2016 # (the node's shell expands it)
check "the stranger has no peers" in_node "$node" sh -c 'peers=$(ls /var/lib/glusterd/peers) && echo "$peers" && [ -z "$peers" ]'
check_refused "the stranger has no volume" volume_is_mounted "$node"
for other in pi4-1 pi4-2 pi3-1; do
    check "our $other goes on" in_node "$other" -t 60 sh -c "echo on >$DRILL_FOLDER.beside-a-stranger && sync $DRILL_FOLDER.beside-a-stranger"
done
is "the swarm has nobody new" "$members" "$(swarm_members)"
is "the pool has nobody new" "$peers" "$(pool_members)"
is "the volume has no other bricks" "$bricks" "$(volume_bricks)"

# trusts_host FOLDER NODE: whether a user with FOLDER's known hosts takes NODE for a node of their own.
trusts_host() {
    ssh-keyscan -t ed25519 "${NODE_ADDRESS[$2]}" 2>/dev/null | cut -d ' ' -f 3 | grep -qFf - "$1/cluster.secrets/known_hosts"
}
# lets_in FOLDER ASKER NODE: whether NODE answers the key that ASKER has by FOLDER, for a user who trusts any host key.
lets_in() {
    timeout 60 ssh -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityFile="$1/cluster.secrets/nodes/$2/enrolment_key" \
        -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR "mkimage@${NODE_ADDRESS[$3]}" state </dev/null
}
check "the stranger answers its own keys" lets_in "$others" "$MANAGER" "$node"
check_refused "the stranger refuses our keys" lets_in "$ours" "$MANAGER" "$node"
check "our manager answers our keys" lets_in "$ours" "$node" "$MANAGER"
check_refused "our manager refuses the stranger's keys" lets_in "$others" "$node" "$MANAGER"
check "the stranger's owner knows it" trusts_host "$others" "$node"
check "we know our manager" trusts_host "$ours" "$MANAGER"
check_refused "we do not take the stranger for our node" trusts_host "$ours" "$node"
check_refused "the stranger does not take our manager for its own" trusts_host "$others" "$MANAGER"
CLUSTER_FOLDER=$ours
node_cut "$node"
stick_remove "$node"
rm -rf --one-file-system -- "$own"
mv -- "$own.ours" "$own"
drill_begins
node_on "$node"
drill_ends_well
