//! The doctor against servers of the tests and of OpenSSL.

mod the_doctor_examines_openssl_servers;
mod the_doctor_names_the_cause;
