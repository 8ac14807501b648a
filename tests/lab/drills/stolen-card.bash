# A card is stolen: after `mkimage rotate`, its keys get nothing from anybody, a node that was off meanwhile hears of it, and a new card of
# the same node goes on. Then all nodes get new keys while they run.

# opens_nothing FOLDER: the keys of $stolen in it, as a stranger uses them.
opens_nothing() {
    local user
    stranger_arrives pi4-2
    stranger_wireguard "$1/wireguard_key" "$address"
    attack "the old key in the private network" member_answers "$(private_address "$MANAGER")" "$address"
    attack "a handshake with it" shakes_hands
    for user in mkimage "$CLUSTER_USER" root; do
        attack "a login of $user with the old enrolment key" logs_in "$MANAGER" "$1/enrolment_key" "$user"
    done
    attack "an introduction with its certificate" introduces_itself "$1"
    attack "a join with an old token" grep -qxF "$token" <(in_node "$MANAGER" docker swarm join-token -q worker)
    stranger_leaves
}

# introduces_itself FOLDER: shows a member the newest description, as a node does that nobody knows yet.
introduces_itself() {
    local said
    said=$(beside_stranger timeout 60 ssh -F none -T -o BatchMode=yes -o IdentitiesOnly=yes -o "CertificateFile=$certificate" \
        -i "$1/enrolment_key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
        "mkimage@${NODE_ADDRESS[$MANAGER]}" description <"$CLUSTER_FOLDER/cluster.secrets/description" 2>&1) || true
    printf '%s\n' "$said"
    [[ $said != *'Permission denied'* ]]
}

healthy_cluster
stolen=pi4-3
off=pi3-1
address=$(private_address "$stolen")
token=$(in_node "$MANAGER" docker swarm join-token -q worker)
old=$LAB_SCRATCH/stolen-keys
rm -rf -- "$old"
cp -r -- "$CLUSTER_FOLDER/cluster.secrets/nodes/$stolen" "$old"
certificate=$LAB_SCRATCH/stolen-certificate
in_node "$stolen" cat /etc/mkimage/enrolment_certificate >"$certificate"
node_cut "$stolen"
node_cut "$off"
writer_start pi4-2
check "mkimage rotate" mkimage rotate --node "$stolen" --yes
opens_nothing "$old"
node_on "$off"
check "the node that was off hears of it" eventually 300 in_node "$off" grep -qF "$(cut -d ' ' -f 2 "$old/enrolment_key.pub")" /etc/mkimage/revoked_keys
check "a new card of $stolen" flash_new "$stolen"
drill_begins
node_on "$stolen"
wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
image_import "$stolen"
writer_stop pi4-2
say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
drill_ends_well
opens_nothing "$old"

say "the secrets were copied: all keys are new"
before=$(cat -- "$CLUSTER_FOLDER"/cluster.secrets/nodes/*/*.pub | sort)
drill_begins
writer_start pi4-2
check "mkimage rotate --all" mkimage rotate --all --yes
check "no node kept a key" test -z "$(comm -12 <(printf '%s\n' "$before") <(cat -- "$CLUSTER_FOLDER"/cluster.secrets/nodes/*/*.pub | sort))"
check "every node has its new ones" test ! -e "$CLUSTER_FOLDER/cluster.secrets/replaced/$MANAGER"
drill_ends_well
writer_stop pi4-2
say "the program on the volume: $WRITER_WRITES writes, $WRITER_FAILED failed, the longest wait $WRITER_LONGEST s"
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
