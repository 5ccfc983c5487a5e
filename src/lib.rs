//! formcourier: website forms to CRM leads, at the edge.

pub mod config;
pub mod crm;
pub mod form;
pub mod guard;
pub mod lead;
pub mod pages;
