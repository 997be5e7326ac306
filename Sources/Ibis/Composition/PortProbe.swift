import Glibc

/// Finds out before anything starts whether the ports can be had, so that the message can name key and port.
enum PortProbe {
    struct Want: Sendable, Hashable {
        enum Transport: String, Sendable {
            case tcp = "TCP"
            case udp = "UDP"
        }
        var transport: Transport
        var address: String
        var port: UInt16
        var addressKey: String
        var portKey: String
    }

    static func wants(_ configuration: Configuration) -> [Want] {
        let (sip, console) = (configuration.sip, configuration.console)
        return [
            Want(
                transport: .tcp, address: sip.tlsAddress, port: sip.tlsPort, addressKey: "sip.tlsAddress",
                portKey: "sip.tlsPort"),
            Want(
                transport: .udp, address: sip.peerAddress, port: sip.peerPort, addressKey: "sip.peerAddress",
                portKey: "sip.peerPort"),
            Want(
                transport: .tcp, address: sip.peerAddress, port: sip.peerPort, addressKey: "sip.peerAddress",
                portKey: "sip.peerPort"),
            Want(
                transport: .tcp, address: console.address, port: console.port, addressKey: "console.address",
                portKey: "console.port"),
            // Whether the address is ours; the ports of the range are looked for call by call.
            Want(
                transport: .udp, address: configuration.media.address, port: 0, addressKey: "media.address",
                portKey: "media.portLow"),
        ]
    }

    /// Binds and lets go of each; another program can still be quicker, and then the listener's own error speaks.
    static func problems(
        _ wants: [Want], origins: [String: Origin] = [:]
    ) -> [ConfigurationProblem] {
        wants.compactMap { want in
            guard let code = bindError(want) else { return nil }
            return problem(want, code, origins)
        }
    }

    private static func problem(_ want: Want, _ code: Int32, _ origins: [String: Origin]) -> ConfigurationProblem {
        let (key, value, remedy): (String, String, String) =
            switch code {
            case EADDRINUSE:
                (
                    want.portKey, "\(want.port)",
                    "\(want.transport.rawValue) port \(want.port) is taken by another program; "
                        + "ss -\(want.transport == .tcp ? "lt" : "lu")np 'sport = :\(want.port)' shows which (as root). "
                        + "Stop it, or choose another \(want.portKey)"
                )
            case EACCES:
                (
                    want.portKey, "\(want.port)",
                    "this user may not listen below port 1024; choose a higher one, or grant CAP_NET_BIND_SERVICE"
                )
            case EADDRNOTAVAIL:
                (
                    want.addressKey, want.address,
                    "this machine has no such address; ip -brief address lists its own, 0.0.0.0 means all of them"
                )
            default:
                (want.addressKey, want.address, "cannot listen here: \(String(cString: strerror(code)))")
            }
        return ConfigurationProblem(key: key, value: value, origin: origins[key] ?? .builtIn, remedy: remedy)
    }

    /// Nil when the port can be had.
    private static func bindError(_ want: Want) -> Int32? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        hints.ai_socktype = Int32((want.transport == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(want.address, "\(want.port)", &hints, &list) == 0, let info = list?.pointee else {
            return EADDRNOTAVAIL
        }
        defer { freeaddrinfo(list) }
        let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        if want.transport == .tcp {
            // As the listener will: connections of an earlier run that linger are no obstacle.
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 else { return errno }
        if want.transport == .tcp, listen(descriptor, 1) != 0 { return errno }
        return nil
    }
}
