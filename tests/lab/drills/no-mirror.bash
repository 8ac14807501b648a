# A first boot while the package mirror answers 503: it goes on by itself when the mirror is well again.
healthy_cluster
node=pi4-3
node_cut "$node"
flash_new "$node"
stick_new "$node"
packages_stop
packages_start_broken "$NETWORK_ADDRESS"
node_on "$node"
check "it says that the server has an error" eventually "${MKLAB_PATIENCE:-900}" stage_says "$node" packages 'server|50[0-9]'
packages_stop
packages_start "$NETWORK_ADDRESS" OFFLINE
drill_begins
wait_state 'done' "${MKLAB_PATIENCE:-900}" "$node"
image_import "$node"
drill_ends_well
