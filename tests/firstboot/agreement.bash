# The rules of crates/agreement as judges of the shell: each case that the crate's example `cases` prints is set up here, and the
# shell has to come to the crate's verdict. A few cases per verdict, spread evenly; AGREEMENT_CASES=all takes every one.

# judge RULE FUNCTION: calls FUNCTION for each case, whose values are in FACTS; it leaves the shell's verdict in GOT.
judge() {
    local line word wrong=0 judged=0
    declare -gA FACTS
    while read -r line; do
        FACTS=()
        for word in ${line%% => *}; do
            FACTS[${word%%=*}]=${word#*=}
        done
        GOT=
        rm -f "$WORLD"/run/stages/*.why
        "$2" >"$WORLD/said" 2>&1
        judged=$((judged + 1))
        if [[ $GOT != "${line##* => }" ]]; then
            wrong=$((wrong + 1))
            printf '%s\nthe shell: %s\n' "$line" "$GOT"
            tail -n 5 "$WORLD/said"
        fi
    done < <(awk -v rule="$1" -v most="${AGREEMENT_CASES:-8}" '
        $1 == rule { verdict = $0; sub(/.* => /, "", verdict); line[++lines] = $0; of[lines] = verdict; count[verdict]++ }
        END {
            for (i = 1; i <= lines; i++) {
                v = of[i]
                step = most == "all" || count[v] <= most ? 1 : count[v] / most
                if (int(seen[v] / step) != int((seen[v] - 1) / step) || !seen[v]) print line[i]
                seen[v]++
            }
        }' "$FIRSTBOOT_CASES")
    printf '%d cases of %s\n' "$judged" "$1"
    ((judged > 0 && wrong == 0))
}

# is NAME VALUE: whether the case has that value.
is() {
    [[ ${FACTS[$1]} == "$2" ]]
}

# others_answer: an ssh to nodes that answer with their files in $WORLD/others; what they are asked is in $WORLD/asked.
others_answer() {
    mkdir -p "$WORLD/others"
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    [ "$word" = state ] || echo "$word $node" >>"$MKIMAGE_RUN/../asked"
    case $word in
        state) cat "$MKIMAGE_RUN/../others/$node" ;;
        join-token) grep -q "active manager" "$MKIMAGE_RUN/../others/$node" && echo "token SWMTKN-x" ;;
        peers) cat "$MKIMAGE_RUN/../pool" ;;
    esac'
    fake sleep 'exit 0'
}

# answers NODE LINE...
answers() {
    printf '%s\n' "cluster $CLUSTER_ID" "${@:2}" >"$WORLD/others/$1"
}

# state_lives HOME: in a world whose stick is a folder.
state_lives() {
    case $1 in
        Undecided) rm -f "$WORLD/run/state-place" ;;
        *) echo "${1,,}" >"$WORLD/run/state-place" ;;
    esac
}

# has_waited TRUE-OR-FALSE
has_waited() {
    cut -d . -f 1 /proc/uptime >"$WORLD/run/started"
    export MKIMAGE_OTHERS_WAIT=600
    [[ $1 == false ]] || export MKIMAGE_OTHERS_WAIT=0
}

# has_begun THING WHERE: notes on the card that this node has begun a swarm or volume there.
has_begun() {
    rm -f "$WORLD/var-lib/$1-begun" "$WORLD/var-lib/$1-heard"
    case $2 in
        Here) with_parts beginnings "note_beginning $1" ;;
        Elsewhere) echo elsewhere >"$WORLD/var-lib/$1-begun" ;;
    esac
}

# a_docker_with_a_swarm: its state is what $WORLD/docker-state says.
a_docker_with_a_swarm() {
    # shellcheck disable=SC2016
    fake docker 'echo "$*" >>"$MKIMAGE_RUN/../docker.log"
    case "$*" in
        *LocalNodeState*) cat "$MKIMAGE_RUN/../docker-state" ;;
        "swarm init"*) echo "active false new x" >"$MKIMAGE_RUN/../docker-state" ;;
        "swarm leave"*) echo "inactive false - x" >"$MKIMAGE_RUN/../docker-state" ;;
    esac'
}

# an_api: Docker's, which a node joins a swarm by.
an_api() {
    # shellcheck disable=SC2016
    fake curl 'echo "swarm join" >>"$MKIMAGE_RUN/../docker.log"; echo "active false new x" >"$MKIMAGE_RUN/../docker-state"'
}

the_swarm_is_created_by_the_rules() { # test
    others_answer
    a_docker_with_a_swarm
    an_api
    judge swarm-creation creates_the_swarm
}

creates_the_swarm() {
    local first=pi4-1 answer node heard=false
    is first true || first=pi4-3
    printf '%s\n' "$first manager $first 192.168.1.31 ${FACTS[brick]/true/yes}" 'pi4-2 manager pi4-2.local yes 10.77.0.2 key2=' \
        'pi3-1 worker pi3-1.local no 10.77.0.4 key4=' "${first/pi4-1/pi4-4} worker pi4-4 192.168.1.35 no" |
        sed "/^pi4-[34] worker/d" >"$WORLD/etc/nodes"
    [[ $first == pi4-1 ]] || echo 'pi4-1 worker pi4-1.local yes 10.77.0.6 key6=' >>"$WORLD/etc/nodes"
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager MKIMAGE_BRICK="$(yes_or_no brick)"
    echo 'inactive false - ' >"$WORLD/docker-state"
    : >"$WORLD/docker.log"
    state_lives "${FACTS[home]}"
    has_begun swarm "${FACTS[begun]}"
    rm -rf "$WORLD/run/new-swarm" "$WORLD/var-lib/state" "$WORLD/brick/state" "$WORLD/others" "$WORLD/run/states"
    mkdir -p "$WORLD/var-lib/state/copy" "$WORLD/others"
    is noted false || echo 0123 >"$WORLD/var-lib/state/copy/swarm-was"
    is ordered false || : >"$WORLD/run/new-swarm"
    has_waited "${FACTS[waited]}"
    for node in manager worker; do
        answer=${FACTS[$node]}
        node=${node/manager/pi4-2}
        node=${node/worker/pi3-1}
        case $answer in
            Unknown) answers "$node" 'swarm unknown worker - -' ;;
            UnknownMember) answers "$node" 'swarm unknown worker - 0123' ;;
            None) answers "$node" 'swarm inactive worker - -' ;;
            Member) answers "$node" 'swarm active worker w 0123' ;;
            ManagerWithoutLeader) answers "$node" 'swarm active manager m 0123' ;;
            Manager) answers "$node" 'swarm active manager m 0123' 'swarm-members m w' ;;
        esac
    done
    stage swarm
    case "$CODE $WHY $(cat "$WORLD/docker.log")" in
        *'swarm init'*) GOT=Create ;;
        *'swarm join'* | '10 waiting for a manager: '* | *'and gave no token'*) GOT=Join ;;
        '10 waiting for the manager '*) GOT='Wait(SilentManager)' ;;
        *'to tell whether there is a swarm'*) GOT='Wait(SilentNode)' ;;
        "10 waiting for this node's stick"*) GOT='Wait(Stick)' ;;
        *'still belong to it'*) GOT='AskOwner(OthersBelongToALostSwarm)' ;;
        *'this node has lost it'*) GOT='AskOwner(ThisNodeLostItsSwarm)' ;;
    esac
    # The note is no longer needed once the node is in a swarm, and a node that creates none makes none.
    [[ ! -e $WORLD/var-lib/swarm-heard ]] || heard=true
    if ! is first false && ! grep -q '^swarm [ij]' "$WORLD/docker.log" && ! is heard "$heard"; then
        GOT="$GOT, and heard=$heard"
    fi
}

a_swarm_is_half_made_by_the_rules() { # test
    others_answer
    a_docker_with_a_swarm
    export MKIMAGE_HALF_MADE_WAIT=0
    judge swarm-half-made leaves_half_a_swarm
}

leaves_half_a_swarm() {
    local node
    rm -rf "$WORLD/var-lib/state" "$WORLD/brick/state" "$WORLD/others" "$WORLD/run/states"
    mkdir -p "$WORLD/var-lib/state/copy" "$WORLD/others"
    settings MKIMAGE_NODE=pi4-2
    ! is first true || settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager
    state_lives Stick
    has_begun swarm "${FACTS[begun]}"
    is noted false || echo 0123 >"$WORLD/var-lib/state/copy/swarm-was"
    for node in pi4-1 pi4-2 pi4-3 pi3-1; do
        answers "$node" 'swarm inactive worker - -'
    done
    echo 'pending false m x' >"$WORLD/docker-state"
    : >"$WORLD/docker.log"
    stage swarm
    GOT=false
    ! grep -q '^swarm leave' "$WORLD/docker.log" || GOT=true
}

yes_or_no() {
    if is "$1" true; then echo yes; else echo no; fi
}

the_swarm_is_left_and_joined_again_by_the_rules() { # test
    others_answer
    fake getent 'exit 2'
    # shellcheck disable=SC2016
    fake iptables 'echo "$*" >>"$MKIMAGE_RUN/../docker.log"; case "$*" in *-S*) exit 1 ;; esac'
    a_docker_with_a_swarm
    an_api
    mkdir -p "$WORLD/swarm/certificates"
    swarm_certificate ours
    OUR_CA=$(with_parts swarm own_swarm)
    # The addresses at which this node looks for managers.
    judge swarm-membership follows_the_swarm
}

follows_the_swarm() {
    local node=pi4-2 role=worker at others=() other answer i=0
    case ${FACTS[node]} in
        worker) node=pi3-1 ;;
        manager) role=manager ;;
        first) node=pi4-1 role=manager ;;
    esac
    for other in pi4-1 pi4-2 pi4-3; do
        [[ $i -lt ${FACTS[managers]} ]] && at=manager || at=worker
        i=$((i + 1))
        printf '%s %s %s.local yes 10.77.0.%s key%s=\n' "$other" "$at" "$other" "$i" "$i"
    done >"$WORLD/etc/nodes"
    echo 'pi3-1 worker pi3-1.local no 10.77.0.4 key4=' >>"$WORLD/etc/nodes"
    settings MKIMAGE_NODE="$node" MKIMAGE_ROLE="$role"
    # A manager whose Docker is in the swarm keeps what it has.
    echo "pending false old" >"$WORLD/docker-state"
    : >"$WORLD/docker.log"
    state_lives Stick
    rm -rf "$WORLD/others" "$WORLD/run/states" "$WORLD/run/swarm-agreed"
    mkdir -p "$WORLD/others"
    mapfile -t others < <(awk -v own="$node" '$2 == "manager" && $1 != own { print $1 }' "$WORLD/etc/nodes")
    i=0
    for answer in one two three; do
        other=${others[i]-}
        i=$((i + 1))
        [[ -n $other ]] || continue
        case ${FACTS[$answer]} in
            SameSwarmWithoutThisNode) answers "$other" "swarm active manager m $OUR_CA" 'swarm-members m other' ;;
            SameSwarm) answers "$other" "swarm active manager m $OUR_CA" ;;
            OtherSwarm) answers "$other" 'swarm active manager m 0123' ;;
            Replacement) answers "$other" 'swarm active manager m 0123' "replaces $OUR_CA" ;;
        esac
    done
    stage swarm
    case "$CODE $WHY $(cat "$WORLD/docker.log")" in
        *'joining the new swarm'*) GOT=Leave ;;
        *'swarm join'*) GOT=JoinAnew ;;
        *'whose managers are gone'*) GOT=AskOwner ;;
        '10 no manager of the swarm answers Docker yet'*) GOT=Stay ;;
    esac
}

the_volume_is_created_by_the_rules() { # test, root
    others_answer
    loop 320
    mkfs.xfs -q -f "$DEVICE"
    mkdir -p "$WORLD/mnt"
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"$MKIMAGE_RUN/../gluster.log"
    case "$*" in *"volume create"*) exit 1 ;; esac'
    judge volume-creation creates_the_volume
}

creates_the_volume() {
    local first=pi4-1 node
    is first true || first=pi4-0
    printf '%s\n' "$first worker $first.local yes 10.77.0.9 key9=" 'pi4-1 worker pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' \
        'pi4-3 worker pi4-3.local yes 10.77.0.3 key3=' 'pi3-1 worker pi3-1.local no 10.77.0.4 key4=' | uniq -w 5 >"$WORLD/etc/nodes"
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_BRICK_DEVICE="$DEVICE" MKIMAGE_MOUNT="$WORLD/mnt"
    mountpoint -q "$WORLD/brick" || mount "$DEVICE" "$WORLD/brick"
    rm -rf "$WORLD"/brick/*
    echo "$CLUSTER_ID pi4-1 homelab" >"$WORLD/brick/.mkimage-brick"
    mkdir -p "$WORLD/brick/state" "$WORLD/brick/brick"
    echo 1 >"$WORLD/brick/state/epoch"
    case ${FACTS[brick]} in
        WithoutFiles) mkdir -p "$WORLD/brick/brick/.glusterfs/00" ;;
        Files) mkdir -p "$WORLD/brick/brick/.glusterfs" && echo precious >"$WORLD/brick/brick/file" ;;
    esac
    is mounted true || umount "$WORLD/brick"
    state_lives "${FACTS[home]}"
    has_begun volume "${FACTS[begun]}"
    is told false || : >"$WORLD/var-lib/volume-heard"
    has_waited "${FACTS[waited]}"
    rm -rf "$WORLD/others" "$WORLD/run/states" "$WORLD/gluster.log"
    mkdir -p "$WORLD/others"
    : >"$WORLD/gluster.log"
    for node in two three four; do
        case ${FACTS[$node]} in
            None) answers "$(named "$node")" 'pool none' 'volume none' ;;
            Knows) answers "$(named "$node")" 'pool member' 'volume b1' ;;
        esac
    done
    stage volume
    case "$CODE $WHY" in
        '10 waiting for pi4-0 to make the volume') GOT=WaitForFirstBrickNode ;;
        "10 waiting for this node's stick"*) GOT=WaitForStick ;;
        '10 pi4-2 has the volume'*) GOT='WaitForGlusterd(Node(1))' ;;
        '10 pi4-3 has the volume'*) GOT='WaitForGlusterd(Node(2))' ;;
        '10 pi3-1 has the volume'*) GOT='WaitForGlusterd(Node(3))' ;;
        *'to tell whether there is a volume'*) GOT=WaitForSilentNode ;;
        '11 The brick on this stick holds the files'*) GOT='AskOwner(FilesOfAnUnknownVolume)' ;;
        '11 There was a volume'*) GOT='AskOwner(RememberedVolume)' ;;
        *) ! grep -q 'volume create' "$WORLD/gluster.log" || GOT=Create ;;
    esac
}

# named WHICH: the node that a case calls one, two, three or four.
named() {
    case $1 in
        one) echo pi4-1 ;;
        two) echo pi4-2 ;;
        three) echo pi4-3 ;;
        four) echo pi3-1 ;;
    esac
}

a_node_gets_into_the_pool_by_the_rules() { # test
    others_answer
    fake gluster 'printf "UUID Hostname State\na1 localhost Connected\n"'
    stub glusterd 'start_glusterd() { :; }; stop_glusterd() { :; }'
    stub services 'stop_bricks() { :; }'
    # shellcheck disable=SC2016
    stub pool 'rebuild_glusterd() { echo "place again" >>"$RUN/../asked"; return 1; }'
    judge pool-entry gets_into_the_pool
}

gets_into_the_pool() {
    local node asked first=pi4-1
    is first true || first=pi4-0
    printf '%s\n' "$first worker $first.local yes 10.77.0.9 key9=" 'pi4-1 worker pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' \
        'pi4-3 worker pi4-3.local yes 10.77.0.3 key3=' | uniq -w 5 >"$WORLD/etc/nodes"
    settings MKIMAGE_NODE=pi4-1
    rm -rf "$WORLD"/{glusterd,others,brick,var-lib}/* "$WORLD/run/states" "$WORLD/asked"
    : >"$WORLD/asked"
    mkdir -p "$WORLD/glusterd/peers" "$WORLD/brick/state" "$WORLD/var-lib/state/plain"
    state_lives "${FACTS[home]}"
    is had false || with_parts notes 'note brick-uuid x'
    has_waited "${FACTS[waited]}"
    if is in_pool true; then
        mkdir -p "$WORLD/glusterd/vols/cluster-data"
        printf '%s\n' status=1 volume-id=b1 count=1 replica_count=1 >"$WORLD/glusterd/vols/cluster-data/info"
    fi
    is has_peers false || printf 'uuid=a2\nstate=3\nhostname1=pi4-2\n' >"$WORLD/glusterd/peers/a2"
    echo 'a2 pi4-2' >"$WORLD/pool"
    is listed false || echo 'a1 pi4-1' >>"$WORLD/pool"
    for node in two three; do
        case ${FACTS[$node]} in
            None) answers "$(named "$node")" 'pool none' 'volume none' ;;
            Member) answers "$(named "$node")" 'pool member' 'volume none' ;;
            MemberOfThisVolume) answers "$(named "$node")" 'pool member' 'volume b1' ;;
            MemberOfAnotherVolume) answers "$(named "$node")" 'pool member' 'volume b2' ;;
        esac
    done
    stage pool
    asked=$(sed -n 's/^peers pi4-\([23]\)$/\1/p' "$WORLD/asked" | head -n 1)
    case "$CODE $WHY" in
        '11 There are two volumes'*': one on pi4-2'*) GOT='AskOwner(Node(1))' ;;
        '11 There are two volumes'*': one on pi4-3'*) GOT='AskOwner(Node(2))' ;;
        '10 waiting for pi4-0, whose brick is the first'*) GOT=WaitForFirstBrickNode ;;
        '1 this node was in a pool that no other node knows'*) GOT=WaitForItsPool ;;
        *'to tell whether there is a volume'*) GOT=WaitForSilentNode ;;
        *)
            if grep -q '^place again' "$WORLD/asked"; then
                GOT="TakePlaceAgain($((asked - 1)))"
            elif grep -q '^probe' "$WORLD/asked"; then
                GOT="AskToBeTakenIn($((asked - 1)))"
            elif is in_pool true; then
                GOT=Stay
            elif [[ $CODE == 0 ]]; then
                GOT=Begin
            fi
            ;;
    esac
}

the_description_that_counts_is_chosen_by_the_rules() { # test
    others_answer
    mkdir -p "$WORLD/glusterd/vols/cluster-data"
    judge description takes_over_a_description
}

takes_over_a_description() {
    local node store=$WORLD/glusterd/vols/cluster-data
    printf '%s\n' status=1 volume-id=b1 count=3 replica_count=3 >"$store/info"
    rm -f "$store/cksum"
    if is two unsound; then
        sed -i 's/^count=3/count=2/' "$store/info"
    else
        echo "info=${FACTS[two]%-*}" >"$store/cksum"
        echo "version=${FACTS[two]#*-}" >>"$store/info"
    fi
    for node in one three; do
        if is "$node" none; then
            answers "$(named "$node")" 'pool member' 'volume none'
        else
            answers "$(named "$node")" 'pool member' 'volume b1' "volume-state ${FACTS[$node]}"
        fi
    done
    case $(with_parts agreement "disagreement '$WORLD/others'") in
        '') GOT=None ;;
        'pi4-1 '*) GOT='Some(Node(0))' ;;
        'pi4-3 '*) GOT='Some(Node(2))' ;;
    esac
}

a_brick_is_used_by_the_rules() { # test
    # shellcheck disable=SC2016
    stub volume-brick 'add_fresh_brick() { echo offer; }
    set_brick_aside() { echo aside; }
    fill_brick() { echo fill; }
    brick_process_runs() { [ "$C_served" = true ]; }'
    # shellcheck disable=SC2016
    stub gluster 'volume_bricks() { printf "%s" "$C_listing"; }; run_gluster_patiently() { :; }'
    stub stick 'file_system_uuid() { echo this; }'
    stub brick 'brick_device() { :; }'
    # shellcheck disable=SC2016
    stub notes 'note() { echo note; }; noted() { echo "$C_noted"; }'
    judge brick-use uses_a_brick
}

uses_a_brick() {
    local i actions
    export C_served=${FACTS[served]} C_listing='' C_noted=''
    for ((i = 1; i <= FACTS[bricks]; i++)); do
        C_listing+="other:$i"$'\n'
    done
    is listed false || C_listing="pi4-2:/glusterfs/bricks/pi4-2/brick"$'\n'${C_listing#*$'\n'}
    case ${FACTS[noted]} in
        ThisStick) C_noted=this ;;
        AnotherStick) C_noted=another ;;
    esac
    rm -rf "$WORLD/brick/brick"
    mkdir -p "$WORLD/brick/brick"
    case ${FACTS[brick]} in
        WithoutFiles) mkdir "$WORLD/brick/brick/.glusterfs" ;;
        Files) mkdir "$WORLD/brick/brick/.glusterfs" && echo precious >"$WORLD/brick/brick/file" ;;
    esac
    # Setting it aside leaves a fresh one.
    # shellcheck disable=SC2016
    actions=$(STAGE=x with_parts volume-brick 'set_brick_aside() { echo aside; rm -rf "$BRICK"; mkdir "$BRICK"; }; take_brick_in' | grep -v ' x: \|another stick' | paste -s -d ' ') || true
    case "$actions $(cat "$WORLD"/run/stages/*.why 2>/dev/null)" in
        *'glusterd does not say'*) GOT=WaitForGlusterd ;;
        *'glusterd does not list it'*) GOT=WaitForList ;;
        'aside offer '*) GOT='Offer(SetAside)' ;;
        'offer '*) GOT='Offer(Keep)' ;;
        'aside The only brick'*) GOT='AskOwner(SetAside)' ;;
        ' The only brick'*) GOT='AskOwner(Keep)' ;;
        'note '*) GOT='Serve { note: true }' ;;
        'fill note '*) GOT='Serve { note: false }' ;;
    esac
}

a_brick_is_taken_in_by_the_rules() { # test
    others_answer
    # shellcheck disable=SC2016
    stub gluster 'volume_bricks() { printf "%s" "$C_listing"; }
    glusterd_answers() { :; }
    run_gluster() { :; }
    run_gluster_patiently() { echo "$*" >>"$RUN/../asked"; }'
    # shellcheck disable=SC2016
    stub volume-store 'volume_known() { [ "$C_knows" = true ]; }
    volume_info() { echo "$C_stored"; }
    volume_is_sound() { [ "$C_sound" = true ]; }
    volume_files_lag_behind() { false; }'
    # shellcheck disable=SC2016
    stub pool 'pool_first() { echo "$C_first"; }
    pool_has_majority() { [ "$C_majority" = true ]; }
    connected_members() { echo "$C_connected"; }'
    # shellcheck disable=SC2016
    stub agreement 'disagreeing_member() { [ "$C_disagrees" = true ] && echo pi4-3; }'
    stub state 'copy_state_soon() { :; }'
    # shellcheck disable=SC2016
    stub membership 'change_is_safe() { [ "$C_safe" = true ]; }'
    judge brick-reply replies_about_a_brick
}

replies_about_a_brick() {
    local ended=0 said i bricks=() node
    printf '%s\n' 'pi4-1 worker pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' 'pi4-3 worker pi4-3.local yes 10.77.0.3 key3=' \
        'pi4-4 worker pi4-4.local yes 10.77.0.4 key4=' "pi4-5 worker pi4-5.local $([[ ${FACTS[caller]} == client ]] && echo no || echo yes) 10.77.0.5 key5=" \
        >"$WORLD/etc/nodes"
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_REPLICA=3 \
        MKIMAGE_ARBITER="$(is arbiter false || { is caller arbiter && echo pi4-5 || echo pi4-9; })"
    export C_knows=${FACTS[knows]} C_sound=${FACTS[sound]} C_majority=${FACTS[majority]} C_disagrees=${FACTS[disagrees]}
    export C_safe=${FACTS[safe]}
    # tests/firstboot/sets.bash has the order of those that are awaited.
    has_waited true
    export C_first=pi4-1 C_listing='' C_connected='' C_stored=${FACTS[bricks]}
    is first true || C_first=pi4-2
    is settled true || C_stored=$((FACTS[bricks] + 1))
    # The caller's brick is the last one.
    for ((i = 1; i <= FACTS[bricks]; i++)); do
        bricks+=("pi4-$i")
    done
    ! is listed true || bricks[${#bricks[@]}-1]=pi4-5
    for node in "${bricks[@]}"; do
        C_listing+="$node:/glusterfs/bricks/$node/brick"$'\n'
    done
    i=${FACTS[unreached]}
    if is first_unreached true; then
        bricks=("${bricks[@]:1}")
        i=$((i - 1))
    fi
    C_connected=$(printf '%s\n' "${bricks[@]::${#bricks[@]}-i}")
    rm -rf "$WORLD"/others/* "$WORLD/asked" "$WORLD/run/states"
    : >"$WORLD/asked"
    fake ping "$(is there true && echo true || echo false)"
    said=$(dash "$MKIMAGE_LIB/answer-as-root" pi4-5 'add-brick fresh') || ended=$?
    case "$ended $said" in
        11*) GOT=No ;;
        10*) GOT=NotYet ;;
        12*) GOT=Elsewhere ;;
        '0 spare'*) GOT=Spare ;;
        0*)
            if grep -q reset-brick "$WORLD/asked"; then
                GOT=Replace
            else
                GOT="Add($(sed -n 's/.*add-brick .*replica \([0-9]*\).*/\1/p' "$WORLD/asked"))"
            fi
            ;;
    esac
}

the_volume_changes_by_the_rules() { # test
    judge volume-change changes_the_volume
}

changes_the_volume() {
    GOT=false
    ! tr ',:' '\n ' <<<"${FACTS[bricks]}" | with_parts membership "may_change 3" || GOT=true
}

a_description_is_taken_by_the_rules() { # test
    echo 'pi4-1 ssh-ed25519 AAAAhost' >"$WORLD/etc/known_hosts"
    judge description-shown takes_a_description
}

takes_a_description() {
    local shown=$WORLD/shown
    describe "$WORLD/etc/description" 5
    case ${FACTS[number]} in
        higher) describe "$shown" 6 ;;
        same) describe "$shown" 5 ;;
        lower) describe "$shown" 4 ;;
    esac
    if ! is same true; then
        sed -i '/^-----BEGIN SSH/,$d; s/Etc.UTC/Europe\/Paris/' "$shown"
        sign "$shown"
    fi
    if is knows false; then
        sed -i '/^-----BEGIN SSH/,$d; /^pi4-2 /d' "$shown"
        sign "$shown"
    fi
    ! is signed false || sed -i 's/^generation/generation /' "$shown"
    # shellcheck disable=SC2016
    GOT=$(with_parts description 'adopt_description "'"$shown"'" || true; echo "$adopted"')
    case $GOT in
        *'not signed'*) GOT=NotSigned ;;
        *'has the newer'*) GOT=Older ;;
        *'has this description already') GOT=Has ;;
        *'two descriptions'*) GOT=Fork ;;
        *'without pi4-2') GOT=WithoutThisNode ;;
        *'took the description'*) GOT=Takes ;;
    esac
}

