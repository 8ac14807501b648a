# The cluster's description: the one that a node takes, what it makes of it, and the nodes that it shows it to.

# a_described_node: pi4-2 with the description 5, which has been unfolded.
a_described_node() {
    echo 'pi4-1 ssh-ed25519 AAAAhost' >"$WORLD/etc/known_hosts"
    echo 'pi4-1 ssh-ed25519 AAAAenrol' >"$WORLD/etc/enrolment_keys"
    describe "$WORLD/etc/description" 5
    echo certificate >"$WORLD/etc/enrolment_certificate"
    with_parts description 'unfold_description || true'
}

# adopts FILE: fails as the node does; what it says in $SAID.
adopts() {
    local code=0
    # shellcheck disable=SC2016
    SAID=$(with_parts description 'adopt_description "'"$1"'" || code=1; echo "$adopted"; exit "${code:-0}"') || code=$?
    printf '%s\n' "$SAID"
    return "$code"
}

number() {
    with_parts description 'generation_of "$DESCRIPTION"'
}

a_higher_number_with_the_owners_signature_is_taken() { # test
    a_described_node
    echo 'pi5-1 worker pi5-1.local yes 10.77.0.5 key5=' >>"$WORLD/etc/nodes"
    describe "$WORLD/new" 6
    sed -i '/pi5-1/d' "$WORLD/etc/nodes"
    adopts "$WORLD/new"
    equal "$(number)" 6
    with_parts description 'unfold_description && settle_description'
    grep -q '^pi5-1 ' "$WORLD/etc/nodes"
    grep -q '^restrict,cert-authority,' "$WORLD/etc/authorized_enrolment"
    grep -qP '^10\.77\.0\.5\tpi5-1$' "$WORLD/hosts"
    fails with_parts description unfold_description
}

nothing_else_is_taken() { # test
    local name
    a_described_node
    describe "$WORLD/old" 4
    describe "$WORLD/changed" 6
    sed -i 's/^pi4-3 worker/pi4-3 manager/' "$WORLD/changed"
    describe "$WORLD/raised" 6
    sed -i 's/^generation 6/generation 7/' "$WORLD/raised"
    describe "$WORLD/unsigned" 6
    sed -i '/BEGIN SSH/,$d' "$WORLD/unsigned"
    (CLUSTER_ID=ffff && describe "$WORLD/others" 6)
    describe "$WORLD/without-me" 6
    sed -i '/^pi4-2 /d' "$WORLD/etc/nodes"
    describe "$WORLD/without-me" 6
    mv "$WORLD/owner_key" "$WORLD/kept"
    cp "$WORLD/etc/owner" "$WORLD/kept-owner"
    describe "$WORLD/strangers" 6
    mv "$WORLD/kept" "$WORLD/owner_key"
    cp "$WORLD/kept-owner" "$WORLD/etc/owner"
    : >"$WORLD/empty"
    head -c 100000 /dev/urandom >"$WORLD/noise"
    for name in old changed raised unsigned others without-me strangers empty noise missing; do
        fails adopts "$WORLD/$name"
        equal "$(number)" 5
    done
}

# takes_out NODE FILE GENERATION: a description without that node.
takes_out() {
    cp "$WORLD/etc/nodes" "$WORLD/kept-nodes"
    awk -v node="$1" '$1 == node { print $1, $5 }' "$WORLD/etc/nodes" >"$WORLD/etc/gone"
    echo 'ssh-ed25519 AAAAgone' >"$WORLD/etc/revoked_keys"
    sed -i "/^$1 /d" "$WORLD/etc/nodes"
    describe "$2" "$3"
    mv "$WORLD/kept-nodes" "$WORLD/etc/nodes"
    rm "$WORLD/etc/gone" "$WORLD/etc/revoked_keys"
}

