//! The real program on images that the real tools made, judged by other programs.

mod base;
mod bases_are_true;
mod containers;
mod damage;
mod eras;
mod interrupt;
mod judge;
mod promises;
mod workplace;
