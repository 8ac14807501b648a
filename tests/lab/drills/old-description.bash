# Descriptions that must not be taken: an older one, one that somebody has changed, one of another cluster, another one with the same
# number. Each is refused and told, and nothing changes.

# shown NODE FILE: what the node says when the owner shows it that description.
shown() {
    timeout 60 ssh -F "$CLUSTER_FOLDER/cluster.secrets/ssh_config" -o BatchMode=yes "$1" \
        sudo -n /usr/local/lib/mkimage/answer-as-root - description <"$2"
}

# refused WHAT FILE SENTENCE
refused() {
    local said
    said=$(shown pi4-2 "$2" || true)
    check "refused: $1" grep -qE "$3" <<<"$said"
    check "and the nodes know what they knew" same "$known" "$(in_node pi4-2 sha256sum /etc/mkimage/description /etc/mkimage/nodes /etc/mkimage/settings)"
}

test_revoked() {
    in_node "$1" test -s /etc/mkimage/revoked_keys
}

in_paris() {
    [[ $(in_node "$1" readlink /etc/localtime) == */Europe/Paris ]]
}

in_rome() {
    [[ $(in_node "$1" readlink /etc/localtime) == */Europe/Rome ]]
}

healthy_cluster
drill_begins
kept=$LAB_SCRATCH/descriptions
mkdir -p -- "$kept"
cp -- "$CLUSTER_FOLDER/cluster.secrets/description" "$kept/old"
sed -i 's|^timezone = .*|timezone = "Europe/Paris"|' "$CLUSTER_FOLDER/cluster.toml"
check "a change is applied" mkimage apply --yes
check "and every node has it" eventually 120 on_every_node in_paris
known=$(in_node pi4-2 sha256sum /etc/mkimage/description /etc/mkimage/nodes /etc/mkimage/settings)
refused "the old one" "$kept/old" 'newer description'
sed 's/^pi4-3 worker/pi4-3 manager/' "$CLUSTER_FOLDER/cluster.secrets/description" >"$kept/changed"
refused "one that was changed" "$kept/changed" 'not signed'
sed 's/^generation .*/generation 99/' "$kept/old" >"$kept/raised"
refused "the old one with a higher number" "$kept/raised" 'not signed'
head -c 300000 /dev/zero >"$kept/large"
refused "a large one" "$kept/large" 'too large'

say "another computer with an older copy of the secrets makes another change"
fork=$LAB_SCRATCH/fork
rm -rf -- "$fork"
cp -r -- "$CLUSTER_FOLDER" "$fork"
cp -- "$kept/old" "$fork/cluster.secrets/description"
sed -i 's|^timezone = .*|timezone = "Europe/Rome"|' "$fork/cluster.toml"
ours=$CLUSTER_FOLDER
CLUSTER_FOLDER=$fork
# Made without asking the nodes, it has the number of another one.
check "an image is built there" with_base cloud-init --node pi4-1 --quiet --out "$LAB_SCRATCH/none"
cp -- "$fork/cluster.secrets/description" "$kept/fork"
refused "the other one with the same number" "$kept/fork" 'two descriptions with the number'
said=$(mkimage apply --yes 2>&1)
check "only mkimage apply goes on from both, and says so" grep -q 'made on another computer' <<<"$said"
check "and its change is made" eventually 120 on_every_node in_rome
CLUSTER_FOLDER=$ours
said=$(mkimage apply --yes 2>&1)
check "a computer that has missed that goes on from it, too" grep -q 'going on from that' <<<"$said"
check "and every node is as its file says" eventually 120 on_every_node in_paris

say "a backup from before a node got new keys"
check "mkimage rotate --in-place" mkimage rotate --node pi4-3 --in-place --yes
check "every node has heard of it" eventually 120 on_every_node test_revoked
known=$(in_node pi4-2 sha256sum /etc/mkimage/description /etc/mkimage/nodes /etc/mkimage/settings)
CLUSTER_FOLDER=$fork
for zone in Madrid Lisbon Athens; do
    sed -i "s|^timezone = .*|timezone = \"Europe/$zone\"|" "$fork/cluster.toml"
    check "an image is built there" with_base cloud-init --node pi4-1 --quiet --out "$LAB_SCRATCH/none"
done
cp -- "$fork/cluster.secrets/description" "$kept/backup"
refused "a higher number that lets the old keys in again" "$kept/backup" 'older copy of cluster.secrets'
said=$(mkimage apply --yes 2>&1 || true)
check "mkimage apply says whose keys it lacks" grep -q 'mkimage rotate --node pi4-3' <<<"$said"
CLUSTER_FOLDER=$ours
drill_ends_well
# shellcheck disable=SC2034 # (run_drills reads it)
DRILL_KEEPS_TO_ITSELF=yes
