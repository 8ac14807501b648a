# shellcheck shell=bash disable=SC2154,SC2016 # see "Set by the caller"; quoted commands are expanded on the node
# Checks a node over ssh after its first boot.
# Set by the caller: work, node, user, port, deadline, started.

# Runs the user's own ssh, which accepts only the host key pinned by mkimage.
login() {
    # shellcheck disable=SC2029 # the commands are meant to be run there, as they are
    timeout 90 ssh -p "$port" -i "$work/home/.ssh/id_ed25519" -l "$user" \
        -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o ConnectTimeout=40 \
        -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$work/cluster.secrets/known_hosts" \
        -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias="$node" -o LogLevel=ERROR -F none \
        127.0.0.1 "$1" </dev/null
}

# Waits until COMMAND succeeds on the node; fails at the deadline.
wait_on_node() {
    until login "$1" 2>"$work/login-error"; do
        emulator_runs || return 1
        ((SECONDS - started < deadline)) || return 1
        sleep 5
    done
}

check_first_boot() {
    passed "a login with the user's key, host key pinned in cluster.secrets/known_hosts as $node"
    check_equal "the host name" "$node" "$(login hostname)"
    check_equal "the user" "$user" "$(login 'id -un')"
    check "sudo works without a password" login 'sudo -n true'
    check "systemd took the drop-in for cloud-init from the kernel's command line" \
        login 'systemctl show -p DropInPaths cloud-init-main.service | grep -q cloud-init-main.service.d'
    check "cloud-init's runcmd has started mkimage/install, which installed its settings" \
        wait_on_node "sudo -n grep -qx \"MKIMAGE_NODE='$node'\" /etc/mkimage/settings"
    check "install has started mkimage-firstboot.service" \
        wait_on_node 'systemctl show -p ActiveState mkimage-firstboot.service | grep -Eqx "ActiveState=(active|activating)"'
    check "the first boot reports as this node" \
        wait_on_node "grep -q '\"node\": *\"$node\"' /run/mkimage/status.json"
    check "the secrets are root's alone" \
        login 'test "$(sudo -n stat -c "%U %a" /etc/mkimage/secrets)" = "root 700"'
    check "the kernel has the memory cgroup" login 'grep -qw memory /sys/fs/cgroup/cgroup.controllers'
    check "no clock of the machine's own knows better than 1970" \
        login '! test -e /sys/class/rtc/rtc0 || test "$(cat /sys/class/rtc/rtc0/since_epoch)" -lt 86400'
    check "the clock is not before the image was made" \
        wait_on_node "test \$(date +%s) -ge $(setting "$work/files/mkimage/settings" MKIMAGE_BUILD_TIME)"
    check_stick
    say "the node, $((SECONDS - started)) s after power on:"
    login 'systemctl show -p ActiveState,SubState,Result,NRestarts mkimage-firstboot.service
           echo "cloud-init: $(cloud-init status 2>/dev/null)"
           cat /run/mkimage/status.json; echo
           sudo -n tail -n 25 /boot/firmware/mkimage/firstboot.log' 2>&1 | quote
}

# Shuts down the node so that everything is on the card; by force if that takes too long.
switch_off() {
    local asked=$SECONDS
    login 'sudo -n systemctl poweroff' || true
    while emulator_runs && ((SECONDS - asked < 240)); do
        sleep 2
    done
    stop_emulator
}