the_first_member_is_found_by_the_rules() { # test
    # shellcheck disable=SC2016
    stub pool 'connected_members() { echo "$C_connected"; }'
    judge first-member finds_the_first_member
}

finds_the_first_member() {
    export C_connected=pi4-2
    is one false || C_connected+=$'\n'pi4-1
    is three false || C_connected+=$'\n'pi4-3
    case $(with_parts pool pool_first || true) in
        pi4-1) GOT='Some(Node(0))' ;;
        pi4-2) GOT='Some(Node(1))' ;;
        '') GOT=None ;;
    esac
}

the_state_moves_by_the_rules() { # test
    fake mount 'exit 0'
    judge state-move moves_the_state
}

moves_the_state() {
    local place lives epoch
    rm -rf "$WORLD"/{var-lib,glusterd,swarm,brick,run}
    mkdir -p "$WORLD"/{var-lib,glusterd,swarm,brick,run/stages} "$WORLD"/var-lib/state/{plain,copy/glusterd,copy/swarm}
    echo Directories >"$WORLD/glusterd/from"
    echo Copy >"$WORLD/var-lib/state/copy/glusterd/from"
    is directories 0 || echo "${FACTS[directories]}" >"$WORLD/var-lib/state/plain/epoch"
    is copy 0 || echo "${FACTS[copy]}" >"$WORLD/var-lib/state/copy/epoch"
    if is stick none; then
        with_parts state state_to_card
        epoch=$(cat "$WORLD/var-lib/state/plain/epoch")
        case "$(cat "$WORLD/glusterd/from") $epoch" in
            Copy*) GOT="RestoreFromCopy(Epoch($epoch))" ;;
            "Directories ${FACTS[directories]}") GOT=UseCard ;;
            'Directories 1') GOT=BeginOnCard ;;
        esac
        return 0
    fi
    mkdir -p "$WORLD/brick/state/glusterd" "$WORLD/brick/state/swarm"
    echo Stick >"$WORLD/brick/state/glusterd/from"
    is stick 0 || echo "${FACTS[stick]}" >"$WORLD/brick/state/epoch"
    with_parts state state_to_stick
    lives=$(cat "$WORLD/brick/state/glusterd/from")
    place=$lives
    epoch=$(cat "$WORLD/brick/state/epoch")
    if [[ $place == Stick ]]; then
        is stick "$epoch" && GOT=UseStick
    else
        GOT="MoveToStick($place, Epoch($epoch))"
    fi
}

