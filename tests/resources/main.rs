//! What things cost a process: memory, descriptors, threads, allocations.

mod a_failed_dial_leaves_nothing_behind;
mod a_half_open_connection_costs_little;
mod a_message_costs_the_same_every_time;
mod connections_run_on_threads_of_their_own;
mod five_thousand_silent_peers_cost_nobody_anything;
mod running_out_of_descriptors_ends_no_listener;
