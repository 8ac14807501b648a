//! The real program on images that the real tools made, judged by other programs.

mod base;
mod bases_are_true;
mod eras;
mod judge;
mod workplace;