the_copy_of_a_swarm_is_used_by_the_rules() { # test
    judge swarm-copy uses_the_copy_of_a_swarm
}

uses_the_copy_of_a_swarm() {
    local i
    for ((i = 1; i <= FACTS[managers]; i++)); do
        echo "pi4-$i manager pi4-$i.local yes 10.77.0.$i key$i="
    done >"$WORLD/etc/nodes"
    settings MKIMAGE_ROLE="${FACTS[role],,}"
    rm -rf "$WORLD/copy"
    mkdir -p "$WORLD/copy"
    touch "$WORLD/copy/state.json"
    is raft false || mkdir "$WORLD/copy/raft"
    with_parts state "forget_shared_swarm '$WORLD/copy'"
    GOT=true
    [[ ! -e $WORLD/copy/state.json ]] || GOT=false
}

the_state_is_looked_for_at_boot_by_the_rules() { # test
    export MKIMAGE_BOOT_BRICK_WAIT=0
    # shellcheck disable=SC2016
    stub stick 'device_with_uuid() { [ "$C_view" = KnownStickMounted ] && echo /dev/sda; }'
    stub brick 'mount_brick() { :; }; unmount_brick() { :; }'
    stub state 'state_to_card() { echo GoOnWithoutStick; }; state_to_stick() { echo GoOnWithStick; }'
    echo "$CLUSTER_ID pi4-2 homelab" >"$WORLD/brick/.mkimage-brick"
    judge state-at-boot looks_for_the_state
}

