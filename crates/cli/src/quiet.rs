//! No telemetry. The maker's builds of the ONNX runtime, version 1.31 and later, keep a device id and a file of
//! events in the home folder and send them to their maker, from the moment when the library is opened; what the
//! program tells it afterwards comes too late. Only the environment stops all of it, and only before the program
//! starts (onnxruntime pull requests 27379 and 29843; their privacy page).

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Set to anything, it is the user's own decision.
const VARIABLE: &str = "ORT_DISABLE_TELEMETRY";

/// Starts the program again with the runtime's telemetry off, in the same process; returns where that is so already.
pub fn start() {
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let mut args = env::args_os();
    let Some((program, name)) = env::current_exe().ok().zip(args.next()) else { return };
    let why = Command::new(program).arg0(name).args(args).env(VARIABLE, "1").exec();
    // Still here: it could not be started.
    crate::output::note(&format!("warning: the ONNX runtime's telemetry stays on ({why}); set {VARIABLE}=1"));
}
