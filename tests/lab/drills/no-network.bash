# A first boot with the cable out: it goes on by itself when the cable is put in.
healthy_cluster
node=pi4-3
node_cut "$node"
flash_new "$node"
stick_new "$node"
: >"$(node_folder "$node")/cable-out"
node_on "$node"
check "it says that the network is missing" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" packages 'network|reach|server|resolv'
rm -f -- "$(node_folder "$node")/cable-out"
network_cable "$node" in
drill_begins
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
image_import "$node"
drill_ends_well
