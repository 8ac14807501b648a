# Releases of GlusterFS that do not go together. A store of glusterd's, and a gluster of the release that is told here.

# a_pool_of RELEASE: pi4-2 is a member, and its stick holds that release's store.
a_pool_of() {
    local store=$WORLD/glusterd
    settings MKIMAGE_BRICK=yes
    mkdir -p "$store/peers" "$store/vols/cluster-data" "$WORLD/others"
    printf 'UUID=a2\noperating-version=%s0000\n' "$1" >"$store/glusterd.info"
    printf 'uuid=a1\nstate=3\nhostname1=pi4-1\n' >"$store/peers/a1"
    printf 'uuid=a3\nstate=3\nhostname1=pi4-3\n' >"$store/peers/a3"
    printf 'status=1\nvolume-id=b1\n' >"$store/vols/cluster-data/info"
    echo stick >"$WORLD/run/state-place"
    : >"$WORLD/gluster.log"
    # shellcheck disable=SC2016 # for what is faked from here on
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    cat "$MKIMAGE_RUN/../others/$node" 2>/dev/null || exit 255'
    fake systemctl 'echo "$*" >>"$MKIMAGE_RUN/../systemctl.log"; case "$*" in is-active*) exit 3 ;; esac'
    fake sleep 'exit 0'
    : >"$WORLD/systemctl.log"
}

# this_node_has RELEASE
this_node_has() {
    echo "$1" >"$WORLD/own-release"
    # shellcheck disable=SC2016
    fake gluster 'echo "$*" >>"$MKIMAGE_RUN/../gluster.log"
    case "$*" in
        --version) echo "glusterfs $(cat "$MKIMAGE_RUN/../own-release").1" ;;
        *"pool list") printf "UUID Hostname State\na2 localhost Connected\na1 pi4-1 Connected\na3 pi4-3 ${MEMBER:-Connected}\n" ;;
    esac'
}

# others_have RELEASE NODE...
others_have() {
    local node
    for node in "${@:2}"; do
        printf '%s\n' "cluster $CLUSTER_ID" "gluster $1" 'pool member' 'volume b1' >"$WORLD/others/$node"
    done
}

may_start() {
    dash "$MKIMAGE_LIB/glusterd-may-start"
}

glusterd_was_left_alone() {
    fails grep -q 'start glusterd' "$WORLD/systemctl.log"
    fails grep -vx -e '--version' "$WORLD/gluster.log"
}

glusterd_never_starts_on_the_state_of_another_release() { # test
    a_pool_of 10
    this_node_has 11
    fails may_start
    others_have 10 pi4-1 pi4-3
    stage pool
    equal "$CODE" 11
    contains "$WHY" 'This card has GlusterFS 11, and pi4-1, pi4-3 another release'
    glusterd_was_left_alone
    fails may_start
    # It has changed cards with one of the others.
    this_node_has 9
    stage pool
    equal "$CODE" 11
    contains "$WHY" 'the older 9'
    glusterd_was_left_alone
    this_node_has 10
    may_start
}

a_pool_changes_its_release_as_a_whole() { # test
    a_pool_of 10
    this_node_has 11
    # Nobody else is up, and then one of three that has no new card yet.
    stage pool
    equal "$CODE" 10
    contains "$WHY" 'more than half'
    others_have 11 pi4-1
    others_have 10 pi4-3
    stage pool
    equal "$CODE" 11
    contains "$WHY" pi4-3
    glusterd_was_left_alone
    # It is off, and the rest are enough.
    rm "$WORLD/others/pi4-3"
    stage pool
    may_start
    grep -q 'start glusterd' "$WORLD/systemctl.log"
    # A power cut later it still is.
    rm -f "$WORLD/others/pi4-1"
    may_start
}

the_pool_works_by_the_new_release_when_all_have_it() { # test
    a_pool_of 10
    this_node_has 11
    others_have 11 pi4-1 pi4-3
    settings MKIMAGE_NODE=pi4-1
    MEMBER=Disconnected with_parts gluster-release finish_release_change
    fails grep -q op-version "$WORLD/gluster.log"
    with_parts gluster-release finish_release_change
    grep -q 'volume set all cluster.op-version 110000' "$WORLD/gluster.log"
    : >"$WORLD/gluster.log"
    sed -i 's/=100000/=110000/' "$WORLD/glusterd/glusterd.info"
    echo '10 11' >"$WORLD/var-lib/gluster-release-change"
    with_parts gluster-release finish_release_change
    [[ ! -e $WORLD/var-lib/gluster-release-change ]]
    fails grep -q op-version "$WORLD/gluster.log"
}

a_node_outside_a_pool_has_any_release() { # test
    a_pool_of 10
    this_node_has 11
    rm -r "$WORLD/glusterd/peers" "$WORLD/glusterd/vols"
    may_start
    # One that cannot tell its own says so elsewhere.
    a_pool_of 10
    fake gluster 'exit 1'
    may_start
}
