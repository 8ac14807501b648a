# The swarm stage. Docker is what $WORLD/docker-* say; every other node answers with its file in $WORLD/others.

# a_swarm STATE CONTROL ID
a_swarm() {
    echo "$1 $2 $3" >"$WORLD/docker-info"
    mkdir -p "$WORLD/others" "$WORLD/swarm/certificates"
    [[ $1 == inactive ]] || swarm_certificate ours
    # shellcheck disable=SC2016
    fake docker 'echo "$*" >>"$MKIMAGE_RUN/../docker.log"
    read -r state control id <"$MKIMAGE_RUN/../docker-info"
    case "$*" in
        *LocalNodeState*NodeID*) echo "$state $control $id" ;;
        *LocalNodeState*) echo "$state" ;;
        *Swarm.Error*) echo trouble ;;
        "node inspect self"*Leader*) [ ! -e "$MKIMAGE_RUN/../members" ] || echo true ;;
        "node inspect"*mkimage-drained*) cat "$MKIMAGE_RUN/../drained" 2>/dev/null ;;
        "node ls -q") [ "$control" = true ] && [ ! -e "$MKIMAGE_RUN/../without-leader" ] ;;
        "node ls"*"{{.Status}}"*) cat "$MKIMAGE_RUN/../members" 2>/dev/null ;;
        "node ls"*ManagerStatus*) awk "{ print \$1, \$2, \$4 }" "$MKIMAGE_RUN/../members" 2>/dev/null ;;
        "swarm leave"*) echo "inactive false -" >"$MKIMAGE_RUN/../docker-info" ;;
        "swarm init"*)
            echo "active true new" >"$MKIMAGE_RUN/../docker-info"
            echo "To add a worker: docker swarm join --token SWMTKN-secret"
            ;;
    esac'
    # Docker's API.
    # shellcheck disable=SC2016
    fake curl 'echo "$*" >"$MKIMAGE_RUN/../curl-arguments"
    body=$(cat)
    echo "swarm join $body" >>"$MKIMAGE_RUN/../docker.log"
    echo "active false new" >"$MKIMAGE_RUN/../docker-info"'
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    last=$word
    [ -e "$MKIMAGE_RUN/../others/$node" ] || exit 255
    case $last in
        state) cat "$MKIMAGE_RUN/../others/$node" ;;
        join-token) grep -q "active manager" "$MKIMAGE_RUN/../others/$node" && echo "token SWMTKN-x" ;;
        forget-ghost*) echo "$last" >>"$MKIMAGE_RUN/../ghosts" ;;
    esac'
}

# says NODE LINE...
says() {
    printf '%s\n' "cluster $CLUSTER_ID" "${@:2}" >"$WORLD/others/$1"
}

ca_of_ours() {
    with_parts swarm own_swarm
}

did() {
    grep -qE "$1" "$WORLD/docker.log"
}

first_manager() {
    settings MKIMAGE_NODE=pi4-1 MKIMAGE_ROLE=manager "$@"
    echo stick >"$WORLD/run/state-place"
    cut -d . -f 1 /proc/uptime >"$WORLD/run/started"
}

