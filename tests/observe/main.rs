//! Events, observers and the log.

mod log_lines_are_fit_to_leave_on;
mod observers_harm_nobody;
mod secrets_stay_out_of_logs;
mod subscribers_lose_no_ending;
