# What every drill begins and ends with: a healthy cluster in use, 500 files on its volume, a service on every node.

readonly DRILL_FILES=${MKLAB_FILES:-500}
readonly DRILL_FOLDER=/mnt/cluster-data/containers-data/drill
DRILL_STARTED=0

drill_place() {
    printf '%s/healthy\n' "$LAB_SCRATCH"
}

# A file system whose files can be copied in no time, for cards and sticks that many drills start from.
drill_scratch() {
    truncate -s 96G "$LAB_SCRATCH/scratch.xfs"
    mkfs.xfs -q -m reflink=1 "$LAB_SCRATCH/scratch.xfs"
    mkdir -- "$LAB_SCRATCH/drills"
    mount -o loop "$LAB_SCRATCH/scratch.xfs" "$LAB_SCRATCH/drills"
    LAB_SCRATCH=$LAB_SCRATCH/drills
}

# fresh_cluster NODE...: images made, cards flashed, sticks empty; nothing is switched on.
fresh_cluster() {
    local node
    everything_off
    rm -rf --one-file-system -- "$LAB_SCRATCH/nodes" "$LAB_SCRATCH/images" "$LAB_SCRATCH/cluster"
    cluster_write "$LAB_SCRATCH/cluster"
    build_images
    for node in "${NODES[@]}"; do
        mkdir -p -- "$(node_folder "$node")"
        flash "$node" "$LAB_SCRATCH/images/$node.img"
    done
}

everything_off() {
    local node
    for node in "${NODES[@]}"; do
        if [[ -d $(node_folder "$node") ]]; then
            node_cut "$node"
        fi
        stick_remove "$node"
    done
}

# Files and a service, as somebody has who uses the cluster.
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
    # Somebody's way to start it again when the swarm had to be formed anew.
    in_node "$MANAGER" sh -c 'mkdir -p /mnt/cluster-data/services-config/again && cat >/mnt/cluster-data/services-config/again/docker-compose.yml' <<COMPOSE
services:
  web:
    image: mklab/busybox
    command: /bin/busybox sleep 1000000
    deploy:
      replicas: ${#NODES[@]}
      placement: { max_replicas_per_node: 1 }
COMPOSE
}

# healthy_cluster: the start of a drill; built once a session, then copied.
healthy_cluster() {
    local node place
    place=$(drill_place)
    if [[ ! -d $place ]]; then
        say "making the healthy cluster that the drills start from"
        fresh_cluster
        for node in "${NODES[@]}"; do
            node_on "$node"
        done
        wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
        use_cluster
        cluster_is_healthy
        node_off "${NODES[@]}"
        for node in "${NODES[@]}"; do
            stick_remove "$node"
        done
        cp -a --reflink=always -- "$LAB_SCRATCH/nodes" "$place"
        cp -a -- "$LAB_SCRATCH/cluster" "$place.cluster"
        cp -- "$LAB_SCRATCH/files.sha256" "$place.sha256"
    else
        everything_off
        rm -rf --one-file-system -- "$LAB_SCRATCH/nodes" "$LAB_SCRATCH/cluster"
        cp -a --reflink=always -- "$place" "$LAB_SCRATCH/nodes"
        cp -a -- "$place.cluster" "$LAB_SCRATCH/cluster"
        cp -- "$place.sha256" "$LAB_SCRATCH/files.sha256"
        cluster_write "$LAB_SCRATCH/cluster"
    fi
    for node in "${NODES[@]}"; do
        node_on "$node"
    done
    wait_state 'done' "${MKLAB_PATIENCE:-900}" "${NODES[@]}"
    eventually 120 service_runs
    drill_begins
}

# From here on the drill's minutes count.
drill_begins() {
    DRILL_STARTED=$SECONDS
}

# Every file of the 500, as it was written, read on every node.
files_are_right() {
    local node
    for node in "${NODES[@]}"; do
        in_node "$node" -t 300 sh -c "cd $DRILL_FOLDER && sha256sum --check --quiet --strict -" <"$LAB_SCRATCH/files.sha256" || {
            echo "on $node"
            return 1
        }
    done
}

# drill_ends_well [PATIENCE]: all nodes done, then everything that a drill must leave behind.
drill_ends_well() {
    wait_state 'done' "${1:-${MKLAB_PATIENCE:-900}}" "${NODES[@]}"
    say "healthy again after $((SECONDS - DRILL_STARTED)) s"
    cluster_is_healthy
    check "all $DRILL_FILES files are right on every node" files_are_right
    check "the service runs" eventually 120 service_runs
    check "mkimage status ends well" status_is_done
}

swarm_node_id() {
    in_node "$1" docker info --format '{{.Swarm.NodeID}}'
}

gluster_uuid() {
    in_node "$1" sed -n 's/^UUID=//p' /var/lib/glusterd/glusterd.info
}

# What makes it the same swarm, and not one that was begun anew.
swarm_identity() {
    in_node "$1" docker info --format '{{.Swarm.Cluster.ID}}'
    in_node "$1" openssl x509 -in /var/lib/docker/swarm/certificates/swarm-root-ca.crt -noout -fingerprint
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