what_was_shut_out_is_not_let_in_by_an_older_copy_of_the_secrets() { # test
    a_described_node
    takes_out pi4-3 "$WORLD/eight" 8
    adopts "$WORLD/eight"
    describe "$WORLD/backup" 9
    fails adopts "$WORLD/backup"
    contains "$(adopts "$WORLD/backup" || true)" 'older copy of cluster.secrets'
    # It goes on from both, or the node is back.
    takes_out pi4-3 "$WORLD/both" 9
    adopts "$WORLD/both"
    echo 'ssh-ed25519 AAAAgone' >"$WORLD/etc/revoked_keys"
    echo 'pi4-3 7' >"$WORLD/etc/joined"
    describe "$WORLD/before" 10
    fails adopts "$WORLD/before"
    echo 'pi4-3 10' >"$WORLD/etc/joined"
    describe "$WORLD/back" 10
    adopts "$WORLD/back"
    equal "$(number)" 10
}

a_node_that_goes_is_forgotten_and_its_key_is_revoked() { # test
    a_described_node
    echo 'pi4-3 ssh-ed25519 AAAAgone' >>"$WORLD/etc/enrolment_keys"
    with_parts description settle_description
    grep -q 'AAAAgone' "$WORLD/etc/authorized_enrolment"
    cp "$WORLD/etc/enrolment_keys" "$WORLD/all-keys"
    sed -i '/pi4-3/d' "$WORLD/etc/enrolment_keys"
    takes_out pi4-3 "$WORLD/new" 6
    mv "$WORLD/all-keys" "$WORLD/etc/enrolment_keys"
    shown pi4-1 "$WORLD/new"
    equal "$CODE" 0
    fails grep -q AAAAgone "$WORLD/etc/authorized_enrolment"
    equal "$(cat "$WORLD/etc/authorized_enrolment.revoked")" 'ssh-ed25519 AAAAgone'
    with_parts nodes 'is_gone pi4-3 && is_gone 10.77.0.3 && ! is_gone pi4-1 && ! is_gone 10.77.0'
    fails dash "$MKIMAGE_LIB/answer-as-root" pi4-3 state
}

a_node_that_is_taken_out_leaves() { # test
    local program
    a_described_node
    takes_out pi4-2 "$WORLD/new" 6
    shown - "$WORLD/new"
    equal "$CODE" 0
    [[ -e $WORLD/run/renewed ]]
    for program in docker systemctl nft ip; do
        # shellcheck disable=SC2016
        fake "$program" 'echo "${0##*/} $*" >>"$MKIMAGE_RUN/../did"'
    done
    mkdir -p "$WORLD/units/docker.service.d"
    : >"$WORLD/units/docker.service.d/10-mkimage.conf"
    MKIMAGE_LEFT_PAUSE=0.1 timeout 5 dash "$MKIMAGE_LIB/firstboot" >"$WORLD/said" 2>&1 || true
    grep -q '^docker swarm leave --force' "$WORLD/did"
    grep -q '^systemctl disable -q --now glusterd.service' "$WORLD/did"
    # Docker of its own starts without the others, too.
    [[ ! -e $WORLD/units/docker.service.d/10-mkimage.conf ]]
    equal "$(jq -r '.state + " " + .stages[0].error' "$WORLD/run/status.json")" \
        'attention This node was taken out of the cluster. Make a new image for its card to use it again.'
}

two_descriptions_with_one_number_are_told() { # test
    a_described_node
    sed -i 's/pi4-3 worker/pi4-3 manager/' "$WORLD/etc/nodes"
    describe "$WORLD/other" 5
    fails adopts "$WORLD/other"
    contains "$SAID" 'two descriptions with the number 5'
    cp "$WORLD/etc/description" "$WORLD/same"
    adopts "$WORLD/same"
}

the_settings_of_the_card_stay() { # test
    settings MKIMAGE_ROLE=manager MKIMAGE_BUILD_TIME=7
    a_described_node
    equal "$(with_parts description 'echo "$MKIMAGE_ROLE $MKIMAGE_BUILD_TIME $MKIMAGE_NODE"')" 'worker 7 pi4-2'
}

