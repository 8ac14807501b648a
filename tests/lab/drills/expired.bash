# Certificates of the swarm have expired: those of a worker, and those of the only manager. The dates in the certificates move, because
# the nodes have the clock of their host.

# own_authority: the swarm gets an authority whose key is here, so that certificates with any date can be made.
own_authority() {
    rm -rf -- "$made" && mkdir -p -- "$made"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=swarm-ca \
        -keyout "$made/ca.key" -out "$made/ca.crt" 2>/dev/null
    in_node "$MANAGER" sh -c 'cat >/root/ca.crt' <"$made/ca.crt"
    in_node "$MANAGER" sh -c 'cat >/root/ca.key' <"$made/ca.key"
    in_node "$MANAGER" -t 200 docker swarm ca --rotate --quiet --ca-cert /root/ca.crt --ca-key /root/ca.key >/dev/null
}

# has_it NODE: a certificate of that authority.
has_it() {
    in_node "$1" sh -c 'openssl verify -CAfile /var/lib/docker/swarm/certificates/swarm-root-ca.crt /var/lib/docker/swarm/certificates/swarm-node.crt'
}

# certificate_expires NODE: it gets one that ended yesterday, for the same key and with the same names, while its Docker is down.
certificate_expires() {
    local folder=/var/lib/docker/swarm/certificates subject
    in_node "$1" systemctl stop docker.socket docker.service
    in_node "$1" cat "$folder/swarm-node.crt" >"$made/old.crt"
    # Docker keeps headers in the key's file, which openssl does not expect.
    in_node "$1" sed '/^[a-z-]*: /d; /^$/d' "$folder/swarm-node.key" >"$made/node.key"
    subject=$(openssl x509 -in "$made/old.crt" -noout -subject -nameopt compat | sed 's/^subject= *//')
    openssl req -new -key "$made/node.key" -subj "$subject" -out "$made/node.csr" 2>/dev/null
    printf 'subjectAltName=%s\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n' \
        "$(openssl x509 -in "$made/old.crt" -noout -ext subjectAltName | sed -n 's/^ *DNS:/DNS:/p' | tr -d ' ')" >"$made/extensions"
    : >"$made/index"
    cat >"$made/ca.conf" <<CONF
[ca]
default_ca = ours
[ours]
database = $made/index
serial = $made/serial
new_certs_dir = $made
certificate = $made/ca.crt
private_key = $made/ca.key
default_md = sha256
policy = any
[any]
commonName = supplied
organizationName = optional
organizationalUnitName = optional
CONF
    openssl ca -batch -config "$made/ca.conf" -preserveDN -create_serial -notext -extfile "$made/extensions" \
        -startdate 20250101000000Z -enddate "$(date -u -d yesterday +%Y%m%d000000Z)" -in "$made/node.csr" -out "$made/new.crt" 2>"$made/said" ||
        fail "the certificate of $1 could not be made: $(<"$made/said")"
    cat "$made/new.crt" "$made/ca.crt" | in_node "$1" sh -c "cat >$folder/swarm-node.crt"
    in_node "$1" systemctl start --no-block docker.service
}

docker_is_in_error() {
    [[ $(in_node "$1" -t 30 docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.Error}}') == 'error '*expired* ]]
}

swarm_is_active() {
    [[ $(in_node "$1" -t 30 docker info --format '{{.Swarm.LocalNodeState}}') == active ]]
}

healthy_cluster
made=$LAB_SCRATCH/expired
check "certificates last for years" in_node "$MANAGER" openssl x509 -noout -checkend 300000000 -in /var/lib/docker/swarm/certificates/swarm-node.crt
drill_begins
check "the swarm has an authority whose key is known" own_authority
for node in pi4-2 "$MANAGER"; do
    check "$node has a certificate of it" eventually 180 has_it "$node"
done

say "a worker was off until its certificate had expired"
certificate_expires pi4-2
check "its Docker is in error" eventually 120 docker_is_in_error pi4-2
check "it joins again by itself" eventually 400 swarm_is_active pi4-2
drill_ends_well

say "so was the only manager, whose card has a copy of its swarm from before"
drill_begins
check "the copy is made" in_node "$MANAGER" -t 200 systemctl start mkimage-state-copy.service
certificate_expires "$MANAGER"
check "its Docker is in error" eventually 120 docker_is_in_error "$MANAGER"
check "it takes its swarm from the copy" eventually 600 swarm_is_active "$MANAGER"
drill_ends_well

say "and again, without a copy that helps"
drill_begins
in_node "$MANAGER" sh -c 'rm -rf /var/lib/mkimage/state/copy*'
certificate_expires "$MANAGER"
check "its Docker is in error" eventually 120 docker_is_in_error "$MANAGER"
check "mkimage status names the command that helps" eventually 900 status_says "$MANAGER" 'mkimage-recover new-swarm'
check "mkimage-recover new-swarm" as_owner "$MANAGER" sudo mkimage-recover new-swarm
drill_ends_well
