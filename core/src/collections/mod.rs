//! Data structures that know nothing of Redis's commands, keys or clients.
