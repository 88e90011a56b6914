//! OPC UA: the same kind of injection-moulding machine as in [`super::injection`], behind a server with security on.
//!
//! [`nodes`] says what it shows (pure), [`folder`] keeps its certificate and those of its clients, [`floor`] knows who watches
//! it, [`server`] is the door. Only these files and the client in `source/` name the library.

pub mod folder;
pub mod nodes;

mod floor;
pub mod server;

pub use folder::Folder;
pub use server::{Server, Setup};