swarm_and_containers_use_the_private_network_only() { # test
    settings
    a_swarm inactive false -
    says pi4-1 "swarm active manager m theirs"
    stage swarm
    equal "$CODE" 0
    equal "$(sed -n 's/^swarm join //p' "$WORLD/docker.log" | jq -cS .)" \
        '{"AdvertiseAddr":"10.77.0.2","DataPathAddr":"10.77.0.2","JoinToken":"SWMTKN-x","ListenAddr":"10.77.0.2:2377","RemoteAddrs":["10.77.0.1:2377"]}'
    first_manager MKIMAGE_SWARM_POOL=10.10.0.0/16
    a_swarm inactive false -
    rm -rf "$WORLD/others"/* "$WORLD/run/states" "$WORLD/var-lib"/*
    MKIMAGE_OTHERS_WAIT=0 stage swarm
    equal "$CODE" 0
    did '^swarm init --cert-expiry 87600h --advertise-addr 10.77.0.1 --listen-addr 10.77.0.1:2377 --data-path-addr 10.77.0.1 --default-addr-pool 10.10.0.0/16$'
}

published_ports_fit_through_the_private_network() { # test
    first_manager
    a_swarm active true m
    # shellcheck disable=SC2016
    sed -i 's|^    case "$\*" in|&\n"network inspect"*) cat "$MKIMAGE_RUN/../ingress" ;;\n"network create"*) echo 1420 >"$MKIMAGE_RUN/../ingress" ;;\n"service ls"*) cat "$MKIMAGE_RUN/../services" ;;|' "$WORLD/bin/docker"
    echo m >"$WORLD/run/ghosts-forgotten"
    : >"$WORLD/ingress"
    echo web >"$WORLD/services"
    stage swarm
    fails did '^network (rm|create)'
    rm "$WORLD/run/ingress-fits"
    : >"$WORLD/services"
    stage swarm
    equal "$CODE" 0
    did '^network rm ingress'
    did '^network create --driver overlay --ingress --opt com.docker.network.driver.mtu=1420 ingress'
    rm "$WORLD/run/ingress-fits" "$WORLD/docker.log"
    stage swarm
    fails did '^network (rm|create)'
}

a_token_is_neither_in_an_argument_nor_in_a_file() { # test
    settings
    a_swarm inactive false -
    says pi4-1 "swarm active manager m 0123"
    stage swarm
    equal "$CODE" 0
    did SWMTKN-x
    contains "$(cat "$WORLD/curl-arguments")" '/swarm/join'
    fails grep -rl SWMTKN "$WORLD/run" "$WORLD/var-lib" "$WORLD/curl-arguments"
    rm -r "$WORLD/var-lib" "$WORLD/swarm"
    mkdir "$WORLD/var-lib"
    first_manager
    a_swarm inactive false -
    # Also while the stage still runs.
    # shellcheck disable=SC2016
    fake rm 'grep -rl SWMTKN "$MKIMAGE_RUN" >>"$MKIMAGE_RUN/../leaks"; exec /bin/rm "$@"'
    export MKIMAGE_OTHERS_WAIT=0
    rm "$WORLD/others/pi4-1"
    stage swarm
    did '^swarm init'
    fails grep . "$WORLD/leaks"
}

four_new_nodes_need_not_wait_for_the_clock() { # test
    local node
    first_manager
    a_swarm inactive false -
    for node in pi4-2 pi4-3 pi3-1; do
        says "$node" 'swarm inactive worker - -'
    done
    stage swarm
    equal "$CODE" 0
    did '^swarm init'
}

no_second_swarm_is_begun_while_others_may_be_starting() { # test
    first_manager
    a_swarm inactive false -
    says pi4-2 'swarm inactive worker - -'
    says pi4-3 'swarm unknown worker - -'
    stage swarm
    equal "$CODE" 10
    contains "$WHY" 'pi4-3, pi3-1'
    fails did '^swarm init'
}

a_swarm_whose_docker_is_still_starting_is_not_overlooked() { # test
    first_manager
    a_swarm inactive false -
    says pi4-2 'swarm unknown worker - 0123456789abcdef'
    export MKIMAGE_OTHERS_WAIT=0
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'pi4-2 still belong'
    fails did '^swarm init'
}

no_second_swarm_is_begun_once_one_was_heard_of() { # test
    first_manager
    a_swarm inactive false -
    says pi4-2 'swarm active worker w 0123'
    export MKIMAGE_OTHERS_WAIT=0
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'pi4-2 still belong'
    # The owner switches it off for a moment.
    rm "$WORLD/others/pi4-2"
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'There was a swarm'
    fails did '^swarm init'
}

a_manager_that_was_heard_of_and_is_silent_is_not_replaced() { # test
    first_manager
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 manager pi4-2.local yes 10.77.0.2 key2=' >"$WORLD/etc/nodes"
    a_swarm inactive false -
    says pi4-2 'swarm active manager m 0123'
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    [ "$word" = state ] && cat "$MKIMAGE_RUN/../others/$node"'
    export MKIMAGE_OTHERS_WAIT=0
    stage swarm
    equal "$CODE" 10
    rm "$WORLD/others/pi4-2"
    stage swarm
    equal "$CODE" 11
    fails did '^swarm init'
}

# a_stick UUID EPOCH: what the first manager's state lives on.
a_stick() {
    mkdir -p "$WORLD/brick/state"
    echo "$2" >"$WORLD/brick/state/epoch"
    fake blkid "echo $1"
}

a_swarm_that_was_begun_on_another_stick_is_not_begun_again() { # test
    local node
    first_manager
    for node in pi4-2 pi4-3 pi3-1; do
        a_swarm inactive false -
        says "$node" 'swarm inactive worker - -'
    done
    a_stick first 1
    stage swarm
    did '^swarm init'
    # Pulled out before the card had a copy of it, and another one is in.
    rm "$WORLD/docker.log" "$WORLD/brick/state/swarm-was"
    for node in pi4-2 pi4-3 pi3-1; do
        a_swarm inactive false -
        says "$node" 'swarm inactive worker - -'
    done
    a_stick second 2
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'another stick'
    fails did '^swarm init'
    # The first one again, as it was: what was begun there and is not there was never made.
    a_stick first 1
    stage swarm
    equal "$CODE" 0
    did '^swarm init'
}

the_swarm_does_not_begin_without_the_stick() { # test
    local node
    first_manager
    echo card >"$WORLD/run/state-place"
    for node in pi4-2 pi4-3 pi3-1; do
        a_swarm inactive false -
        says "$node" 'swarm inactive worker - -'
    done
    stage swarm
    equal "$CODE" 10
    contains "$WHY" 'stick'
    fails did '^swarm init'
}

a_worker_that_its_swarm_has_removed_joins_again() { # test
    local state
    settings
    for state in pending active error; do
        rm -rf "$WORLD/run" && mkdir -p "$WORLD/run/stages"
        a_swarm "$state" false old
        says pi4-1 "swarm active manager m $(ca_of_ours)" 'swarm-members m other'
        stage swarm
        equal "$CODE" 0
        did '^swarm leave'
        did '^swarm join'
        rm "$WORLD/docker.log"
        a_swarm "$state" false old
        says pi4-1 "swarm active manager m $(ca_of_ours)" 'swarm-members m old'
        rm -f "$WORLD/run/swarm-agreed"
        stage swarm
        fails did '^swarm (leave|join)'
    done
}

a_manager_leaves_only_a_swarm_that_its_docker_is_not_in() { # test
    settings MKIMAGE_ROLE=manager
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 manager pi4-2.local yes 10.77.0.2 key2=' >"$WORLD/etc/nodes"
    a_swarm active true old
    says pi4-1 "swarm active manager m $(ca_of_ours)" 'swarm-members m other'
    stage swarm
    fails did '^swarm (leave|join)'
    a_swarm error false old
    rm -f "$WORLD/run/swarm-agreed"
    stage swarm
    did '^swarm leave'
    did '^swarm join'
}

a_lone_first_manager_goes_on_in_the_end() { # test
    first_manager
    a_swarm inactive false -
    stage swarm
    equal "$CODE" 10
    export MKIMAGE_OTHERS_WAIT=0
    stage swarm
    equal "$CODE" 0
    did '^swarm init'
}

a_manager_that_lost_its_state_waits_for_the_other_managers() { # test
    first_manager
    printf '%s\n' 'pi4-1 manager pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 manager pi4-2.local yes 10.77.0.2 key2=' \
        'pi4-3 manager pi4-3.local yes 10.77.0.3 key3=' >"$WORLD/etc/nodes"
    a_swarm inactive false -
    mkdir -p "$WORLD/var-lib/state/copy"
    echo 0123 >"$WORLD/var-lib/state/copy/swarm-was"
    stage swarm
    equal "$CODE" 10
    contains "$WHY" 'pi4-2, pi4-3'
    says pi4-2 'swarm active manager m 0123'
    stage swarm
    equal "$CODE" 0
    did '^swarm join'
    fails did '^swarm init'
}

a_secret_or_a_service_makes_a_fresh_copy() { # test
    settings
    echo stick >"$WORLD/run/state-place"
    fake systemctl 'echo "$*" >>"'"$WORLD"'/systemctl.log"'
    echo s1 >"$WORLD/secrets-there"
    echo 1 >"$WORLD/version"
    # shellcheck disable=SC2016
    fake docker 'case "$*" in
        "secret ls"*) cat "'"$WORLD"'/secrets-there" ;;
        "service ls"*) echo web ;;
        "service inspect"*) echo "web $(cat "'"$WORLD"'/version")" ;;
    esac'
    stage 'done'
    copies 1
    stage 'done'
    copies 1
    echo s2 >>"$WORLD/secrets-there"
    stage 'done'
    copies 2
    echo 2 >"$WORLD/version"
    stage 'done'
    copies 3
}

copies() {
    equal "$(grep -c 'start --no-block mkimage-state-copy' "$WORLD/systemctl.log")" "$1"
}

recover() {
    CODE=0
    SAID=$(dash "$MKIMAGE_LIB/recover" "$@" 2>&1) || CODE=$?
    printf '%s\n' "$SAID"
}

a_swarm_that_lives_elsewhere_is_never_formed_anew() { # test, root
    first_manager
    a_swarm inactive false -
    sed -i 's/^pi4-3 worker/pi4-3 manager/' "$WORLD/etc/nodes"
    # The worker is asked first and belongs to the same swarm.
    says pi4-2 'swarm active worker w 4567'
    says pi4-3 'swarm active manager m 4567' 'swarm-members m w'
    recover new-swarm
    equal "$CODE" 1
    contains "$SAID" 'nothing is lost'
    [[ ! -e $WORLD/run/new-swarm && ! -e $WORLD/var-lib/new-swarm && ! -e $WORLD/var-lib/swarm-replaces ]]
}

too_few_managers_that_are_left_do_not_stop_the_owner() { # test, root
    # Two of four managers are lost for good: the other two have no leader any more.
    local state
    export MKIMAGE_LEADER_WAIT=0
    fake sleep 'exit 0'
    for state in 'inactive false -' 'active true m' 'error false m'; do
        first_manager
        # shellcheck disable=SC2086
        a_swarm $state
        : >"$WORLD/without-leader"
        sed -i 's/^pi4-3 worker/pi4-3 manager/' "$WORLD/etc/nodes"
        says pi4-3 'swarm active manager m 4567'
        recover new-swarm
        fails contains "$SAID" 'nothing is lost'
        grep -qx 4567 "$WORLD/var-lib/swarm-replaces"
        : >"$WORLD/run/new-swarm"
        stage swarm
        equal "$CODE" 0
        did '^swarm init'
        rm -f "$WORLD/var-lib/swarm-replaces" "$WORLD/run/new-swarm" "$WORLD/docker.log"
    done
}

a_worker_that_calls_itself_a_manager_does_not_count_as_one() { # test, root
    first_manager
    a_swarm inactive false -
    says pi4-2 'swarm active manager m 0123'
    export MKIMAGE_OTHERS_WAIT=0
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'pi4-2 still belong'
    # Nor does it stop the owner.
    fake sleep 'exit 0'
    recover new-swarm
    equal "$(cat "$WORLD/var-lib/swarm-replaces")" 0123
    : >"$WORLD/run/new-swarm"
    stage swarm
    equal "$CODE" 0
    did '^swarm init'
    fails did '^swarm join'
}

# a_manager_with_members LINE...: this node leads a swarm; each member is `id hostname status manager-status`.
a_manager_with_members() {
    first_manager
    a_swarm active true m
    echo m >"$WORLD/run/ghosts-forgotten"
    : >"$WORLD/run/ingress-fits"
    printf '%s\n' "$@" >"$WORLD/members"
}

a_node_that_was_taken_out_is_removed_from_the_swarm() { # test
    a_manager_with_members 'm pi4-1 Ready Leader' 'w pi4-2 Ready' 'g pi4-9 Ready' 'h pi4-8 Down Reachable'
    printf '%s\n' 'pi4-9 10.77.0.9' 'pi4-8 10.77.0.8' >"$WORLD/etc/gone"
    stage swarm
    equal "$CODE" 0
    did '^node update --availability drain g'
    did '^node rm --force g'
    fails did '^node demote g'
    did '^node demote h'
    did '^node rm --force h'
    did '^swarm join-token --quiet --rotate manager'
    fails did '^node (rm|demote|update).* (m|w)$'
}

a_manager_that_was_taken_out_does_not_know_the_authoritys_key() { # test
    a_manager_with_members 'm pi4-1 Ready Leader' 'g pi4-9 Ready'
    printf '%s\n' 'pi4-9 10.77.0.9' 'pi4-8 10.77.0.8' >"$WORLD/etc/gone"
    stage swarm
    fails did '^swarm ca'
    # The power fails after it is out.
    echo 'h pi4-8 Down Unreachable' >>"$WORLD/members"
    sed -i 's|^    case "$\*" in|&\n"swarm ca"*) exit 1 ;;|' "$WORLD/bin/docker"
    stage swarm
    equal "$CODE" 1
    did '^node rm --force h'
    sed -i '/^"swarm ca"/d' "$WORLD/bin/docker"
    sed -i '/^[gh] /d' "$WORLD/members"
    : >"$WORLD/docker.log"
    stage swarm
    did '^swarm ca --rotate --detach --quiet --cert-expiry 87600h$'
    : >"$WORLD/docker.log"
    stage swarm
    fails did '^swarm ca'
}

roles_follow_the_description() { # test
    sed -i 's/^pi4-2 worker/pi4-2 manager/' "$WORLD/etc/nodes"
    a_manager_with_members 'm pi4-1 Ready Leader' 'w pi4-2 Ready' 'x pi4-3 Ready' 'y pi3-1 Ready Reachable'
    stage swarm
    equal "$CODE" 0
    did '^node promote w'
    # pi4-2 is not one yet.
    fails did '^node demote'
    fails did '^node promote x'
    printf '%s\n' 'm pi4-1 Ready Leader' 'w pi4-2 Ready Reachable' 'x pi4-3 Ready' 'y pi3-1 Ready Reachable' >"$WORLD/members"
    stage swarm
    did '^node demote y'
    fails did '^node demote (m|w)'
    : >"$WORLD/docker.log"
    printf '%s\n' 'm pi4-1 Ready Leader' 'w pi4-2 Down Unreachable' 'y pi3-1 Ready Reachable' >"$WORLD/members"
    stage swarm
    fails did '^node demote'
}

nobody_is_demoted_while_a_manager_by_the_description_has_not_joined() { # test
    sed -i 's/^pi4-2 worker/pi4-2 manager/' "$WORLD/etc/nodes"
    a_manager_with_members 'm pi4-1 Ready Leader' 'y pi3-1 Ready Reachable'
    stage swarm
    fails did '^node demote'
}

a_manager_that_leaves_is_a_worker_first() { # test
    sed -i 's/^pi4-3 worker/pi4-3 manager/' "$WORLD/etc/nodes"
    echo pi4-3 >"$WORLD/etc/leaving"
    a_manager_with_members 'm pi4-1 Ready Leader' 'x pi4-3 Ready Reachable'
    stage swarm
    did '^node demote x'
    fails did '^node promote'
}

a_manager_leaves_while_another_one_is_dead_if_enough_are_left() { # test
    sed -i -E 's/^(pi4-[23]|pi3-1) worker/\1 manager/' "$WORLD/etc/nodes"
    echo pi4-3 >"$WORLD/etc/leaving"
    # Of the two that would be left, one answers.
    a_manager_with_members 'm pi4-1 Ready Leader' 'w pi4-2 Down Unreachable' 'x pi4-3 Ready Reachable'
    sed -i '/^pi3-1/d' "$WORLD/etc/nodes"
    stage swarm
    fails did '^node demote'
    echo 'pi3-1 manager pi3-1.local no 10.77.0.4 key4=' >>"$WORLD/etc/nodes"
    echo 'y pi3-1 Ready Reachable' >>"$WORLD/members"
    stage swarm
    did '^node demote x'
    # It does not wait for a new manager either, which may be off for long.
    : >"$WORLD/docker.log"
    printf '%s\n' 'm pi4-1 Ready Leader' 'x pi4-3 Ready Reachable' >"$WORLD/members"
    stage swarm
    did '^node demote x'
}

the_swarms_own_list_of_managers_is_told() { # test
    a_manager_with_members 'm pi4-1 Ready Leader' 'w pi4-2 Ready' 'h pi4-8 Down Unreachable'
    stage swarm
    equal "$(jq -c .managers "$WORLD/run/parts/swarm")" '["pi4-1","pi4-8"]'
    settings
    a_swarm active false w
    stage swarm
    equal "$(jq -c .managers "$WORLD/run/parts/swarm")" '[]'
}

a_drained_node_that_stays_has_containers_again() { # test
    a_manager_with_members 'm pi4-1 Ready Leader' 'w pi4-2 Ready' 'x pi4-3 Ready'
    printf '%s\n' "w pi4-2 $(($(date +%s) - 700))" 'x pi4-3 ' >"$WORLD/drained"
    echo pi4-2 >"$WORLD/etc/leaving"
    stage swarm
    fails did '^node update'
    rm "$WORLD/etc/leaving"
    stage swarm
    did '^node update --availability active --label-rm mkimage-drained w$'
    # The owner has drained pi4-3, and mkimage apply is about to take out pi4-2.
    fails did '^node update.* x$'
    : >"$WORLD/docker.log"
    echo "w pi4-2 $(date +%s)" >"$WORLD/drained"
    stage swarm
    fails did '^node update'
}

the_only_manager_can_be_given_up_on_another_node() { # test, root
    # pi4-1 is dead, and the owner has made it a worker and this node the manager.
    settings MKIMAGE_ROLE=manager
    printf '%s\n' 'pi4-1 worker pi4-1.local yes 10.77.0.1 key1=' 'pi4-2 manager pi4-2.local yes 10.77.0.2 key2=' >"$WORLD/etc/nodes"
    echo stick >"$WORLD/run/state-place"
    for state in active pending; do
        a_swarm "$state" false w
        echo w >"$WORLD/run/ghosts-forgotten"
        : >"$WORLD/docker.log"
        stage swarm
        fails did '^swarm (leave|init)'
        : >"$WORLD/run/new-swarm"
        stage swarm
        equal "$CODE" 0
        did '^swarm leave --force'
        did '^swarm init'
    done
    # The others follow when they hear that theirs is replaced.
    a_swarm active false w
    fake sleep 'exit 0'
    recover new-swarm
    equal "$(cat "$WORLD/var-lib/swarm-replaces")" "$(ca_of_ours)"
    # Nothing is given up where there is a leader.
    a_swarm active true m
    echo m >"$WORLD/run/ghosts-forgotten"
    : >"$WORLD/docker.log"
    : >"$WORLD/run/new-swarm"
    stage swarm
    fails did '^swarm (leave|init)'
    settings MKIMAGE_NODE=pi4-1
    recover new-swarm
    contains "$SAID" 'make it a worker in the cluster file'
}

# half_a_swarm: the power failed during `docker swarm init`. Docker waits for managers.
half_a_swarm() {
    local node
    rm -rf "$WORLD/run/states" "$WORLD/var-lib"/* "$WORLD/brick/state"
    first_manager
    with_parts beginnings 'note_beginning swarm'
    a_swarm pending false m
    for node in pi4-2 pi4-3 pi3-1; do
        says "$node" 'swarm inactive worker - -'
    done
    export MKIMAGE_HALF_MADE_WAIT=0
}

# As after 90 days without power: Docker knows neither its role nor its id any more.
a_swarm_in_error() {
    a_swarm error false -
    mkdir -p "$WORLD/swarm/raft"
    with_parts notes "note swarm-was $(ca_of_ours)"
    export MKIMAGE_ERROR_WAIT=0 MKIMAGE_OTHERS_WAIT=0
}

a_member_whose_certificate_has_expired_joins_again() { # test
    local node
    for node in pi4-2 pi4-3; do
        settings MKIMAGE_NODE="$node"
        a_swarm_in_error
        rm -rf "$WORLD/swarm/raft" "$WORLD/run/swarm-error"
        says pi4-1 "swarm active manager m $(ca_of_ours)"
        : >"$WORLD/docker.log"
        MKIMAGE_ERROR_WAIT=120 stage swarm
        equal "$CODE" 1
        contains "$WHY" 'Docker says about its swarm: trouble'
        fails did '^swarm leave'
        stage swarm
        equal "$CODE" 0
        did '^swarm leave --force'
        did '^swarm join'
        contains "$(cat "$WORLD/ghosts")" 'forget-ghost new'
    done
}

a_manager_whose_certificate_has_expired_joins_the_others_again() { # test
    first_manager
    sed -i 's/^pi4-2 worker/pi4-2 manager/' "$WORLD/etc/nodes"
    a_swarm_in_error
    says pi4-2 "swarm active manager m $(ca_of_ours)"
    stage swarm
    equal "$CODE" 0
    did '^swarm join'
    fails did '^swarm init'
}

a_worker_in_error_waits_for_a_manager_that_is_off() { # test
    settings
    a_swarm_in_error
    stage swarm
    equal "$CODE" 10
    contains "$WHY" 'no manager of it answers'
    fails did '^swarm leave'
}

the_only_manager_in_error_names_the_command_that_helps() { # test
    first_manager
    a_swarm_in_error
    says pi4-2 "swarm active worker w $(ca_of_ours)"
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'trouble'
    contains "$WHY" 'sudo mkimage-recover new-swarm'
    fails did '^swarm leave'
    : >"$WORLD/run/new-swarm"
    stage swarm
    equal "$CODE" 0
    did '^swarm leave --force'
    did '^swarm init'
}

# a_copied_swarm GENERATION LOG: a copy on the card, with that in its log.
a_copied_swarm() {
    mkdir -p "$WORLD/var-lib/state/$1/swarm/raft"
    echo "$2" >"$WORLD/var-lib/state/$1/swarm/raft/1.wal"
    echo 3 >"$WORLD/var-lib/state/$1/epoch"
}

the_only_manager_takes_its_swarm_from_the_cards_copies_one_after_the_other() { # test
    first_manager
    a_swarm_in_error
    echo damaged >"$WORLD/swarm/raft/1.wal"
    a_copied_swarm copy newest
    a_copied_swarm copy.day yesterday
    touch -d '2026-11-27 12:00 UTC' "$WORLD/var-lib/state/copy.day/epoch"
    # This one is no other.
    a_copied_swarm copy.week newest
    stage swarm
    equal "$CODE" 10
    equal "$(cat "$WORLD/swarm/raft/1.wal")" newest
    equal "$(cat "$WORLD/var-lib/swarm-in-error/raft/1.wal")" damaged
    # Docker fails over that one, too.
    stage swarm
    equal "$CODE" 10
    contains "$WHY" 'as it was on 2026-11-27 12:00 UTC'
    equal "$(cat "$WORLD/swarm/raft/1.wal")" yesterday
    equal "$(cat "$WORLD/var-lib/swarm-in-error/raft/1.wal")" damaged
    stage swarm
    equal "$CODE" 11
    contains "$WHY" 'No copy on the card helps'
    fails did '^swarm leave'
    # The list of tries ends when Docker goes on.
    a_swarm active true m
    echo m >"$WORLD/run/ghosts-forgotten"
    stage swarm
    equal "$CODE" 0
    [[ ! -e $WORLD/var-lib/swarms-tried ]]
}

a_manager_of_several_never_goes_on_from_a_copy_of_its_swarm() { # test
    first_manager
    sed -i 's/^pi4-2 worker/pi4-2 manager/' "$WORLD/etc/nodes"
    a_swarm_in_error
    echo damaged >"$WORLD/swarm/raft/1.wal"
    a_copied_swarm copy newest
    stage swarm
    equal "$(cat "$WORLD/swarm/raft/1.wal")" damaged
}

certificates_last_for_years() { # test
    first_manager
    a_swarm inactive false -
    for node in pi4-2 pi4-3 pi3-1; do
        says "$node" 'swarm inactive worker - -'
    done
    stage swarm
    equal "$CODE" 0
    did '^swarm init --cert-expiry 87600h '
    # The first one is for 90 days all the same.
    did '^swarm ca --rotate --quiet --cert-expiry 87600h$'
    # A swarm that was made before this was known.
    a_swarm active true m
    echo m >"$WORLD/run/ghosts-forgotten"
    sed -i 's|^    case "$\*" in|&\n*NodeCertExpiry*) echo 2160h0m0s ;;|' "$WORLD/bin/docker"
    stage swarm
    equal "$CODE" 0
    did '^swarm update --cert-expiry 87600h$'
    sed -i 's|2160h0m0s|87600h0m0s|' "$WORLD/bin/docker"
    : >"$WORLD/docker.log"
    stage swarm
    fails did '^swarm update'
}

a_swarm_that_was_being_made_when_the_power_failed_is_made_again() { # test
    local state
    for state in pending error; do
        half_a_swarm
        sed -i "s/^pending/$state/" "$WORLD/docker-info"
        : >"$WORLD/docker.log"
        stage swarm
        equal "$CODE" 0
        did '^swarm leave --force'
        did '^swarm init'
    done
}

a_swarm_that_others_may_be_in_is_not_left() { # test
    half_a_swarm
    # It takes some seconds to start.
    MKIMAGE_HALF_MADE_WAIT=60 stage swarm
    equal "$CODE" 10
    # It was whole once.
    with_parts notes 'note swarm-was 0123'
    stage swarm
    equal "$CODE" 10
    # One has joined it.
    half_a_swarm
    says pi4-2 "swarm active worker w $(ca_of_ours)"
    stage swarm
    contains "$WHY" 'still belong to it'
    # One is silent.
    half_a_swarm
    rm "$WORLD/others/pi4-3"
    stage swarm
    contains "$WHY" 'waiting for pi4-3'
    # Another node is the first manager.
    half_a_swarm
    settings
    stage swarm
    fails did '^swarm (leave|init)'
}
