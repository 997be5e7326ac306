/// `host:port`, `[2001:db8::1]:5061`, or a host alone.
struct HostPort: Hashable {
    let host: String
    let port: UInt16

    init?(_ text: String, defaultPort: UInt16) {
        var host = text[...]
        var port = defaultPort
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            if rest.hasPrefix(":") {
                guard let given = UInt16(rest.dropFirst()), given > 0 else { return nil }
                port = given
            } else if !rest.isEmpty {
                return nil
            }
        } else if text.filter({ $0 == ":" }).count == 1, let colon = text.firstIndex(of: ":") {
            guard let given = UInt16(text[text.index(after: colon)...]), given > 0 else { return nil }
            host = text[..<colon]
            port = given
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// An address rather than a name.
    var isLiteral: Bool { host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } }
}