looks_for_the_state() {
    export C_view=${FACTS[view]}
    settings MKIMAGE_BRICK="$(is view NoBrick && echo no || echo yes)"
    echo uuid >"$WORLD/var-lib/brick-uuid"
    ! is view NeverSawAStick || rm "$WORLD/var-lib/brick-uuid"
    GOT=$(dash "$MKIMAGE_LIB/state-at-boot" start | grep GoOn || echo LeaveToBrickStage)
}

a_rejected_node_gives_in_by_the_rules() { # test
    others_answer
    # shellcheck disable=SC2016
    fake gluster 'case "$*" in
        *"peer status"*) cat "$MKIMAGE_RUN/../peer-status" ;;
        *"pool list"*) cat "$MKIMAGE_RUN/../pool-list" ;;
    esac'
    stub glusterd 'start_glusterd() { :; }'
    # shellcheck disable=SC2016
    stub agreement 'disagreeing_member() { [ "$C_disagrees" = true ]; }; disagreement() { :; }; volume_state() { echo same; }'
    # shellcheck disable=SC2016
    stub glusterd-repair 'has_nothing_in_the_volume() { [ "$C_nothing" = true ]; }'
    stub pool-place 'take_place_again() { echo "place again" >>"$RUN/../asked"; return 1; }'
    stub pool 'has_no_peer() { return 1; }'
    stub volume-store 'volume_known() { :; }; volume_is_whole() { :; }'
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 worker pi4-2.local yes 10.77.0.2 key2=' 'pi4-3 worker pi4-3.local yes 10.77.0.3 key3=' \
        'pi4-4 worker pi4-4.local yes 10.77.0.4 key4=' >"$WORLD/etc/nodes"
    answers pi4-1 'pool member' 'volume b1'
    echo 'a1 pi4-1' >"$WORLD/pool"
    judge rejection gives_in
}

