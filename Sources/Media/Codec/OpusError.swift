import COpus

/// What libopus refused, with its own code.
public struct OpusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One of libopus's negative `OPUS_…` codes.
    public let code: Int32

    public init(code: Int32) {
        self.code = code
    }

    /// An argument outside what libopus takes, such as a frame of an unknown length.
    public static let badArgument = OpusError(code: OPUS_BAD_ARG)
    /// The buffer handed in is shorter than the result.
    public static let bufferTooSmall = OpusError(code: OPUS_BUFFER_TOO_SMALL)
    /// The octets are no Opus packet (RFC 6716 §3.4).
    public static let invalidPacket = OpusError(code: OPUS_INVALID_PACKET)

    public var description: String {
        guard let text = opus_strerror(code) else { return "Opus error \(code)" }
        return "Opus error \(code): \(String(cString: text))"
    }

    static func check(_ result: Int32) throws(OpusError) {
        guard result >= 0 else { throw OpusError(code: result) }
    }
}