# shown CALLER FILE: the node's answer to a description.
shown() {
    CODE=0
    SAID=$(dash "$MKIMAGE_LIB/answer-as-root" "$1" description <"$2" 2>&1) || CODE=$?
    printf '%s (%s)\n' "$SAID" "$CODE"
}

a_node_that_only_the_owner_vouches_for_may_show_a_description() { # test
    local words
    a_described_node
    sed -i 's/pi4-3 worker/pi4-3 manager/' "$WORLD/etc/nodes"
    describe "$WORLD/new" 6
    sed -i 's/pi4-3 manager/pi4-3 worker/' "$WORLD/etc/nodes"
    shown - "$WORLD/new"
    equal "$CODE" 0
    equal "$(number)" 6
    [[ -e $WORLD/run/renewed ]]
    for words in state peers 'join-token' 'add-brick fresh' probe generation fetch-description ''; do
        fails dash "$MKIMAGE_LIB/answer-as-root" - "$words"
    done
}

a_description_that_is_too_large_is_not_read() { # test
    a_described_node
    head -c 10000000 /dev/zero >"$WORLD/large"
    shown pi4-1 "$WORLD/large"
    equal "$CODE" 11
    contains "$SAID" 'too large'
    equal "$(find "$WORLD/run" -name 'shown*')" ''
}

no_description_is_taken_while_another_one_is() { # test
    a_node_with_old_keys
    describe "$WORLD/new" 6
    fake flock 'exit 1'
    shown pi4-1 "$WORLD/new"
    equal "$CODE $(number)" '10 5'
    contains "$SAID" 'taking another description'
    equal "$(find "$WORLD/run" -name 'shown*')" ''
    new_keys >"$WORLD/keys"
    fails dash "$MKIMAGE_LIB/take-keys" <"$WORLD/keys"
    equal "$(cd "$WORLD/etc/secrets" && printf '%s\n' * | paste -s -d ' ')" 'host_key wireguard_key'
}

nothing_but_the_owners_signatures_is_kept() { # test
    local junk
    a_described_node
    describe "$WORLD/new" 6
    cp "$WORLD/new" "$WORLD/clean"
    # Bytes, a stranger's signature, the same one again, one without an end, and a long one.
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$WORLD/stranger"
    sed '/^-----BEGIN SSH/,$d' "$WORLD/new" >"$WORLD/text"
    ssh-keygen -q -Y sign -f "$WORLD/stranger" -n mkimage "$WORLD/text" 2>/dev/null
    sed -n '/^-----BEGIN SSH/,$p' "$WORLD/new" >"$WORLD/again"
    head -c 200000 /dev/zero | tr '\0' x >"$WORLD/bytes"
    echo '-----BEGIN SSH SIGNATURE-----' >"$WORLD/begin"
    { cat "$WORLD/begin" "$WORLD/bytes" && printf '\n%s\n' '-----END SSH SIGNATURE-----'; } >"$WORLD/long"
    for junk in bytes text.sig again begin long; do
        describe "$WORLD/etc/description" 5
        cat "$WORLD/clean" "$WORLD/$junk" >"$WORLD/new"
        shown pi4-1 "$WORLD/new"
        equal "$CODE" 0
        cmp "$WORLD/etc/description" "$WORLD/clean"
    done
    # In front of the owner's signature it makes no difference either.
    describe "$WORLD/etc/description" 5
    { cat "$WORLD/text" "$WORLD/text.sig" "$WORLD/again"; } >"$WORLD/new"
    shown pi4-1 "$WORLD/new"
    equal "$CODE" 0
    cmp "$WORLD/etc/description" "$WORLD/clean"
    equal "$(find "$WORLD/run" -name 'shown*')" ''
}

