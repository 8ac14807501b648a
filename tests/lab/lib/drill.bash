# The beginning and end of every drill: a healthy cluster in use, 500 files on its volume, a service on every node.

readonly DRILL_FILES=${MKLAB_FILES:-500}
readonly DRILL_PLACE=containers-data/drill
readonly DRILL_FOLDER=/mnt/cluster-data/$DRILL_PLACE
DRILL_STARTED=0
# The cluster file of the running cluster while everything about it is known to be well; empty while it is not.
DRILL_WELL=

# A file system whose files can be copied in no time, for cards and sticks that many drills start from.
drill_scratch() {
    truncate -s 96G "$LAB_SCRATCH/scratch.xfs"
    mkfs.xfs -q -m reflink=1 "$LAB_SCRATCH/scratch.xfs"
    mkdir -- "$LAB_SCRATCH/drills"
    mount -o loop "$LAB_SCRATCH/scratch.xfs" "$LAB_SCRATCH/drills"
    LAB_SCRATCH=$LAB_SCRATCH/drills
}

# A selection for every day: what the owner is most likely to meet. Of a drill that plays a worker and the only manager,
# which has more to lose, only the manager is played then.
readonly DRILLS_SHORT=(dead-card-worker dead-card-manager dead-stick)
DRILLS_ARE_SHORT=
# These do not begin with a healthy cluster, so they come after those that go on with each other's cluster.
readonly DRILLS_BLANK=(no-clock stranger three-managers first-manager-last late-node power-cut dhcp stranger-dhcp new-router)

