//! The whole bank, from outside: the binary, real files, real clients.

mod access;
mod backup;
mod bedside;
mod bulk_import;
mod chest;
mod dataset;
mod dicom_network;
mod examples;
mod fhir_api;
mod fhir_operations;
mod fhir_write;
mod foreign;
mod images;
mod import;
mod messy;
mod models;
mod pages;
mod reading;
mod search_index;
mod support;
mod together;
mod trial;
mod validation;
mod views;
mod wizard;