# others_answer NODE=GENERATION...: with another digest if the number ends in x; `denied` knows no key of this node. What is shown to a
# node lands in shown-NODE, and the options that were used with it.
others_answer() {
    local digest
    digest=$(with_parts description 'digest_of "$DESCRIPTION"')
    printf '%s\n' "$@" >"$WORLD/others"
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) node=${word#mkimage@}; node=${node%.local} ;; esac; done
    world=$MKIMAGE_RUN/..
    has=$(sed -n "s/^$node=//p" "$world/others")
    case "$word $has" in
        *" shut") echo "Permission denied (publickey)." >&2; exit 255 ;;
        "generation denied") [ -n "${certificate:-}" ] || { echo "Permission denied (publickey)." >&2; exit 255; } ;;
        "generation ") exit 255 ;;
        "generation busy") echo "generation 1 0000000000000000000000000000000000000000000000000000000000000000" ;;
        "generation "*x) echo "generation ${has%x} 0000000000000000000000000000000000000000000000000000000000000000" ;;
        "generation "*) echo "generation $has '"$digest"'" ;;
        "description busy") exit 10 ;;
        "description "*) cat >"$world/shown-$node"; echo "$*" >"$world/options-$node"; echo taken ;;
    esac'
}

others_hear_of_it() { # test
    a_described_node
    others_answer pi4-1=4 pi4-3=denied pi3-1=5
    stage description
    equal "$CODE $WHY" '0 '
    cmp "$WORLD/shown-pi4-1" "$WORLD/etc/description"
    cmp "$WORLD/shown-pi4-3" "$WORLD/etc/description"
    [[ ! -e $WORLD/shown-pi3-1 ]]
    grep -q "CertificateFile=$WORLD/etc/enrolment_certificate" "$WORLD/options-pi4-3"
    fails grep -q CertificateFile "$WORLD/options-pi4-1"
    equal "$(jq -c . "$WORLD/run/parts/description")" '{"generation":5}'
}

a_node_that_everybody_refuses_says_what_to_do() { # test
    a_described_node
    others_answer pi4-1=shut pi4-3=shut pi3-1=
    stage description
    equal "$CODE $WHY" '0 '
    echo "$(($(cut -d . -f 1 /proc/uptime) - 300))" >"$WORLD/run/shut-out"
    stage description
    equal "$CODE" 0
    contains "$WHY" 'make a new image for its card'
    # As long as one node listens, the others may still be installing.
    others_answer pi4-1=shut pi4-3=5 pi3-1=
    rm "$WORLD/run/stages/description.why"
    stage description
    equal "$CODE $WHY" '0 '
    [[ ! -e $WORLD/run/shut-out ]]
}

a_node_that_is_busy_is_shown_it_again_later() { # test
    a_described_node
    others_answer pi4-1=busy pi4-3=5 pi3-1=5
    stage description
    equal "$CODE $WHY" '0 '
}

nobody_is_told_an_older_one() { # test
    a_described_node
    others_answer pi4-1=6 pi4-3=5x
    stage description
    equal "$CODE" 0
    contains "$WHY" 'pi4-3 has another description with the number 5'
    equal "$(ls "$WORLD"/shown-* 2>/dev/null || true)" ''
}

# other_node NODE GENERATION PLACE...: a node with that description, which answers at those places as the real one does.
other_node() {
    local place
    mkdir -p "$WORLD/others/$1/etc" "$WORLD/others/$1/run" "$WORLD/at"
    settings "MKIMAGE_NODE=$1"
    cp "$WORLD/etc/settings" "$WORLD/etc/nodes" "$WORLD/etc/owner" "$WORLD/others/$1/etc/"
    settings
    describe "$WORLD/others/$1/etc/description" "$2"
    for place in "${@:3}"; do
        ln -sfn "../others/$1" "$WORLD/at/$place"
    done
    # shellcheck disable=SC2016
    fake ssh 'for word; do case $word in mkimage@*) place=${word#mkimage@} ;; esac; done
    other=$MKIMAGE_RUN/../at/$place
    echo "$place $word" >>"$MKIMAGE_RUN/../asked"
    [ -e "$other" ] || { echo "ssh: connect to host $place port 22: No route to host" >&2; exit 255; }
    [ ! -e "$other/lies" ] || . "$other/lies"
    echo "sudo: unable to resolve host" >&2
    MKIMAGE_ETC=$other/etc MKIMAGE_RUN=$other/run exec dash "$MKIMAGE_LIB/answer-as-root" pi4-2 "$word"'
}

