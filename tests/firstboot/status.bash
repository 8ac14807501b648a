nothing_a_program_says_breaks_the_status_file() { # test
    local text=$'say "yes"\\no\t\x01\x7f\xff\xc3\xa4 end\nsecond line'
    printf '%s' "$text" >"$WORLD/text"
    # shellcheck disable=SC2016
    with_parts status 'json_string "$(cat "$MKIMAGE_RUN/../text")"' >"$WORLD/json"
    equal "$(jq -r . "$WORLD/json")" 'say "yes"\no  end second line'
}

numbers_are_numbers_whatever_they_were() { # test
    equal "$(with_parts status 'for n in "" abc 0 007 12 -3; do json_number "$n"; echo; done' | tr '\n' ' ')" '0 0 0 7 12 0 '
}

a_pause_between_tries_grows_to_its_cap_and_no_further() { # test
    equal "$(with_parts retry 'for n in 1 2 3 4 5 6 7 50 1000000; do backoff $n 60; done' | tr '\n' ' ')" '2 4 8 16 32 60 60 60 60 '
    equal "$(with_parts retry 'backoff 1 1')" 1
}

a_half_written_status_is_never_seen() { # test
    echo old >"$WORLD/file"
    # shellcheck disable=SC2016
    fails with_parts file 'write_file "$MKIMAGE_RUN/nowhere/file" <"$MKIMAGE_RUN/../file"' 2>/dev/null
    equal "$(cat "$WORLD/file")" old
}

# It is written every ten seconds. In a namespace of its own, the number of a process tells how many there were before.
writing_the_status_costs_a_handful_of_processes() { # test, root
    local count
    fake ip 'echo "2: eth0    inet 192.168.1.32/24 brd 192.168.1.255 scope global eth0"'
    # shellcheck disable=SC2016 # (the inner shell expands it)
    count=$(unshare --pid --fork dash -c '. "$MKIMAGE_LIB/start"
        use report schedule
        STAGES=$(stage_names)
        for stage in $STAGES; do new_record "$stage"; done
        before=$(sh -c "echo \$\$")
        write_status $STAGES
        after=$(sh -c "echo \$\$")
        echo $((after - before - 1))')
    equal "$(jq -r '.stages[-1].name, .addresses[0]' "$WORLD/run/status.json" | tr '\n' ' ')" 'done 192.168.1.32 '
    printf '%s processes\n' "$count"
    ((count >= 3 && count <= 8))
}
