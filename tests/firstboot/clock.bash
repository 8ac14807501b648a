# The clock stage: this machine's clock is right, the network's time is what $WORLD/synchronised says.

a_clock() {
    settings MKIMAGE_BUILD_TIME=1
    echo "$1" >"$WORLD/synchronised"
    fake timedatectl 'case "$*" in *NTPSynchronized*) cat "'"$WORLD"'/synchronised" ;; *NTP*) echo yes ;; esac'
    fake systemd-detect-virt 'exit 1'
    fake sleep 'echo "$1" >>"'"$WORLD"'/slept"'
    fake apt-cache 'exit 0'
    # shellcheck disable=SC2016
    fake dpkg-query 'exit 1'
}

a_first_boot_waits_for_the_time_but_not_for_ever() { # test
    a_clock no
    stage clock
    equal "$CODE" 0
    contains "$WHY" 'no time from the network'
    [[ $(wc -l <"$WORLD/slept") -ge 10 ]]
}

after_an_outage_the_volume_does_not_wait_for_the_time() { # test
    a_clock no
    fake dpkg-query 'echo installed'
    stage clock
    equal "$CODE" 0
    contains "$WHY" 'no time from the network'
    [[ ! -e $WORLD/slept ]]
}

a_complaint_about_the_time_ends_when_it_is_there() { # test
    a_clock no
    stage clock
    contains "$WHY" 'no time'
    echo yes >"$WORLD/synchronised"
    rm "$WORLD/run/stages/clock.why"
    stage clock
    equal "$WHY" ''
}
