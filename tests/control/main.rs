//! Steering a supervisor, and its end.

mod a_dead_supervisor_leaves_nobody_behind;
mod a_drain_is_orderly;
mod listeners_come_and_go;
mod shutdown_is_bounded;
mod the_handle_steers_every_session;
mod the_running_system_audits_itself;