gives_in() {
    local i state names=(pi4-1 pi4-3 pi4-4)
    export C_disagrees=${FACTS[disagrees]} C_nothing=${FACTS[nothing]}
    rm -rf "$WORLD/asked" "$WORLD/run/states" "$WORLD/run/tries"
    : >"$WORLD/asked"
    : >"$WORLD/peer-status"
    printf '%s\n' 'UUID Hostname State' 'a2 localhost Connected' >"$WORLD/pool-list"
    for ((i = 1; i < FACTS[members]; i++)); do
        state='Peer in Cluster (Disconnected)'
        if ((i <= FACTS[accepted])); then
            state='Peer in Cluster (Connected)'
        elif ((i <= FACTS[accepted] + FACTS[rejected])); then
            state='Peer Rejected (Connected)'
        fi
        printf 'Uuid: a%s\nState: %s\n' "$i" "$state" >>"$WORLD/peer-status"
        echo "a$i ${names[i - 1]} Connected" >>"$WORLD/pool-list"
    done
    stage pool
    GOT=false
    ! grep -q 'place again' "$WORLD/asked" || GOT=true
}

a_lost_member_is_taken_in_again_by_the_rules() { # test
    others_answer
    fake gluster 'case "$*" in *"peer status"*) printf "Uuid: a3\nState: Peer Rejected (Connected)\n" ;; esac'
    stub glusterd 'start_glusterd() { :; }'
    stub agreement 'disagreement() { echo "pi4-1 5-9 5-8"; }; volume_state() { echo 5-8; }'
    # shellcheck disable=SC2016
    stub glusterd-repair 'was_being_taken_in() { [ "$C_nothing" = true ]; }; forget_the_pool() { echo forgotten >>"$RUN/../asked"; }'
    stub pool-place 'take_place_again() { return 1; }'
    stub pool 'has_no_peer() { return 1; }; in_pool() { :; }'
    stub volume-store 'volume_known() { :; }; volume_is_whole() { :; }'
    answers pi4-1 'pool member' 'volume b1'
    judge lost-member leaves_its_pool
}