# has_moved: from the description 6 on, this node has another address, which it cannot know yet.
has_moved() {
    sed -i 's/^pi4-2 worker [^ ]*/pi4-2 worker 192.168.1.44/' "$WORLD/etc/nodes"
    other_node "$@"
    sed -i 's/^pi4-2 worker [^ ]*/pi4-2 worker pi4-2.local/' "$WORLD/etc/nodes"
}

a_node_that_was_off_gets_the_newest_description() { # test
    a_described_node
    has_moved pi4-1 6 pi4-1.local
    has_moved pi4-3 7 pi4-3.local
    stage description
    equal "$CODE $WHY" '0 '
    equal "$(number)" 7
    cmp "$WORLD/etc/description" "$WORLD/others/pi4-3/etc/description"
    grep -q '^pi4-2 worker 192.168.1.44 ' "$WORLD/etc/nodes"
    [[ -e $WORLD/run/renewed ]]
    equal "$(jq -c . "$WORLD/run/parts/description")" '{"generation":7}'
    # Nobody asks from where it comes.
    fails grep -q 'from=' "$WORLD/etc/authorized_enrolment"
    stage description
    equal "$CODE $WHY $(number)" '0  7'
    cmp "$WORLD/others/pi4-1/etc/description" "$WORLD/others/pi4-3/etc/description"
}

a_node_that_only_says_that_it_has_a_newer_one_does_no_harm() { # test
    local lie
    for lie in 'head -c 10000000 /dev/zero; exit' 'exit 0' 'sed "s/^generation .*/generation 9/" "$other/etc/description"; exit'; do
        a_described_node
        other_node pi4-1 8 pi4-1.local
        other_node pi4-3 7 pi4-3.local
        printf 'case $word in generation) echo "generation 9 %064d"; exit ;; *) %s ;; esac\n' 0 "$lie" >"$WORLD/others/pi4-1/lies"
        stage description
        equal "$CODE $(number)" '0 7'
        (($(find "$WORLD/run" -type f -size +300k | wc -l) == 0))
    done
    rm "$WORLD/others/pi4-3/etc/description" "$WORLD/at/pi4-3.local"
    a_described_node
    stage description
    equal "$CODE $(number)" '0 5'
    contains "$WHY" 'not signed by the owner'
}

what_is_heard_of_waits_for_what_is_being_taken() { # test
    a_described_node
    other_node pi4-1 6 pi4-1.local
    # The stage's own look at its files comes first.
    # shellcheck disable=SC2016
    fake flock '[ ! -e "$MKIMAGE_RUN/../asked" ]'
    stage description
    equal "$CODE $(number)" '10 5'
}

a_node_is_found_by_its_name_where_its_address_is_wrong() { # test
    a_described_node
    sed -i 's/^pi4-1 manager [^ ]*/pi4-1 manager 192.168.1.31/' "$WORLD/etc/nodes"
    describe "$WORLD/etc/description" 5
    place() {
        with_parts nodes 'place_of pi4-1'
    }
    # It has not heard of its new address, or has given it up.
    other_node pi4-1 4 pi4-1.local
    stage description
    equal "$CODE $WHY" '0 '
    cmp "$WORLD/etc/description" "$WORLD/others/pi4-1/etc/description"
    equal "$(place)" pi4-1.local
    with_parts ask 'ask pi4-1 generation' | grep -q '^generation 5 '
    # It has come to its address.
    rm "$WORLD/at/pi4-1.local"
    other_node pi4-1 5 192.168.1.31
    stage description
    equal "$CODE $WHY $(place)" '0  192.168.1.31'
    # Or is off.
    rm "$WORLD/at/192.168.1.31"
    stage description
    equal "$CODE $WHY $(place)" '0  192.168.1.31'
}

