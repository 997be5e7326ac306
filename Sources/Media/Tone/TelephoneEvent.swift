/// The payload of an RFC 4733 event packet (§2.3). Durations count in 8 kHz units also where the stream's timestamps run
/// at 48 kHz (meta-calling §11.6).
public struct TelephoneEvent: Hashable, Sendable {
    public static let length = 4
    /// Units of ``duration`` per second.
    public static let clockRate: UInt32 = 8_000

    /// 0…15: the DTMF keys.
    public var code: UInt8
    public var end: Bool
    /// Power below 1 mW, dBm0 without its sign, 0…63.
    public var volume: UInt8
    public var duration: UInt16

    public init(code: UInt8, end: Bool, volume: UInt8 = 10, duration: UInt16) {
        self.code = code
        self.end = end
        self.volume = min(volume, 63)
        self.duration = duration
    }

    /// Reads the first event of a payload; nil when it is too short.
    public init?(parsing payload: Span<UInt8>) {
        guard payload.count >= Self.length else { return nil }
        code = payload[0]
        end = payload[1] & 0x80 != 0
        volume = payload[1] & 0x3f
        duration = payload.bigEndian16(at: 2)
    }

    @inline(__always)
    public func write(into payload: UnsafeMutableRawBufferPointer) {
        precondition(payload.count >= Self.length, "no room for a telephone event")
        payload[0] = code
        payload[1] = volume | (end ? 0x80 : 0)
        payload[2] = UInt8(duration >> 8)
        payload[3] = UInt8(truncatingIfNeeded: duration)
    }

    private static let keys: [Character] = Array("0123456789*#ABCD")

    /// The key of an event code; nil for events that are none (flash, modem tones).
    public static func key(of code: UInt8) -> Character? { keys.indices.contains(Int(code)) ? keys[Int(code)] : nil }

    /// The event code of a key, letters in either case.
    public static func code(of key: Character) -> UInt8? {
        keys.firstIndex(of: Character(key.uppercased())).map { UInt8($0) }
    }
}
