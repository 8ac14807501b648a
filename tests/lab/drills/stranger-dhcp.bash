# The same stranger on a network without fixed addresses, where it answers to a node's name.
fresh=pi4-2
dhcp_cluster
stranger_meets_a_fresh_node "$fresh"
! stranger_wins || blank_cluster
stranger_lies_while_the_cluster_forms stranger_takes_the_name "$fresh"
stranger_tries_the_cluster "$fresh"
stranger_leaves
if ! stranger_wins; then
    drill_begins
    drill_ends_well
    nothing_has_changed
fi
router_off