a_node_that_knows_nobodys_key_says_what_to_do() { # test
    a_described_node
    fake ssh 'echo "Host key verification failed." >&2; exit 255'
    stage description
    equal "$CODE $WHY" '0 '
    echo "$(($(cut -d . -f 1 /proc/uptime) - 300))" >"$WORLD/run/shut-out"
    stage description
    equal "$CODE" 0
    contains "$WHY" 'keys that this node does not know'
    contains "$WHY" 'make a new image for its card'
    # It is one of the others that has another card.
    other_node pi4-1 5 pi4-1.local
    stage description
    equal "$CODE" 0
    [[ ! -e $WORLD/run/shut-out ]]
}

# new_keys: as the owner brings them, on standard output; the files lie in $WORLD/new-keys.
new_keys() {
    local name
    mkdir -p "$WORLD/new-keys"
    for name in host_key enrolment_key; do
        [[ -e $WORLD/new-keys/$name ]] || ssh-keygen -q -t ed25519 -N '' -C '' -f "$WORLD/new-keys/$name"
    done
    echo 'wNnfYJIC+5+E9yiU9yHKcBv0yTaCYMO0ZqdHfKwtpWo=' >"$WORLD/new-keys/wireguard_key"
    echo 'ssh-ed25519-cert-v01@openssh.com AAAAcert pi4-2' >"$WORLD/new-keys/enrolment_certificate"
    for name in host_key enrolment_key wireguard_key enrolment_certificate; do
        echo "[$name]"
        cat "$WORLD/new-keys/$name"
    done
}

# names_new_keys FILE GENERATION: a description that has the new host key of pi4-2.
names_new_keys() {
    cp "$WORLD/etc/known_hosts" "$WORLD/kept-hosts"
    echo "pi4-2,pi4-2.local $(cut -d ' ' -f 1,2 "$WORLD/new-keys/host_key.pub")" >>"$WORLD/etc/known_hosts"
    describe "$1" "$2"
    mv "$WORLD/kept-hosts" "$WORLD/etc/known_hosts"
}

has_new_keys() {
    local name
    for name in host_key enrolment_key wireguard_key; do
        cmp "$WORLD/new-keys/$name" "$WORLD/etc/secrets/$name" || return 1
    done
    cmp "$WORLD/new-keys/enrolment_certificate" "$WORLD/etc/enrolment_certificate" && [[ ! -e $WORLD/etc/secrets/next ]]
}

a_node_with_old_keys() {
    a_described_node
    mkdir -p "$WORLD/etc/secrets"
    echo old >"$WORLD/etc/secrets/host_key"
    echo old >"$WORLD/etc/secrets/wireguard_key"
    : >"$WORLD/run/private-nodes"
}

new_keys_are_used_when_a_description_names_them() { # test
    a_node_with_old_keys
    new_keys | dash "$MKIMAGE_LIB/take-keys"
    equal "$(cat "$WORLD/etc/secrets/host_key")" old
    names_new_keys "$WORLD/new" 6
    shown - "$WORLD/new"
    equal "$CODE" 0
    has_new_keys
    [[ ! -e $WORLD/run/private-nodes ]]
    # The other way round.
    a_node_with_old_keys
    names_new_keys "$WORLD/new" 6
    shown pi4-1 "$WORLD/new"
    equal "$(cat "$WORLD/etc/secrets/host_key")" old
    new_keys | dash "$MKIMAGE_LIB/take-keys"
    has_new_keys
    equal "$(stat -c %a "$WORLD/etc/secrets/host_key" "$WORLD/etc/secrets/wireguard_key" | sort -u)" 600
}

half_the_keys_are_not_taken() { # test
    a_node_with_old_keys
    new_keys >"$WORLD/keys"
    head -n 12 "$WORLD/keys" >"$WORLD/half"
    fails dash "$MKIMAGE_LIB/take-keys" <"$WORLD/half"
    fails dash "$MKIMAGE_LIB/take-keys" </dev/null
    equal "$(cd "$WORLD/etc/secrets" && printf '%s\n' * | paste -s -d ' ')" 'host_key wireguard_key'
}

