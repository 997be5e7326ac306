import Testing

@testable import SIPCore

/// A message written with plain line ends: CRLF on the wire, and a Content-Length that fits the body unless one is
/// written.
func wire(_ head: String, body: String = "") -> [UInt8] {
    func crlf(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    }
    let body = Array(crlf(body).utf8)
    var head = head
    while head.hasSuffix("\n") { head.removeLast() }
    let lowered = head.lowercased()
    let hasLength = lowered.contains("\ncontent-length") || lowered.contains("\nl:") || lowered.contains("\nl :")
    if !hasLength { head += "\nContent-Length: \(body.count)" }
    return Array((crlf(head) + "\r\n\r\n").utf8) + body
}

extension Message {
    init(_ octets: [UInt8], limits: MessageLimits = .init()) throws(MalformedMessage) {
        try self.init(parsing: octets.span, limits: limits)
    }

    var request: Request? { if case .request(let request) = self { request } else { nil } }
    var response: Response? { if case .response(let response) = self { response } else { nil } }
}

extension StreamFramer {
    mutating func append(_ octets: [UInt8]) { append(octets.span) }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// A message with the name that a failing test should show.
struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var octets: [UInt8]

    init(_ name: String, _ octets: [UInt8]) {
        self.name = name
        self.octets = octets
    }

    var testDescription: String { name }
}
