//! A small report to the letter, and hostile ones that must not break out.

mod documents;
mod formula;
mod hostile;