# drills_named WORD...: into NAMED_DRILLS; `short` and `all` are several.
drills_named() {
    local word name
    NAMED_DRILLS=()
    for word; do
        case $word in
            short)
                NAMED_DRILLS+=("${DRILLS_SHORT[@]}")
                # shellcheck disable=SC2034 # (drills read it)
                DRILLS_ARE_SHORT=yes
                ;;
            all)
                for name in "$LAB_DIR"/drills/*.bash; do
                    name=$(basename -- "$name" .bash)
                    [[ " ${DRILLS_BLANK[*]} " == *" $name "* ]] || NAMED_DRILLS+=("$name")
                done
                NAMED_DRILLS+=("${DRILLS_BLANK[@]}")
                ;;
            *) NAMED_DRILLS+=("$word") ;;
        esac
    done
    for name in "${NAMED_DRILLS[@]}"; do
        if [[ ! -f $LAB_DIR/drills/$name.bash ]]; then
            printf 'there is no drill %s; tests/lab/drill list\n' "$name" >&2
            exit 2
        fi
    done
}

# run_drills NAME...: one after the other; one that ended well hands its cluster to the next.
run_drills() {
    local names=("$@") told=$LAB_SCRATCH/told summary=() failed=0 missing=0 status passed
    while ((${#names[@]} > 0)); do
        : >"$told"
        # Not in a condition: bash would go on after a failed command in there.
        set +e
        (
            set -e
            trap 'lab_report_failure $?; stranger_leaves; router_off; everything_off' EXIT
            for name in "${names[@]}"; do
                DRILL_KEEPS_TO_ITSELF=
                run_drill "$name"
                printf 'passed    %3d min %02d s  %s\n' $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60)) "$name" >>"$told"
                [[ -z $DRILL_KEEPS_TO_ITSELF ]] || exit 0
            done
        )
        status=$?
        set -e
        # The shell that ended took what it knew of the nodes with it, but what it broke outside of them is still broken.
        DRILL_WELL=
        packages_stop
        packages_start "$NETWORK_ADDRESS" OFFLINE
        mapfile -t -O "${#summary[@]}" summary <"$told"
        passed=$(wc -l <"$told")
        names=("${names[@]:passed}")
        ((${#names[@]} > 0)) || break
        ((status != 0)) || continue
        if ((status == LAB_LEFT_OUT)); then
            summary+=("LEFT OUT  ${names[0]}")
            missing=$((missing + 1))
        else
            summary+=("FAILED    ${names[0]}")
            failed=$((failed + 1))
        fi
        names=("${names[@]:1}")
    done
    printf '\n'
    printf '%s\n' "${summary[@]}"
    printf '%d of %d drills passed\n' "$(printf '%s\n' "${summary[@]}" | grep -c ^passed)" "${#summary[@]}"
    ((failed == 0)) || return 1
    ((missing == 0)) || return "$LAB_LEFT_OUT"
}

run_drill() {
    local file=$LAB_DIR/drills/$1.bash
    say "=== $1: $(sed -n '1s/^# //p' "$file")"
    begun=$SECONDS
    cluster_defaults
    # shellcheck source=/dev/null
    source "$file"
}

# keep NAME: the cluster as it is at this instant, as if all plugs had been pulled at once.
keep() {
    local place=$LAB_SCRATCH/kept/$1 node mount status=0
    local -a frozen=()
    rm -rf --one-file-system -- "$place"
    for node in "${NODES[@]}"; do
        node_is_on "$node" || continue
        for mount in "$(node_folder "$node")/root" "$(node_stick_mount "$node")"; do
            # A node freezes its stick itself for a moment now and then.
            eventually 30 fsfreeze -f "$mount" || status=$?
            frozen+=("$mount")
        done
    done
    for node in "${NODES[@]}"; do
        keep_node "$node" "$place/nodes/$node" || status=$?
    done
    for mount in "${frozen[@]}"; do
        fsfreeze -u "$mount" || status=$?
    done
    cp -a -- "$LAB_SCRATCH/cluster" "$place/cluster" || status=$?
    ((status == 0)) || fail "the cluster could not be copied"
}

keep_node() {
    local folder part
    folder=$(node_folder "$1")
    mkdir -p -- "$2/root"
    for part in card.img stick.img boot; do
        [[ ! -e $folder/$part ]] || cp -a --reflink=always -- "$folder/$part" "$2/" || return 1
    done
}

is_kept() {
    [[ -d $LAB_SCRATCH/kept/$1/cluster ]]
}

# put_back NAME: cards, sticks and cluster file as they were kept; nothing is switched on.
put_back() {
    everything_off
    rm -rf --one-file-system -- "$LAB_SCRATCH/nodes" "$LAB_SCRATCH/cluster"
    cp -a --reflink=always -- "$LAB_SCRATCH/kept/$1/nodes" "$LAB_SCRATCH/nodes"
    cp -a -- "$LAB_SCRATCH/kept/$1/cluster" "$LAB_SCRATCH/cluster"
    cluster_write "$LAB_SCRATCH/cluster"
}

# blank_cluster: images made, cards flashed, sticks empty; nothing is switched on.
blank_cluster() {
    local node kept
    DRILL_WELL=
    kept=blank-$(cluster_text | sha256sum | cut -c1-8)
    if is_kept "$kept"; then
        put_back "$kept"
        return
    fi
    everything_off
    rm -rf --one-file-system -- "$LAB_SCRATCH/nodes" "$LAB_SCRATCH/images" "$LAB_SCRATCH/cluster"
    cluster_write "$LAB_SCRATCH/cluster"
    build_images
    for node in "${NODES[@]}"; do
        mkdir -p -- "$(node_folder "$node")"
        flash "$node" "$LAB_SCRATCH/images/$node.img"
        card_eject "$node"
    done
    keep "$kept"
}

everything_off() {
    local node there=()
    for node in "${NODES[@]}"; do
        [[ ! -d $(node_folder "$node") ]] || there+=("$node")
    done
    ((${#there[@]} == 0)) || node_cut "${there[@]}"
    for node in "${NODES[@]}"; do
        stick_remove "$node"
    done
}

# Files and a service, as a user of the cluster has them.
use_cluster() {
    local work=$LAB_SCRATCH/files
    rm -rf -- "$work"
    mkdir -- "$work"
    python3 - "$work" "$DRILL_FILES" "$LAB_SEED" <<'PYTHON'
import os, random, sys
folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
numbers = random.Random(seed)
for index in range(count):
    size = int(2 ** numbers.uniform(0, 18))
    with open(os.path.join(folder, f"{index:04}"), "wb") as file:
        file.write(numbers.randbytes(size))
PYTHON
    (cd -- "$work" && sha256sum -- *) >"$LAB_SCRATCH/files.sha256"
    in_node "$MANAGER" mkdir -p "$DRILL_FOLDER"
    tar -C "$work" -c . | in_node "$MANAGER" -t 300 tar -C "$DRILL_FOLDER" --no-same-owner -x
    in_node "$MANAGER" sync
    service_start >/dev/null
    eventually 90 service_runs
}

# new_cluster: blank cards become a healthy cluster in use.
new_cluster() {
    local node
    blank_cluster
    for node in "${NODES[@]}"; do
        node_on "$node"
    done
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    use_cluster
    cluster_is_healthy
}

# healthy_cluster: the start of a drill: what the drill before left behind, else a copy, else a new one.
healthy_cluster() {
    local node
    if [[ $DRILL_WELL == "$(cluster_text)" ]]; then
        check "the cluster of before is as it must be" swarm_is_whole
        check "its service runs" service_runs
    elif is_kept healthy; then
        say "starting from the copy of the healthy cluster"
        put_back healthy
        for node in "${NODES[@]}"; do
            node_on "$node"
        done
        wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
        eventually 120 service_runs
        cluster_is_healthy
    else
        say "making the healthy cluster that the drills start from"
        new_cluster
    fi
    is_kept healthy || keep healthy
    DRILL_WELL=
    drill_begins
}

# From here on the drill's minutes count.
drill_begins() {
    DRILL_STARTED=$SECONDS
}

# Every file of the 500, as it was written, read through the mount of every node.
files_are_right() {
    on_every_node files_in "$DRILL_FOLDER"
}

# The same on the sticks themselves: a mount would read a file that one brick lacks from another.
bricks_are_complete() {
    on_every_node files_in_brick
}

files_in() {
    in_node "$2" -t 300 sh -c "cd $1 && sha256sum --check --quiet --strict -" <"$LAB_SCRATCH/files.sha256"
}

files_in_brick() {
    files_in "/glusterfs/bricks/$1/brick/$DRILL_PLACE" "$1"
}

# writer_start NODE: a program there writes to the volume until writer_stop, which tells how it fared.
writer_start() {
    in_node "$1" rm -f /run/mklab-writer-stop
    in_node "$1" -t 3600 python3 -c "$(<"$LAB_DIR/lib/writer.py")" "$DRILL_FOLDER.writer" /run/mklab-writer-stop \
        >"$LAB_SCRATCH/writer" 2>"$LAB_SCRATCH/writer.errors" &
    WRITER=$!
}

writer_stop() {
    in_node "$1" touch /run/mklab-writer-stop
    wait "$WRITER" || fail "the program that wrote on $1 did not end well"
    # shellcheck disable=SC2034 # (drills read them)
    read -r WRITER_WRITES WRITER_FAILED WRITER_LONGEST <"$LAB_SCRATCH/writer"
    sed 's/^/    /' "$LAB_SCRATCH/writer.errors" | uniq -c | tail -n 5 >&2
}

# on_every_node COMMAND...: with the node's name as last word, on all at once.
on_every_node() {
    local node pids=() pid status=0
    for node in "${NODES[@]}"; do
        {
            "$@" "$node" || {
                echo "on $node"
                exit 1
            }
        } &
        pids+=("$!")
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || status=1
    done
    return "$status"
}

# drill_ends_well [PATIENCE]: all nodes done, then everything that a drill must leave behind.
drill_ends_well() {
    wait_state 'done' "${1:-${MKLAB_PATIENCE:-900}}" "${NODES[@]}"
    say "all nodes are done again after $((SECONDS - DRILL_STARTED)) s"
    cluster_is_healthy
    check "all $DRILL_FILES files are right on every node" files_are_right
    check "and on every brick" eventually 300 bricks_are_complete
    check "the service runs" eventually 120 service_runs
    rm -f -- "$LAB_SCRATCH/status.late"
    # A node looks at the whole volume every two minutes.
    check "mkimage status ends well" eventually 180 status_is_done
    [[ ! -s $LAB_SCRATCH/status.late ]] || say "not at the first try: $(<"$LAB_SCRATCH/status.late")"
    say "healthy again after $(((SECONDS - DRILL_STARTED) / 60)) min $(((SECONDS - DRILL_STARTED) % 60)) s"
    DRILL_WELL=$(<"$CLUSTER_FOLDER/cluster.toml")
}

swarm_node_id() {
    in_node "$1" docker info --format '{{.Swarm.NodeID}}'
}

gluster_uuid() {
    in_node "$1" sed -n 's/^UUID=//p' /var/lib/glusterd/glusterd.info
}

# Facts by which a swarm is known again, as distinct from one that was begun again.
swarm_identity() {
    in_node "$1" docker info --format '{{.Swarm.Cluster.ID}}'
    in_node "$1" openssl x509 -in /var/lib/docker/swarm/certificates/swarm-root-ca.crt -noout -fingerprint
}

# The members of the cluster, as its manager knows them, in a form that can be compared.
swarm_members() {
    in_node "$MANAGER" docker node ls --format '{{.ID}} {{.Hostname}}' | sort
}

pool_members() {
    in_node "$MANAGER" gluster --mode=script pool list | awk 'NR > 1 { print $1 }' | sort
}

volume_bricks() {
    in_node "$MANAGER" gluster --mode=script volume info cluster-data | grep '^Brick'
}

# is "WHAT" EXPECTED FOUND
is() {
    check "$1" same "$2" "$3"
}

same() {
    printf 'expected: %s\nfound:    %s\n' "$1" "$2"
    [[ $1 == "$2" ]]
}

# stage_error NODE STAGE
stage_error() {
    node_status "$1" | jq -r --arg stage "$2" '.stages[] | select(.name == $stage) | .error'
}

stage_state() {
    node_status "$1" | jq -r --arg stage "$2" '.stages[] | select(.name == $stage) | .state'
}

# stage_says NODE STAGE PATTERN
stage_says() {
    local error
    error=$(stage_error "$1" "$2")
    printf '%s\n' "$error"
    grep -qiE -- "$3" <<<"$error"
}

stage_is() {
    [[ $(stage_state "$1" "$2") == "$3" ]]
}
