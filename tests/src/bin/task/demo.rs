//! `cargo demo`: builds everything, starts the native server and serves the demo page.

use std::process::Child;
use std::time::Duration;

use crate::shell::Run;
use crate::{smoke, tools};

/// Redis's own port, so that `redis-cli` finds the server without being told.
const PORT: &str = "6379";

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let port = match args {
        [] => PORT,
        [flag, port] if flag == "--port" => port,
        _ => return Err("usage: cargo demo [--port PORT]".into()),
    };
    if std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() {
        return Err(format!("port {port} is taken, perhaps by a Redis: cargo demo --port 6380"));
    }
    let env = tools::wasm_env()?;
    tools::wasm_tools()?;
    tools::npm("npm")?;
    Run::new("npm run build").dir("npm").envs(&env).ok()?;
    tools::npm("demo")?;
    Run::new("npm run build").dir("demo").envs(&env).ok()?;
    let binary = smoke::release_server()?;

    let mut server = Run::new(&binary.to_string_lossy()).args(["--port", port]).start()?;
    let mut page = match Run::new("npm run preview").dir("demo").env("REDSTART_PORT", port).start()
    {
        Ok(page) => page,
        Err(e) => return stop(&mut [&mut server]).and(Err(e)),
    };
    println!("\nserver: redis-cli -p {port}\npage:   the address above; Ctrl-C ends both\n");
    let ended = loop {
        match (server.try_wait(), page.try_wait()) {
            (Ok(None), Ok(None)) => std::thread::sleep(Duration::from_millis(200)),
            (Ok(None), _) => break "the page's server ended",
            _ => break "the server ended",
        }
    };
    stop(&mut [&mut server, &mut page])?;
    Err(ended.into())
}

fn stop(children: &mut [&mut Child]) -> Result<(), String> {
    for child in children {
        // It may have ended by itself; what matters is that it is gone.
        let _ = child.kill();
        child.wait().map_err(|e| e.to_string())?;
    }
    Ok(())
}
