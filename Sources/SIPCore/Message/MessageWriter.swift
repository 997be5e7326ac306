/// Puts messages into octets.
enum MessageWriter {
    /// A CR or LF inside a value would begin a new line, so each becomes a space: values may stem from another peer.
    static func encode(startLine: String, headers: Headers, body: [UInt8]) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(startLine.utf8.count + headers.count * 64 + body.count + 64)
        appendLine(startLine, to: &octets)
        for field in headers where field.name != .contentLength {
            octets += field.name.canonical.utf8
            octets += [UInt8(ascii: ":"), .space]
            appendLine(field.value, to: &octets)
        }
        octets += "Content-Length: \(body.count)\r\n\r\n".utf8
        octets += body
        return octets
    }

    private static func appendLine(_ text: String, to octets: inout [UInt8]) {
        if text.utf8.contains(where: { $0 == .cr || $0 == .lf }) {
            octets += text.utf8.map { $0 == .cr || $0 == .lf ? .space : $0 }
        } else {
            octets += text.utf8
        }
        octets += [.cr, .lf]
    }
}
