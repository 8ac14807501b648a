# A machine without a key on the nodes' network tries what it can, and then with a stolen worker's keys: nothing is let in or changed.
fresh=pi4-2
stolen=pi4-3
blank_cluster
stranger_meets_a_fresh_node "$fresh"
! stranger_wins || blank_cluster
stranger_lies_while_the_cluster_forms stranger_stands_between "$fresh"
stranger_tries_the_cluster "$fresh"

# From here on with keys, which take nobody in where there is no private network.
if stranger_wins; then
    # Of a cluster with fixed addresses auth.allow asks for that of a node. The others take a while to notice whose it is.
    node_cut "$stolen"
    in_stranger ip addr add "${NODE_ADDRESS[$stolen]}/$NETWORK_PREFIX" dev eth0
    in_stranger ip route replace "$NETWORK_ADDRESS" dev eth0 src "${NODE_ADDRESS[$stolen]}"
    for node in "$MANAGER" "$fresh" pi3-1; do
        in_stranger ip route replace "${NODE_ADDRESS[$node]}" dev eth0 src "${NODE_ADDRESS[$stolen]}"
    done
    known_attack "H1, mounting with the address of a node that is off" eventually 90 mounts_volume "${NODE_ADDRESS[$MANAGER]}"
    stranger_leaves
    # shellcheck disable=SC2034 # (run_drills reads it)
    DRILL_KEEPS_TO_ITSELF=yes
    return
fi

say "the keys of another cluster with the same names"
ours=$CLUSTER_FOLDER
others=$LAB_SCRATCH/others-cluster
rm -rf -- "$others"
cluster_write "$others"
build_images "$stolen"
CLUSTER_FOLDER=$ours
stranger_wireguard "$others/cluster.secrets/nodes/$stolen/wireguard_key" "$(private_address "$stolen")"
attack "another cluster's key in the private network" member_answers "$(private_address "$MANAGER")" "$(private_address "$stolen")"
attack "a handshake with that key" shakes_hands
attack "a question with another cluster's enrolment key" \
    logs_in "$MANAGER" "$others/cluster.secrets/nodes/$stolen/enrolment_key" mkimage
attack "a login with another cluster's admin key" \
    logs_in "$MANAGER" "$others/cluster.secrets/admin_key" "$CLUSTER_USER"

say "$stolen is stolen: its keys, and the cluster without it"
node_cut "$stolen"
keys=$CLUSTER_FOLDER/cluster.secrets/nodes/$stolen
ASK_FROM=(beside_stranger)
enrolment_is_narrow
for question in 'join-token manager' "join-token manager $MANAGER" "peers; id" "add-brick fresh $MANAGER" 'swarm leave' '../state'; do
    attack "a manager's token by the question: $question" \
        grep -qF "$(in_node "$MANAGER" docker swarm join-token -q manager)" <(ask_as "$stolen" "$MANAGER" "$question" 2>&1)
done
# shellcheck disable=SC2034 # (ask_as reads it)
ASK_FROM=()
for key in enrolment_key host_key; do
    for user in "$CLUSTER_USER" root; do
        attack "a login of $user with a worker's $key" logs_in "$MANAGER" "$keys/$key" "$user"
    done
done
check "the owner's own key opens" as_owner "$MANAGER" true
stranger_wireguard "$keys/wireguard_key" "$(private_address "$stolen")" "$(private_address "$fresh")"
check "a worker's key is a member's: it answers for itself" member_answers "$(private_address "$MANAGER")" "$(private_address "$stolen")"
attack "another node's address with a worker's key" member_answers "$(private_address "$MANAGER")" "$(private_address "$fresh")"
# The gap that stays open until the key is taken out of the other nodes, and proof of the tools that were refused before.
check "and mounts the volume, as docs/security.md says" mounts_volume "$MANAGER"
stranger_wireguard_off
stranger_leaves

drill_begins
node_on "$stolen"
drill_ends_well
nothing_has_changed
