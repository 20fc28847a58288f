//! stub
use std::future::Future;
/// stub
#[derive(Clone, Debug, clap::Args)]
pub struct DemoConfig {}
impl DemoConfig {
    /// stub
    pub fn standard() -> DemoConfig {
        DemoConfig {}
    }
}
/// stub
pub async fn run(
    _listener: tokio::net::TcpListener,
    _config: DemoConfig,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    shutdown.await;
    Ok(())
}