what_was_cut_off_is_settled_later() { # test
    a_described_node
    with_parts description settle_description
    : >"$WORLD/etc/unsettled"
    rm "$WORLD/etc/authorized_enrolment"
    others_answer
    stage description
    [[ -e $WORLD/etc/authorized_enrolment && ! -e $WORLD/etc/unsettled ]]
}

the_newer_one_of_card_and_stick_is_taken() { # test
    a_described_node
    exchange() {
        with_parts description-on-stick exchange_with_stick
    }
    exchange
    cmp "$WORLD/etc/description" "$WORLD/brick/description"
    # A card that was made long ago.
    describe "$WORLD/brick/description" 7
    exchange
    equal "$(number)" 7
    # One that only claims to be newer is neither taken nor kept, and a link leads nowhere.
    sed 's/^generation 7/generation 9/' "$WORLD/etc/description" >"$WORLD/brick/description"
    exchange
    equal "$(number)" 7
    cmp "$WORLD/etc/description" "$WORLD/brick/description"
    echo untouched >"$WORLD/elsewhere"
    ln -sf "$WORLD/elsewhere" "$WORLD/brick/description"
    exchange
    equal "$(cat "$WORLD/elsewhere")" untouched
    cmp "$WORLD/etc/description" "$WORLD/brick/description"
}

the_owner_gets_a_new_key() { # test
    a_described_node
    mv "$WORLD/owner_key" "$WORLD/old_key"
    cp "$WORLD/etc/owner" "$WORLD/old-owner"
    describe "$WORLD/new" 6
    mv "$WORLD/etc/owner" "$WORLD/new-owner"
    cp "$WORLD/old-owner" "$WORLD/etc/owner"
    # By the new key alone, nobody proves anything.
    fails adopts "$WORLD/new"
    sed '/^-----BEGIN SSH/,$d' "$WORLD/new" >"$WORLD/text"
    ssh-keygen -q -Y sign -f "$WORLD/old_key" -n mkimage "$WORLD/text" 2>/dev/null
    cat "$WORLD/text.sig" >>"$WORLD/new"
    adopts "$WORLD/new"
    with_parts description 'unfold_description && settle_description'
    cmp "$WORLD/etc/owner" "$WORLD/new-owner"
    # Both signatures stay, for nodes that know only one of the owners, also when another node brings the second one later.
    cmp "$WORLD/etc/description" "$WORLD/new"
    sed '/^-----END SSH/q' "$WORLD/new" >"$WORLD/etc/description"
    adopts "$WORLD/etc/description"
    equal "$(grep -c 'BEGIN SSH' "$WORLD/etc/description")" 1
    adopts "$WORLD/new"
    cmp "$WORLD/etc/description" "$WORLD/new"
    grep -qF "$(cut -d ' ' -f 4 "$WORLD/new-owner")" "$WORLD/etc/authorized_enrolment"
    # From now on the old one proves nothing.
    sed 's/^generation 6/generation 7/' "$WORLD/text" >"$WORLD/forged"
    cp "$WORLD/forged" "$WORLD/text"
    rm "$WORLD/text.sig"
    ssh-keygen -q -Y sign -f "$WORLD/old_key" -n mkimage "$WORLD/text" 2>/dev/null
    cat "$WORLD/text.sig" >>"$WORLD/forged"
    fails adopts "$WORLD/forged"
    describe "$WORLD/newer" 7
    adopts "$WORLD/newer"
}

a_stick_from_before_a_node_was_taken_out_tells_nothing() { # test
    a_described_node
    mkdir -p "$WORLD/brick/state/glusterd"
    describe "$WORLD/brick/description" 5
    forget() {
        with_parts description-on-stick forget_former_membership
    }
    forget
    [[ -d $WORLD/brick/state/glusterd ]]
    echo 'pi4-2 8' >"$WORLD/etc/joined"
    describe "$WORLD/etc/description" 9
    forget
    [[ ! -e $WORLD/brick/state ]]
    mkdir -p "$WORLD/brick/state/glusterd"
    describe "$WORLD/brick/description" 8
    forget
    [[ -d $WORLD/brick/state/glusterd ]]
}