leaves_its_pool() {
    export C_nothing=${FACTS[nothing]}
    echo 'a1 pi4-1' >"$WORLD/pool"
    is listed false || echo 'a2 pi4-2' >>"$WORLD/pool"
    rm -rf "$WORLD/run/tries"
    : >"$WORLD/asked"
    stage pool
    GOT=false
    ! grep -q forgotten "$WORLD/asked" || GOT=true
}

a_stick_is_chosen_and_formatted_by_the_rules() { # test
    # Each disk says what is on it, and is neither formatted nor mounted; contents.bash has real ones.
    # shellcheck disable=SC2016
    stub contents 'contents_of() { cat "$1.contents"; }'
    # shellcheck disable=SC2016
    stub stick 'stick_candidates() { printf "%s\n" $C_disks; }
    is_system_disk() { [ "$C_system" = true ] && [ "$1" = "${C_disks%% *}" ]; }
    device_size() { if [ "$C_large" = false ] && [ "$1" = "${C_disks%% *}" ]; then echo 1000; else echo 8000000000; fi; }
    describe_stick() { echo "$1"; }'
    # shellcheck disable=SC2016
    stub brick 'format_brick() { echo "Format $1" >"$RUN/../asked"; return 1; }
    mount_brick() { echo "Keep $1" >"$RUN/../asked"; return 1; }
    was_being_formatted() { grep -qx unfinished "$1.contents"; }
    brick_device() { :; }'
    stub state 'state_to_card() { set_state_place card; }'
    stub services 'with_services_down() { "$@"; }'
    judge stick chooses_a_stick
}

