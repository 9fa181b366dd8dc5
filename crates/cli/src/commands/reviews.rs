//! `callsift reviews`: backup and export of what people said.

use anyhow::Result;

use crate::args::{ReviewsArgs, ReviewsCommand};
use crate::commands::users::open;
use crate::exit::Exit;
use crate::output::note;

/// Backs up or exports.
pub fn run(args: &ReviewsArgs) -> Result<Exit> {
    let db = open(&args.data)?;
    match &args.command {
        ReviewsCommand::Backup { to } => {
            db.backup(to)?;
            note(&format!("backed up to {}", to.display()));
        }
        ReviewsCommand::Export => anyhow::bail!("export is being built"),
    }
    Ok(Exit::Done)
}
