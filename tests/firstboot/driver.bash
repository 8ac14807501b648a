# The driver with stages that only pretend: each does what $WORLD/do/STAGE says.

pretend_stages() {
    local name
    mkdir -p "$WORLD/lib/stages" "$WORLD/do"
    cp "$FIRSTBOOT"/lib/* "$WORLD/lib/" 2>/dev/null || true
    export MKIMAGE_LIB=$WORLD/lib
    for name in $(stage_list "$FIRSTBOOT/lib"); do
        printf 'exit 0\n' >"$WORLD/do/$name"
        # Its header stays.
        {
            sed -n '/^[^#]/q; p' "$FIRSTBOOT/lib/stages/$name"
            printf 'echo %s >>"%s/order"\n. "%s/do/%s"\n' "$name" "$WORLD" "$WORLD" "$name"
        } >"$WORLD/lib/stages/$name"
    done
    printf 'echo stick >"$MKIMAGE_RUN/state-place"\nexit 0\n' >"$WORLD/do/brick"
}

# stage_list LIBRARY: every stage, in the driver's order.
stage_list() {
    # shellcheck disable=SC2016
    LIB=$1 dash -eu -c '. "$LIB/schedule"; stage_names'
}

drive() {
    dash "$WORLD/lib/firstboot" >"$WORLD/driver.out" 2>&1 &
    DRIVER=$!
}

stop_driving() {
    kill "$DRIVER" 2>/dev/null || true
    wait "$DRIVER" || true
}

state_of_stage() {
    jq -r --arg s "$1" '.stages[] | select(.name == $s) | .state' "$WORLD/run/status.json"
}

stage_is() {
    [[ $(state_of_stage "$1") == "$2" ]]
}

node_is() {
    [[ $(jq -r .state "$WORLD/run/status.json") == "$1" ]]
}

every_stage_is_reached_and_in_an_order_that_its_needs_allow() { # test
    pretend_stages
    drive
    until_true 300 node_is 'done'
    stop_driving
    equal "$(sed '/^brick$/q' "$WORLD/order" | grep -x 'clock\|packages\|brick' | tr '\n' ' ')" 'clock packages brick '
    # A stage that is done is looked at again meanwhile: the first time of each counts.
    equal "$(awk '!seen[$0]++' "$WORLD/order" | tail -n 1)" 'done'
    equal "$(jq -r '.stages | map(.state) | unique | join(",")' "$BOOT/mkimage/status.json")" 'done'
}

a_stage_comes_after_everything_that_it_needs() { # test
    equal "$(stage_list "$FIRSTBOOT/lib" | tr '\n' ' ')" 'address backup clock description packages private-network wear brick docker pool swarm volume done '
}

a_stage_that_does_not_state_what_it_needs_is_an_error() { # test
    local line
    for line in needs patience look-again; do
        pretend_stages
        sed -i "/^# $line: /d" "$WORLD/lib/stages/swarm"
        fails stage_list "$WORLD/lib" 2>"$WORLD/said"
        contains "$(cat "$WORLD/said")" 'the stage swarm does not state'
        # Nor does the driver guess.
        fails dash "$WORLD/lib/firstboot" 2>/dev/null
    done
}

stages_that_wait_for_each_other_are_an_error() { # test
    pretend_stages
    sed -i 's/^# needs: .*/# needs: volume/' "$WORLD/lib/stages/pool"
    fails stage_list "$WORLD/lib" 2>"$WORLD/said"
    contains "$(cat "$WORLD/said")" 'pool volume'
}

a_refused_stick_does_not_keep_the_node_out_of_the_swarm() { # test
    pretend_stages
    printf 'echo card >"$MKIMAGE_RUN/state-place"\necho "take it out" >"$MKIMAGE_RUN/stages/brick.why"\nexit 11\n' >"$WORLD/do/brick"
    drive
    until_true 300 stage_is volume 'done'
    until_true 300 stage_is swarm 'done'
    until_true 120 stage_is brick refused
    node_is attention
    equal "$(jq -r '.stages[] | select(.name == "brick") | .error' "$WORLD/run/status.json")" 'take it out'
    stop_driving
}

docker_waits_until_it_is_known_where_the_swarm_lives() { # test
    pretend_stages
    printf 'exit 10\n' >"$WORLD/do/brick"
    drive
    until_true 300 stage_is brick retrying
    equal "$(state_of_stage docker)" waiting
    equal "$(state_of_stage pool)" waiting
    stop_driving
}

what_failed_once_goes_on_by_itself() { # test
    pretend_stages
    printf 'echo "no way to the internet" >"$MKIMAGE_RUN/stages/packages.why"\nexit 1\n' >"$WORLD/do/packages"
    drive
    until_true 300 stage_is packages retrying
    equal "$(jq -r '.stages[] | select(.name == "packages") | .error' "$WORLD/run/status.json")" 'no way to the internet'
    node_is working
    printf 'exit 0\n' >"$WORLD/do/packages"
    until_true 300 node_is 'done'
    [[ $(jq -r '.stages[] | select(.name == "packages") | .tries' "$WORLD/run/status.json") -ge 2 ]]
    equal "$(jq -r '.stages[] | select(.name == "packages") | .error' "$WORLD/run/status.json")" ''
    stop_driving
}

a_stage_that_dies_without_a_word_is_tried_again() { # test
    pretend_stages
    printf 'echo "segmentation of something"\nkill -9 $$\n' >"$WORLD/do/clock"
    drive
    until_true 300 stage_is clock retrying
    until_true 120 grep -q 'was killed: segmentation of something' "$WORLD/run/status.json"
    stop_driving
}

clock_is_content() {
    [[ $(jq -r '.stages[0].error' "$WORLD/run/status.json") == '' ]]
}

log_is_small() {
    [[ $(wc -c <"$BOOT/mkimage/firstboot.log") -lt 262145 ]]
}

the_log_on_the_boot_partition_stays_small() { # test
    pretend_stages
    yes 'an old line of the log that is as long as they are' | head -c 300000 >"$BOOT/mkimage/firstboot.log" || true
    drive
    until_true 300 node_is 'done'
    until_true 120 log_is_small
    until_true 120 grep -q 'is done' "$BOOT/mkimage/firstboot.log"
    stop_driving
}

a_boot_partition_that_cannot_be_written_holds_nothing_up() { # test
    pretend_stages
    rm -rf "$BOOT/mkimage"
    drive
    until_true 300 node_is 'done'
    stop_driving
}

the_time_is_looked_for_again_when_there_was_none() { # test
    pretend_stages
    printf 'echo "no time yet" >"$MKIMAGE_RUN/stages/clock.why"\nexit 0\n' >"$WORLD/do/clock"
    drive
    until_true 300 node_is 'done'
    printf 'exit 0\n' >"$WORLD/do/clock"
    until_true 120 clock_is_content
    stop_driving
}
