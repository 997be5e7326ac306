package import NIOCore

/// Where a message came from and where its answer goes: one connection, or one UDP address pair.
package struct Flow: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable {
        case udp, tcp, tls

        /// The token of the Via header field (RFC 3261 §25.1).
        package var viaToken: String { rawValue.uppercased() }
        /// RFC 3261 §17: a reliable transport needs no retransmission.
        package var isReliable: Bool { self != .udp }
    }

    package let transport: Transport
    /// Number of the connection in this process; 0 for UDP, where the remote address tells flows apart.
    package let connection: UInt64
    /// Never IPv4-mapped, so that addresses of one host compare equal whatever the socket's family.
    package let remote: SocketAddress

    package init(transport: Transport, connection: UInt64, remote: SocketAddress) {
        self.transport = transport
        self.connection = connection
        self.remote = remote.unmapped
    }

    package var remoteHost: String { remote.ipAddress ?? "?" }
    package var remotePort: UInt16 { UInt16(clamping: remote.port ?? 0) }
}

/// A place that a connection can be opened to, or a datagram sent to.
package struct Target: Hashable, Sendable {
    package var transport: Flow.Transport
    /// Address literal or host name, resolved when the flow is opened.
    package var host: String
    package var port: UInt16
    /// Name that the peer's certificate must cover, sent as SNI; nil: the host.
    package var serverName: String?
    /// PEM file of the authorities to trust; nil: the system's.
    package var trustRootsFile: String?
    /// False only in stand-ins that call a server with a certificate it made itself.
    package var verifiesCertificate: Bool

    package init(
        transport: Flow.Transport, host: String, port: UInt16, serverName: String? = nil, trustRootsFile: String? = nil,
        verifiesCertificate: Bool = true
    ) {
        self.transport = transport
        self.host = host
        self.port = port
        self.serverName = serverName
        self.trustRootsFile = trustRootsFile
        self.verifiesCertificate = verifiesCertificate
    }
}
