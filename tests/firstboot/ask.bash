# Answers of a node that somebody else has taken over: they do no harm to the one that asked.

# hears KEY: of the answer on standard input.
hears() {
    # shellcheck disable=SC2016
    with_parts heard "heard $1"
}

a_field_of_another_type_counts_as_not_said() { # test
    local key value
    while read -r key value; do
        equal "$(printf '%s %s\n' "$key" "$value" | hears "$key")" ''
    done <<'FIELDS'
cluster ../../etc
swarm active manager m ca;id
swarm active manager $(id) 0123
swarm active king m 0123
swarm active manager m
swarm-members *
replaces 0123 ../x
pool members
volume b1/../../x
volume-state 1-2-3
volume-state 99999999999-1
volume-state -1
op-version 1e9
token SWMTKN-1-x pi4-1:2377
token SWMTKN-1-x"
token --help
elsewhere ../pi4-1
FIELDS
    equal "$(printf 'token x y\ntoken SWMTKN-1-x\n' | hears token)" SWMTKN-1-x
}

the_members_in_an_answer_cannot_write_elsewhere() { # test
    mkdir -p "$WORLD/glusterd/peers" "$WORLD/profile.d"
    printf 'UUID=a2\noperating-version=100000\n' >"$WORLD/glusterd/glusterd.info"
    cat >"$WORLD/answer" <<'ANSWER'
op-version 110000; rm
../../profile.d/$(id).sh pi4-1
/etc/passwd pi4-1
a3/../../../x pi4-1
a2 pi4-2
a3 pi4-3
a4 ../pi4-1
ANSWER
    # shellcheck disable=SC2016
    with_parts pool 'rebuild_glusterd "$RUN/../answer"'
    equal "$(cd "$WORLD" && find glusterd profile.d -type f | sort | tr '\n' ' ')" 'glusterd/glusterd.info glusterd/peers/a3 '
    equal "$(cat "$WORLD/glusterd/glusterd.info")" $'UUID=a2\noperating-version=100000'
    equal "$(cat "$WORLD/glusterd/peers/a3")" $'uuid=a3\nstate=3\nhostname1=pi4-3'
}

an_endless_answer_does_not_fill_the_memory() { # test
    local out
    for out in '' '>&2'; do
        fake ssh "echo 'cluster $CLUSTER_ID'; head -c 100000000 /dev/zero $out"
        # shellcheck disable=SC2016
        with_parts ask 'ask_everyone >/dev/null; ask pi4-1 state >"$RUN/answer" || true'
        (($(find "$WORLD/run" -type f -size +64k | wc -l) == 0))
        (($(wc -c <"$WORLD/run/answer") > 60000))
    done
}

the_end_of_an_answer_is_that_of_the_node() { # test
    local code
    for code in 0 10 11 12 255; do
        fake ssh "echo word; exit $code"
        equal "$(with_parts ask 'code=0; ask pi4-1 state || code=$?; echo $code')" "word"$'\n'"$code"
    done
}
