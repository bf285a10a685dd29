//! Sockets: there are none. Making one and looking up a name fail, and are recorded; all other functions need one.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynPollable, IoError, Network, SocketError, SocketResult, TcpSocket, UdpSocket,
    bindings::sockets::{
        ip_name_lookup::{self, HostResolveAddressStream, ResolveAddressStream},
        network::{self, ErrorCode, HostNetwork, IpAddress, IpAddressFamily},
        tcp_create_socket, udp_create_socket,
    },
};

use super::View;

impl View<'_> {
    fn no_sockets(&self, call: impl FnOnce() -> String) -> SocketError {
        self.host.meter.violate("net", || format!("{}; sockets are not part of this version", call()));
        ErrorCode::AccessDenied.into()
    }
}

impl network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    /// No stream is a socket's, and so no error is one.
    fn network_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        self.table.get(&error)?;
        Ok(None)
    }
}

impl HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        self.table.delete(network)?;
        Ok(())
    }
}

impl tcp_create_socket::Host for View<'_> {
    fn create_tcp_socket(&mut self, _family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        Err(self.no_sockets(|| "create-tcp-socket".into()))
    }
}

impl udp_create_socket::Host for View<'_> {
    async fn create_udp_socket(&mut self, _family: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        Err(self.no_sockets(|| "create-udp-socket".into()))
    }
}

impl ip_name_lookup::Host for View<'_> {
    fn resolve_addresses(&mut self, network: Resource<Network>, name: String) -> SocketResult<Resource<ResolveAddressStream>> {
        self.table.get(&network)?;
        Err(self.no_sockets(|| format!("resolve-addresses of `{}`", ambit_core::escape(&name, 128))))
    }
}

/// Nothing makes one of these.
impl HostResolveAddressStream for View<'_> {
    fn resolve_next_address(&mut self, stream: Resource<ResolveAddressStream>) -> SocketResult<Option<IpAddress>> {
        self.table.get(&stream)?;
        Err(self.no_sockets(|| "resolve-next-address".into()))
    }

    fn subscribe(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        wasmtime_wasi::p2::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