chooses_a_stick() {
    export C_disks=$WORLD/disk0 C_system=${FACTS[system]} C_large=${FACTS[large]}
    local wipe marker=$BOOT/mkimage/wipe-stick
    case ${FACTS[wipe]} in
        Never) wipe=never ;;
        IfEmpty) wipe=if-empty ;;
        Always) wipe=always ;;
    esac
    settings MKIMAGE_BRICK_WIPE="$wipe" MKIMAGE_BUILD_TIME=7
    rm -rf "$WORLD/run" "$WORLD/var-lib" "$WORLD/asked" "$marker"
    mkdir -p "$WORLD/run/stages" "$WORLD/var-lib"
    echo 'uuid stick' >"$WORLD/var-lib/formatting"
    is used_up false || echo "7 $wipe" >"$WORLD/var-lib/wiped-for"
    is marker false || : >"$marker"
    disk_says "$WORLD/disk0" "${FACTS[one]}"
    if ! is two none; then
        C_disks+=" $WORLD/disk1"
        disk_says "$WORLD/disk1" "${FACTS[two]}"
    fi
    stage brick
    case "$CODE $WHY $(cat "$WORLD/asked" 2>/dev/null)" in
        *"Format $WORLD/disk"*) GOT="Format($(sed 's/.*disk//' "$WORLD/asked"))" ;;
        *"Keep $WORLD/disk"*) GOT="Keep($(sed 's/.*disk//' "$WORLD/asked"))" ;;
        *'There is no USB stick'*) GOT='Refuse(Missing)' ;;
        *'several USB disks'*) GOT='Refuse(Several)' ;;
        *'forbids formatting'*) GOT='Refuse(Forbidden)' ;;
        *'was not touched'*) GOT='Refuse(Foreign)' ;;
        *'too small'*) GOT='Refuse(TooSmall)' ;;
    esac
}

# disk_says DISK CONTENTS
disk_says() {
    case $2 in
        Ours) echo ours ;;
        Unfinished) echo unfinished ;;
        OtherNode) echo 'other-node pi4-3' ;;
        OtherCluster) echo 'other-cluster pi4-2' ;;
        Blank) echo blank ;;
        Shop) echo shop ;;
        Files) echo 'files photographs' ;;
    esac >"$1.contents"
}
